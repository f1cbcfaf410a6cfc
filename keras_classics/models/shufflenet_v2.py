"""Ma et al. 2018: ShuffleNet V2, whose units leave half of the channels alone."""

from functools import partial

from keras_classics.blocks import concat, conv_bn_relu, crop_channels, depthwise_bn, max_pool
from keras_classics.layers import ChannelShuffle, channels_of
from keras_classics.spec import IMAGENET_224, REPOSITORY, Paper, Reported
from keras_classics.variant import Variant

PAPER = Paper(
    title="ShuffleNet V2: Practical Guidelines for Efficient CNN Architecture Design",
    authors="Ma, Zhang, Zheng, Sun",
    year=2018,
    venue="ECCV 2018",
    url="https://arxiv.org/abs/1807.11164",
)


def branch(x, filters, strides, name):
    """The working branch of Figure 3(c) and (d): 1x1, depthwise 3x3, 1x1; no groups, for guideline 2."""
    x = conv_bn_relu(x, filters, 1, name=f"{name}_1")
    x = depthwise_bn(x, strides, name=f"{name}_2")
    return conv_bn_relu(x, filters, 1, name=f"{name}_3")


def unit(x, filters, name):
    """Figure 3(c): the first half of the channels passes, the other is worked on; both are shuffled."""
    half = filters // 2
    passing = crop_channels(x, 0, half, f"{name}_passing")
    worked = branch(crop_channels(x, half, 0, f"{name}_worked"), half, 1, name)
    return ChannelShuffle(2, name=f"{name}_shuffle")(concat([passing, worked], f"{name}_concat"))


def halving_unit(x, filters, name):
    """Figure 3(d): both branches work on all channels, (N, H, W, C) to (N, H / 2, W / 2, filters)."""
    shortcut = depthwise_bn(x, 2, name=f"{name}_0")
    shortcut = conv_bn_relu(shortcut, filters // 2, 1, name=f"{name}_0_pointwise")
    both = concat([shortcut, branch(x, filters // 2, 2, name)], f"{name}_concat")
    return ChannelShuffle(2, name=f"{name}_shuffle")(both)


def features(x, filters, last):
    """Table 5: (N, 224, 224, 3), conv1 (N, 112, 112, 24), stage 2 (N, 28, 28, C) to stage 4, conv5 (N, 7, 7, last)."""
    x = conv_bn_relu(x, 24, 3, 2, name="conv1")
    x = max_pool(x, 3, 2, padding=1, name="pool1")
    for stage, count in enumerate((4, 8, 4)):
        x = halving_unit(x, filters * 2**stage, f"stage{stage + 2}_unit1")
        for i in range(1, count):
            x = unit(x, channels_of(x), f"stage{stage + 2}_unit{i + 1}")
    return conv_bn_relu(x, last, 1, name="conv5")


# Table 5: filters of stage 2 and of conv5.
FILTERS = {"x0_5": (48, 1024), "x1_0": (116, 1024), "x1_5": (176, 1024), "x2_0": (244, 2048)}

# Trainable parameters and multiply-adds.
COUNTS = {
    "x0_5": (1_366_792, 40_476_448),
    "x1_0": (2_278_604, 144_907_992),
    "x1_5": (3_503_624, 295_759_392),
    "x2_0": (7_393_996, 583_253_464),
}

PAPERS_ERRORS = {"x0_5": 39.7, "x1_0": 30.6, "x1_5": 27.4, "x2_0": 25.1}  # Table 8
# Of the authors' repository: top-1 and top-5.
ERRORS = {"x0_5": (38.9, 17.4), "x1_0": (30.6, 11.1), "x1_5": (27.4, 9.4), "x2_0": (25.0, 7.6)}


def shufflenet_v2(width: str) -> Variant:
    """A network of Table 5, by its width: the paper scales conv5 less than the stages, so there is no multiplier."""
    filters, last = FILTERS[width]
    params, macs = COUNTS[width]
    return Variant(
        name=f"shufflenet_v2_{width}",
        family="shufflenet_v2",
        paper=PAPER,
        protocol=IMAGENET_224,
        params=params,
        macs=macs,
        features=partial(features, filters=filters, last=last),
        reported=(
            Reported("imagenet2012", PAPERS_ERRORS[width], source="Table 8"),
            Reported("imagenet2012", *ERRORS[width], source=REPOSITORY),
        ),
    )


ShuffleNetV2_x0_5 = shufflenet_v2("x0_5")
ShuffleNetV2_x1_0 = shufflenet_v2("x1_0")
ShuffleNetV2_x1_5 = shufflenet_v2("x1_5")
ShuffleNetV2_x2_0 = shufflenet_v2("x2_0")
