"""Checkpoints of the ONNX model zoo, made from Caffe's: SHA-256 sums from the pointers in its repository. They read
blue, green and red with the mean colours of Caffe's own networks subtracted. Caffe's tutorial squashes pictures to
256x256, so its errors are taken to be of such pictures."""

from keras_classics.spec import CAFFE_MEAN, InputProtocol
from keras_classics.weights.entries.entry import Entry

_FOLDER = "https://github.com/onnx/models/raw/main/validated/vision/classification/"
# variant, tag, path under the folder, SHA-256, image size, top-1 and top-5 errors, their source, licence, options
_TABLE: tuple[tuple, ...] = (
    (
        *("alexnet", "bvlcalexnet-8", "alexnet/model/bvlcalexnet-8.onnx"),
        *("9a4dc22fd706a19462aaec3b08e027e0ef89daf63d123824f20b59b6de9a727b", 227, 42.9, 19.8),
        *("models/bvlc_alexnet/readme.md of BVLC/caffe", "BSD-3-Clause", ("lrn", "caffe")),
    ),
    (
        *("inception_v1", "googlenet-7", "inception_and_googlenet/googlenet/model/googlenet-7.onnx"),
        *("5725ccfd90845735ce5897faf7843c3f9b13acda3c4f3bff82cb21c9337c9de8", 224, 31.3, 11.1),
        *("models/bvlc_googlenet/readme.md of BVLC/caffe", "BSD-3-Clause"),
    ),
    (
        *("inception_v1", "inception-v1-8", "inception_and_googlenet/inception_v1/model/inception-v1-8.onnx"),
        *("ec956d393dd467b6d9e0b17b8c8227c534b936bfbcdc82343a3a7238375775f0", 224, 32.77, None),
        *("the model's README in onnx/models, measured on version 12", "MIT"),
    ),
)


def _entry(variant, tag, path, sha256, size, top1, top5, reported, licence, *options) -> Entry:
    return Entry(
        variant=variant,
        tag=f"onnx/{tag}",
        address=_FOLDER + path,
        checksum=f"sha256:{sha256}",
        protocol=InputProtocol("imagenet2012", CAFFE_MEAN, size, 256, squash="BVLC/caffe" in reported),
        top1=top1,
        top5=top5,
        reported=reported,
        licence=licence,
        options=options,
    )


ENTRIES = tuple(_entry(*row) for row in _TABLE)
