"""Szegedy et al. 2015: Inception v3, with factorised convolutions and a batch-normalised auxiliary head."""

from functools import partial

from keras import layers

from keras_classics.blocks import avg_pool, concat, conv_bn_relu, global_pool_head, predictions
from keras_classics.layers import AveragePooling2D, MaxPooling2D
from keras_classics.spec import IMAGENET_299, NOT_BLACKLISTED, Paper, Reported
from keras_classics.variant import Variant

PAPER = Paper(
    title="Rethinking the Inception Architecture for Computer Vision",
    authors="Szegedy, Vanhoucke, Ioffe, Shlens, Wojna",
    year=2015,
    venue="CVPR 2016",
    url="https://arxiv.org/abs/1512.00567",
)

# TensorFlow's padding: "same", but for the stem and whatever reduces the map. The constants are the authors' code's.
any_conv = partial(conv_bn_relu, momentum=0.9997, epsilon=1e-3)
same_conv, valid_conv = partial(any_conv, padding="same"), partial(any_conv, padding="valid")


def chain(x, name, *convolutions):
    """Convolutions (part of the name, filters, kernel size) one after the other."""
    for part, filters, kernel_size in convolutions:
        x = same_conv(x, filters, kernel_size, name=f"{name}_{part}")
    return x


def grid_35(x, proj, name, average):
    """Figure 5: (N, 35, 35, C) to (N, 35, 35, 224 + proj)."""
    branches = [
        same_conv(x, 64, 1, name=f"{name}_1x1"),
        chain(x, name, ("5x5_reduce", 48, 1), ("5x5", 64, 5)),
        chain(x, name, ("double_3x3_reduce", 64, 1), ("double_3x3_1", 96, 3), ("double_3x3_2", 96, 3)),
        same_conv(average(x, 3, name=f"{name}_pool"), proj, 1, name=f"{name}_pool_proj"),
    ]
    return concat(branches, f"{name}_output")


def reduce_to_17(x, name):
    """Figure 10: (N, 35, 35, 288) to (N, 17, 17, 768)."""
    double = chain(x, name, ("double_3x3_reduce", 64, 1), ("double_3x3_1", 96, 3))
    branches = [
        valid_conv(x, 384, 3, 2, name=f"{name}_3x3"),
        valid_conv(double, 96, 3, 2, name=f"{name}_double_3x3_2"),
        MaxPooling2D(3, 2, name=f"{name}_pool")(x),
    ]
    return concat(branches, f"{name}_output")


def grid_17(x, width, name, average):
    """Figure 6, n = 7: (N, 17, 17, 768) to the same, with 1x7 and 7x1 convolutions for the 7x7."""
    double = [
        ("double_7x7_reduce", width, 1),
        ("double_7x7_1", width, (7, 1)),
        ("double_7x7_2", width, (1, 7)),
        ("double_7x7_3", width, (7, 1)),
        ("double_7x7_4", 192, (1, 7)),
    ]
    branches = [
        same_conv(x, 192, 1, name=f"{name}_1x1"),
        chain(x, name, ("7x7_reduce", width, 1), ("7x7_1", width, (1, 7)), ("7x7_2", 192, (7, 1))),
        chain(x, name, *double),
        same_conv(average(x, 3, name=f"{name}_pool"), 192, 1, name=f"{name}_pool_proj"),
    ]
    return concat(branches, f"{name}_output")


def reduce_to_8(x, name):
    """(N, 17, 17, 768) to (N, 8, 8, 1280)."""
    three = same_conv(x, 192, 1, name=f"{name}_3x3_reduce")
    seven = chain(x, name, ("7x7_reduce", 192, 1), ("7x7_1", 192, (1, 7)), ("7x7_2", 192, (7, 1)))
    branches = [
        valid_conv(three, 320, 3, 2, name=f"{name}_3x3"),
        valid_conv(seven, 192, 3, 2, name=f"{name}_7x7_3x3"),
        MaxPooling2D(3, 2, name=f"{name}_pool")(x),
    ]
    return concat(branches, f"{name}_output")


def fan(x, name):
    """1x3 and 3x1 convolutions of the same maps, side by side."""
    sides = [same_conv(x, 384, (1, 3), name=f"{name}_1x3"), same_conv(x, 384, (3, 1), name=f"{name}_3x1")]
    return concat(sides, f"{name}_output")


