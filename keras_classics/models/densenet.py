"""Huang et al. 2016: densely connected networks, where each layer reads what all before it in its block wrote."""

from functools import partial

from keras import layers

from keras_classics.blocks import batch_norm, concat, conv, conv_bn_relu, max_pool, relu
from keras_classics.errors import ClassicsError
from keras_classics.layers import AveragePooling2D, channels_of
from keras_classics.spec import CIFAR10_32, IMAGENET_224, REPOSITORY, Paper, Reported
from keras_classics.variant import Variant

PAPER = Paper(
    title="Densely Connected Convolutional Networks",
    authors="Huang, Liu, van der Maaten, Weinberger",
    year=2016,
    venue="CVPR 2017",
    url="https://arxiv.org/abs/1608.06993",
)


def composite(x, filters, kernel_size, dropout, name):
    """Section 3, the composite function: batch norm, ReLU and a convolution; then dropout, where there is any."""
    x = relu(batch_norm(x, f"{name}_bn"), f"{name}_relu")
    x = conv(x, filters, kernel_size, name=f"{name}_conv")
    return layers.Dropout(dropout, name=f"{name}_dropout")(x) if dropout else x


def dense_layer(x, growth_rate, bottleneck, dropout, name):
    """Equation 2, x_l = H([x_0, ..., x_l-1]), beside its input: (N, H, W, C) to (N, H, W, C + growth_rate)."""
    y = composite(x, 4 * growth_rate, 1, dropout, f"{name}_1") if bottleneck else x
    y = composite(y, growth_rate, 3, dropout, f"{name}_2")
    return concat([x, y], f"{name}_concat")


def transition(x, compression, dropout, name):
    """Between two blocks: (N, H, W, C) to (N, H / 2, W / 2, compression * C)."""
    maps = channels_of(x)
    if not (filters := int(maps * compression)):
        raise ClassicsError(f"A compression of {compression} leaves none of {maps} maps; give a greater one.")
    x = composite(x, filters, 1, dropout, name)
    return AveragePooling2D(2, name=f"{name}_pool")(x)


def dense_blocks(x, blocks, growth_rate, bottleneck, compression, dropout):
    """`blocks` tells how many layers each block has; a transition joins two blocks, an activation ends the last."""
    for block, count in enumerate(blocks, 1):
        for i in range(count):
            x = dense_layer(x, growth_rate, bottleneck, dropout, f"dense{block}_layer{i + 1}")
        if block < len(blocks):
            x = transition(x, compression, dropout, f"transition{block}")
    return relu(batch_norm(x, "post_bn"), "post_relu")


def imagenet_features(x, blocks, growth_rate, dropout):
    """Table 1: (N, 224, 224, 3), pooling (N, 56, 56, 2 k), blocks on 56x56, 28x28, 14x14 and 7x7."""
    x = conv_bn_relu(x, 2 * growth_rate, 7, 2, name="conv1")
    x = max_pool(x, 3, 2, padding=1, name="pool1")
    return dense_blocks(x, blocks, growth_rate, True, 0.5, dropout)


def cifar_features(x, first, blocks, growth_rate, bottleneck, compression, dropout):
    """Section 3, implementation details: (N, 32, 32, 3), blocks on 32x32, 16x16 and 8x8."""
    x = conv(x, first, 3, name="conv1_conv")
    return dense_blocks(x, blocks, growth_rate, bottleneck, compression, dropout)


# Table 1: the growth rate and the layers of the blocks. 161 is of an earlier version and of the authors' repository.
BLOCKS = {
    121: (32, (6, 12, 24, 16)),
    161: (48, (6, 12, 36, 24)),
    169: (32, (6, 12, 32, 32)),
    201: (32, (6, 12, 48, 32)),
    264: (32, (6, 12, 64, 48)),
}

# Table 2: the depth and the growth rate.
CIFAR_SIZES = {"densenet40_12": (40, 12), "densenet_bc100_12": (100, 12), "densenet_bc190_40": (190, 40)}

# Trainable parameters and multiply-adds.
COUNTS = {
    "densenet121": (7_978_856, 2_834_161_664),
    "densenet161": (28_681_000, 7_727_907_072),
    "densenet169": (14_149_480, 3_359_843_328),
    "densenet201": (20_013_928, 4_291_365_888),
    "densenet264": (33_337_704, 5_751_653_376),
    "densenet40_12": (1_019_722, 264_812_928),
    "densenet_bc100_12": (769_162, 287_929_692),
    "densenet_bc190_40": (25_624_430, 9_301_945_740),
}


