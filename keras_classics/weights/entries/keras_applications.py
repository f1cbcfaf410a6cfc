"""Checkpoints of keras.applications: addresses and MD5 sums as in Keras 3.15, errors as keras.io/api/applications has
them (whose accuracies have three digits).

They are of one centre crop, as the README of keras-team/keras-applications says, and not of the squashed pictures that
`keras.utils.load_img` gives. Of which, the README does not tell; most of its figures are those, to the last digit, of
taehoonlee/tensornets-examples, test_all_imagenet_models.ipynb: the shorter side is resized to 256, 341 or 378 by a
cubic interpolation. There it is OpenCV's, which does not average over what it leaves out; here Pillow's stands for it.
"""

from keras_classics.spec import IMAGENET_MEAN, IMAGENET_STATISTICS, PLUS_MINUS_ONE, InputProtocol
from keras_classics.weights.entries.entry import Entry

# What keras.applications.imagenet_utils calls "caffe" (its order, BGR, is that of the kernels), "tf" and "torch".
_PIXELS = {"caffe": IMAGENET_MEAN, "tf": PLUS_MINUS_ONE, "torch": IMAGENET_STATISTICS}

# variant, path under the folder, MD5, top-1 and top-5 accuracies, pixels, image size, options
_TABLE: tuple[tuple, ...] = (
    ("vgg16", "vgg16/vgg16", "64373286793e3c8b2b4e3219cbf3544b", 71.3, 90.1, "caffe", 224),
    ("vgg19", "vgg19/vgg19", "cbe5617147190e668d6c5d5026f83318", 71.3, 90.0, "caffe", 224),
    ("resnet50", "resnet/resnet50", "2cb95161c43110f7111970584f804107", 74.9, 92.1, "caffe", 224),
    ("resnet101", "resnet/resnet101", "f1aeb4b969a6efcfb50fad2f0c20cfc5", 76.4, 92.8, "caffe", 224),
    ("resnet152", "resnet/resnet152", "100835be76be38e30d865e96f2aaae62", 76.6, 93.1, "caffe", 224),
    ("resnet50_v2", "resnet/resnet50v2", "3ef43a0b657b3be2300d5770ece849e0", 76.0, 93.0, "tf", 224, ("form", "keras")),
    (
        "resnet101_v2",
        "resnet/resnet101v2",
        "6343647c601c52e1368623803854d971",
        77.2,
        93.8,
        "tf",
        224,
        ("form", "keras"),
    ),
    (
        "resnet152_v2",
        "resnet/resnet152v2",
        "a49b44d1979771252814e80f8ec446f9",
        78.0,
        94.2,
        "tf",
        224,
        ("form", "keras"),
    ),
    ("inception_v3", "inception_v3/inception_v3", "9a0d58056eeedaa3f26cb7ebd46da564", 77.9, 93.7, "tf", 299),
    (
        "inception_resnet_v2",
        "inception_resnet_v2/inception_resnet_v2",
        "e693bd0210a403b3192acc6073ad2e96",
        80.3,
        95.3,
        "tf",
        299,
    ),
    ("xception", "xception/xception", "0a58e3b7378bc2990ea3b43d5981f1f6", 79.0, 94.5, "tf", 299),
    ("densenet121", "densenet/densenet121", "9d60b8095a5708f2dcce2bca79d332c7", 75.0, 92.3, "torch", 224),
    ("densenet169", "densenet/densenet169", "d699b8f76981ab1b30698df4c175e90b", 76.2, 93.2, "torch", 224),
    ("densenet201", "densenet/densenet201", "1ceb130c1ea1b78c3bf6114dbdfd8807", 77.3, 93.6, "torch", 224),
    (
        "nasnet_mobile",
        "nasnet/NASNet-mobile.h5",
        "020fb642bf7360b370c678b08e0adf61",
        74.4,
        91.9,
        "tf",
        224,
        ("counts_padding", True),
    ),
    (
        "nasnet_large",
        "nasnet/NASNet-large.h5",
        "11577c9a518f0070763c2b964a382f17",
        82.5,
        96.0,
        "tf",
        331,
        ("counts_padding", True),
    ),
)
# What its weights of VGG and ResNet were made from has a licence of its own.
_LICENCES = {"vgg16": "CC-BY-4.0", "vgg19": "CC-BY-4.0", "resnet50": "MIT", "resnet101": "MIT", "resnet152": "MIT"}


def _entry(variant, path, md5, top1, top5, pixels, size, *options) -> Entry:
    file = path if path.endswith(".h5") else f"{path}_weights_tf_dim_ordering_tf_kernels.h5"
    return Entry(
        variant=variant,
        tag="keras",
        address=f"https://storage.googleapis.com/tensorflow/keras-applications/{file}",
        checksum=f"md5:{md5}",
        protocol=InputProtocol("imagenet2012", _PIXELS[pixels], size, int(size / 0.875), "bicubic"),
        top1=round(100 - top1, 1),
        top5=round(100 - top5, 1),
        reported="keras.io/api/applications",
        licence=_LICENCES.get(variant, "Apache-2.0"),
        options=options,
    )


ENTRIES = tuple(_entry(*row) for row in _TABLE)
