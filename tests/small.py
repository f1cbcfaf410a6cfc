"""A small network of each family on small images, for what must hold on every backend."""

import keras
from pseudo_random import images

import keras_classics as kc
from keras_classics.cells import Cell

CELL = Cell(blocks=((("sep 3x3", 0), ("avg 3x3", 1)), (("max 3x3", 0), ("identity", 2))), outputs=(2, 3))

# Builders' arguments by the networks' names; an image of `side` pixels, or of the network's own size.
SMALL: dict[str, dict] = {
    "lecun1989": {},
    "lenet5": {},
    "alexnet": {"side": 67},
    "nin": {},
    "vgg11": {"side": 32, "initialization": "glorot"},
    "inception_v1": {"side": 64},
    "inception_v2": {"side": 32},
    "inception_v3": {"side": 75},
    "inception_v4": {"side": 75},
    "inception_resnet_v1": {"side": 75},
    "resnet20": {},
    "resnet50_v2": {"side": 32},
    "resnext29_32x4d": {},
    "densenet40_12": {},
    "xception": {"side": 32},
    "shufflenet_g3": {"side": 64},
    "shufflenet_v2_x0_5": {"side": 64},
    "nasnet_mobile": {"side": 32, "normal": CELL, "reduction": CELL},
    "pnasnet5_mobile": {"side": 32},
}

# Of layers that the others have as well; they are tested with `-m heavy`.
DEEP = {
    "vgg11",
    "inception_v2",
    "inception_v3",
    "inception_v4",
    "inception_resnet_v1",
    "resnet50_v2",
    "xception",
    "pnasnet5_mobile",
}


def _side(name: str) -> int:
    return SMALL[name].get("side", kc.get_model(name).image_size)


def build(name: str, **arguments) -> keras.Model:
    """The network for ten classes."""
    options = {k: v for k, v in SMALL[name].items() if k != "side"}
    side, channels = _side(name), kc.get_model(name).channels
    shape = (side, side, channels) if keras.config.image_data_format() == "channels_last" else (channels, side, side)
    return kc.create_model(name, classes=10, input_shape=shape, **options, **arguments)


def batch(name: str, count: int = 2):
    """Images for it, channels last."""
    return images(count, _side(name), _side(name), kc.get_model(name).channels)
