"""Szegedy et al. 2014: GoogLeNet, the first network of Inception modules."""

import dataclasses
from functools import partial

from keras import layers

from keras_classics.blocks import ceil_max_pool, concat, conv_bn_relu, conv_relu, global_pool_head, predictions
from keras_classics.initializers import CaffeXavier, HeNormal
from keras_classics.layers import AveragePooling2D, LocalResponseNormalization, MaxPooling2D
from keras_classics.spec import CAFFE_MEAN, CIFAR10_MEAN_32, IMAGENET_224, InputProtocol, Paper, Reported, Row
from keras_classics.variant import Variant

PAPER = Paper(
    title="Going Deeper with Convolutions",
    authors="Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich",
    year=2014,
    venue="CVPR 2015",
    url="https://arxiv.org/abs/1409.4842",
)

# Table 1: filters of a module's 1x1; 3x3 reduce, 3x3; 5x5 reduce, 5x5; pool proj.
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}
TAPS = {"aux_1": "4a", "aux_2": "4d"}  # section 5: the auxiliary heads stand on these modules

# Table 1: output sizes, parameters (K is 1024) and multiply-adds as printed.
TABLE = (
    Row("convolution 7x7/2", "conv1", (112, 112, 64), "2.7K", "34M"),
    Row("max pool 3x3/2", "pool1", (56, 56, 64)),
    Row("convolution 3x3/1", "conv2", (56, 56, 192), "112K", "360M"),
    Row("max pool 3x3/2", "pool2", (28, 28, 192)),
    Row("inception (3a)", "inception_3a", (28, 28, 256), "159K", "128M"),
    Row("inception (3b)", "inception_3b", (28, 28, 480), "380K", "304M"),
    Row("max pool 3x3/2", "pool3", (14, 14, 480)),
    Row("inception (4a)", "inception_4a", (14, 14, 512), "364K", "73M"),
    Row("inception (4b)", "inception_4b", (14, 14, 512), "437K", "88M"),
    Row("inception (4c)", "inception_4c", (14, 14, 512), "463K", "100M"),
    Row("inception (4d)", "inception_4d", (14, 14, 528), "580K", "119M"),
    Row("inception (4e)", "inception_4e", (14, 14, 832), "840K", "170M"),
    Row("max pool 3x3/2", "pool4", (7, 7, 832)),
    Row("inception (5a)", "inception_5a", (7, 7, 832), "1072K", "54M"),
    Row("inception (5b)", "inception_5b", (7, 7, 1024), "1388K", "71M"),
    Row("avg pool 7x7/1", "avg_pool", (1, 1, 1024)),
    Row("dropout (40%)", "dropout", (1, 1, 1024)),
    Row("linear", "predictions", (1, 1, 1000), "1000K", "1M"),
)


caffe_conv = partial(conv_relu, kernel_initializer=CaffeXavier)


def local_norm(x, name):
    """Krizhevsky's normalisation; Caffe writes this alpha as 1e-4, and divides it by the window."""
    return LocalResponseNormalization(k=1.0, n=5, alpha=1e-4 / 5, beta=0.75, name=name)(x)


def inception(x, filters, name, convolve, widest=5):
    """Figure 2b: 1x1, 3x3 and 5x5 convolutions and a pool side by side, all but the first behind or before a 1x1."""
    one, reduce_three, three, reduce_five, five, proj = filters
    branches = [
        convolve(x, one, 1, name=f"{name}_1x1"),
        convolve(convolve(x, reduce_three, 1, name=f"{name}_3x3_reduce"), three, 3, name=f"{name}_3x3"),
        convolve(convolve(x, reduce_five, 1, name=f"{name}_5x5_reduce"), five, widest, name=f"{name}_5x5"),
        convolve(MaxPooling2D(3, 1, "same", name=f"{name}_pool")(x), proj, 1, name=f"{name}_pool_proj"),
    ]
    return concat(branches, f"{name}_output")


def features(x, batch_norm):
    """Table 1: (N, 224, 224, 3) to 3a (N, 28, 28, 256), 4a (N, 14, 14, 512), 5b (N, 7, 7, 1024); taps 4a and 4d."""
    convolve = partial(conv_bn_relu, epsilon=1e-3) if batch_norm else caffe_conv
    x = ceil_max_pool(convolve(x, 64, 7, 2, name="conv1"), 3, 2, name="pool1")
    x = x if batch_norm else local_norm(x, "norm1")
    x = convolve(convolve(x, 64, 1, name="conv2_reduce"), 192, 3, name="conv2")
    x = x if batch_norm else local_norm(x, "norm2")
    return modules(ceil_max_pool(x, 3, 2, name="pool2"), MODULES, convolve, batch_norm)


def modules(x, table, convolve, batch_norm=False):
    """The modules of Table 1: (N, H, W, 192) to 5b (N, H / 4, W / 4, 1024), and the taps 4a and 4d."""
    outputs = {}
    for module, filters in table.items():
        if module in ("4a", "5a"):
            size = 2 if batch_norm and module == "5a" else 3
            x = ceil_max_pool(x, size, 2, name="pool3" if module == "4a" else "pool4")
        outputs[module] = x = inception(x, filters, f"inception_{module}", convolve, widest=3 if batch_norm else 5)
    return x, {head: outputs[module] for head, module in TAPS.items()}


