"""He's initialisation against Xavier's in a deep plain network (He et al. 2015, "Delving Deep into Rectifiers")."""

from functools import partial

import keras
from keras import layers

from keras_classics.blocks import conv, relu
from keras_classics.spec import Paper
from training.experiments.design import Arm, Comparison, Experiment
from training.experiments.measures import TRAIN_ERROR
from training.experiments.networks import network, recipe
from training.recipe import SGD, Steps

PAPER = Paper(
    title="Delving Deep into Rectifiers: Surpassing Human-Level Performance on ImageNet Classification",
    authors="He, Zhang, Ren, Sun",
    year=2015,
    venue="ICCV 2015",
    url="https://arxiv.org/abs/1502.01852",
)
STAGES = ((16, 10), (32, 10), (64, 9))  # filters and layers; with the last layer they are thirty


def scaled(gain):
    """N(0, gain / fan-in): a gain of 2 is He's (equation 10), one of 1 Xavier's as the paper has it (equation 12)."""
    return keras.initializers.VarianceScaling(gain, "fan_in", "untruncated_normal")


def features(x, gain):
    """29 layers of 3x3 and ReLU, without normalisation or shortcuts: (N, 32, 32, 3) to (N, 4, 4, 64)."""
    for stage, (filters, count) in enumerate(STAGES, 1):
        for i in range(1, count + 1):
            strides, name = 2 if i == 1 else 1, f"conv{stage}_{i}"
            initializer = partial(scaled, gain)
            x = conv(x, filters, 3, strides, use_bias=True, kernel_initializer=initializer, name=name)
            x = relu(x, f"{name}_relu")
    return x


def head(x, classes, activation, gain):
    """The thirtieth layer: (N, 4, 4, 64) to (N, classes)."""
    x = layers.GlobalAveragePooling2D(name="avg_pool")(x)
    initializer = scaled(gain)
    return layers.Dense(
        classes, activation=activation, kernel_initializer=initializer, dtype="float32", name="predictions"
    )(x)


def thirty_layers(name, gain):
    return network(f"thirty_layers_{name}", PAPER, partial(features, gain=gain), partial(head, gain=gain))


EXPERIMENT = Experiment(
    name="initialization",
    claim="A plain network of thirty layers learns with He's initial weights and stalls with Xavier's.",
    source='"Delving Deep into Rectifiers" (He et al. 2015), section 2.2 and figure 3',
    paper_figure="Xavier's completely stalls, He's converges, in a network of 30 layers on ImageNet",
    design=(
        "A network of thirty layers with ReLUs, without batch normalisation and shortcuts, is trained on a tenth of "
        "CIFAR-10 from weights of a variance of 2 / fan-in and of 1 / fan-in, each at the best of three rates, which a "
        "run of its own chooses. It is far narrower than the paper's, which saw ImageNet."
    ),
    arms=(Arm("He", thirty_layers("he", 2.0)), Arm("Xavier", thirty_layers("xavier", 1.0))),
    varies=("network.gain", "network.head.gain"),
    comparisons=(Comparison("Xavier", "He", TRAIN_ERROR, least=5.0),),
    recipe=recipe(
        PAPER,
        epochs=15,
        optimizer=SGD(momentum=0.9),
        schedule=Steps((0.01,)),
    ),
    limit=5000,
    rates=(0.003, 0.01, 0.03),
    minutes=90,
)