def _table_3(one_crop, ten_crops) -> tuple[Reported, ...]:
    """A pair of top-1 and top-5 errors from each."""
    return (
        Reported("imagenet2012", one_crop[0], one_crop[1], "1 crop", "Table 3"),
        Reported("imagenet2012", ten_crops[0], ten_crops[1], "10 crops", "Table 3"),
    )


IMAGENET_ERRORS = {
    "densenet121": _table_3((25.02, 7.71), (23.61, 6.66)),
    "densenet161": (Reported("imagenet2012", 22.2, source=REPOSITORY),),
    "densenet169": _table_3((23.80, 6.85), (22.08, 5.92)),
    "densenet201": _table_3((22.58, 6.34), (21.46, 5.54)),
    "densenet264": _table_3((22.15, 6.12), (20.80, 5.29)),
}


def _table_2(cifar10, cifar100) -> tuple[Reported, ...]:
    """With shifts and mirror images."""
    return (
        Reported("cifar10", cifar10, source="Table 2", note="C10+"),
        Reported("cifar100", cifar100, source="Table 2", note="C100+"),
    )


CIFAR_ERRORS = {
    "densenet40_12": _table_2(5.24, 24.42),
    "densenet_bc100_12": _table_2(4.51, 22.27),
    "densenet_bc190_40": _table_2(3.46, 17.18),
}


COMPRESSED_DEPARTURE = (
    "The first convolution has twice the growth rate in filters, as in pytorchcv's weights; without bottlenecks the "
    "paper has 16."
)


def _record(name, counts=None, **facts) -> Variant:
    params, macs = counts or COUNTS[name]
    return Variant(name=name, family="densenet", paper=PAPER, params=params, macs=macs, **facts)


def _checked(dropout):
    if not 0 <= dropout < 1:
        raise ClassicsError(f"The dropout rate must be at least 0 and below 1, not {dropout}.")
    return dropout


def densenet(name: str, dropout: float = 0.0) -> Variant:
    """An ImageNet network, with bottlenecks and a compression of 0.5."""
    growth_rate, blocks = BLOCKS[int(name.removeprefix("densenet"))]
    return _record(
        name,
        protocol=IMAGENET_224,
        min_size=29,
        features=partial(imagenet_features, blocks=blocks, growth_rate=growth_rate, dropout=_checked(dropout)),
        vary=partial(densenet, name),
        reported=IMAGENET_ERRORS[name],
        departures=("Table 1 has 265 layers, one more than the name says.",) if name == "densenet264" else (),
    )


def cifar_densenet(name: str, dropout: float = 0.0, compression: float = 1.0) -> Variant:
    """A CIFAR-10 network without bottlenecks, and by default without compression."""
    return _cifar(name, dropout, compression, bottleneck=False, vary=partial(cifar_densenet, name))


def cifar_densenet_bc(name: str, dropout: float = 0.0, compression: float = 0.5) -> Variant:
    """A CIFAR-10 network with bottlenecks and compression."""
    return _cifar(name, dropout, compression, bottleneck=True, vary=partial(cifar_densenet_bc, name))


def _cifar(name, dropout, compression, *, bottleneck, vary) -> Variant:
    """A CIFAR-10 network of three equal blocks.

    `dropout` is 0.2 in the paper where the training images are not augmented. A network with compression starts with
    2 k filters, one without with 16.
    """
    if not 0 < compression <= 1:
        raise ClassicsError(f"The compression must be above 0 and at most 1, not {compression}.")
    depth, growth_rate = CIFAR_SIZES[name]
    layers_a_block = (depth - 4) // (6 if bottleneck else 3)
    paper = compression == (0.5 if bottleneck else 1.0)
    return _record(
        name,
        counts=None if paper else (None, None),
        protocol=CIFAR10_32,
        min_size=4,
        features=partial(
            cifar_features,
            first=16 if compression == 1 else 2 * growth_rate,
            blocks=(layers_a_block,) * 3,
            growth_rate=growth_rate,
            bottleneck=bottleneck,
            compression=compression,
            dropout=_checked(dropout),
        ),
        vary=vary,
        reported=CIFAR_ERRORS[name] if paper else (),
        departures=(COMPRESSED_DEPARTURE,) if compression < 1 and not bottleneck else (),
    )


DenseNet121 = densenet("densenet121")
DenseNet161 = densenet("densenet161")
DenseNet169 = densenet("densenet169")
DenseNet201 = densenet("densenet201")
DenseNet264 = densenet("densenet264")

DenseNet40_12 = cifar_densenet("densenet40_12")
DenseNetBC100_12 = cifar_densenet_bc("densenet_bc100_12")
DenseNetBC190_40 = cifar_densenet_bc("densenet_bc190_40")
