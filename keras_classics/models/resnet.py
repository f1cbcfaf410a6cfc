"""He et al. 2015: deep residual networks, and the plain networks that they are compared with."""

from collections.abc import Callable
from functools import partial

from keras import layers

from keras_classics.blocks import conv_bn, conv_bn_relu, max_pool, pad_channels, relu
from keras_classics.errors import unknown
from keras_classics.layers import MaxPooling2D, channels_of
from keras_classics.spec import CIFAR10_32, IMAGENET_224, ONE_CROP, REPOSITORY, Paper, Reported
from keras_classics.variant import Variant

PAPER = Paper(
    title="Deep Residual Learning for Image Recognition",
    authors="He, Zhang, Ren, Sun",
    year=2015,
    venue="CVPR 2016",
    url="https://arxiv.org/abs/1512.03385",
)

# Section 3.3: how a shortcut meets more filters. A: zeros for the new ones; B: a projection only there; C: everywhere.
SHORTCUTS = ("A", "B", "C")

# Where a bottleneck strides: "1x1", in its first layer, as the authors' models; or "3x3", as fb.resnet.torch and what
# came after it, such as torchvision's weights. That form is also called v1.5.
FORMS = ("1x1", "3x3")


def basic_block(x, filters, strides, name):
    """Figure 5, left: two 3x3 layers."""
    x = conv_bn_relu(x, filters, 3, strides, name=f"{name}_1")
    return conv_bn(x, filters, 3, name=f"{name}_2")


def bottleneck_block(x, filters, strides, name, form="1x1", width=1, groups=1):
    """Figure 5, right: 1x1 to reduce, 3x3, 1x1 to restore four times as many.

    ResNeXt has `width` times as many filters within, and the 3x3 in groups.
    """
    first, second = (strides, 1) if form == "1x1" else (1, strides)
    x = conv_bn_relu(x, width * filters, 1, first, name=f"{name}_1")
    x = conv_bn_relu(x, width * filters, 3, second, groups=groups, name=f"{name}_2")
    return conv_bn(x, 4 * filters, 1, name=f"{name}_3")


