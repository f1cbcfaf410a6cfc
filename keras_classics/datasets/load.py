"""Opening a data set by what a user calls it."""

import pathlib
import re

from keras_classics import pictures
from keras_classics.choices import DATA_SETS, TFDS_NAME
from keras_classics.datasets.arrays import mnist_sample
from keras_classics.datasets.dataset import Dataset
from keras_classics.datasets.folder import open_folder
from keras_classics.datasets.table import open_table
from keras_classics.datasets.tfds import knows, open_tfds
from keras_classics.errors import ClassicsError, unknown


def load(name: str, data_dir: str | pathlib.Path | None = None) -> Dataset:
    """Opens a data set.

    Args:
        name: one of `NAMES`, or any that tensorflow-datasets knows whose examples are an image and a label; or a path:
            of a folder that holds one folder of images for each class, or such folders for the splits "train", "test"
            and "validation" (or "val", "valid"); or of a CSV file with the columns path, label and, if need be, split.
            Hidden files and folders, and those that begin with "__", are passed over. A file classes.txt, in the folder
            or beside the table, may list the class names in the order of the labels, a line each; else they are sorted.
        data_dir: where tensorflow-datasets keeps its data; by default its own place in the home folder.

    Raises:
        ClassicsError: if the name is unknown, the data is not there and cannot be fetched, it is not of images and
            labels, the splits do not hold images of the same classes, two of them hold the same file, or pictures of a
            class lie where they would be left out: in a folder inside the class's, or beside those of the splits; or
            are of a kind that is not read.
    """
    if not name:
        raise ClassicsError(f"The data has no name. Give a folder of class folders, or one of {', '.join(DATA_SETS)}.")
    if name == "mnist_sample":
        return mnist_sample()
    if name in DATA_SETS:
        return open_tfds(name, data_dir)
    path = pathlib.Path(name).expanduser()
    if path.is_dir():
        return open_folder(path)
    if path.suffix.lower() == ".csv" and path.exists():
        return open_table(path)
    if re.fullmatch(TFDS_NAME, name) and knows(name):
        return open_tfds(name, data_dir)
    if "/" in name or "\\" in name or path.suffix:
        kind = "table" if path.suffix.lower() == ".csv" else "folder"
        raise ClassicsError(
            f"There is no {kind} '{pictures.printable(name)}'. Give a folder of class folders, a CSV file of paths and "
            f"labels, or one of {', '.join(DATA_SETS)}."
        )
    raise unknown("data set", name, DATA_SETS)
