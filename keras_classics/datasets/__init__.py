"""The data sets: class names, split sizes, and `tf.data` streams of (uint8 image (H, W, C), int64 label).

`load` opens one by its name, a folder's path or a table's; `from_arrays` makes one of images in memory.
"""

from keras_classics.choices import DATA_SETS as NAMES
from keras_classics.datasets.arrays import from_arrays
from keras_classics.datasets.dataset import Dataset, Files, reading
from keras_classics.datasets.load import load
from keras_classics.datasets.parts import limited, select
from keras_classics.datasets.tfds import (
    CIFAR10_CLASSES,
    assumption,
    known_class_names,
    own_class_names,
    told_class_names,
)

__all__ = [
    "CIFAR10_CLASSES",
    "NAMES",
    "Dataset",
    "Files",
    "assumption",
    "from_arrays",
    "known_class_names",
    "limited",
    "load",
    "own_class_names",
    "reading",
    "select",
    "told_class_names",
]
