"""Chollet 2016: Xception, where depthwise separable convolutions stand for Inception modules."""

from functools import partial

from keras import layers

from keras_classics.blocks import batch_norm, conv_bn, conv_bn_relu, global_pool_head, relu
from keras_classics.initializers import HeNormal
from keras_classics.layers import MaxPooling2D, SeparableConv2D
from keras_classics.spec import IMAGENET_299, NOT_BLACKLISTED, Paper, Reported
from keras_classics.variant import Variant

PAPER = Paper(
    title="Xception: Deep Learning with Depthwise Separable Convolutions",
    authors="Chollet",
    year=2016,
    venue="CVPR 2017",
    url="https://arxiv.org/abs/1610.02357",
)

# Batch normalisation with the constants of the author's keras.applications.
normalize = partial(batch_norm, momentum=0.99, epsilon=1e-3)
valid_conv = partial(conv_bn_relu, padding="valid", momentum=0.99, epsilon=1e-3)
projection = partial(conv_bn, kernel_size=1, strides=2, momentum=0.99, epsilon=1e-3)


def sepconv_bn(x, filters, name):
    """A 3x3 separable convolution, with nothing between its two parts (section 4.7), and batch normalisation."""
    x = SeparableConv2D(
        filters,
        3,
        padding="same",
        use_bias=False,
        depthwise_initializer=HeNormal(fan_in=3 * 3),
        pointwise_initializer=HeNormal(),
        name=name,
    )(x)
    return normalize(x, f"{name}_bn")


def relu_sepconv_bn(x, filters, name):
    return sepconv_bn(relu(x, f"{name}_relu"), filters, name)


def halving_module(x, first, second, name, starts_with_relu=True):
    """Figure 5, entry and exit flow: two separable convolutions and a pool, beside a 1x1 convolution with stride 2.

    Shapes: (N, H, W, C) to (N, H / 2, W / 2, second).
    """
    y = (relu_sepconv_bn if starts_with_relu else sepconv_bn)(x, first, f"{name}_sepconv1")
    y = relu_sepconv_bn(y, second, f"{name}_sepconv2")
    y = MaxPooling2D(3, 2, "same", name=f"{name}_pool")(y)
    x = projection(x, second, name=f"{name}_residual")
    return layers.Add(name=f"{name}_add")([x, y])


def middle_module(x, name):
    """Figure 5, middle flow: three separable convolutions beside the identity, (N, 19, 19, 728) to the same."""
    y = x
    for i in range(3):
        y = relu_sepconv_bn(y, 728, f"{name}_sepconv{i + 1}")
    return layers.Add(name=f"{name}_add")([x, y])


def entry_flow(x):
    """Figure 5: (N, 299, 299, 3) to (N, 19, 19, 728)."""
    x = valid_conv(x, 32, 3, 2, name="block1_conv1")
    x = valid_conv(x, 64, 3, name="block1_conv2")  # (N, 147, 147, 64)
    x = halving_module(x, 128, 128, "block2", starts_with_relu=False)
    x = halving_module(x, 256, 256, "block3")
    return halving_module(x, 728, 728, "block4")


def middle_flow(x):
    """Figure 5: the module eight times."""
    for i in range(8):
        x = middle_module(x, f"block{i + 5}")
    return x


def exit_flow(x):
    """Figure 5, to the pooling: (N, 19, 19, 728) to (N, 10, 10, 2048)."""
    x = halving_module(x, 728, 1024, "block13")
    for i, filters in enumerate((1536, 2048), 1):
        x = relu(sepconv_bn(x, filters, f"block14_sepconv{i}"), f"block14_sepconv{i}_relu")
    return x


def features(x):
    return exit_flow(middle_flow(entry_flow(x)))


Xception = Variant(
    name="xception",
    family="xception",
    paper=PAPER,
    protocol=IMAGENET_299,
    min_size=7,
    params=22_855_952,
    macs=8_357_403_496,
    features=features,
    head=partial(global_pool_head, dropout=0.5),
    reported=(Reported("imagenet2012", 21.0, 5.5, source="Table 1", note=NOT_BLACKLISTED),),
    departures=(
        "The optional dense layers of Figure 5, which Table 1 does without, are left out.",
        "Batch normalisation has the constants of the author's keras.applications, and weights start as in He et al. "
        "2015: the paper tells neither.",
    ),
)
