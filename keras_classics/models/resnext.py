"""Xie et al. 2016: ResNeXt, residual networks whose bottlenecks are many paths side by side."""

from functools import partial

from keras_classics.models.resnet import BLOCKS, bottleneck_block, cifar_features, imagenet_features
from keras_classics.spec import CIFAR10_32, IMAGENET_224, Paper, Reported
from keras_classics.variant import Variant

PAPER = Paper(
    title="Aggregated Residual Transformations for Deep Neural Networks",
    authors="Xie, Girshick, Dollár, Tu, He",
    year=2016,
    venue="CVPR 2017",
    url="https://arxiv.org/abs/1611.05431",
)


def aggregated(cardinality: int, width: int):
    """Figure 3(c): the bottleneck with its 3x3 in `cardinality` groups of `width` d filters in conv2, strided there.

    A block of conv2 has 64 filters in ResNet, so C d / 64 times as many here.
    """
    return partial(bottleneck_block, form="3x3", width=cardinality * width // 64, groups=cardinality)


# Trainable parameters and multiply-adds.
COUNTS = {
    "resnext50_32x4d": (25_028_904, 4_230_479_872),
    "resnext101_32x4d": (44_177_704, 7_969_996_800),
    "resnext101_64x4d": (83_455_272, 15_460_270_080),
    "resnext29_32x4d": (4_775_754, 774_055_936),
    "resnext29_16x64d": (68_155_210, 10_688_866_304),
}

IMAGENET_ERRORS = {
    "resnext50_32x4d": (Reported("imagenet2012", 22.2, source="Table 3"),),
    "resnext101_32x4d": (Reported("imagenet2012", 21.2, 5.6, source="Table 4"),),
    "resnext101_64x4d": (
        Reported("imagenet2012", 20.4, 5.3, source="Table 4"),
        Reported("imagenet2012", 19.1, 4.4, "1 crop of 320", "Table 5"),
    ),
}
CIFAR_ERRORS = {
    "resnext29_16x64d": (
        Reported("cifar10", 3.58, source="Table 7", note="mean of ten"),
        Reported("cifar100", 17.31, source="Table 7", note="mean of ten"),
    ),
}


def resnext(depth: int, cardinality: int, width: int) -> Variant:
    """Table 1: (N, 224, 224, 3), conv1 (N, 112, 112, 64), conv2 (N, 56, 56, 256) to conv5 (N, 7, 7, 2048)."""
    name = f"resnext{depth}_{cardinality}x{width}d"
    _, blocks = BLOCKS[depth]  # Table 1 has those of ResNet
    params, macs = COUNTS[name]
    return Variant(
        name=name,
        family="resnext",
        paper=PAPER,
        protocol=IMAGENET_224,
        params=params,
        macs=macs,
        features=partial(imagenet_features, block=aggregated(cardinality, width), blocks=blocks, option="B"),
        reported=IMAGENET_ERRORS[name],
    )


SIZE_DEPARTURE = (
    "The paper has no network of this width on CIFAR: it is built as its others, for the weights that there are."
)


def cifar_resnext(cardinality: int, width: int) -> Variant:
    """Section 5.3: 29 layers, (N, 32, 32, 3), conv1 (N, 32, 32, 64), then 256, 512 and 1024 maps on 32, 16 and 8."""
    name = f"resnext29_{cardinality}x{width}d"
    params, macs = COUNTS[name]
    return Variant(
        name=name,
        family="resnext",
        paper=PAPER,
        protocol=CIFAR10_32,
        min_size=4,
        params=params,
        macs=macs,
        features=partial(
            cifar_features, block=aggregated(cardinality, width), filters=64, blocks=(3, 3, 3), option="B"
        ),
        reported=CIFAR_ERRORS.get(name, ()),
        departures=(
            *(() if name in CIFAR_ERRORS else (SIZE_DEPARTURE,)),
            "The blocks are those of ImageNet, as in the authors' code and the paper's last version; in its first "
            "version they activated first, as the code's README says.",
        ),
    )


ResNeXt50_32x4d = resnext(50, 32, 4)
ResNeXt101_32x4d = resnext(101, 32, 4)
ResNeXt101_64x4d = resnext(101, 64, 4)
ResNeXt29_32x4d = cifar_resnext(32, 4)
ResNeXt29_16x64d = cifar_resnext(16, 64)
