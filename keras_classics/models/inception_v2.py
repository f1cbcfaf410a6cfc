"""Ioffe & Szegedy 2015: BN-Inception, the network that batch normalisation was introduced with."""

from functools import partial

from keras_classics.blocks import avg_pool, ceil_max_pool, concat, conv_bn_relu
from keras_classics.layers import MaxPooling2D
from keras_classics.spec import CAFFE_MEAN, InputProtocol, Paper, Reported
from keras_classics.variant import Variant

PAPER = Paper(
    title="Batch Normalization: Accelerating Deep Network Training by Reducing Internal Covariate Shift",
    authors="Ioffe, Szegedy",
    year=2015,
    venue="ICML 2015",
    url="https://arxiv.org/abs/1502.03167",
)

# Figure 5: filters of a module's 1x1; 3x3 reduce, 3x3; double 3x3 reduce, double 3x3; pool proj. The modules without
# the first and the last have stride 2, and pass their pool through. The pool proj of 4c and 4d is what is left of the
# 576 maps that the figure prints for their output.
MODULES = {
    "3a": (64, 64, 64, 64, 96, 32),
    "3b": (64, 64, 96, 64, 96, 64),
    "3c": (0, 128, 160, 64, 96, 0),
    "4a": (224, 64, 96, 96, 128, 128),
    "4b": (192, 96, 128, 96, 128, 128),
    "4c": (160, 128, 160, 128, 160, 96),
    "4d": (96, 128, 192, 160, 192, 96),
    "4e": (0, 128, 192, 192, 256, 0),
    "5a": (352, 192, 320, 160, 224, 128),
    "5b": (352, 192, 320, 192, 224, 128),
}
MAX_POOLED = "5b"  # the only module of stride 1 whose pool takes the maximum
PUBLISHED_PROJ = {"4c": 128, "4d": 128}  # pool proj that the figure prints, and that the public nets have


def inception(x, filters, name, convolve, average):
    """Figure 2b of the GoogLeNet paper with two 3x3 for the 5x5 (section 4.2): (N, H, W, C) to (N, H, W, sum)."""
    one, reduce_three, three, reduce_double, double, proj = filters
    strides = 1 if one else 2
    x3 = convolve(x, reduce_three, 1, name=f"{name}_3x3_reduce")
    x3 = convolve(x3, three, 3, strides, name=f"{name}_3x3")
    xd = convolve(x, reduce_double, 1, name=f"{name}_double_3x3_reduce")
    xd = convolve(xd, double, 3, name=f"{name}_double_3x3_1")
    xd = convolve(xd, double, 3, strides, name=f"{name}_double_3x3_2")
    if average:
        pooled = avg_pool(x, 3, counts_padding=True, name=f"{name}_pool")
    else:
        pooled = MaxPooling2D(3, strides, "same", name=f"{name}_pool")(x)
    if strides == 2:
        return concat([x3, xd, pooled], f"{name}_output")
    x1 = convolve(x, one, 1, name=f"{name}_1x1")
    pooled = convolve(pooled, proj, 1, name=f"{name}_pool_proj")
    return concat([x1, x3, xd, pooled], f"{name}_output")


def features(x, as_printed):
    """Figure 5: (N, 224, 224, 3), 3c (N, 14, 14, 576), 4e (N, 7, 7, 1024), 5b (N, 7, 7, 1024)."""
    convolve = partial(conv_bn_relu, use_bias=not as_printed)
    x = ceil_max_pool(convolve(x, 64, 7, 2, name="conv1"), 3, 2, name="pool1")
    x = convolve(convolve(x, 64, 1, name="conv2_reduce"), 192, 3, name="conv2")
    x = ceil_max_pool(x, 3, 2, name="pool2")
    for module, filters in MODULES.items():
        if not as_printed and module in PUBLISHED_PROJ:
            filters = (*filters[:-1], PUBLISHED_PROJ[module])
        average = filters[0] > 0 and module != MAX_POOLED
        x = inception(x, filters, f"inception_{module}", convolve, average)
    return x


PUBLISHED_DEPARTURE = (
    "The published network. Its pool projections of 4c and 4d have the 128 filters that Figure 5 prints, which makes "
    "608 maps, where it prints 576. Its convolutions have biases, which the paper leaves out as batch normalisation "
    "cancels them. `as_printed=True` has the figure's sizes and no biases."
)
PRINTED_DEPARTURE = (
    "The pool projections of 4c and 4d have 96 filters, which makes the 576 maps that Figure 5 prints: the 128 that it "
    "prints for them would make 608."
)


def inception_v2(as_printed: bool = False) -> Variant:
    """The network that is published as BN-Inception; or with the sizes that are `as_printed` in Figure 5."""
    return Variant(
        name="inception_v2",
        family="inception_v2",
        paper=PAPER,
        protocol=InputProtocol("imagenet2012", CAFFE_MEAN, 224, 256),
        min_size=7,
        params=11_194_984 if as_printed else 11_295_240,
        macs=2_018_851_840 if as_printed else 2_032_600_064,
        features=partial(features, as_printed=as_printed),
        vary=inception_v2,
        reported=(
            Reported("imagenet2012", 25.2, 7.82, source="Figures 3 and 4", note="BN-x30, after 6 million steps"),
            Reported("imagenet2012", 21.99, 5.82, views="144 crops", source="Figure 4"),
        ),
        departures=(
            PRINTED_DEPARTURE if as_printed else PUBLISHED_DEPARTURE,
            "The first convolution is dense, as in the weights that there are; the paper's is separable, with a depth "
            "multiplier of 8.",
            "The paper speaks of 13.6 million parameters; its figure gives 11.2 to 11.3 million.",
            "The paper does not tell the initialisation: here He's.",
        ),
    )


InceptionV2 = inception_v2()
