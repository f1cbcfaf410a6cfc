"""Auxiliary heads in Inception v1, early and late (Szegedy et al. 2014, section 5; 2015, section 4)."""

import dataclasses

from keras_classics.models.inception_v1 import PAPER, InceptionV1CIFAR
from training.experiments.design import Arm, Comparison, Experiment
from training.experiments.measures import TEST_ERROR, TRAINING_ERROR, At
from training.experiments.networks import SHIFTS_AND_FLIPS, recipe
from training.recipe import SGD, Cosine

EARLY = At("early_error", "training error in epoch 5", curve=TRAINING_ERROR, epoch=5)
WITH_HEADS = {"build": {"aux_heads": True}}


def weighted(name, weight):
    """The reduced network, whose two heads have this weight in the loss."""
    return dataclasses.replace(
        InceptionV1CIFAR, name=f"inception_v1_cifar_{name}", family="experiment", aux_weights=(weight, weight)
    )


PLAIN = weighted("plain", 0.3)

EXPERIMENT = Experiment(
    name="auxiliary_heads",
    claim="Auxiliary heads change little early in training, and lower the test error in the end.",
    source="Inception v1 (Szegedy et al. 2014), section 5; Inception v3 (2015), section 4",
    paper_figure="v1: their effect is minor, some 0.5%; v3: no faster at first, slightly better near the end",
    design=(
        "An Inception v1 with a quarter of its filters is trained on a tenth of CIFAR-10 without auxiliary heads, with "
        "both at the paper's weight of 0.3, and at 1. Little is a difference of at most 3 points of training error "
        "after a quarter of the epochs; the heads are not in the network that is judged."
    ),
    arms=(
        Arm("no heads", PLAIN),
        Arm("weight 0.3", PLAIN, WITH_HEADS),
        Arm("weight 1", weighted("whole", 1.0), WITH_HEADS),
    ),
    varies=("build.aux_heads", "network.aux_weights"),
    comparisons=(
        Comparison("no heads", "weight 0.3", EARLY, least=-3.0),
        Comparison("weight 0.3", "no heads", EARLY, least=-3.0),
        Comparison("no heads", "weight 0.3", TEST_ERROR),
    ),
    recipe=recipe(
        PAPER,
        epochs=20,
        optimizer=SGD(momentum=0.9, weight_decay=2e-4),
        schedule=Cosine(0.02),
        warm_up=1,
        augment=SHIFTS_AND_FLIPS,
    ),
    limit=5000,
    seeds=4,
    minutes=55,
)
