"""Lin et al. 2013: Network in Network, for CIFAR-10."""

from keras import layers

from keras_classics.blocks import avg_pool, conv_relu, max_pool, pool
from keras_classics.spec import CIFAR10_32, Paper, Reported
from keras_classics.variant import Variant

PAPER = Paper(
    title="Network In Network",
    authors="Lin, Chen, Yan",
    year=2013,
    venue="ICLR 2014",
    url="https://arxiv.org/abs/1312.4400",
)

TRAINED_WITH_COPIES = "trained with shifted and mirrored copies"  # which of the reported errors it is


def mlpconv(x, size, *filters, name):
    """Section 3.1: a convolution, then fully connected layers across the maps at each place; ReLU after each.

    Shapes: (N, H, W, C) to (N, H, W, filters[-1]).
    """
    for i, maps in enumerate(filters, 1):
        x = conv_relu(x, maps, size if i == 1 else 1, name=f"{name}_{i}")
    return x


def features(x):
    """Figure 2, to the layer before the last: (N, 32, 32, 3) to (N, 8, 8, 192). Half is dropped out between blocks."""
    x = mlpconv(x, 5, 192, 160, 96, name="mlpconv1")  # (N, 32, 32, 96)
    x = layers.Dropout(0.5, name="dropout1")(max_pool(x, 3, 2, padding=1, name="pool1"))
    x = mlpconv(x, 5, 192, 192, 192, name="mlpconv2")  # (N, 16, 16, 192)
    x = layers.Dropout(0.5, name="dropout2")(avg_pool(x, 3, 2, counts_padding=True, name="pool2"))
    return mlpconv(x, 3, 192, 192, name="mlpconv3")


def head(x, classes, activation):
    """Section 3.2: the last layer of the third block gives a map for each class, whose average is the class's score."""
    x = pool(conv_relu(x, classes, 1, name="mlpconv3_3"), "avg")
    return layers.Activation(activation, dtype="float32", name="predictions")(x)


NiN = Variant(
    name="nin",
    family="nin",
    paper=PAPER,
    protocol=CIFAR10_32,
    min_size=1,
    params=966_986,
    macs=222_486_528,
    features=features,
    head=head,
    reported=(
        Reported("cifar10", 10.41, source="Table 1"),
        Reported("cifar10", 8.81, source="Table 1", note=TRAINED_WITH_COPIES),
    ),
    departures=(
        "The paper prints no filter counts, kernels or pools: they are those of the authors' published network.",
        "Pools have a border of zeros on all sides, as in the checkpoints of pytorchcv; in the authors' network the "
        "last windows hang over the map, and do not count what is outside.",
        "Weights start by He's rule of 2015; the paper says only that they were set by hand.",
        "Pixels are normalised by channel means and deviations; the paper uses global contrast normalisation and ZCA, "
        "which a network brings with it that the recipe nin-cifar10 trained.",
    ),
)
