"""Simonyan and Zisserman 2014: VGG, configurations A, B, D and E."""

from functools import partial

from keras_classics import blocks
from keras_classics.blocks import conv, hidden_dense_head, max_pool, relu
from keras_classics.errors import unknown
from keras_classics.initializers import GlorotUniform, Normal
from keras_classics.spec import IMAGENET_MEAN, InputProtocol, Paper, Reported, Row
from keras_classics.variant import Variant

PAPER = Paper(
    title="Very Deep Convolutional Networks for Large-Scale Image Recognition",
    authors="Simonyan, Zisserman",
    year=2014,
    venue="ICLR 2015",
    url="https://arxiv.org/abs/1409.1556",
)

# Table 1: 3x3 layers in each of the five stages, and the filters of each stage.
CONFIGURATIONS = {
    "vgg11": (1, 1, 2, 2, 2),  # A
    "vgg13": (2, 2, 2, 2, 2),  # B
    "vgg16": (2, 2, 3, 3, 3),  # D
    "vgg19": (2, 2, 4, 4, 4),  # E
}
FILTERS = (64, 128, 256, 512, 512)

# Section 3.1: a normal distribution of variance 0.01, or, found after the submission, Glorot and Bengio's. As printed
# the first lets even VGG11's logits start beyond 1e8, which half precision cannot hold; the recipes take the second.
INITIALIZERS = {"normal": partial(Normal, 0.1), "glorot": GlorotUniform}
HALF_PRECISION = "build it with initialization='glorot', or under the policy mixed_bfloat16"


def conv3x3(x, filters, batch_norm, initializer, name):
    """A 3x3 layer, in the form with batch normalisation before its ReLU."""
    x = conv(x, filters, 3, use_bias=not batch_norm, kernel_initializer=initializer, name=name)
    if batch_norm:
        x = blocks.batch_norm(x, f"{name}_bn")
    return relu(x, f"{name}_relu")


def features(x, layers, batch_norm, initializer):
    """Table 1: (N, 224, 224, 3), and after each stage half the side, to (N, 7, 7, 512)."""
    for stage, (count, filters) in enumerate(zip(layers, FILTERS, strict=True), 1):
        for i in range(1, count + 1):
            x = conv3x3(x, filters, batch_norm, initializer, f"conv{stage}_{i}")
        x = max_pool(x, 2, 2, name=f"pool{stage}")
    return x


PRINTED = {"vgg11": "133M", "vgg13": "133M", "vgg16": "138M", "vgg19": "144M"}  # Table 2: parameters


def table(name):
    """The column of Table 1, and the sum that Table 2 prints."""
    stages = list(zip(CONFIGURATIONS[name], FILTERS, (224, 112, 56, 28, 14), strict=True))
    rows = [
        row
        for stage, (count, filters, side) in enumerate(stages, 1)
        for row in (
            Row(f"{count} x conv3-{filters}", f"conv{stage}_", (side, side, filters)),
            Row("maxpool", f"pool{stage}", (side // 2, side // 2, filters)),
        )
    ]
    dense = (("FC-4096", "fc6", 4096), ("FC-4096", "fc7", 4096), ("FC-1000, soft-max", "predictions", 1000))
    rows += [Row(row, layer, (1, 1, units)) for row, layer, units in dense]
    return (*rows, Row("in all", "", (1, 1, 1000), PRINTED[name]))


# Trainable parameters and multiply-adds, without batch normalisation.
COUNTS = {
    "vgg11": (132_863_336, 7_609_090_048),
    "vgg13": (133_047_848, 11_308_466_176),
    "vgg16": (138_357_544, 15_470_264_320),
    "vgg19": (143_667_240, 19_632_062_464),
}

ONE_SCALE, DENSE, CROPS = "dense, 1 scale", "dense, 3 scales", "150 crops"
TRAINED_AT_256, TRAINED_ON_SCALES = "trained and tested at 256", "trained at 256 to 512, tested at 384"
ERRORS: dict[str, list[tuple]] = {
    "vgg11": [(29.6, 10.4, ONE_SCALE, "Table 3", TRAINED_AT_256)],
    "vgg13": [(28.7, 9.9, ONE_SCALE, "Table 3", TRAINED_AT_256)],
    "vgg16": [
        (25.6, 8.1, ONE_SCALE, "Table 3", TRAINED_ON_SCALES),
        (27.0, 8.8, ONE_SCALE, "Table 3", TRAINED_AT_256),
        (24.8, 7.5, DENSE, "Table 4"),
        (24.4, 7.2, f"{CROPS} and {DENSE}", "Table 5"),
        (24.6, 7.5, CROPS, "Table 5"),
    ],
    "vgg19": [
        (25.5, 8.0, ONE_SCALE, "Table 3", TRAINED_ON_SCALES),
        (24.8, 7.5, DENSE, "Table 4"),
        (24.4, 7.1, f"{CROPS} and {DENSE}", "Table 5"),
        (24.6, 7.4, CROPS, "Table 5"),
    ],
}


def vgg(name: str, batch_norm: bool = False, initialization: str = "normal") -> Variant:
    """A configuration of Table 1; `batch_norm` gives the form of many published weights, `initialization` the rule."""
    if initialization not in INITIALIZERS:
        raise unknown(f"initialization of {name}", initialization, INITIALIZERS)
    layers, initializer = CONFIGURATIONS[name], INITIALIZERS[initialization]
    params, macs = COUNTS[name]
    if batch_norm:  # a scale and a shift for each bias
        params += sum(count * filters for count, filters in zip(layers, FILTERS, strict=True))
    return Variant(
        name=name,
        family="vgg",
        paper=PAPER,
        protocol=InputProtocol("imagenet2012", IMAGENET_MEAN, 224, 256),
        bound_to_size="top",
        beyond_float16=None if batch_norm or initialization != "normal" else HALF_PRECISION,
        params=params,
        macs=macs,
        features=partial(features, layers=layers, batch_norm=batch_norm, initializer=initializer),
        head=partial(hidden_dense_head, kernel_initializer=initializer),
        vary=partial(vgg, name),
        table=table(name),
        reported=() if batch_norm else tuple(Reported("imagenet2012", *row) for row in ERRORS[name]),
        departures=("Batch normalisation is not in the paper; many published weights have it.",) if batch_norm else (),
    )


VGG11 = vgg("vgg11")
VGG13 = vgg("vgg13")
VGG16 = vgg("vgg16")
VGG19 = vgg("vgg19")
