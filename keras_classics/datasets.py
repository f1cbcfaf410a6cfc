"""The data sets: class names, split sizes, and `tf.data` streams of (uint8 image (H, W, C), int64 label)."""

import importlib.resources
import pathlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from keras_classics import preprocessing
from keras_classics.choices import DATA_SETS
from keras_classics.errors import ClassicsError, unknown

if TYPE_CHECKING:
    import tensorflow as tf

NAMES = DATA_SETS
TFDS_NAMES = tuple(name for name in DATA_SETS if name != "mnist_sample")

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
        records: gives a split's stream of (stored image, int64 label), in the order in which it is stored.
        decode: turns a stored image into a uint8 tensor (H, W, C).
    """

    name: str
    class_names: tuple[str, ...]
    sizes: Mapping[str, int]
    channels: int
    in_memory: bool
    records: Callable[[str], "tf.data.Dataset"]
    decode: Callable[["tf.Tensor"], "tf.Tensor"]

    @property
    def test_split(self) -> str:
        """The split that errors are reported on: ImageNet's public labels are those of "validation"."""
        return next((s for s in ("test", "validation") if s in self.sizes), "train")

    def split(self, split: str) -> "tf.data.Dataset":
        """The stream of (uint8 image (H, W, C), int64 label) of a split, in a fixed order.

        Raises:
            ClassicsError: if the data set has no split of that name.
        """
        import tensorflow as tf

        if split not in self.sizes:
            raise unknown(f"split of {self.name}", split, self.sizes)
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
            for the splits "train" and "test" (or "validation").
        data_dir: where tensorflow-datasets keeps its data; by default its own place in the home folder.

    Raises:
        ClassicsError: if the name is unknown, or the data is not there and cannot be fetched.
    """
    if name == "mnist_sample":
        return _mnist_sample()
    if name in TFDS_NAMES:
        return _tfds(name, data_dir)
    if pathlib.Path(name).is_dir():
        return _folder(pathlib.Path(name))
    if "/" in name or "\\" in name:
        raise ClassicsError(
            f"There is no folder '{name}'. Give a folder of class folders, or one of {', '.join(NAMES)}."
        )
    raise unknown("data set", name, NAMES)


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
    import tensorflow_datasets as tfds

    builder = tfds.builder(name, data_dir=data_dir)
    if not builder.is_prepared():
        try:
            builder.download_and_prepare()
        except Exception as error:  # whatever the network, the disk or the data set's own code raises
            reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
            raise ClassicsError(
                f"{name} is not prepared in '{builder._data_dir_root}' and cannot be fetched ({reason[:200]}). Prepare "
                f"it on a machine with internet by `tfds build {name}` and pass that folder as the data directory; "
                "mnist_sample needs neither."
            ) from error
    image, label = builder.info.features["image"], builder.info.features["label"]

    def records(split):
        decoders = {"image": tfds.decode.SkipDecoding()}
        return builder.as_dataset(split, shuffle_files=False, as_supervised=True, decoders=decoders)

    sizes = {split: info.num_examples for split, info in builder.info.splits.items()}
    if name == "imagenet2012":
        sizes.pop("test", None)  # its labels are not public
    return Dataset(
        name,
        known_class_names(name) or tuple(label.names),
        sizes,
        image.shape[-1],
        name != "imagenet2012",
        records,
        image.decode_example,
    )


def _folder(root) -> Dataset:
    splits = {s: root / s for s in ("train", "test", "validation") if (root / s).is_dir()} or {"train": root}
    class_names = tuple(sorted(p.name for p in next(iter(splits.values())).iterdir() if p.is_dir()))
    files = {
        s: [[*filter(preprocessing.is_image, sorted((d / c).glob("*")))] for c in class_names]
        for s, d in splits.items()
    }
    for split, by_class in files.items():
        for class_name, paths in zip(class_names, by_class, strict=True):
            if not paths:
                raise ClassicsError(
                    f"'{splits[split] / class_name}' holds no images; each class needs some in each split."
                )
            for path in paths:
                preprocessing.check_image(path)
    if not class_names:
        raise ClassicsError(f"'{root}' holds no class folders: put the images of each class into a folder of its own.")

    def records(split):
        import tensorflow as tf

        paths = [str(path) for by_class in files[split] for path in by_class]
        labels = [label for label, by_class in enumerate(files[split]) for _ in by_class]
        return tf.data.Dataset.from_tensor_slices((paths, np.asarray(labels, "int64")))

    def decode(path):
        import tensorflow as tf

        image = tf.numpy_function(lambda p: preprocessing.read_image(p.decode()), [path], tf.uint8)
        return tf.ensure_shape(image, (None, None, 3))

    sizes = {s: sum(map(len, by_class)) for s, by_class in files.items()}
    return Dataset(root.name, class_names, sizes, 3, False, records, decode)