def cifar_features(x):
    """A quarter of Table 1's filters: (N, 32, 32, 3) to 3a (N, 16, 16, 64), 4a (N, 8, 8, 128), 5b (N, 4, 4, 256)."""
    x = local_norm(ceil_max_pool(caffe_conv(x, 16, 3, name="conv1"), 3, 2, name="pool1"), "norm1")
    x = local_norm(caffe_conv(caffe_conv(x, 16, 1, name="conv2_reduce"), 48, 3, name="conv2"), "norm2")
    quarter = {module: tuple(count // 4 for count in filters) for module, filters in MODULES.items()}
    return modules(x, quarter, caffe_conv)


def aux_head(x, classes, activation, name, batch_norm=False, filters=128, units=1024):
    """Section 5: (N, 14, 14, C) to (N, 4, 4, C), (N, 4, 4, filters), (N, units) and (N, classes)."""
    if batch_norm:
        x = layers.AdaptiveAveragePooling2D(4, name=f"{name}_pool")(x)
        x = conv_bn_relu(x, filters, 1, epsilon=1e-3, name=f"{name}_1x1")
    else:
        x = AveragePooling2D(5, 3, name=f"{name}_pool")(x)
        x = caffe_conv(x, filters, 1, name=f"{name}_1x1")
    initializer = HeNormal if batch_norm else CaffeXavier
    x = layers.Flatten(name=f"{name}_flatten")(x)
    x = layers.Dense(units, activation="relu", kernel_initializer=initializer(), name=f"{name}_fc")(x)
    x = layers.Dropout(0.7, name=f"{name}_dropout")(x)
    return predictions(x, classes, activation, initializer, name=name)


def inception_v1(batch_norm: bool = False) -> Variant:
    """The paper's network; or with `batch_norm` the form that torchvision's weights have."""
    paper = Variant(
        name="inception_v1",
        family="inception_v1",
        paper=PAPER,
        protocol=InputProtocol("imagenet2012", CAFFE_MEAN, 224, 256),
        min_size=31,
        params=6_998_552,
        macs=1_582_671_872,
        features=partial(features, batch_norm=batch_norm),
        head=partial(global_pool_head, dropout=0.4, kernel_initializer=CaffeXavier),
        aux_head=partial(aux_head, batch_norm=batch_norm),
        aux_weights=(0.3, 0.3),
        aux_min_size=79,
        vary=inception_v1,
        reported=(
            Reported("imagenet2012", top5=10.07, source="Table 3"),
            Reported("imagenet2012", top5=9.15, views="10 crops", source="Table 3"),
            Reported("imagenet2012", top5=7.89, views="144 crops", source="Table 3"),
        ),
        table=TABLE,
        departures=(
            "The first convolution is dense, with 9.4K parameters and 118M multiply-adds. The 2.7K and 34M of Table 1 "
            "are those of a separable one with a depth multiplier of 8, as the first author's next paper has it.",
            "Two more rows of Table 1 print counts that are far from those of their filters: 463K for 4c, which has "
            "498K; 1072K and 54M for 5a, which has 1019K and 51M. For 4a, 4d, 4e and 5b it prints 1 or 2% too few "
            "parameters.",
            "The paper does not print the constants of local response normalisation: they are those of Caffe's "
            "replication, which has it after pool 1 and conv 2.",
            "The paper does not tell the initialisation: here uniform with variance 1 / fan-in, as in Caffe's "
            "replication.",
        ),
    )
    if not batch_norm:
        return paper
    return dataclasses.replace(
        paper,
        params=6_624_904,
        macs=1_498_376_192,
        protocol=IMAGENET_224,
        head=partial(global_pool_head, dropout=0.2),
        aux_min_size=paper.min_size,
        reported=(),
        table=(),
        departures=(
            "torchvision's form: batch normalisation (epsilon 0.001) in the place of biases and local response "
            "normalisation; 3x3 convolutions in the place of the 5x5, in layers that keep the name 5x5; pool 4 is 2x2; "
            "dropout is 0.2; the auxiliary heads pool to 4x4 by windows of 4 pixels, of which only some overlap.",
        ),
    )


InceptionV1 = GoogLeNet = inception_v1()
InceptionV1CIFAR = dataclasses.replace(
    InceptionV1,
    name="inception_v1_cifar",
    protocol=CIFAR10_MEAN_32,
    min_size=32,
    params=377_126,
    macs=24_809_984,
    features=cifar_features,
    aux_head=partial(aux_head, filters=32, units=256),
    aux_min_size=32,
    vary=None,
    reported=(),
    table=(),
    departures=(
        "The paper has no network for CIFAR: here all layers have a quarter of the filters, conv1 is 3x3 with stride "
        "1, and pool 2 is left out, so that the modules have maps of 16x16, 8x8 and 4x4 pixels.",
        *InceptionV1.departures[2:],
    ),
)
