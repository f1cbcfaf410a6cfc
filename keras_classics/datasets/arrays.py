"""Data sets of images in memory, and the one that comes with the package."""

import dataclasses
import importlib.resources
from collections.abc import Sequence
from typing import Any

import numpy as np

from keras_classics.datasets.dataset import Dataset
from keras_classics.errors import ClassicsError


def from_arrays(
    images: Any,
    labels: Any,
    class_names: Sequence[str] | None = None,
    *,
    test: tuple[Any, Any] | None = None,
    validation: tuple[Any, Any] | None = None,
    name: str = "arrays",
) -> Dataset:
    """A data set of images in memory, such as `keras.datasets` gives.

    Args:
        images: to train on, uint8 (N, H, W) or (N, H, W, C), grey or RGB.
        labels: theirs, whole numbers from 0 on, (N,) or (N, 1).
        class_names: in the order of the labels; by default the numbers up to the highest label of any split.
        test: images and labels to judge on.
        validation: images and labels to choose the best epoch by; without `test`, those to judge on.
        name: what messages call the data set.

    Raises:
        ClassicsError: if the arrays are none of these, differ in length or channels, or a label has no class.
    """
    given = {"train": (images, labels), "test": test, "validation": validation}
    arrays = {split: _checked(split, *pair) for split, pair in given.items() if pair is not None}
    channels = {images.shape[-1] for images, _ in arrays.values()}
    if len(channels) > 1:
        raise ClassicsError(f"The splits of {name} have images of {sorted(channels)} channels; give all the same.")
    highest = max(int(labels.max()) for _, labels in arrays.values())
    names = tuple(map(str, range(highest + 1))) if class_names is None else tuple(class_names)
    if highest >= len(names):
        raise ClassicsError(f"{name} has {len(names)} class names and the label {highest}; give a name for each label.")

    def records(split):
        import tensorflow as tf

        return tf.data.Dataset.from_tensor_slices(arrays[split])

    sizes = {split: len(labels) for split, (_, labels) in arrays.items()}
    return Dataset(name, names, sizes, channels.pop(), True, records, lambda image: image)


def _checked(split, images, labels) -> tuple[np.ndarray, np.ndarray]:
    images, labels = np.asarray(images), np.asarray(labels)
    if images.ndim == 3:
        images = images[..., None]
    if images.dtype != "uint8" or images.ndim != 4 or images.shape[-1] not in (1, 3):
        raise ClassicsError(
            f"The {split} images must be uint8 of 0..255, (N, H, W), (N, H, W, 1) or (N, H, W, 3), not "
            f"{images.dtype} {images.shape}."
        )
    if labels.shape not in ((len(images),), (len(images), 1)) or not np.issubdtype(labels.dtype, np.integer):
        raise ClassicsError(
            f"The {split} labels must be whole numbers, one for each of the {len(images)} images, not {labels.dtype} "
            f"{labels.shape}."
        )
    if not labels.size or labels.min() < 0:
        raise ClassicsError(f"There must be {split} images, and their labels count from 0.")
    return images, labels.reshape(-1).astype("int64")


def mnist_sample() -> Dataset:
    """7,000 images of MNIST, as many of each digit."""
    file = importlib.resources.files("keras_classics").joinpath("data/mnist_sample.npz")
    with file.open("rb") as opened, np.load(opened, allow_pickle=False) as archive:
        train, test = ((archive[f"{split}_images"], archive[f"{split}_labels"]) for split in ("train", "test"))
        sample = from_arrays(*train, class_names=tuple("0123456789"), test=test, name="mnist_sample")
        return dataclasses.replace(sample, shuffled=True)
