"""Zhang et al. 2017: ShuffleNet, pointwise convolutions in groups, between which the channels are shuffled."""

from dataclasses import replace
from functools import partial

from keras import layers

from keras_classics.blocks import concat, conv_bn, conv_bn_relu, depthwise_bn, max_pool, pad, relu
from keras_classics.errors import ClassicsError
from keras_classics.layers import AveragePooling2D, ChannelShuffle, channels_of
from keras_classics.spec import CIFAR10_32, IMAGENET_224, Paper, Reported
from keras_classics.variant import Variant

PAPER = Paper(
    title="ShuffleNet: An Extremely Efficient Convolutional Neural Network for Mobile Devices",
    authors="Zhang, Zhou, Lin, Sun",
    year=2017,
    venue="CVPR 2018",
    url="https://arxiv.org/abs/1707.01083",
)

# Table 1: filters of stage 2 by the number of groups; a stage has twice those of the one before.
FILTERS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}
NARROWEST, WIDEST = 0.25, 2.0  # width multipliers of Tables 2 and 5
UNITS = (4, 8, 4)  # Table 1: units of stages 2 to 4, of which the first strides


def unit(x, filters, strides, groups, first_groups, name):
    """Figure 2(b), and with stride 2 2(c): (N, H, W, C) to (N, H / strides, W / strides, filters).

    Within, a quarter as many filters. With stride 2 the pooled input stands beside the output instead of being added.
    """
    y = conv_bn_relu(x, filters // 4, 1, groups=first_groups, name=f"{name}_1")
    if groups > 1:
        y = ChannelShuffle(groups, name=f"{name}_shuffle")(y)
    y = depthwise_bn(y, strides, name=f"{name}_2")
    if strides == 1:
        y = conv_bn(y, filters, 1, groups=groups, name=f"{name}_3")
        return relu(layers.Add(name=f"{name}_add")([x, y]), f"{name}_out")
    y = conv_bn(y, filters - channels_of(x), 1, groups=groups, name=f"{name}_3")
    x = AveragePooling2D(3, strides, name=f"{name}_0_pool")(pad(x, 1, f"{name}_0_pad"))
    return relu(concat([y, x], f"{name}_concat"), f"{name}_out")


def features(x, first, filters, groups):
    """Table 1: (N, 224, 224, 3), conv1 (N, 112, 112, 24), stage 2 (N, 28, 28, C) to stage 4 (N, 7, 7, 4 C)."""
    x = conv_bn_relu(x, first, 3, 2, name="conv1")
    return stages(max_pool(x, 3, 2, padding=1, name="pool1"), filters, groups)


def cifar_features(x, first, filters, groups):
    """Table 1 for small images: (N, 32, 32, 3), stage 2 (N, 16, 16, C) to stage 4 (N, 4, 4, 4 C)."""
    return stages(conv_bn_relu(x, first, 3, name="conv1"), filters, groups)


def stages(x, filters, groups):
    """Stages 2 to 4 of Table 1: (N, H, W, C) to (N, H / 8, W / 8, 4 filters)."""
    for stage, count in enumerate(UNITS):
        for i in range(count):
            # no groups in the very first pointwise layer, whose input has few channels (section 3.2)
            first_groups = 1 if stage == i == 0 else groups
            name = f"stage{stage + 2}_unit{i + 1}"
            x = unit(x, filters * 2**stage, 2 if i == 0 else 1, groups, first_groups, name)
    return x


def widths(groups: int, width_multiplier: float) -> tuple[int, int]:
    """The filters of conv1 and of stage 2 with `width_multiplier` times those of Table 1.

    Raises:
        ClassicsError: if a quarter of them do not divide into the groups; the message has the nearest that do.
    """
    if not NARROWEST <= width_multiplier <= WIDEST:
        raise ClassicsError(f"The width multiplier must be from {NARROWEST} to {WIDEST}, not {width_multiplier}.")
    full, step = FILTERS[groups], 4 * groups
    filters = round(full * width_multiplier, 6)  # 0.28 times 200 is a little more than 56
    if filters % step:
        below = int(filters // step * step)
        near = [f"{f}/{full}" for f in (below, below + step) if NARROWEST <= f / full <= WIDEST]
        raise ClassicsError(
            f"A width multiplier of {width_multiplier:g} gives {filters / 4:g} bottleneck channels, which do not "
            f"divide into {groups} groups; the nearest that do: {', '.join(near)}."
        )
    # conv1 as in the authors' later code: 24, scaled by whole multiples and where it shrinks, then by what divides.
    first = 24 * (int(width_multiplier) or width_multiplier)
    return int(-(-first // groups) * groups), int(filters)


# Trainable parameters and multiply-adds by groups and width multiplier.
COUNTS = {
    (1, 0.25): (209_746, 11_003_184),
    (1, 0.5): (534_484, 38_517_408),
    (1, 1.0): (1_531_936, 143_078_976),
    (2, 1.0): (1_733_848, 140_836_512),
    (3, 0.25): (305_902, 11_009_808),
    (3, 0.5): (718_324, 37_589_856),
    (3, 0.75): (1_238_266, 79_740_144),
    (3, 1.0): (1_865_728, 137_460_672),
    (3, 1.5): (3_442_168, 292_443_552),
    (3, 2.0): (5_450_776, 524_045_184),
    (4, 1.0): (1_968_344, 134_339_776),
    (8, 0.25): (454_504, 12_426_240),
    (8, 0.5): (1_011_448, 40_469_760),
    (8, 1.0): (2_434_768, 138_365_952),
}

# Tables 1 to 5: top-1 errors by groups and width multiplier.
ERRORS = {
    (1, 1.0): 33.6,
    (2, 1.0): 32.7,
    (3, 1.0): 32.6,
    (4, 1.0): 32.8,
    (8, 1.0): 32.4,
    (1, 0.5): 45.1,
    (3, 0.5): 43.2,
    (8, 0.5): 42.3,
    (1, 0.25): 57.1,
    (3, 0.25): 55.0,
    (8, 0.25): 52.7,
    (3, 1.5): 28.5,
    (3, 2.0): 26.3,
}

NARROW_DEPARTURE = (
    "There are no forms of a half and a quarter of the width, whose bottlenecks do not divide into the groups: the "
    "paper reports their errors, and not how it rounds their channels."
)


def shufflenet(groups: int, width_multiplier: float = 1.0) -> Variant:
    """A network of Table 1; `width_multiplier`, from 0.25 to 2.0, scales the filters of all its layers."""
    first, filters = widths(groups, width_multiplier)
    params, macs = COUNTS.get((groups, width_multiplier), (None, None))
    error = ERRORS.get((groups, width_multiplier))
    source = "Table 5" if width_multiplier > 1 else "Table 2"
    return Variant(
        name=f"shufflenet_g{groups}",
        family="shufflenet",
        paper=PAPER,
        protocol=IMAGENET_224,
        params=params,
        macs=macs,
        features=partial(features, first=first, filters=filters, groups=groups),
        vary=partial(shufflenet, groups),
        reported=(Reported("imagenet2012", error, source=source),) if error else (),
        departures=(
            "The paper does not print how a width multiplier scales conv1. As in the authors' later code it has 24 "
            "filters at 1.0 and 1.5 and 48 at 2.0; below 1.0 the multiplier times 24, rounded up to a multiple of the "
            "groups.",
            "The average pooling of the shortcuts counts the zeros around the map, as in the authors' later code.",
            "The paper does not say which of the two branches that Figure 2(c) joins comes first: here the pooled one "
            "is last.",
            *((NARROW_DEPARTURE,) if groups in (2, 4) else ()),
        ),
    )


# Of the CIFAR form, as COUNTS.
CIFAR_COUNTS = {
    (3, 0.25): (67_312, 3_021_408),
    (3, 0.5): (242_134, 11_126_976),
    (3, 1.0): (914_338, 42_590_592),
}


def cifar_shufflenet(groups: int, width_multiplier: float = 0.5) -> Variant:
    """A network of Table 1 for images of 32x32 pixels, half as wide unless told otherwise. The paper has none."""
    first, filters = widths(groups, width_multiplier)
    params, macs = CIFAR_COUNTS.get((groups, width_multiplier), (None, None))
    return replace(
        shufflenet(groups),
        name=f"shufflenet_g{groups}_cifar",
        protocol=CIFAR10_32,
        params=params,
        macs=macs,
        features=partial(cifar_features, first=first, filters=filters, groups=groups),
        vary=partial(cifar_shufflenet, groups),
        reported=(),
        departures=(
            "The paper has no network for CIFAR: here conv1 has stride 1 and no pooling follows it, so that the stages "
            "have maps of 16x16, 8x8 and 4x4 pixels.",
            *shufflenet(groups).departures,
        ),
    )


ShuffleNetG1 = shufflenet(1)
ShuffleNetG2 = shufflenet(2)
ShuffleNetG3 = shufflenet(3)
ShuffleNetG4 = shufflenet(4)
ShuffleNetG8 = shufflenet(8)
ShuffleNetG3CIFAR = cifar_shufflenet(3)
