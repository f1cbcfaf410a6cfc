"""Szegedy et al. 2016: Inception-v4, the pure Inception network of the paper that also has Inception-ResNet."""

from functools import partial

from keras_classics.blocks import avg_pool, concat, conv_bn_relu, global_pool_head, max_pool
from keras_classics.models.inception_v3 import GAMMA_DEPARTURE
from keras_classics.spec import IMAGENET_299, NOT_BLACKLISTED, Paper, Reported
from keras_classics.variant import Variant

PAPER = Paper(
    title="Inception-v4, Inception-ResNet and the Impact of Residual Connections on Learning",
    authors="Szegedy, Ioffe, Vanhoucke, Alemi",
    year=2016,
    venue="AAAI 2017",
    url="https://arxiv.org/abs/1602.07261",
)

V = "valid"  # the figures' mark of what is not padded


def activated_conv(x, filters, kernel_size, strides=1, padding="same", *, name):
    """A convolution, batch normalisation and ReLU: layers `name`_conv, `name`_bn and `name`_relu."""
    constants = {"momentum": 0.9997, "epsilon": 1e-3}
    return conv_bn_relu(x, filters, kernel_size, strides, padding=padding, name=name, **constants)


def convs(x, *steps, name):
    """Such convolutions in a row, `name`_1, `name`_2 ...; a step is (filters, kernel size[, strides, padding])."""
    for i, step in enumerate(steps, 1):
        x = activated_conv(x, *step, name=f"{name}_{i}")
    return x


average_pool = partial(avg_pool, pool_size=3, counts_padding=False)


def stem(x):
    """Figure 3: (N, 299, 299, 3) to (N, 35, 35, 384)."""
    x = convs(x, (32, 3, 2, V), (32, 3, 1, V), (64, 3), name="stem_1")  # (N, 147, 147, 64)
    branches = [
        max_pool(x, 3, 2, name="stem_2_branch1_pool"),
        convs(x, (96, 3, 2, V), name="stem_2_branch2"),
    ]
    x = concat(branches, "stem_2")  # (N, 73, 73, 160)
    branches = [
        convs(x, (64, 1), (96, 3, 1, V), name="stem_3_branch1"),
        convs(x, (64, 1), (64, (1, 7)), (64, (7, 1)), (96, 3, 1, V), name="stem_3_branch2"),
    ]
    x = concat(branches, "stem_3")  # (N, 71, 71, 192)
    branches = [
        convs(x, (192, 3, 2, V), name="stem_4_branch1"),
        max_pool(x, 3, 2, name="stem_4_branch2_pool"),
    ]
    return concat(branches, "stem_4")


def inception_a(x, name):
    """Figure 4: (N, 35, 35, 384) to the same."""
    branches = [
        convs(x, (96, 1), name=f"{name}_branch1"),
        convs(x, (64, 1), (96, 3), name=f"{name}_branch2"),
        convs(x, (64, 1), (96, 3), (96, 3), name=f"{name}_branch3"),
        convs(average_pool(x, name=f"{name}_branch4_pool"), (96, 1), name=f"{name}_branch4"),
    ]
    return concat(branches, name)


def inception_b(x, name):
    """Figure 5: (N, 17, 17, 1024) to the same."""
    branches = [
        convs(x, (384, 1), name=f"{name}_branch1"),
        convs(x, (192, 1), (224, (1, 7)), (256, (7, 1)), name=f"{name}_branch2"),
        convs(x, (192, 1), (192, (7, 1)), (224, (1, 7)), (224, (7, 1)), (256, (1, 7)), name=f"{name}_branch3"),
        convs(average_pool(x, name=f"{name}_branch4_pool"), (128, 1), name=f"{name}_branch4"),
    ]
    return concat(branches, name)


