"""LeCun et al. 1989: the first convolutional network trained by backpropagation on a real task, zip code digits."""

from keras import layers

from keras_classics.initializers import LeCunUniform
from keras_classics.layers import ConstantPadding2D, SparseConv2D, UnitBias, channels_of, scaled_tanh
from keras_classics.spec import MNIST_16, Paper, Reported
from keras_classics.variant import Variant

PAPER = Paper(
    title="Backpropagation Applied to Handwritten Zip Code Recognition",
    authors="LeCun, Boser, Denker, Henderson, Howard, Hubbard, Jackel",
    year=1989,
    venue="Neural Computation 1(4)",
    url="https://doi.org/10.1162/neco.1989.1.4.541",
)

# Each of the 12 maps of H2 reads 8 of the 12 maps of H1. The paper does not say which; this is the choice of
# karpathy/lecun1989-repro: a block of four maps of H2 leaves out one block of four maps of H1.
H2_READS = (tuple(range(8)),) * 4 + (tuple(range(4, 12)),) * 4 + ((*range(4), *range(8, 12)),) * 4


def _feature_maps(x, connections, name):
    """12 maps at half the resolution: 5x5 fields, two pixels apart, with a shared kernel and a bias for each unit.

    The border that the fields reach over is taken to be background, -1.
    """
    x = ConstantPadding2D(2, -1.0, name=f"{name}_pad")(x)
    x = SparseConv2D(connections, 5, strides=2, use_bias=False, name=f"{name}_conv")(x)
    x = UnitBias(name=f"{name}_bias")(x)
    return layers.Activation(scaled_tanh, name=f"{name}_tanh")(x)


def features(x):
    """Figure 3: (N, 16, 16, 1), H1 (N, 8, 8, 12), H2 (N, 4, 4, 12)."""
    x = _feature_maps(x, (tuple(range(channels_of(x))),) * 12, "h1")
    return _feature_maps(x, H2_READS, "h2")


def head(x, classes, activation):
    """H3 (N, 30) and the output (N, classes), each fully connected."""
    x = layers.Flatten(name="flatten")(x)
    x = layers.Dense(30, activation=scaled_tanh, kernel_initializer=LeCunUniform(), name="h3")(x)
    return layers.Dense(
        classes, activation=activation, kernel_initializer=LeCunUniform(), dtype="float32", name="predictions"
    )(x)


LeCun1989 = Variant(
    name="lecun1989",
    family="lecun1989",
    paper=PAPER,
    protocol=MNIST_16,
    channels=1,
    min_size=4,
    bound_to_size="all",
    params=9_760,
    macs=63_660,
    features=features,
    head=head,
    classifier_activation=scaled_tanh,
    reported=(
        Reported(
            "zip codes", top1=5.0, source="section 5", note="2,007 test digits, after 23 passes; 0.14 in training"
        ),
    ),
    departures=(
        "Which 8 maps of H1 each map of H2 reads is not in the paper: here blocks of four, as in "
        "karpathy/lecun1989-repro.",
        "The squashing function is 1.7159 tanh(2x/3), the constants of the 1998 paper; this one says only 'scaled "
        "hyperbolic tangent'.",
        "The zip code digits are not public: MNIST resized to 16x16 stands in for them.",
    ),
)
