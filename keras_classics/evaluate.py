"""Judging a network on a data set, one view an image, top-1 and top-5 errors; and asking it about pictures."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from keras_classics import datasets, feed, preprocessing
from keras_classics.datasets import Dataset
from keras_classics.errors import ClassicsError
from keras_classics.feed import Feed
from keras_classics.model_file import check_finite
from keras_classics.pictures import read_image
from keras_classics.preprocessing import decode_predictions
from keras_classics.variant import Variant
from keras_classics.zoo import variant_of


@dataclass(frozen=True)
class Evaluation:
    """What a network answered on a split.

    Attributes:
        images: how many it was asked.
        top1: percent of them whose true class is not its likeliest.
        top5: percent of them whose true class is not among its five likeliest.
        confusion: counts (classes, classes); rows are true classes, columns are answers.
    """

    images: int
    top1: float
    top5: float
    confusion: np.ndarray


def score(scores: np.ndarray, labels: np.ndarray) -> Evaluation:
    """Judges `scores` (N, classes), which grow with the likelihood of a class, by `labels` (N,).

    Raises:
        ClassicsError: if a score is not a number.
    """
    if not np.isfinite(scores).all():
        raise ClassicsError("The model puts out numbers that are not finite, so it cannot be judged; train it anew.")
    order = np.argsort(-scores, axis=1, kind="stable")
    rank = np.argmax(order == labels[:, None], axis=1)
    classes = scores.shape[1]
    confusion = np.zeros((classes, classes), "int64")
    np.add.at(confusion, (labels, order[:, 0]), 1)
    top1, top5 = (100.0 * float(np.mean(rank >= k)) for k in (1, 5))
    return Evaluation(len(labels), top1, top5, confusion)


def evaluate(
    model: keras.Model,
    data: Dataset,
    variant: Variant,
    split: str | None = None,
    batch_size: int = 128,
    verbose: int | str = "auto",
    class_names: Sequence[str] | None = None,
) -> Evaluation:
    """Runs the model over a split, by default the one that errors are reported on.

    The last batch is filled up with copies of the first image, so that all have one shape, which is compiled once.

    Args:
        class_names: what the model's classes mean, in order, for the data's to be held against; without them classes
            are compared by number.

    Raises:
        ClassicsError: if the classes of model and data differ, there is no such split, or the model has weights or puts
            out numbers that are not finite.
    """
    check_finite(model)
    split = split or data.judged_split
    data.check_classes(_classes_of(model), model.name)
    if class_names is not None:
        check_class_names(class_names, data)
    labels = np.fromiter(data.records(split).map(lambda _, label: label).as_numpy_iterator(), "int64")
    batch_size = min(batch_size, len(labels))
    examples = data.split(split)
    examples = examples.concatenate(examples.take(1).repeat(-len(labels) % batch_size))
    with datasets.reading():
        scores = model.predict(feed.batches(examples, model, variant, batch_size), verbose=verbose)
    return score(_predictions(scores)[: len(labels)], labels)


def check_class_names(class_names: Sequence[str], data: Dataset) -> None:
    """Raises a ClassicsError unless a data set's classes are these, in this order. Case, "_" and "-" do not count, and
    WordNet's identifiers are ImageNet's names."""
    if _comparable(class_names) != _comparable(data.class_names):
        ours, theirs = (", ".join(names[:3]) for names in (class_names, data.class_names))
        raise ClassicsError(
            f"The model's classes are {ours}, ... and those of {data.name} are {theirs}, ...: not the same, or not in "
            "the same order. Take other data, or compare them by number all the same (the command's --any-classes)."
        )


def _comparable(class_names) -> tuple[str, ...]:
    identifiers, names = preprocessing.imagenet_classes()
    if tuple(class_names) == identifiers:
        class_names = names
    return tuple(name.casefold().replace("_", " ").replace("-", " ") for name in class_names)


Picture = np.ndarray | str | os.PathLike


def predict(
    model: keras.Model,
    images: Picture | Sequence[Picture],
    top: int = 5,
    class_names: Sequence[str] | None = None,
    batch_size: int = 32,
) -> list[list[tuple[str, str, float]]]:
    """The likeliest classes of pictures.

    Args:
        model: one that the zoo built, with or without auxiliary heads, on any backend.
        images: a path, an array (H, W, C) of pixels 0..255, RGB or grey; or a batch (N, H, W, C) or list of such, of
            any sizes. Each is resized, cropped and normalised as the model's weights want it.
        top: how many classes to return for each.
        class_names: in the order of the model's outputs; by default those of the data set whose weights it has, or
            else "class 0", "class 1", ...
        batch_size: of how many pictures there are pixels in memory at a time.

    Returns:
        For each picture a list of (identifier, name, probability), the likeliest first, as `decode_predictions` gives
        them. Where the model does not end in a softmax, its score stands for the probability.

    Raises:
        ClassicsError: if a picture cannot be read or has pixels or channels that the model does not, the model has no
            classes or does not tell what pixels it takes, or it has weights or puts out numbers that are not finite.
    """
    if top < 1 or batch_size < 1:
        raise ClassicsError(f"`top` and `batch_size` must be at least 1, not {top} and {batch_size}.")
    check_finite(model)  # for ReLU makes 0 of what is not a number, and the answer then looks sound
    made = feed.feed_of(model, variant_of(model))
    class_names = _names(model, class_names)
    pictures = _listed(images)
    batch_size = min(batch_size, len(pictures))
    answers: list[list[tuple[str, str, float]]] = []
    for start in range(0, len(pictures), max(1, batch_size)):
        fitted = [_fitted(picture, made, model.name) for picture in pictures[start : start + batch_size]]
        filled = fitted + fitted[:1] * (batch_size - len(fitted))  # one shape, which is compiled once
        scores = _predictions(model.predict_on_batch(np.asarray(made.model_input(np.stack(filled)))))[: len(fitted)]
        if not np.isfinite(scores).all():
            raise ClassicsError(f"{model.name} puts out numbers that are not finite.")
        answers += decode_predictions(scores, top, class_names)
    return answers


def _predictions(outputs) -> np.ndarray:
    return np.asarray(outputs["predictions"] if isinstance(outputs, dict) else outputs)


def _classes_of(model) -> int:
    if len(getattr(model, "output_shape", ())) != 2 and not isinstance(model.output, dict):
        raise ClassicsError(
            f"{model.name} puts out {tuple(model.output_shape)} and so has no classes; build it with its top."
        )
    return feed.classes_of(model)


def _names(model, class_names) -> Sequence[str] | None:
    """The names of the model's classes; None for ImageNet's, which `decode_predictions` has with their identifiers."""
    classes = _classes_of(model)
    if class_names is not None:
        if len(class_names) != classes:
            raise ClassicsError(f"{model.name} has {classes} classes, and {len(class_names)} names were given.")
        return tuple(class_names)
    dataset = (preprocessing.carried_protocol(model) or variant_of(model).protocol).dataset
    if dataset == "imagenet2012" and classes == 1000:
        return None
    known = datasets.known_class_names(dataset)
    return known if len(known) == classes else tuple(f"class {i}" for i in range(classes))


def _listed(images) -> list:
    if isinstance(images, str | os.PathLike):
        return [images]
    if hasattr(images, "shape"):
        if len(images.shape) not in (3, 4):
            raise ClassicsError(
                f"Pictures are arrays (height, width, channels) or batches of them, not {images.shape}."
            )
        return [images] if len(images.shape) == 3 else list(images)
    return list(images)


def _fitted(picture, made: Feed, name: str) -> np.ndarray:
    pixels = read_image(picture) if isinstance(picture, str | os.PathLike) else np.asarray(picture)
    if pixels.ndim != 3:
        raise ClassicsError(f"A picture is an array (height, width, channels), not {pixels.shape}.")
    channels = pixels.shape[-1]
    if channels != made.channels and not {channels, made.channels} <= {1, 3}:
        raise ClassicsError(f"{name} reads {made.channels} channels, and the picture has {channels}.")
    preprocessing.check_pixels(pixels)
    return made.fit(pixels).numpy()
