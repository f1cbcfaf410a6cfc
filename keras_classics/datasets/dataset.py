"""`Dataset`: what is known of a data set, and its streams."""

import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from keras_classics import decoding
from keras_classics.errors import ClassicsError, unknown

if TYPE_CHECKING:
    import tensorflow as tf

SHUFFLE_BUFFER = 16_384  # stored images, where there are too many to be shuffled as a whole


class Files(NamedTuple):
    """The pictures of a split: their `paths` (N,), bytes as the system has them, and `labels` (N,), int64."""

    paths: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class Dataset:
    """A data set that is ready to read.

    Attributes:
        name: its name, or that of its folder or table.
        class_names: in the order of the labels.
        sizes: the number of images of each split, such as {"train": 60000, "test": 10000}.
        channels: of its images.
        in_memory: whether it is small enough to be kept decoded in memory.
        stored: gives the records of a split.
        decode: turns a stored image into a uint8 tensor (H, W, C).
        files: by split, where a stored image is the path of its file; else None.
        decode_window: a part of it, as `decoding.decode_window_of_file` does; None where `decode` is all there is.
        shuffled: whether the examples are stored in a random order, in which every so many-th are of all classes.
    """

    name: str
    class_names: tuple[str, ...]
    sizes: Mapping[str, int]
    channels: int
    in_memory: bool
    stored: Callable[[str], "tf.data.Dataset"]
    decode: Callable[["tf.Tensor"], "tf.Tensor"]
    files: Mapping[str, Files] | None = None
    decode_window: Callable | None = None
    shuffled: bool = False

    @property
    def test_split(self) -> str | None:
        """The split that errors are reported on: "test", or else "validation", as for ImageNet, whose public labels
        are those. None where there are only training images, whose error is no test error."""
        return next((split for split in ("test", "validation") if split in self.sizes), None)

    @property
    def judged_split(self) -> str:
        """The split to judge a network on if none is named: `test_split`, or else "train"."""
        return self.test_split or "train"

    def records(self, split: str) -> "tf.data.Dataset":
        """The stream of (stored image, int64 label) of a split, in the order in which it is stored.

        Raises:
            ClassicsError: if the data set has no split of that name.
        """
        if split not in self.sizes:
            raise unknown(f"split of {self.name}", split, self.sizes)
        return self.stored(split)

    def split(self, split: str, shuffle: bool = False, seed: int | None = None) -> "tf.data.Dataset":
        """The stream of (uint8 image (H, W, C), int64 label) of a split.

        A picture that cannot be read ends it with an error of TensorFlow's; see `reading`.

        Args:
            split: such as "train".
            shuffle: whether in another order each time, which takes no memory for decoded pictures: their files' names,
                or the stored images, are shuffled; otherwise in a fixed order.
            seed: of these orders.

        Raises:
            ClassicsError: if the data set has no split of that name.
        """
        records = self.records(split)
        if shuffle:
            records = records.shuffle(max(1, self.shuffle_buffer(split)), seed)
        return records.map(
            lambda image, label: (self.decode(image), label), num_parallel_calls=os.cpu_count(), deterministic=True
        )

    def shuffle_buffer(self, split: str) -> int:
        """How many stored images of a split to shuffle at once: all, unless they are too many to be held. Those of
        tensorflow-datasets are stored shuffled (imagenet2012 too), so that a part is enough."""
        whole = self.files is not None or self.in_memory
        return self.sizes[split] if whole else min(self.sizes[split], SHUFFLE_BUFFER)

    def labels(self, split: str) -> np.ndarray:
        """The int64 labels (N,) of a split, in its order. Where they stand beside the stored images, as in
        tensorflow-datasets, these are read as well.

        Raises:
            ClassicsError: if the data set has no split of that name.
        """
        if self.files is not None and split in self.files:
            return self.files[split].labels
        return np.fromiter(self.records(split).map(lambda _, label: label).as_numpy_iterator(), "int64")

    def class_weights(self, split: str = "train") -> dict[int, float]:
        """By label n / (k n_c), for n images of k classes, of which n_c are of this one: weighted so, each class counts
        as much as another, and all images together as much as before. A class without images has the weight 0.

        Raises:
            ClassicsError: if the data set has no split of that name.
        """
        counts = np.bincount(self.labels(split), minlength=len(self.class_names))
        present = np.count_nonzero(counts)
        return {label: counts.sum() / (present * count) if count else 0.0 for label, count in enumerate(counts)}

    def check_classes(self, classes: int, model_name: str) -> None:
        """Raises a ClassicsError unless the data set has `classes` classes."""
        if classes != len(self.class_names):
            raise ClassicsError(
                f"{model_name} has {classes} classes and {self.name} has {len(self.class_names)}; build it with "
                f"classes={len(self.class_names)} or choose other data."
            )


def of_files(name: str, class_names: tuple[str, ...], files: Mapping[str, Files]) -> Dataset:
    """The data set of pictures in files."""

    def records(split):
        import tensorflow as tf

        return tf.data.Dataset.from_tensor_slices(tuple(files[split]))

    sizes = {split: len(of_split.labels) for split, of_split in files.items()}
    return Dataset(
        name, class_names, sizes, 3, False, records, decoding.decode_file, files, decoding.decode_window_of_file
    )


@contextmanager
def reading() -> Iterator[None]:
    """Whatever runs through a data set's streams goes in here: a picture that cannot be read is then told in one line.

    Raises:
        ClassicsError: that of the picture, which tf.data wraps in an error and a trace of its own.
    """
    try:
        yield
    except ClassicsError:
        raise
    except Exception as error:
        told = re.search(rf"\b{ClassicsError.__name__}: (.+)", str(error))
        message = told[1] if told else decoding.explained(str(error))
        if message is None:
            raise
        raise ClassicsError(message) from None