def grid_8(x, name, average):
    """Figure 7: (N, 8, 8, C) to (N, 8, 8, 2048)."""
    branches = [
        same_conv(x, 320, 1, name=f"{name}_1x1"),
        fan(same_conv(x, 384, 1, name=f"{name}_3x3_reduce"), f"{name}_3x3"),
        fan(
            chain(x, name, ("double_3x3_reduce", 448, 1), ("double_3x3_1", 384, 3)),
            f"{name}_double_3x3",
        ),
        same_conv(average(x, 3, name=f"{name}_pool"), 192, 1, name=f"{name}_pool_proj"),
    ]
    return concat(branches, f"{name}_output")


# The modules on each grid, by the names of the published code.
ON_35 = {"5b": 32, "5c": 64, "5d": 64}  # filters behind the pool
ON_17 = {"6b": 128, "6c": 160, "6d": 160, "6e": 192}  # filters within the factorised 7x7
ON_8 = ("7b", "7c")


def features(x, counts_padding):
    """Table 1: (N, 299, 299, 3), stem (N, 35, 35, 192), 5d (N, 35, 35, 288), 6e (N, 17, 17, 768), 7c (N, 8, 8, 2048).

    The tap is 6e.
    """
    average = partial(avg_pool, counts_padding=counts_padding)
    x = valid_conv(x, 32, 3, 2, name="conv_1a")
    x = valid_conv(x, 32, 3, name="conv_2a")
    x = same_conv(x, 64, 3, name="conv_2b")
    x = MaxPooling2D(3, 2, name="pool_3a")(x)
    x = same_conv(x, 80, 1, name="conv_3b")
    x = valid_conv(x, 192, 3, name="conv_4a")
    x = MaxPooling2D(3, 2, name="pool_5a")(x)
    for module, proj in ON_35.items():
        x = grid_35(x, proj, f"mixed_{module}", average)
    x = reduce_to_17(x, "mixed_6a")
    for module, width in ON_17.items():
        x = grid_17(x, width, f"mixed_{module}", average)
    taps = {"aux_1": x}
    x = reduce_to_8(x, "mixed_7a")
    for module in ON_8:
        x = grid_8(x, f"mixed_{module}", average)
    return x, taps


def aux_head(x, classes, activation, name):
    """Section 4: (N, 17, 17, 768) to (N, 5, 5, 768), (N, 5, 5, 128), (N, 1, 1, 768) and (N, classes)."""
    x = AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    x = valid_conv(same_conv(x, 128, 1, name=f"{name}_1x1"), 768, 5, name=f"{name}_5x5")
    x = layers.GlobalAveragePooling2D(name=f"{name}_avg_pool")(x)
    return predictions(x, classes, activation, name=name)


ERRORS = (
    Reported("imagenet2012", 21.2, 5.6, source="Table 3", note=NOT_BLACKLISTED),
    Reported("imagenet2012", 19.47, 4.48, views="12 crops", source="Table 4", note=NOT_BLACKLISTED),
    Reported("imagenet2012", 18.77, 4.2, views="144 crops", source="Table 4", note=NOT_BLACKLISTED),
)
GAMMA_DEPARTURE = (
    "Batch normalisation has a trained scale, as in torchvision's and pytorchcv's networks; the authors' code has none."
)
PADDING_DEPARTURE = "Average pools count the zeros around the maps, as torchvision's and pytorchcv's do."


def inception_v3(counts_padding: bool = False) -> Variant:
    """The published network; with `counts_padding` as torchvision and pytorchcv have it: their average pools count the
    zeros around the maps."""
    return Variant(
        name="inception_v3",
        family="inception_v3",
        paper=PAPER,
        protocol=IMAGENET_299,
        min_size=75,
        params=23_834_568,
        macs=5_713_216_096,
        features=partial(features, counts_padding=counts_padding),
        head=partial(global_pool_head, dropout=0.2),
        aux_head=aux_head,
        aux_weights=(0.4,),
        aux_min_size=299,
        vary=inception_v3,
        reported=() if counts_padding else ERRORS,
        departures=(
            "The network is the published one: its stem has a 1x1 convolution and a pool where Table 1 has 3x3 "
            "convolutions, and its modules on the 35x35 grid a 5x5 where Figure 5 has two 3x3.",
            "The epsilon and the decay of batch normalisation, the dropout of 0.2 and the weight 0.4 of the auxiliary "
            "loss are those of the published code.",
            GAMMA_DEPARTURE,
            "The paper does not tell the initialisation: here He's.",
            *((PADDING_DEPARTURE,) if counts_padding else ()),
        ),
    )


InceptionV3 = inception_v3()
