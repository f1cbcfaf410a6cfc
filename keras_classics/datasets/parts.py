"""Parts of a data set: images held out, left out, or only the first few."""

import dataclasses
from collections.abc import Iterable, Mapping

import numpy as np

from keras_classics.datasets.dataset import Dataset, Files, of_files
from keras_classics.errors import ClassicsError


def select(data: Dataset, parts: Mapping[str, tuple[str, np.ndarray]]) -> Dataset:
    """The data set with other splits in the place of, or beside, its own.

    Args:
        data: to take them from.
        parts: by the new split's name, the split that its images are from, and which these are: booleans, one for each
            image in the order stored. They may end early; the images after that are left out, and not read.
    """
    if data.files is not None:
        files = {**data.files}
        for split, (source, chosen) in parts.items():
            (places,) = np.nonzero(chosen)
            files[split] = Files(*(values[places] for values in data.files[source]))
        made = of_files(data.name, data.class_names, files)
        return dataclasses.replace(made, decode=data.decode, decode_window=data.decode_window)

    def stored(split):
        import tensorflow as tf

        if split not in parts:
            return data.stored(split)
        source, chosen = parts[split]
        examples = tf.data.Dataset.zip(data.stored(source), tf.data.Dataset.from_tensor_slices(chosen))
        examples = examples.filter(lambda _, is_chosen: is_chosen).map(lambda example, _: example)
        return examples.apply(tf.data.experimental.assert_cardinality(sizes[split]))

    sizes = {**data.sizes, **{split: int(np.sum(chosen)) for split, (_, chosen) in parts.items()}}
    return dataclasses.replace(data, sizes=sizes, stored=stored)


def limited(data: Dataset, count: int, splits: Iterable[str] | None = None) -> Dataset:
    """The data set with `count` images of each split, or all where it has no more: the first of each class, as many of
    one class as of another as far as they go, in the order stored.

    Args:
        data: to take them from.
        count: of images.
        splits: to shorten; by default all.

    Raises:
        ClassicsError: if the count is not positive, or there is no such split.
    """
    if count < 1:
        raise ClassicsError(f"The limit is a number of images of at least 1, not {count}.")
    splits = data.sizes if splits is None else splits
    return select(data, {split: (split, _first(_labels(data, split, count), count)) for split in splits})


def _labels(data, split, count) -> np.ndarray:
    """The labels up to where each class has its share of `count` images, or all: beyond, nothing need be read."""
    if data.files is not None:
        return data.labels(split)
    share = -(-count // len(data.class_names))
    seen = np.zeros(len(data.class_names), int)
    labels = []
    for label in data.records(split).map(lambda _, label: label).as_numpy_iterator():
        labels.append(label)
        if label < 0:  # not told
            continue
        seen[label] += 1
        if seen[label] == share and seen.min() == share:
            break
    return np.array(labels, "int64")


def _first(labels, count) -> np.ndarray:
    """Booleans: the `count` images that come first, if one counts by their number within their class."""
    number = np.empty(len(labels), int)
    for label in np.unique(labels):  # also the -1 of those that are not told
        (of_class,) = np.nonzero(labels == label)
        number[of_class] = np.arange(len(of_class))
    chosen = np.zeros(len(labels), bool)
    chosen[np.argsort(number, kind="stable")[:count]] = True
    return chosen
