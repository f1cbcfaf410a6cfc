"""The data sets: class names, split sizes, and `tf.data` streams of (uint8 image (H, W, C), int64 label)."""

import importlib.resources
import os
import pathlib
import re
import shutil
import urllib.parse
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from keras_classics import decoding, pictures, preprocessing
from keras_classics.choices import DATA_SETS
from keras_classics.errors import ClassicsError, unknown

if TYPE_CHECKING:
    import tensorflow as tf

NAMES = DATA_SETS
TFDS_NAMES = tuple(name for name in DATA_SETS if name != "mnist_sample")

# The splits, and what their folders may be called.
SPLIT_FOLDERS = {"train": ("train",), "test": ("test",), "validation": ("validation", "valid", "val")}
SECONDS_TO_CONNECT = 10

# The last two attributes of a data set of files, and of one of encoded pictures.
DECODE_FILES = (decoding.decode_file, decoding.decode_window_of_file)
DECODE_CONTENTS = (decoding.decode_contents, decoding.decode_window_of_contents)

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


@dataclass(frozen=True)
class Dataset:
    """A data set that is ready to read.

    Attributes:
        name: its name, or that of its folder.
        class_names: in the order of the labels.
        sizes: the number of images of each split, such as {"train": 60000, "test": 10000}.
        channels: of its images.
        in_memory: whether it is small enough to be kept decoded in memory.
        stored: gives the records of a split.
        decode: turns a stored image into a uint8 tensor (H, W, C).
        decode_window: a part of it, as `decoding.decode_window_of_file` does; None where images are small.
    """

    name: str
    class_names: tuple[str, ...]
    sizes: Mapping[str, int]
    channels: int
    in_memory: bool
    stored: Callable[[str], "tf.data.Dataset"]
    decode: Callable[["tf.Tensor"], "tf.Tensor"]
    decode_window: Callable | None = None

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

    def split(self, split: str) -> "tf.data.Dataset":
        """The stream of (uint8 image (H, W, C), int64 label) of a split, in a fixed order.

        A picture that cannot be read ends it with an error of TensorFlow's; see `reading`.

        Raises:
            ClassicsError: if the data set has no split of that name.
        """
        import tensorflow as tf

        return self.records(split).map(
            lambda image, label: (self.decode(image), label), num_parallel_calls=tf.data.AUTOTUNE, deterministic=True
        )

    def check_classes(self, classes: int, model_name: str) -> None:
        """Raises a ClassicsError unless the data set has `classes` classes."""
        if classes != len(self.class_names):
            raise ClassicsError(
                f"{model_name} has {classes} classes and {self.name} has {len(self.class_names)}; build it with "
                f"classes={len(self.class_names)} or choose other data."
            )


def load(name: str, data_dir: str | pathlib.Path | None = None) -> Dataset:
    """Opens a data set.

    Args:
        name: one of `NAMES`, or the path of a folder that holds one folder of images for each class, or such folders
            for the splits "train", "test" and "validation" (or "val", "valid"). Hidden files and folders, and those
            that begin with "__", are passed over.
        data_dir: where tensorflow-datasets keeps its data; by default its own place in the home folder.

    Raises:
        ClassicsError: if the name is unknown, the data is not there and cannot be fetched, or a folder's splits do not
            hold images of the same classes.
    """
    if not name:
        raise ClassicsError(f"The data has no name. Give a folder of class folders, or one of {', '.join(NAMES)}.")
    if name == "mnist_sample":
        return _mnist_sample()
    if name in TFDS_NAMES:
        return _tfds(name, data_dir)
    folder = pathlib.Path(name).expanduser()
    if folder.is_dir():
        return _folder(folder)
    if "/" in name or "\\" in name:
        raise ClassicsError(
            f"There is no folder '{pictures.printable(name)}'. Give a folder of class folders, or one of "
            f"{', '.join(NAMES)}."
        )
    raise unknown("data set", name, NAMES)


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


def known_class_names(name: str) -> tuple[str, ...]:
    """The class names of a data set where they can be told without it (a prepared copy may lack them); else none."""
    if name == "imagenet2012":
        return preprocessing.imagenet_classes()[1]
    digits = tuple("0123456789")
    return {"mnist": digits, "svhn_cropped": digits, "cifar10": CIFAR10_CLASSES}.get(name, ())


