"""Batch normalisation reaches the same error in a fraction of the steps (Ioffe and Szegedy 2015, figure 2)."""

from functools import partial

from keras_classics.blocks import conv, conv_bn_relu, max_pool, relu
from keras_classics.models.inception_v2 import PAPER
from training.experiments.design import Arm, Comparison, Experiment
from training.experiments.measures import VALIDATION_ERROR, Reach
from training.experiments.networks import network, recipe
from training.recipe import SGD, Steps

RATE = 0.01
WITHOUT = "no BN x1"


def features(x, batch_norm):
    """Two layers of 3x3 at each of three sizes: (N, 32, 32, 3) to (N, 4, 4, 128)."""
    for stage, filters in enumerate((32, 64, 128), 1):
        for name in (f"conv{stage}_1", f"conv{stage}_2"):
            if batch_norm:
                x = conv_bn_relu(x, filters, 3, name=name)
            else:
                x = relu(conv(x, filters, 3, use_bias=True, name=name), f"{name}_relu")
        x = max_pool(x, 2, 2, name=f"pool{stage}")
    return x


def six_layers(batch_norm):
    name = "six_layers_bn" if batch_norm else "six_layers"
    return network(name, PAPER, partial(features, batch_norm=batch_norm))


PLAIN, NORMALIZED = six_layers(False), six_layers(True)
SOONER = Reach(
    "epochs_to_plain",
    "passes until the best error without BN",
    "epochs",
    VALIDATION_ERROR,
    None,
    WITHOUT,
)


def at(times):
    return {"schedule": Steps((times * RATE,))}


EXPERIMENT = Experiment(
    name="batch_normalization",
    claim="With batch normalisation a network comes to the same error in a fraction of the steps, at rates that it "
    "cannot bear without.",
    source="BN-Inception (Ioffe and Szegedy 2015), section 4.2.2, figures 2 and 3",
    paper_figure="the same accuracy in 2.3 times fewer steps at the same rate, 14 times at x5, 11 times at x30",
    design=(
        "A network of six convolutions is trained on a tenth of CIFAR-10 with and without batch normalisation, at the "
        "same constant rate and at 5 and 30 times that. What counts is when the error on 1,000 held-out images is that "
        "which the network without comes to at best; the network is not the paper's Inception."
    ),
    arms=(
        Arm(WITHOUT, PLAIN, at(1)),
        Arm("no BN x5", PLAIN, at(5)),
        Arm("BN x1", NORMALIZED, at(1)),
        Arm("BN x5", NORMALIZED, at(5)),
        Arm("BN x30", NORMALIZED, at(30)),
    ),
    varies=("network.batch_norm", "schedule"),
    comparisons=(
        Comparison(WITHOUT, "BN x1", SOONER, least=1.0, ratio=True),
        Comparison(WITHOUT, "BN x5", SOONER, least=2.0, ratio=True),
        Comparison("no BN x5", "BN x5", SOONER, least=1.0, ratio=True),
    ),
    recipe=recipe(
        PAPER,
        epochs=12,
        optimizer=SGD(momentum=0.9),
        schedule=Steps((RATE,)),
        hold_out=6,
    ),
    limit=6000,
    seeds=4,
    curve=VALIDATION_ERROR,
    minutes=55,
)
