"""Data for a run: where it has no test images, some of its training images are held out to be judged on."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from keras_classics import datasets
from keras_classics.choices import SAMPLES
from keras_classics.datasets import Dataset

EVERY = 10  # one image in so many of each class is held out
CHECKED = 10_000  # pictures; to read more of them once would take as long as an epoch of many hours

# What a run is judged on, by the name in metrics.json.
TEST, HELD_OUT, VALIDATION, TRAINING = "test", "held out of train", "validation", "train"
WORDS = {
    TEST: "test images",
    HELD_OUT: "images of all classes, held out of the training images",
    VALIDATION: "validation images",
    TRAINING: "training images",
}


@dataclass(frozen=True)
class RunData:
    """The data of a run.

    Attributes:
        name: that it was asked for by: a data set's, or a folder's path.
        dataset: with the images that the run is judged on as its `judged_split`.
        judged_on: what these are, a key of `WORDS`.
    """

    name: str
    dataset: Dataset
    judged_on: str

    def is_of(self, dataset: str) -> bool:
        """Whether it is the data set of that name, or a sample of it, so that errors on both can be compared."""
        return SAMPLES.get(self.name, self.name) == dataset


def load(name: str, data_dir: str | None = None) -> RunData:
    """Opens a data set, as `datasets.load` does, for a run.

    Where a folder has no test images, every tenth training image of each class, or at least one, becomes the split
    "test"; a class of one image cannot spare it, and then the folder stays as it is.
    """
    data = datasets.load(name, data_dir)
    if name in datasets.NAMES or "test" in data.sizes:
        return RunData(name, data, data.judged_split)
    held_out = hold_out_test_split(data)
    return RunData(name, data, data.judged_split) if held_out is None else RunData(name, held_out, HELD_OUT)


def check_pictures(data: RunData, say: Callable[[str], None]) -> None:
    """Reads each picture of a folder once, so that a damaged one is met before time is spent, not in mid-epoch.

    Of a folder of more than `CHECKED` none is read, and a damaged one stops the run where it is met.

    Raises:
        ClassicsError: for a picture that cannot be read whole.
    """
    sizes = data.dataset.sizes
    if data.name in datasets.NAMES or sum(sizes.values()) > CHECKED:
        return
    say(f"Reading each of the {sum(sizes.values()):,} pictures once, to find damaged ones before the start.")
    with datasets.reading():
        for split in sizes:
            for _ in data.dataset.split(split):
                pass


def hold_out_test_split(data: Dataset) -> Dataset | None:
    """The same data with some of its training images as the split "test"; None if a class has too few."""
    labels = np.fromiter(data.records("train").map(lambda _, label: label).as_numpy_iterator(), "int64")
    is_test = np.zeros(len(labels), bool)
    for label in range(len(data.class_names)):
        (of_class,) = np.nonzero(labels == label)
        if len(of_class) < 2:
            return None
        is_test[of_class[min(EVERY, len(of_class)) - 1 :: EVERY]] = True

    def stored(split):
        import tensorflow as tf

        if split not in ("train", "test"):
            return data.stored(split)
        chosen = tf.data.Dataset.from_tensor_slices(is_test == (split == "test"))
        examples = tf.data.Dataset.zip(data.stored("train"), chosen).filter(lambda _, is_chosen: is_chosen)
        examples = examples.map(lambda example, _: example)
        return examples.apply(tf.data.experimental.assert_cardinality(sizes[split]))

    test = int(is_test.sum())
    sizes = {**data.sizes, "train": len(labels) - test, "test": test}
    return dataclasses.replace(data, sizes=sizes, stored=stored)