def inception_c(x, name):
    """Figure 6: (N, 8, 8, 1536) to the same. Two of the branches fork into a 1x3 and a 3x1."""
    branch2 = convs(x, (384, 1), name=f"{name}_branch2")
    branch3 = convs(x, (384, 1), (448, (3, 1)), (512, (1, 3)), name=f"{name}_branch3")
    branches = [
        convs(x, (256, 1), name=f"{name}_branch1"),
        activated_conv(branch2, 256, (1, 3), name=f"{name}_branch2_1x3"),
        activated_conv(branch2, 256, (3, 1), name=f"{name}_branch2_3x1"),
        activated_conv(branch3, 256, (1, 3), name=f"{name}_branch3_1x3"),
        activated_conv(branch3, 256, (3, 1), name=f"{name}_branch3_3x1"),
        convs(average_pool(x, name=f"{name}_branch4_pool"), (256, 1), name=f"{name}_branch4"),
    ]
    return concat(branches, name)


def reduction_a(x, k, l, m, n):  # noqa: E741
    """Figure 7, with the filters k, l, m, n of Table 1: (N, 35, 35, C) to (N, 17, 17, n + m + C)."""
    branches = [
        convs(x, (n, 3, 2, V), name="reduction_a_branch1"),
        convs(x, (k, 1), (l, 3), (m, 3, 2, V), name="reduction_a_branch2"),
        max_pool(x, 3, 2, name="reduction_a_branch3_pool"),
    ]
    return concat(branches, "reduction_a")


def reduction_b(x):
    """Figure 8: (N, 17, 17, 1024) to (N, 8, 8, 1536)."""
    branches = [
        convs(x, (192, 1), (192, 3, 2, V), name="reduction_b_branch1"),
        convs(x, (256, 1), (256, (1, 7)), (320, (7, 1)), (320, 3, 2, V), name="reduction_b_branch2"),
        max_pool(x, 3, 2, name="reduction_b_branch3_pool"),
    ]
    return concat(branches, "reduction_b")


def features(x):
    """Figure 9, to the average pooling: (N, 299, 299, 3) to (N, 8, 8, 1536)."""
    x = stem(x)
    for i in range(4):
        x = inception_a(x, f"inception_a{i + 1}")
    x = reduction_a(x, 192, 224, 256, 384)
    for i in range(7):
        x = inception_b(x, f"inception_b{i + 1}")
    x = reduction_b(x)
    for i in range(3):
        x = inception_c(x, f"inception_c{i + 1}")
    return x


# The end of Figures 9 and 15: average pooling, dropout that keeps 0.8, and softmax.
dropout_head = partial(global_pool_head, dropout=0.2)


def reported(one_crop, twelve_crops, many_crops) -> tuple[Reported, ...]:
    """Tables 2 to 4: a pair of top-1 and top-5 errors from each."""
    return (
        Reported("imagenet2012", one_crop[0], one_crop[1], "1 crop", "Table 2", NOT_BLACKLISTED),
        Reported("imagenet2012", twelve_crops[0], twelve_crops[1], "12 crops", "Table 3"),
        Reported("imagenet2012", many_crops[0], many_crops[1], "144 crops", "Table 4"),
    )


CONSTANTS_DEPARTURE = (
    "Batch normalisation has the constants of the authors' code (epsilon 0.001, decay 0.9997), weights start as in He "
    "et al. 2015, and pixels are scaled to -1..1: the paper says nothing of these."
)

# What all networks of the paper share.
network = partial(
    Variant,
    paper=PAPER,
    protocol=IMAGENET_299,
    min_size=75,
)

InceptionV4 = network(
    name="inception_v4",
    family="inception_v4",
    params=42_679_816,
    macs=12_253_974_624,
    features=features,
    head=dropout_head,
    reported=reported((20.0, 5.0), (18.7, 4.2), (17.7, 3.8)),
    departures=(
        "The network is the one that the authors published. Figure 5 prints 1x7 twice in a row where it has 1x7 and "
        "7x1, and prints the four of the longest branch in another order; Figure 3 leaves out the stride 2 of its last "
        "convolution.",
        CONSTANTS_DEPARTURE,
        GAMMA_DEPARTURE,
    ),
)
