"""He et al. 2016: residual networks with identity mappings, whose units activate before they weigh."""

from functools import partial

from keras import layers

from keras_classics.blocks import batch_norm, conv, conv_bn_relu, max_pool, relu
from keras_classics.errors import unknown
from keras_classics.layers import MaxPooling2D, channels_of
from keras_classics.models.resnet import BLOCKS, MEAN_DEPARTURE
from keras_classics.spec import CIFAR10_32, IMAGENET_224, Paper, Reported
from keras_classics.variant import Variant

PAPER = Paper(
    title="Identity Mappings in Deep Residual Networks",
    authors="He, Zhang, Ren, Sun",
    year=2016,
    venue="ECCV 2016",
    url="https://arxiv.org/abs/1603.05027",
)

# Where a bottleneck strides: "1x1", in its first layer, as the authors' code; "3x3", as fb.resnet.torch and most public
# weights. "keras" is the network of keras.applications: it strides in the 3x3 of a stage's last unit and not of the
# first, has biases where no batch norm follows, and none of either after conv1.
FORMS = ("1x1", "3x3", "keras")


def basic_block(x, filters, strides, form, name):
    """Two 3x3 layers; the activation before the first is the unit's."""
    x = conv_bn_relu(x, filters, 3, strides, name=f"{name}_1")
    return conv(x, filters, 3, name=f"{name}_2_conv")


def bottleneck_block(x, filters, strides, form, name):
    """1x1 to reduce, 3x3, 1x1 to restore four times as many."""
    first, second = (strides, 1) if form == "1x1" else (1, strides)
    x = conv_bn_relu(x, filters, 1, first, name=f"{name}_1")
    x = conv_bn_relu(x, filters, 3, second, name=f"{name}_2")
    return conv(x, 4 * filters, 1, use_bias=form == "keras", name=f"{name}_3_conv")


def unit(x, block, filters, strides, form, name):
    """Figure 1(b): batch norm and ReLU, the block, and the addition, after which comes nothing.

    Where the width changes, a projection of what is activated joins the block's output (appendix).
    """
    active = relu(batch_norm(x, f"{name}_preact_bn"), f"{name}_preact_relu")
    y = block(active, filters, strides, form, name)
    if channels_of(x) != channels_of(y):
        x = conv(active, channels_of(y), 1, strides, use_bias=form == "keras", name=f"{name}_0_conv")
    elif strides > 1:
        x = MaxPooling2D(1, strides, name=f"{name}_0_subsample")(x)
    return layers.Add(name=f"{name}_out")([x, y])


def stages(x, block, filters, blocks, form):
    """conv2_x and on: each but the first halves the map, all double the filters; then the last activation."""
    for stage, count in enumerate(blocks):
        for i in range(count):
            halves = i == count - 1 and stage < len(blocks) - 1 if form == "keras" else i == 0 and stage > 0
            x = unit(x, block, filters * 2**stage, 2 if halves else 1, form, f"conv{stage + 2}_block{i + 1}")
    return relu(batch_norm(x, "post_bn"), "post_relu")


def imagenet_features(x, blocks, form):
    """(N, 224, 224, 3), conv1 (N, 112, 112, 64), conv2_x (N, 56, 56, 256) to conv5_x (N, 7, 7, 2048)."""
    if form == "keras":
        x = conv(x, 64, 7, 2, use_bias=True, name="conv1_conv")
    else:
        x = conv_bn_relu(x, 64, 7, 2, name="conv1")
    x = max_pool(x, 3, 2, padding=1, name="pool1")
    return stages(x, bottleneck_block, 64, blocks, form)


def cifar_features(x, block, blocks, form):
    """(N, 32, 32, 3), then units on (N, 32, 32, C), (N, 16, 16, 2 C), (N, 8, 8, 4 C); C is 16, or 64 of bottlenecks."""
    return stages(conv(x, 16, 3, name="conv1_conv"), block, 16, blocks, form)


# Units of conv2_x .. conv5_x: as in ResNet, and 16 more on the 28x28 map (section 5).
UNITS = {
    **{depth: BLOCKS[depth][1] for depth in (50, 101, 152)},
    200: (3, 24, 36, 3),
}

# Trainable parameters, and multiply-adds with the stride in the first 1x1 and in the 3x3.
COUNTS: dict[str, tuple[int, dict[str, int]]] = {
    "resnet50_v2": (25_549_480, {"1x1": 3_857_973_248, "3x3": 4_089_184_256}),
    "resnet101_v2": (44_541_608, {"1x1": 7_570_194_432, "3x3": 7_801_405_440}),
    "resnet152_v2": (60_185_256, {"1x1": 11_282_415_616, "3x3": 11_513_626_624}),
    "resnet200_v2": (64_666_280, {"1x1": 14_776_270_848, "3x3": 15_007_481_856}),
    "resnet110_v2": (1_730_522, {"1x1": 253_149_824}),
    "resnet164_v2": (1_703_258, {"1x1": 244_500_992, "3x3": 247_646_720}),
    "resnet1001_v2": (10_327_706, {"1x1": 1_487_849_984, "3x3": 1_490_995_712}),
}

