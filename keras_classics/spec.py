"""Facts about papers, data sets and pixels, as frozen data. Imports no Keras."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Paper:
    """Where a network was published."""

    title: str
    authors: str
    year: int
    venue: str
    url: str

    @property
    def short(self) -> str:
        """The first author and the year."""
        return f"{self.authors.split(',')[0]} {self.year}"


ONE_CROP = "1 crop"  # the protocol of one view of each picture
REPOSITORY = "the authors' repository"  # as the source of an error that the paper does not print
NOT_BLACKLISTED = "without the blacklisted images of the validation set: 0.2 to 0.3 (top-5: 0.1 to 0.15) too good"


@dataclass(frozen=True)
class Reported:
    """An error that a paper reports, in percent.

    `views` is the protocol at test time ("1 crop", "10 crops", "dense, 5 scales"); `source` the place in the paper, or
    REPOSITORY.
    """

    dataset: str
    top1: float | None = None
    top5: float | None = None
    views: str = ONE_CROP
    source: str = ""
    note: str = ""

    @property
    def how(self) -> str:
        """The views, where they are not one crop, and the note; "" where there is nothing to say."""
        return ", ".join(filter(None, (self.views if self.views != ONE_CROP else "", self.note)))


@dataclass(frozen=True)
class Row:
    """A row of a paper's table of layers, with the figures as it prints them.

    `layers` is a regular expression that the names of the row's layers begin with; the last of them has the `output`
    shape, channels last.
    """

    name: str
    layers: str
    output: tuple[int, ...]
    params: str = ""
    ops: str = ""


@dataclass(frozen=True)
class Normalization:
    """What is done to pixels of 0..255 before the first layer: (pixel - mean) / std, a value per channel (R, G, B)."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def for_channels(self, channels: int) -> "Normalization":
        """The same for images of another channel count: the channels' averages serve each."""
        if channels == len(self.mean):
            return self
        mean, std = sum(self.mean) / len(self.mean), sum(self.std) / len(self.std)
        return Normalization((mean,) * channels, (std,) * channels)


@dataclass(frozen=True)
class InputProtocol:
    """What stands between a picture and a network, and what its answers mean.

    The shorter side of the picture is resized to `resize_size` pixels by `interpolation`; with `squash` both sides are,
    whatever the picture's shape. The centre square of `image_size` is taken and normalised; the classes are those of
    `dataset`, and have these `class_names`, in the order of the outputs of the layer called `classifier` (of any where
    that is ""), where the data set's name does not tell them. It is `assumed` where no weights told that data set, but
    only the record of the network, which may have been trained on other data of as many classes.
    """

    dataset: str
    normalization: Normalization
    image_size: int
    resize_size: int
    interpolation: str = "bilinear"
    squash: bool = False
    class_names: tuple[str, ...] = ()
    classifier: str = ""
    assumed: bool = False


def protocol_of(fields: Mapping[str, Any]) -> InputProtocol:
    """A protocol from the dict that `dataclasses.asdict` makes of it, as it is in a model's file."""
    mean, std = (tuple(fields["normalization"][name]) for name in ("mean", "std"))
    told = {"normalization": Normalization(mean, std), "class_names": tuple(fields["class_names"])}
    return InputProtocol(**{**fields, **told})


# Pixels as they are, of any number of channels with `for_channels`.
UNCHANGED = Normalization((0.0,), (1.0,))
# Mean colour of the ILSVRC 2012 training pixels, subtracted and no more (from the public VGG models).
IMAGENET_MEAN = Normalization((123.68, 116.779, 103.939), (1.0, 1.0, 1.0))
# The same in whole numbers, as Caffe's own networks have it.
CAFFE_MEAN = Normalization((123.0, 117.0, 104.0), (1.0, 1.0, 1.0))
# Channel statistics of the ILSVRC 2012 training pixels as Torch's users compute them, here for 0..255.
IMAGENET_STATISTICS = Normalization((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
# From -1 to 1, as TensorFlow's networks read them.
PLUS_MINUS_ONE = Normalization((127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
# Channel statistics of the 50,000 training images of CIFAR-10 (facebookarchive/fb.resnet.torch, datasets/cifar10.lua).
CIFAR10_STATISTICS = Normalization((125.3, 123.0, 113.9), (63.0, 62.1, 66.7))

IMAGENET_224 = InputProtocol("imagenet2012", IMAGENET_STATISTICS, 224, 256)
# The central 87.5% of each side, squashed, as in the authors' code (research/slim of tensorflow/models,
# preprocessing/inception_preprocessing.py): the papers do not tell.
IMAGENET_299 = InputProtocol("imagenet2012", PLUS_MINUS_ONE, 299, 342, squash=True)
CIFAR10_32 = InputProtocol("cifar10", CIFAR10_STATISTICS, 32, 32)
# The mean colour subtracted and no more, as GoogLeNet reads ImageNet.
CIFAR10_MEAN_32 = InputProtocol("cifar10", Normalization(CIFAR10_STATISTICS.mean, (1.0, 1.0, 1.0)), 32, 32)
# From -1 to 1, as the zip codes of LeCun et al. 1989.
MNIST_16 = InputProtocol("mnist", Normalization((127.5,), (127.5,)), 16, 16)
# LeNet-5's: the digits fill 28x28 in the centre of the field; background 0 to -0.1, ink 255 to 1.175.
MNIST_32 = InputProtocol("mnist", Normalization((20.0,), (200.0,)), 32, 28)

# Keras' layers and operations that scale pixels, by their classes: where they stand before a network, it is given what
# they make.
SCALING_LAYERS = ("Rescaling", "Normalization", "GlobalContrastNormalization", "Lambda")
SCALING = (*SCALING_LAYERS, "Add", "Subtract", "Multiply", "TrueDivide", "Divide")

# Class counts by the data set's name in tensorflow-datasets.
CLASSES = {"mnist": 10, "cifar10": 10, "cifar100": 100, "svhn_cropped": 10, "imagenet2012": 1000}


def noncommercial(licence: str) -> bool:
    """Whether a licence forbids commercial use, by its SPDX name, such as "CC-BY-NC-4.0"."""
    return "-NC-" in licence


# Options of networks that change how they are trained, and neither their weights nor their answers.
TRAINING_OPTIONS = ("dropout", "initialization", "drop_path")


def plain(value: Any) -> Any:
    """A value as JSON can hold it: a dataclass is a dict of its fields and the name of its kind."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return {"kind": type(value).__name__, **fields}
    if isinstance(value, Mapping):
        return {k: plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [plain(v) for v in value]
    return value
