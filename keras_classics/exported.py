"""Exported networks, and what they tell of themselves, so that their users need no Keras model beside them."""

import json
import pathlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import keras
import numpy as np

from keras_classics import feed, preprocessing, runtimes
from keras_classics.choices import EXPORT_SUFFIXES
from keras_classics.datasets import known_class_names, told_class_names
from keras_classics.errors import ClassicsError, ExportError, first_line
from keras_classics.feed import Feed
from keras_classics.places import LABELS
from keras_classics.runtimes import FACTS
from keras_classics.spec import InputProtocol, protocol_of

Run = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Exported:
    """A network in a file of another runtime, that pictures can be shown to.

    Attributes:
        name: of the model that was exported.
        network: its record's name.
        form: of the network, by options; none of an export that was written before it was told.
        classes: how many it tells apart.
        class_names: in the order of the outputs; none where they were not told.
        protocol: how the pictures of its weights are prepared.
        feed: the same for its own input.
        probabilities: whether its outputs are, as the model's were; those of 8 bits no longer add up to 1.
        predict_on_batch: images as it reads them (N, ...) to its outputs (N, classes).
    """

    name: str
    network: str
    form: Mapping[str, Any]
    classes: int
    class_names: tuple[str, ...]
    protocol: InputProtocol
    feed: Feed
    probabilities: bool
    predict_on_batch: Run


def load_export(path: str | pathlib.Path) -> Exported:
    """Opens a SavedModel folder, TFLite or ONNX file that this package wrote, to `evaluate` it or to `predict` by it.

    On each backend TensorFlow runs the first, LiteRT the second and ONNX Runtime the third. A SavedModel is a program:
    open only those whose origin you trust.

    Raises:
        ClassicsError: if there is none, it cannot be run here, or it does not tell what it is.
    """
    path = pathlib.Path(path)
    if not path.exists():
        raise ClassicsError(f"There is no export '{path}'.")
    export = _opened(path)
    facts, labels = export.text(FACTS), export.text(LABELS)
    if not facts:
        raise ClassicsError(
            f"'{path}' does not tell how its pictures are prepared; export the network anew, by this version of "
            "the package."
        )
    try:
        told = json.loads(facts)
        protocol, class_names = protocol_of(told["protocol"]), tuple(labels.splitlines())
        if class_names and class_names != known_class_names(protocol.dataset):
            protocol = replace(protocol, class_names=class_names, assumed=False)
        model_feed = feed.fed(protocol, told["image_size"], told["channels"], told["normalizes"], told["data_format"])
        return Exported(
            name=told["name"],
            network=told["network"],
            form=dict(told["form"]),
            classes=told["classes"],
            class_names=class_names,
            protocol=protocol,
            feed=model_feed,
            probabilities=told["probabilities"],
            predict_on_batch=_runner(export),
        )
    except (ValueError, TypeError, KeyError) as error:
        raise ClassicsError(f"What '{path}' tells of itself is damaged; export the network anew.") from error


def class_names_of(model: keras.Model) -> tuple[str, ...]:
    """The names of a model's classes, those that it carries or that its data set's name tells; none where they are not
    as many."""
    protocol = preprocessing.protocol_of_answers(model)
    return told_class_names(protocol, feed.classes_of(model)) if protocol else ()


def is_export(path: str | pathlib.Path) -> bool:
    """Whether it is a TFLite or ONNX file, by its name, or the folder of a SavedModel."""
    path = pathlib.Path(path)
    return path.suffix in EXPORT_SUFFIXES.values() or (path / "saved_model.pb").exists()


def runner(path: str | pathlib.Path, threads: int | None = None) -> Run:
    """What runs an exported network, SavedModel folder, TFLite or ONNX file, on float32 images (N, ...).

    Images are rounded for an export that takes whole pixels, and given in the portions that it takes.

    Args:
        path: of the export.
        threads: of TFLite and ONNX; by default the runtime's own choice.

    Raises:
        ClassicsError: if it cannot be read, or later if it cannot be run on such images here.
    """
    return _runner(_opened(pathlib.Path(path), threads))


def _opened(path: pathlib.Path, threads: int | None = None) -> runtimes.Opened:
    runtimes.check_installed(runtimes.format_of(path), "run")
    try:
        return runtimes.opened(path, threads)
    except Exception as error:  # whatever the runtime raises
        raise _cannot_be_run(error) from error


def _runner(export: runtimes.Opened) -> Run:
    def run(images):
        images = np.asarray(images)
        if export.dtype == "uint8":
            images = np.clip(np.round(images), 0, 255)
        images = images.astype(export.dtype)
        size = export.batch or max(len(images), 1)
        try:
            portions = [images[i : i + size] for i in range(0, max(len(images), 1), size)]
            answers = [export.ask(_filled(portion, export.batch)) for portion in portions]
            return np.concatenate(answers)[: len(images)]
        except Exception as error:
            raise _cannot_be_run(error) from error

    return run


def _filled(images: np.ndarray, batch: int | None) -> np.ndarray:
    """A portion of images, the last again until there are as many as the export takes."""
    return images if batch is None else images[np.minimum(np.arange(batch), len(images) - 1)]


def _cannot_be_run(error: Exception) -> ExportError:
    return ExportError(f"The export cannot be run here ({first_line(error)}).", converts=True, runs=False)
