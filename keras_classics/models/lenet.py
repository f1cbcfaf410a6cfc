"""LeCun et al. 1998: LeNet-5."""

import numpy as np
from keras import layers

from keras_classics.blocks import predictions
from keras_classics.errors import ClassicsError, unknown
from keras_classics.initializers import LeCunUniform
from keras_classics.layers import RadialBasis, SparseConv2D, Subsampling2D, scaled_tanh
from keras_classics.spec import MNIST_32, Paper, Reported
from keras_classics.variant import Variant

PAPER = Paper(
    title="Gradient-Based Learning Applied to Document Recognition",
    authors="LeCun, Bottou, Bengio, Haffner",
    year=1998,
    venue="Proceedings of the IEEE 86(11)",
    url="https://doi.org/10.1109/5.726791",
)

TRAINED_WITH_DISTORTIONS = "trained with distorted copies as well"  # which of the reported errors it is

# Table I: the maps of S2 that each of the 16 maps of C3 reads.
C3_READS = (
    *((i, (i + 1) % 6, (i + 2) % 6) for i in range(6)),
    *((i, (i + 1) % 6, (i + 2) % 6, (i + 3) % 6) for i in range(6)),
    *((i, (i + 1) % 6, (i + 3) % 6, (i + 4) % 6) for i in range(3)),
    tuple(range(6)),
)

# Figure 3: the digits as 7x12 bitmaps, the targets of F6; # is +1 and . is -1. One row of the figure a line.
BITMAPS = """
.#####. ...##.. .#####. ####### .#####. .#####. ..####. ####### .#####. .#####.
....... ..###.. ....... .....## ....... ....... .##.... .....## ##...## ##..###
..###.. .####.. .#####. ....##. ....... ####### ##..... .....## ##...## ##...##
.##.##. ...##.. ##...## ...##.. .##..## ##..... ##..... ....##. ##...## ##...##
##...## ...##.. #....## ..####. .##..## ##..... ######. ...##.. .#####. ##..###
##...## ...##.. ....##. .....## ###..## .####.. ###..## ...##.. ##...## .######
##...## ...##.. ..###.. .....## ##...## ..####. ##...## ..##... ##...## .....##
##...## ...##.. .##.... .....## ##...## .....## ##...## ..##... ##...## .....##
.##.##. ...##.. ##..... ##...## ##..### ##...## ###..## ..##... ##...## ....##.
..###.. .###### ####### .#####. .###### .#####. .#####. ..##... .#####. .####..
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
....... ....... ....... ....... .....## ....... ....... ....... ....... .......
"""


def digit_codes() -> np.ndarray:
    """The bitmaps of the ten digits as rows of +1 and -1, shape (10, 84)."""
    rows = [line.split() for line in BITMAPS.split("\n") if line]
    return np.array([[1 if c == "#" else -1 for row in rows for c in row[digit]] for digit in range(10)])


def _squash(x, name):
    return layers.Activation(scaled_tanh, name=f"{name}_tanh")(x)


def features(x):
    """Figure 2, to C5: (N, 32, 32, 1) to (N, 1, 1, 120). C5 is a convolution: a larger image gives a map of outputs."""
    x = layers.Conv2D(6, 5, kernel_initializer=LeCunUniform(), name="c1")(x)  # (N, 28, 28, 6)
    x = Subsampling2D(name="s2")(_squash(x, "c1"))  # (N, 14, 14, 6)
    x = SparseConv2D(C3_READS, 5, name="c3")(_squash(x, "s2"))  # (N, 10, 10, 16)
    x = Subsampling2D(name="s4")(_squash(x, "c3"))  # (N, 5, 5, 16)
    x = layers.Conv2D(120, 5, kernel_initializer=LeCunUniform(), name="c5")(_squash(x, "s4"))
    return _squash(x, "c5")


def _f6(x):
    """F6: (N, 84)."""
    x = layers.Flatten(name="flatten")(x)
    return _squash(layers.Dense(84, kernel_initializer=LeCunUniform(), name="f6")(x), "f6")


def rbf_head(x, classes, activation):
    """F6 and the distances of its state to the digits' bitmaps, with their sign turned so that the nearest is greatest.

    Without `activation` the outputs are the negative penalties that the paper's criterion (equation 9) reads.
    """
    if classes != 10:
        raise ClassicsError(
            f"LeNet5's RBF output has bitmaps for the 10 digits, not for {classes} classes; pass output='softmax'."
        )
    x = RadialBasis(digit_codes(), dtype="float32", name="rbf")(_f6(x))
    x = layers.Rescaling(-1.0, dtype="float32", name="negative_penalty")(x)
    return layers.Activation(activation, dtype="float32", name="predictions")(x)


def softmax_head(x, classes, activation):
    """F6 and a trained dense layer: (N, classes)."""
    return predictions(_f6(x), classes, activation, LeCunUniform)


HEADS = {"rbf": (rbf_head, 60_000, 325_680), "softmax": (softmax_head, 60_850, 326_520)}
ERRORS = (
    Reported("mnist", top1=0.95, source="Figure 9"),
    Reported("mnist", top1=0.8, source="Figure 9", note=TRAINED_WITH_DISTORTIONS),
)
OUTPUT_DEPARTURES = {
    "rbf": "The RBF outputs are negated and pass through softmax, so that the greatest of them is the answer.",
    "softmax": "A trained dense layer with softmax stands for the RBF output.",
}


def lenet5(output: str = "rbf") -> Variant:
    """LeNet-5 with the paper's radial basis functions ("rbf"), or a trained dense layer ("softmax"), as its output."""
    if output not in HEADS:
        raise unknown("output of lenet5", output, HEADS)
    head, params, macs = HEADS[output]
    return Variant(
        name="lenet5",
        family="lenet",
        paper=PAPER,
        protocol=MNIST_32,
        channels=1,
        min_size=32,
        bound_to_size="top",
        params=params,
        macs=macs,
        features=features,
        head=head,
        vary=lenet5,
        reported=ERRORS if output == "rbf" else (),
        departures=(
            OUTPUT_DEPARTURES[output],
            "The coefficient of a subsampling map starts at 0.25, the mean of its field: a uniform draw over +-2.4 "
            "would start some maps dead or saturated.",
        ),
    )


LeNet5 = lenet5()