MEDIAN = "median of five runs"
SCALE_AND_ASPECT = (
    "trained with scale and aspect augmentation, in fb.resnet.torch's form, which strides in the 3x3 and whose "
    "projections read what is not activated and have batch norm"
)
ERRORS = {
    "resnet152_v2": (Reported("imagenet2012", 21.1, 5.5, "1 crop of 320", "Table 5"),),
    "resnet200_v2": (
        Reported("imagenet2012", 20.7, 5.3, "1 crop of 320", "Table 5"),
        Reported("imagenet2012", 20.1, 4.8, "1 crop of 320", "Table 5", SCALE_AND_ASPECT),
    ),
    "resnet110_v2": (Reported("cifar10", 6.37, source="Table 3", note=MEDIAN),),
    "resnet164_v2": (
        Reported("cifar10", 5.46, source="Table 3", note=MEDIAN),
        Reported("cifar100", 24.33, source="Table 3", note=MEDIAN),
    ),
    "resnet1001_v2": (
        Reported("cifar10", 4.92, source="Table 3", note=MEDIAN),
        Reported("cifar10", 4.62, source="Table 4", note=f"{MEDIAN}; batches of 64"),
        Reported("cifar100", 22.71, source="Table 3", note=MEDIAN),
    ),
}

PROJECTION_DEPARTURE = (
    "Where the filters grow, the shortcut is a projection: the paper does not say which kind it took."
)
FIRST_DEPARTURE = (
    "The first unit begins with batch normalisation and ReLU as all others do, although those of conv1 come shortly "
    "before; the appendix can be read as leaving them out."
)
IDENTITY_DEPARTURE = (
    "The first unit's shortcut carries what conv1 gives, as in pytorchcv's weights; the appendix activates that before "
    "the two paths split."
)
FORM_DEPARTURES = {
    "1x1": (),
    "3x3": ("A bottleneck strides in its 3x3, where the authors' strides in the first 1x1.",),
    "keras": (
        "keras.applications' form: conv1 has neither batch normalisation nor ReLU behind it, the last unit of a stage "
        "strides, in its 3x3, and conv1, the last convolutions of units and the projections have biases.",
    ),
}
DEPTHS_OF_THE_PAPER = (152, 200)  # Table 5, on ImageNet
DEPTH_DEPARTURE = "The paper has no network of this depth on ImageNet: this one has the blocks of the first ResNet."


def _depth(name) -> int:
    return int(name.removeprefix("resnet").removesuffix("_v2"))


def _record(name, form, departures=(), **facts) -> Variant:
    params, macs = COUNTS[name]
    return Variant(
        name=name,
        family="resnet_v2",
        paper=PAPER,
        params=params if form != "keras" else None,
        macs=macs.get(form),
        reported=ERRORS.get(name, ()) if form == "1x1" else (),
        departures=(MEAN_DEPARTURE, *FORM_DEPARTURES[form], *departures),
        **facts,
    )


def resnet_v2(name: str, form: str = "1x1") -> Variant:
    """An ImageNet network; `form` tells where it strides."""
    if form not in FORMS:
        raise unknown(f"form of {name}", form, FORMS)
    return _record(
        name,
        form,
        protocol=IMAGENET_224,
        features=partial(imagenet_features, blocks=UNITS[_depth(name)], form=form),
        vary=partial(resnet_v2, name),
        departures=(
            *((FIRST_DEPARTURE,) if form != "keras" else ()),
            *((DEPTH_DEPARTURE,) if _depth(name) not in DEPTHS_OF_THE_PAPER else ()),
        ),
    )


def _cifar(name, block, n, form, vary=None) -> Variant:
    return _record(
        name,
        form,
        protocol=CIFAR10_32,
        min_size=4,
        features=partial(cifar_features, block=block, blocks=(n, n, n), form=form),
        vary=vary,
        departures=(PROJECTION_DEPARTURE, IDENTITY_DEPARTURE) if block is basic_block else (),
    )


def cifar_resnet_v2(name: str, form: str = "1x1") -> Variant:
    """A CIFAR-10 network of 9n + 2 layers in bottlenecks; `form` tells where it strides."""
    if form not in FORMS[:2]:
        raise unknown(f"form of {name}", form, FORMS[:2])
    return _cifar(name, bottleneck_block, (_depth(name) - 2) // 9, form, partial(cifar_resnet_v2, name))


ResNet50V2 = resnet_v2("resnet50_v2")
ResNet101V2 = resnet_v2("resnet101_v2")
ResNet152V2 = resnet_v2("resnet152_v2")
ResNet200V2 = resnet_v2("resnet200_v2")

ResNet110V2 = _cifar("resnet110_v2", basic_block, (110 - 2) // 6, "1x1")
ResNet164V2 = cifar_resnet_v2("resnet164_v2")
ResNet1001V2 = cifar_resnet_v2("resnet1001_v2")