def _mnist_sample() -> Dataset:
    with (
        importlib.resources.files("keras_classics").joinpath("data/mnist_sample.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as archive,
    ):
        arrays = dict(archive)

    def records(split):
        import tensorflow as tf

        images, labels = arrays[f"{split}_images"][..., None], arrays[f"{split}_labels"].astype("int64")
        return tf.data.Dataset.from_tensor_slices((images, labels))

    sizes = {split: len(arrays[f"{split}_labels"]) for split in ("train", "test")}
    return Dataset("mnist_sample", tuple("0123456789"), sizes, 1, True, records, lambda image: image)


def _tfds(name, data_dir) -> Dataset:
    if data_dir is not None:
        data_dir = pathlib.Path(data_dir).expanduser()
        if not data_dir.is_dir():
            raise ClassicsError(
                f"There is no folder '{data_dir}' for the data of tensorflow-datasets. Make it, or correct the path."
            )

    import tensorflow_datasets as tfds

    builder = tfds.builder(name, data_dir=data_dir)
    if not builder.is_prepared():
        _prepare(builder)
    image, label = builder.info.features["image"], builder.info.features["label"]

    def records(split):
        decoders = {"image": tfds.decode.SkipDecoding()}
        return builder.as_dataset(split, shuffle_files=False, as_supervised=True, decoders=decoders)

    sizes = {split: info.num_examples for split, info in builder.info.splits.items()}
    if name == "imagenet2012":
        sizes.pop("test", None)  # its labels are not public
    jpegs = image.encoding_format == "jpeg" and image.shape[-1] == 3
    return Dataset(
        name,
        known_class_names(name) or tuple(label.names),
        sizes,
        image.shape[-1],
        name != "imagenet2012",
        records,
        *(DECODE_CONTENTS if jpegs else (image.decode_example,)),
    )


def _prepare(builder) -> None:
    """Fetches and prepares a set of tensorflow-datasets, or leaves its place as it was."""
    root = pathlib.Path(builder._data_dir_root).expanduser()
    made = [path for path in (root / "downloads", root / builder.name, root) if not path.exists()]
    try:
        _connect(builder)
        builder.download_and_prepare()
    except Exception as error:  # whatever the network, the disk or the data set's own code raises
        for path in made:
            shutil.rmtree(path, ignore_errors=True)
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ClassicsError(
            f"{builder.name} is not prepared in '{root}' and cannot be fetched ({reason[:200]}). Prepare it on a "
            f"machine with internet by `tfds build {builder.name}` and pass that folder as the data directory; "
            "mnist_sample needs neither."
        ) from error


def _connect(builder) -> None:
    """Raises a ConnectionError unless the files' host answers; tensorflow-datasets itself would try for minutes."""
    import requests

    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
        return
    url = next(iter(builder.url_infos))
    try:
        requests.head(url, timeout=SECONDS_TO_CONNECT)
    except requests.RequestException as error:
        raise ConnectionError(f"{urllib.parse.urlsplit(url).hostname} does not answer") from error


def _folder(root) -> Dataset:
    splits = {split: root / found[0] for split in SPLIT_FOLDERS if (found := _split_folders(root, split))}
    splits = splits or {"train": root}
    files = {
        split: {d.name: sorted(filter(pictures.is_image, d.iterdir())) for d in _class_folders(folder)}
        for split, folder in splits.items()
    }
    class_names = tuple(sorted(set().union(*files.values())))
    if not class_names:
        raise ClassicsError(f"'{root}' holds no class folders: put the images of each class into a folder of its own.")
    for split, folder in splits.items():
        for class_name in class_names:
            if not files[split].get(class_name):
                raise ClassicsError(
                    f"'{pictures.printable(folder / class_name)}' holds no images; each class needs some in each split."
                )
            for path in files[split][class_name]:
                pictures.check_image(path)

    def records(split):
        import tensorflow as tf

        paths = [os.fsencode(path) for class_name in class_names for path in files[split][class_name]]
        labels = [label for label, class_name in enumerate(class_names) for _ in files[split][class_name]]
        return tf.data.Dataset.from_tensor_slices((paths, np.asarray(labels, "int64")))

    sizes = {split: sum(map(len, by_class.values())) for split, by_class in files.items()}
    return Dataset(pictures.printable(root.absolute().name), class_names, sizes, 3, False, records, *DECODE_FILES)


def _split_folders(root, split) -> list[str]:
    """The names of the folders in `root` that hold a split; one at most."""
    found = [name for name in SPLIT_FOLDERS[split] if (root / name).is_dir()]
    if len(found) > 1:
        raise ClassicsError(f"'{root}' has the folders {' and '.join(found)} for one split; keep one of them.")
    return found


def _class_folders(folder) -> list[pathlib.Path]:
    found = [path for path in folder.iterdir() if path.is_dir() and not path.name.startswith((".", "__"))]
    for path in found:
        shown = pictures.printable(path)
        if shown != str(path):
            raise ClassicsError(f"The class folder '{shown}' has a name that is not UTF-8; rename it.")
    return found
