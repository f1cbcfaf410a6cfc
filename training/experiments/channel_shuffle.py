"""ShuffleNet with and without its channel shuffle (Zhang et al. 2017, section 4.1.2 and table 3)."""

from functools import partial

from keras import layers

from keras_classics.blocks import concat, conv_bn, conv_bn_relu, depthwise_bn, pad, relu
from keras_classics.layers import AveragePooling2D, ChannelShuffle, channels_of
from keras_classics.models.shufflenet import PAPER, UNITS
from training.experiments.design import Arm, Comparison, Experiment
from training.experiments.measures import TEST_ERROR
from training.experiments.networks import SHIFTS_AND_FLIPS, network, recipe
from training.recipe import SGD, Cosine

WIDTHS = {3: 60, 8: 96}  # filters of stage 2: a quarter of Table 1's


def unit(x, filters, strides, groups, first_groups, shuffle, name):
    """Figure 2(b), and with stride 2 2(c), with or without the shuffle between the two pointwise layers."""
    y = conv_bn_relu(x, filters // 4, 1, groups=first_groups, name=f"{name}_1")
    if shuffle:
        y = ChannelShuffle(groups, name=f"{name}_shuffle")(y)
    y = depthwise_bn(y, strides, name=f"{name}_2")
    if strides == 1:
        y = conv_bn(y, filters, 1, groups=groups, name=f"{name}_3")
        return relu(layers.Add(name=f"{name}_add")([x, y]), f"{name}_out")
    y = conv_bn(y, filters - channels_of(x), 1, groups=groups, name=f"{name}_3")
    x = AveragePooling2D(3, strides, name=f"{name}_0_pool")(pad(x, 1, f"{name}_0_pad"))
    return relu(concat([y, x], f"{name}_concat"), f"{name}_out")


def features(x, groups, shuffle):
    """Table 1 for small images: (N, 32, 32, 3), stage 2 (N, 16, 16, C) to stage 4 (N, 4, 4, 4 C)."""
    x = conv_bn_relu(x, 24, 3, name="conv1")
    for stage, count in enumerate(UNITS):
        for i in range(count):
            first_groups = 1 if stage == i == 0 else groups
            name, strides = f"stage{stage + 2}_unit{i + 1}", 2 if i == 0 else 1
            x = unit(x, WIDTHS[groups] * 2**stage, strides, groups, first_groups, shuffle, name)
    return x


def shufflenet(groups, shuffle):
    name = f"shufflenet_{groups}_groups{'' if shuffle else '_unshuffled'}"
    return network(name, PAPER, partial(features, groups=groups, shuffle=shuffle))


EXPERIMENT = Experiment(
    name="channel_shuffle",
    claim="Shuffling the channels between grouped layers lowers the test error, at no cost in weights or operations.",
    source="ShuffleNet (Zhang et al. 2017), section 4.1.2 and table 3",
    paper_figure="1.9 points of ImageNet's top-1 error with 3 groups, 5.2 with 8, at full width",
    design=(
        "Networks of 3 and of 8 groups, a quarter as wide as the paper's, are trained with the shuffle and without it, "
        "which changes neither parameters nor multiply-adds. On a tenth of CIFAR-10, in a form for small images."
    ),
    arms=(
        Arm("3 groups shuffled", shufflenet(3, True)),
        Arm("3 groups", shufflenet(3, False)),
        Arm("8 groups shuffled", shufflenet(8, True)),
        Arm("8 groups", shufflenet(8, False)),
    ),
    varies=("network.groups", "network.shuffle"),
    comparisons=(
        Comparison("3 groups", "3 groups shuffled", TEST_ERROR),
        Comparison("8 groups", "8 groups shuffled", TEST_ERROR),
    ),
    recipe=recipe(
        PAPER,
        epochs=30,
        optimizer=SGD(momentum=0.9, weight_decay=4e-5),
        schedule=Cosine(0.1),
        warm_up=1,
        augment=SHIFTS_AND_FLIPS,
    ),
    limit=5000,
    seeds=4,
    minutes=80,
)
