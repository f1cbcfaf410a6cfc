"""The data sets of tensorflow-datasets."""

import dataclasses
import math
import pathlib
import re
import shutil
import urllib.parse
from collections.abc import Sequence

from keras_classics import decoding, preprocessing
from keras_classics.datasets.dataset import Dataset
from keras_classics.errors import ClassicsError, first_line, one_line
from keras_classics.spec import InputProtocol

CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
SECONDS_TO_CONNECT = 10
IN_MEMORY = 2**30  # bytes of training pixels that may be kept


def known_class_names(name: str) -> tuple[str, ...]:
    """The class names of a data set where they can be told without it (a prepared copy may lack them); else none."""
    if name == "imagenet2012":
        return preprocessing.imagenet_classes()[1]
    digits = tuple("0123456789")
    return {"mnist": digits, "svhn_cropped": digits, "cifar10": CIFAR10_CLASSES}.get(name, ())


def told_class_names(protocol: InputProtocol, classes: int) -> tuple[str, ...]:
    """The names of a model's classes: those that it carries, or else those of its data set; none where they are not as
    many."""
    names = protocol.class_names or known_class_names(protocol.dataset)
    return names if len(names) == classes else ()


def own_class_names(protocol: InputProtocol, classes: int) -> tuple[str, ...]:
    """The names that a model carries, or those of its weights' data set; none if that is only assumed, for a network
    has these whatever it was trained on."""
    return told_class_names(protocol, classes) if protocol.class_names or not protocol.assumed else ()


def assumption(subject: str, protocol: InputProtocol, names: Sequence[str]) -> str:
    """What is to be said where names are but assumed, of a subject with its verb, such as "The export of net has"."""
    return (
        f"{subject} the class names of {protocol.dataset}, for which the network was made: {', '.join(names[:3])}, ... "
        "If it was trained on other data, give its `class_names`."
    )


def knows(name: str) -> bool:
    """Whether tensorflow-datasets has a data set of the name, of whatever kind."""
    import tensorflow_datasets as tfds

    try:
        tfds.builder_cls(re.split("[/:]", name)[0])
    except tfds.core.registered.DatasetNotFoundError:
        return False
    return True


def open_tfds(name: str, data_dir: str | pathlib.Path | None) -> Dataset:
    """The data set that tensorflow-datasets has under a name, which may say a version and a configuration as well. If
    need be it is fetched.

    Its examples are stored shuffled, as tensorflow-datasets prepares them. A split "test" whose labels are kept secret,
    as ImageNet's, is left out.

    Raises:
        ClassicsError: if its examples are not of an image and a label, or it is not there and cannot be fetched.
    """
    if data_dir is not None and "://" not in str(data_dir):  # a bucket is tensorflow-datasets' to find
        data_dir = pathlib.Path(data_dir).expanduser()
        if not data_dir.is_dir():
            raise ClassicsError(
                f"There is no folder '{data_dir}' for the data of tensorflow-datasets. Make it, or correct the path."
            )

    import tensorflow_datasets as tfds

    try:
        builder = tfds.builder(name, data_dir=data_dir)
    except (ValueError, AssertionError) as error:  # of a configuration or version that is not there
        raise ClassicsError(f"tensorflow-datasets has no '{name}' ({one_line(error)[:300]}).") from None
    image_key, label_key = _keys(builder, tfds)
    if not builder.is_prepared():
        _prepare(builder)
    image, label = builder.info.features[image_key], builder.info.features[label_key]

    def records(split):
        decoders = {image_key: tfds.decode.SkipDecoding()}
        examples = builder.as_dataset(split, shuffle_files=False, decoders=decoders)
        return examples.map(lambda example: (example[image_key], example[label_key]))

    sizes = {split: info.num_examples for split, info in builder.info.splits.items()}
    if "test" in sizes and any(label < 0 for _, label in records("test[:1]").as_numpy_iterator()):
        del sizes["test"]  # its labels are not public, and all are -1
    names = known_class_names(builder.name) or tuple(label.names or map(str, range(label.num_classes)))
    pixels = math.prod(side or math.inf for side in image.shape)
    in_memory = sizes.get("train", 1) * pixels <= IN_MEMORY
    made = Dataset(name, names, sizes, image.shape[-1], in_memory, records, image.decode_example, shuffled=True)
    if in_memory or image.shape[-1] != 3:
        return made
    contents, window = decoding.decode_contents, decoding.decode_window_of_contents
    return dataclasses.replace(made, decode=contents, decode_window=window)


def _keys(builder, tfds) -> tuple[str, str]:
    """What an example calls its image and its label."""
    features = dict(builder.info.features)
    image_key, label_key, *_ = builder.info.supervised_keys or ("image", "label")
    image, label = (features.get(key) for key in (image_key, label_key))
    if not isinstance(image, tfds.features.Image) or not isinstance(label, tfds.features.ClassLabel):
        raise ClassicsError(
            f"{builder.name} is not of images with one label each: its examples hold {', '.join(sorted(features))}. "
            "Choose other data."
        )
    if image.dtype != "uint8" or image.shape[-1] not in (1, 3):
        raise ClassicsError(
            f"{builder.name} has images of {image.dtype} and {image.shape[-1]} channels; only uint8 in grey or RGB can "
            "be read. Choose other data."
        )
    return image_key, label_key


def _prepare(builder) -> None:
    """Fetches and prepares a set of tensorflow-datasets, or leaves its place as it was."""
    root = pathlib.Path(builder._data_dir_root).expanduser()
    by_hand = root / "downloads" / "manual"
    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS and not (by_hand.is_dir() and any(by_hand.iterdir())):
        raise ClassicsError(
            f"{builder.name} is not prepared in '{root}' and must be fetched by hand, into '{by_hand}'; then give the "
            f"same command again, which prepares it. {one_line(builder.MANUAL_DOWNLOAD_INSTRUCTIONS)}"
        )
    made = [path for path in (root / "downloads", root / builder.name, root) if not path.exists()]
    try:
        _connect(builder)
        builder.download_and_prepare()
    except Exception as error:  # whatever the network, the disk or the data set's own code raises
        for path in made:
            shutil.rmtree(path, ignore_errors=True)
        raise ClassicsError(
            f"{builder.name} is not prepared in '{root}' and cannot be fetched ({first_line(error)}). Prepare it on a "
            f"machine with internet by `tfds build {builder.name}` and pass that folder as the data directory; "
            "mnist_sample needs neither."
        ) from error


def _connect(builder) -> None:
    """Raises a ConnectionError unless the files' host answers; tensorflow-datasets itself would try for minutes."""
    import requests

    if builder.MANUAL_DOWNLOAD_INSTRUCTIONS:
        return
    url = next(iter(builder.url_infos), None)
    if url is None:
        return
    try:
        requests.head(url, timeout=SECONDS_TO_CONNECT)
    except requests.RequestException as error:
        raise ConnectionError(f"{urllib.parse.urlsplit(url).hostname} does not answer") from error
