"""Scheduled drop path in a small NASNet (Zoph et al. 2017, section 4)."""

from functools import partial

from keras_classics.models.nasnet import NORMAL, PAPER, REDUCTION, cifar_features
from training.experiments.design import Arm, Comparison, Experiment
from training.experiments.measures import GAP, TEST_ERROR
from training.experiments.networks import SHIFTS_AND_FLIPS, network, recipe
from training.recipe import SGD, Cosine


def nasnet(drop_path: float = 0.0):
    """NASNet-A's cells, three of them with 12 filters and up: (N, 32, 32, 3) to (N, 8, 8, 288)."""
    made = partial(cifar_features, normal=NORMAL, reduction=REDUCTION, filters=12, repeats=1, drop_path=drop_path)
    return network("nasnet_small", PAPER, made, vary=nasnet)


NASNET = nasnet()

EXPERIMENT = Experiment(
    name="drop_path",
    claim="Scheduled drop path lowers the test error of a NASNet.",
    source="NASNet (Zoph et al. 2017), section 4",
    paper_figure="that it improves NASNets considerably, and drop path without a schedule does not; no figures",
    design=(
        "A NASNet-A of three normal cells and two reductions is trained on a tenth of CIFAR-10 with and without paths "
        "that are dropped, in the end four of ten. It is far smaller than the paper's, and so needs less of it."
    ),
    arms=(Arm("without", NASNET), Arm("drop path 0.4", NASNET, {"build": {"drop_path": 0.4}})),
    varies=("build.drop_path",),
    comparisons=(Comparison("without", "drop path 0.4", TEST_ERROR), Comparison("without", "drop path 0.4", GAP)),
    recipe=recipe(
        PAPER,
        epochs=25,
        optimizer=SGD(momentum=0.9, weight_decay=5e-4, nesterov=True),
        schedule=Cosine(0.025),
        augment=SHIFTS_AND_FLIPS,
    ),
    limit=5000,
    seeds=3,
    minutes=90,
)
