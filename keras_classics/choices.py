"""What one can choose from by name. It imports nothing, so that a command can refuse a wrong name at once."""

import importlib.util
import os
import re

BACKENDS = ("tensorflow", "jax", "torch")
DATA_SETS = ("mnist_sample", "mnist", "cifar10", "cifar100", "svhn_cropped", "imagenet2012")
SAMPLES = {"mnist_sample": "mnist"}  # data sets that are a part of another
EXPORT_FORMATS = ("saved_model", "tflite", "onnx")
EXPORT_SUFFIXES = {"tflite": ".tflite", "onnx": ".onnx"}  # a SavedModel is a folder of any name
EXPORT_DTYPES = ("float32", "uint8")  # of the images that an export takes
QUANTIZATIONS = ("float16", "dynamic", "int8")  # of a TFLite export
PEERS = ("keras.applications", "pytorchcv", "torchvision", "native-groups", "no-remat")
DISTRIBUTIONS = ("data",)  # of a training over devices
# Common licences, as the hub spells them. A card names any other one as "other", with its own name.
LICENCES = (
    *("apache-2.0", "mit", "bsd-2-clause", "bsd-3-clause", "isc", "mpl-2.0", "gpl-3.0", "lgpl-3.0", "agpl-3.0"),
    *("cc0-1.0", "cc-by-4.0", "cc-by-sa-4.0", "cc-by-nc-4.0", "cc-by-nc-sa-4.0", "openrail", "unlicense", "unknown"),
)
VIEWS = ("1", "2", "10", "144", "150", "dense-1", "dense-3", "dense-5")  # of a picture, whose answers are averaged

TFDS_NAME = r"([a-z]\w*)(/[\w.+-]+)?(:[\d.*]+)?"  # "emnist", "imagenet_resized/32x32", "svhn_cropped:3.1.0"


def perhaps_of_tfds(name: str) -> bool:
    """Whether tensorflow-datasets may have a data set of the name: it has a file or a folder that is called so. To ask
    it itself takes an import that is not for a slip of the pen."""
    found = re.fullmatch(TFDS_NAME, name)
    package = importlib.util.find_spec("tensorflow_datasets")
    return (
        found is not None
        and package is not None
        and any(
            found[1] in folders or any(file.split(".")[0] == found[1] for file in files)
            for root in package.submodule_search_locations or ()
            for _, folders, files in os.walk(root)
        )
    )