def shortcut(x, filters, strides, option, name):
    """The identity, or what matches it to `filters` maps at the block's resolution."""
    grows = strides > 1 or channels_of(x) != filters
    if option == "C" or (option == "B" and grows):
        return conv_bn(x, filters, 1, strides, name=f"{name}_0")
    if grows:
        new = filters - channels_of(x)
        x = MaxPooling2D(1, strides, name=f"{name}_0_subsample")(x)
        x = pad_channels(x, new // 2, new - new // 2, f"{name}_0_zeros")
    return x


def residual(x, block, filters, strides, option, name):
    """Equation 1, y = relu(F(x) + x); without a shortcut (option None), y = relu(F(x))."""
    y = block(x, filters, strides, name)
    if option:
        y = layers.Add(name=f"{name}_add")([shortcut(x, channels_of(y), strides, option, name), y])
    return relu(y, f"{name}_out")


def stages(x, block, filters, blocks, option):
    """conv2_x and on: a stage halves the map and doubles the filters, but for the first."""
    for stage, count in enumerate(blocks):
        for i in range(count):
            strides = 2 if stage > 0 and i == 0 else 1
            x = residual(x, block, filters * 2**stage, strides, option, f"conv{stage + 2}_block{i + 1}")
    return x


def imagenet_features(x, block, blocks, option):
    """Table 1: (N, 224, 224, 3), conv1 (N, 112, 112, 64), conv2_x (N, 56, 56, ...) to conv5_x (N, 7, 7, ...)."""
    x = conv_bn_relu(x, 64, 7, 2, name="conv1")
    x = max_pool(x, 3, 2, padding=1, name="pool1")
    return stages(x, block, 64, blocks, option)


def cifar_features(x, block, filters, blocks, option):
    """Section 4.2: (N, 32, 32, 3), then 2n layers on each of (N, 32, 32, 16), (N, 16, 16, 32), (N, 8, 8, 64)."""
    x = conv_bn_relu(x, filters, 3, name="conv1")
    return stages(x, block, filters, blocks, option)


# Table 1: blocks of conv2_x .. conv5_x.
BLOCKS: dict[int, tuple[Callable, tuple[int, ...]]] = {
    18: (basic_block, (2, 2, 2, 2)),
    34: (basic_block, (3, 4, 6, 3)),
    50: (bottleneck_block, (3, 4, 6, 3)),
    101: (bottleneck_block, (3, 4, 23, 3)),
    152: (bottleneck_block, (3, 8, 36, 3)),
}

# Trainable parameters and multiply-adds. Option A has those of the plain network.
COUNTS = {
    "plainnet18": (11_515_688, 1_794_805_760),
    "plainnet34": (21_623_848, 3_644_493_824),
    "resnet18": (11_689_512, 1_814_073_344),
    "resnet34": (21_797_672, 3_663_761_408),
    "resnet50": (25_557_032, 3_857_973_248),
    "resnet101": (44_549_160, 7_570_194_432),
    "resnet152": (60_192_808, 11_282_415_616),
    "resnet20": (269_722, 40_551_040),
    "resnet32": (464_154, 68_862_592),
    "resnet44": (658_586, 97_174_144),
    "resnet56": (853_018, 125_485_696),
    "resnet110": (1_727_962, 252_887_680),
    "resnet1202": (19_421_274, 2_829_238_912),
    "plainnet20": (269_722, 40_551_040),
    "plainnet56": (853_018, 125_485_696),
}

# Multiply-adds of the form "3x3".
MACS_3X3 = {"resnet50": 4_089_184_256, "resnet101": 7_801_405_440, "resnet152": 11_513_626_624}

TEN_CROPS = "10 crops"
DENSE = "dense, 5 scales"

# Shortcut option, None of a plain network; top-1 and top-5 error; views; place.
IMAGENET_ERRORS: dict[str, list[tuple]] = {
    "plainnet18": [(None, 27.94, None, TEN_CROPS, "Table 2")],
    "plainnet34": [(None, 28.54, 10.02, TEN_CROPS, "Tables 2 and 3")],
    "resnet18": [("A", 27.88, None, TEN_CROPS, "Table 2")],
    "resnet34": [
        ("B", 24.52, 7.46, TEN_CROPS, "Table 3"),
        ("A", 25.03, 7.76, TEN_CROPS, "Table 3"),
        ("C", 24.19, 7.40, TEN_CROPS, "Table 3"),
        ("B", 21.84, 5.71, DENSE, "Table 4"),
        ("C", 21.53, 5.60, DENSE, "Table 4"),
    ],
    "resnet50": [
        ("B", 22.85, 6.71, TEN_CROPS, "Table 3"),
        ("B", 20.74, 5.25, DENSE, "Table 4"),
        ("B", 24.7, 7.8, ONE_CROP, REPOSITORY),
    ],
    "resnet101": [
        ("B", 21.75, 6.05, TEN_CROPS, "Table 3"),
        ("B", 19.87, 4.60, DENSE, "Table 4"),
        ("B", 23.6, 7.1, ONE_CROP, REPOSITORY),
    ],
    "resnet152": [
        ("B", 21.43, 5.71, TEN_CROPS, "Table 3"),
        ("B", 19.38, 4.49, DENSE, "Table 4"),
        ("B", 23.0, 6.7, ONE_CROP, REPOSITORY),
    ],
}


def _table_6(error, note="") -> tuple[Reported, ...]:
    return (Reported("cifar10", error, source="Table 6", note=note),)


CIFAR10_ERRORS = {
    "resnet20": _table_6(8.75),
    "resnet32": _table_6(7.51),
    "resnet44": _table_6(7.17),
    "resnet56": _table_6(6.97),
    "resnet110": _table_6(6.43, "the best of five runs, whose mean is 6.61"),
    "resnet1202": _table_6(7.93),
}

MEAN_DEPARTURE = "Pixels are normalised by channel means and deviations; the paper subtracts the mean of each pixel."
PAD_DEPARTURE = "The paper does not say where option A's zero maps go: half stand before and half after the others."
FORM_DEPARTURE = "The form called v1.5: a bottleneck strides in its 3x3, where the authors' strides in the first 1x1."


POOL_DEPARTURE = (
    "The first pooling is padded by 1, as in fb.resnet.torch and what came after it; in the authors' models its "
    "windows begin at the first pixel, and the last ones are cut."
)
OTHER_ERROR_DEPARTURE = 'The paper has this network with option A alone: `shortcut="A"` has its error.'


def _depth(name) -> int:
    return int(name.removeprefix("resnet").removeprefix("plainnet"))


def _imagenet(name, option, form="1x1", vary=None) -> Variant:
    block, blocks = BLOCKS[_depth(name)]
    params, macs = COUNTS[name] if option in (None, "B") else (None, None)
    if form == "3x3":
        block = partial(block, form=form)
        macs = MACS_3X3[name] if params else None
    return Variant(
        name=name,
        family="resnet",
        paper=PAPER,
        protocol=IMAGENET_224,
        params=params,
        macs=macs,
        features=partial(imagenet_features, block=block, blocks=blocks, option=option),
        vary=vary,
        reported=_imagenet_errors(name, option) if form == "1x1" else (),
        departures=(
            *_departures(option, form),
            POOL_DEPARTURE,
            *((OTHER_ERROR_DEPARTURE,) if name == "resnet18" and option != "A" else ()),
        ),
    )


def _cifar(name, option, vary=None) -> Variant:
    n = (_depth(name) - 2) // 6  # depth 6n + 2
    params, macs = COUNTS[name] if option in (None, "A") else (None, None)
    return Variant(
        name=name,
        family="resnet",
        paper=PAPER,
        protocol=CIFAR10_32,
        min_size=4,
        params=params,
        macs=macs,
        features=partial(cifar_features, block=basic_block, filters=16, blocks=(n, n, n), option=option),
        vary=vary,
        reported=CIFAR10_ERRORS.get(name, ()) if option == "A" else (),
        departures=_departures(option),
    )


def _imagenet_errors(name, option) -> tuple[Reported, ...]:
    return tuple(Reported("imagenet2012", *error) for of, *error in IMAGENET_ERRORS[name] if of == option)


def _departures(option, form="1x1") -> tuple[str, ...]:
    return (
        MEAN_DEPARTURE,
        *((PAD_DEPARTURE,) if option == "A" else ()),
        *((FORM_DEPARTURE,) if form == "3x3" else ()),
    )


def _checked(shortcut):
    if shortcut not in SHORTCUTS:
        raise unknown("shortcut option", shortcut, SHORTCUTS)
    return shortcut


def resnet(name: str, shortcut: str = "B") -> Variant:
    """An ImageNet network of basic blocks: projections where the filters grow (Table 1), or another `shortcut`."""
    return _imagenet(name, _checked(shortcut), vary=partial(resnet, name))


def bottleneck_resnet(name: str, shortcut: str = "B", form: str = "1x1") -> Variant:
    """An ImageNet network of bottlenecks; `form` tells where they stride."""
    if form not in FORMS:
        raise unknown(f"form of {name}", form, FORMS)
    return _imagenet(name, _checked(shortcut), form, partial(bottleneck_resnet, name))


def cifar_resnet(name: str, shortcut: str = "A") -> Variant:
    """A CIFAR-10 network: identity shortcuts only (section 4.2), or another `shortcut`."""
    return _cifar(name, _checked(shortcut), partial(cifar_resnet, name))


ResNet18 = resnet("resnet18")
ResNet34 = resnet("resnet34")
ResNet50 = bottleneck_resnet("resnet50")
ResNet101 = bottleneck_resnet("resnet101")
ResNet152 = bottleneck_resnet("resnet152")
PlainNet18 = _imagenet("plainnet18", None)
PlainNet34 = _imagenet("plainnet34", None)

ResNet20 = cifar_resnet("resnet20")
ResNet32 = cifar_resnet("resnet32")
ResNet44 = cifar_resnet("resnet44")
ResNet56 = cifar_resnet("resnet56")
ResNet110 = cifar_resnet("resnet110")
ResNet1202 = cifar_resnet("resnet1202")
PlainNet20 = _cifar("plainnet20", None)
PlainNet56 = _cifar("plainnet56", None)
