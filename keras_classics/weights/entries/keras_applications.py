"""Checkpoints of keras.applications: addresses and MD5 sums as in Keras 3.15, errors as keras.io/api/applications has
them (whose accuracies have three digits)."""

from keras_classics.spec import IMAGENET_MEAN, IMAGENET_STATISTICS, PLUS_MINUS_ONE, Normalization, Protocol
from keras_classics.weights.entries.entry import Entry

_FOLDER = "https://storage.googleapis.com/tensorflow/keras-applications/"
_FILE = "_weights_tf_dim_ordering_tf_kernels.h5"
# variant: path under the folder, MD5, top-1 and top-5 accuracies, what is done to pixels, licence, options
_TABLE: dict[str, tuple] = {
    "vgg16": (f"vgg16/vgg16{_FILE}", "64373286793e3c8b2b4e3219cbf3544b", 71.3, 90.1, IMAGENET_MEAN, "CC-BY-4.0"),
    "vgg19": (f"vgg19/vgg19{_FILE}", "cbe5617147190e668d6c5d5026f83318", 71.3, 90.0, IMAGENET_MEAN, "CC-BY-4.0"),
    "resnet50": (f"resnet/resnet50{_FILE}", "2cb95161c43110f7111970584f804107", 74.9, 92.1, IMAGENET_MEAN, "MIT"),
    "resnet101": (f"resnet/resnet101{_FILE}", "f1aeb4b969a6efcfb50fad2f0c20cfc5", 76.4, 92.8, IMAGENET_MEAN, "MIT"),
    "resnet152": (f"resnet/resnet152{_FILE}", "100835be76be38e30d865e96f2aaae62", 76.6, 93.1, IMAGENET_MEAN, "MIT"),
    "resnet50_v2": (
        *(f"resnet/resnet50v2{_FILE}", "3ef43a0b657b3be2300d5770ece849e0", 76.0, 93.0, PLUS_MINUS_ONE),
        *("Apache-2.0", ("form", "keras")),
    ),
    "resnet101_v2": (
        *(f"resnet/resnet101v2{_FILE}", "6343647c601c52e1368623803854d971", 77.2, 93.8, PLUS_MINUS_ONE),
        *("Apache-2.0", ("form", "keras")),
    ),
    "resnet152_v2": (
        *(f"resnet/resnet152v2{_FILE}", "a49b44d1979771252814e80f8ec446f9", 78.0, 94.2, PLUS_MINUS_ONE),
        *("Apache-2.0", ("form", "keras")),
    ),
    "inception_v3": (
        *(f"inception_v3/inception_v3{_FILE}", "9a0d58056eeedaa3f26cb7ebd46da564", 77.9, 93.7, PLUS_MINUS_ONE),
        "Apache-2.0",
    ),
    "inception_resnet_v2": (
        f"inception_resnet_v2/inception_resnet_v2{_FILE}",
        *("e693bd0210a403b3192acc6073ad2e96", 80.3, 95.3, PLUS_MINUS_ONE, "Apache-2.0"),
    ),
    "xception": (
        *(f"xception/xception{_FILE}", "0a58e3b7378bc2990ea3b43d5981f1f6", 79.0, 94.5, PLUS_MINUS_ONE, "Apache-2.0"),
    ),
    "densenet121": (
        *(f"densenet/densenet121{_FILE}", "9d60b8095a5708f2dcce2bca79d332c7", 75.0, 92.3, IMAGENET_STATISTICS),
        "BSD-3-Clause",
    ),
    "densenet169": (
        *(f"densenet/densenet169{_FILE}", "d699b8f76981ab1b30698df4c175e90b", 76.2, 93.2, IMAGENET_STATISTICS),
        "BSD-3-Clause",
    ),
    "densenet201": (
        *(f"densenet/densenet201{_FILE}", "1ceb130c1ea1b78c3bf6114dbdfd8807", 77.3, 93.6, IMAGENET_STATISTICS),
        "BSD-3-Clause",
    ),
}
_SIZES = {"inception_v3": (299, 342), "inception_resnet_v2": (299, 342), "xception": (299, 342)}


def _entry(
    variant: str, path: str, md5: str, top1: float, top5: float, pixels: Normalization, licence: str, *options
) -> Entry:
    image_size, resize_size = _SIZES.get(variant, (224, 256))
    return Entry(
        variant=variant,
        tag="keras",
        address=_FOLDER + path,
        checksum=f"md5:{md5}",
        protocol=Protocol("imagenet2012", pixels, image_size, resize_size),
        top1=round(100 - top1, 1),
        top5=round(100 - top5, 1),
        reported="keras.io/api/applications",
        licence=licence,
        options=options,
    )


ENTRIES = tuple(_entry(variant, *row) for variant, row in _TABLE.items())
