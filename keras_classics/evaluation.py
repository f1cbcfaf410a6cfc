"""Judging networks on a data set as the papers do: views and models averaged, errors counted."""

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields

import keras
import numpy as np

from keras_classics import crops, datasets
from keras_classics.datasets import Dataset
from keras_classics.ensemble import Member, Model, check_answers, ensemble, same_classes
from keras_classics.errors import ClassicsError
from keras_classics.files import atomic_write, check_writable

BINS = 15  # of the calibration, as many as Guo et al. 2017 take
NORMAL_95 = 1.959964  # within so many standard deviations of a normal distribution lie 95%
LEAST = 1e-7  # the smallest probability that a loss is taken of, as in Keras
NO_LABEL = -1  # as tensorflow-datasets has it for images whose classes are kept secret
Interval = tuple[float, float]


@dataclass(frozen=True)
class Evaluation:
    """What was answered on images. Evaluations of different images add up.

    Attributes:
        images: how many were asked about; of 0 all errors are NaN.
        wrong5: of how many the true class is not among the five likeliest.
        total_loss: the sum of their cross-entropies.
        confusion: counts (classes, classes); rows are true classes, columns are answers.
        bins: (15, 3): by the probability of the answer, in equal parts of 0..1, the number of images, the sum of those
            probabilities and the number of right answers.
    """

    images: int
    wrong5: int
    total_loss: float
    confusion: np.ndarray
    bins: np.ndarray

    def __add__(self, other: "Evaluation") -> "Evaluation":
        return Evaluation(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def wrong(self) -> int:
        """Of how many images the true class is not the likeliest."""
        return self.images - int(np.trace(self.confusion))

    @property
    def top1(self) -> float:
        """Percent of images whose true class is not the likeliest."""
        return _percent(self.wrong, self.images)

    @property
    def top5(self) -> float:
        """Percent of images whose true class is not among the five likeliest."""
        return _percent(self.wrong5, self.images)

    @property
    def top1_interval(self) -> Interval:
        """In which the top-1 error, in percent, lies with 95% confidence, were there ever more such images."""
        return wilson(self.wrong, self.images)

    @property
    def top5_interval(self) -> Interval:
        """The same of the top-5 error."""
        return wilson(self.wrong5, self.images)

    @property
    def loss(self) -> float:
        """The mean cross-entropy, in nats; a probability counts as 1e-7 at least."""
        return self.total_loss / self.images if self.images else math.nan

    @property
    def class_accuracy(self) -> np.ndarray:
        """Percent of each class's images that are answered with it, (classes,); NaN where there are none."""
        of_class = self.confusion.sum(1)
        return np.where(of_class, 100 * np.diag(self.confusion) / np.maximum(of_class, 1), np.nan)

    @property
    def calibration_error(self) -> float:
        """The expected calibration error (Guo et al. 2017), 0..1: by how much the probability of an answer misses the
        share of answers of that probability that are right."""
        count, confidence, right = self.bins.T
        return float(np.abs(confidence - right).sum() / count.sum()) if self.images else math.nan


def _percent(part: int, of: int) -> float:
    return 100 * part / of if of else math.nan


def wilson(errors: int, images: int) -> Interval:
    """The interval of Wilson (1927) with 95% confidence, in percent, for so many errors of so many images."""
    if not images:
        return 0.0, 100.0
    squared = NORMAL_95**2
    middle = errors + squared / 2
    half = NORMAL_95 * np.sqrt(errors * (images - errors) / images + squared / 4)
    low, high = (100 * (middle + side * half) / (images + squared) for side in (-1, 1))
    return max(0.0, float(low)), min(100.0, float(high))


def score(scores: np.ndarray, labels: np.ndarray) -> Evaluation:
    """Judges `scores` (N, classes) by `labels` (N,).

    Any scores that grow with the likelihood of a class give the errors; loss and calibration need probabilities.

    Raises:
        ClassicsError: if a score is not a number, or a label none of the classes.
    """
    if not np.isfinite(scores).all():
        raise ClassicsError("The model puts out numbers that are not finite, so it cannot be judged; train it anew.")
    classes = scores.shape[1]
    if not ((labels >= 0) & (labels < classes)).all():
        raise ClassicsError(
            f"Some images have no label of 0 to {classes - 1}, so nothing can be judged on them; predict answers "
            "without labels, or have them written to a file."
        )
    order = np.argsort(-scores, axis=1, kind="stable")
    rank = np.argmax(order == labels[:, None], axis=1)
    confusion = np.zeros((classes, classes), "int64")
    np.add.at(confusion, (labels, order[:, 0]), 1)
    loss = -np.log(np.maximum(np.take_along_axis(scores, labels[:, None], 1), LEAST)).sum()
    confidence = scores.max(1)
    bins = np.zeros((BINS, 3))
    filled = np.clip(np.ceil(confidence * BINS).astype("int64") - 1, 0, BINS - 1)  # an edge is of the bin below
    np.add.at(bins, filled, np.stack([np.ones_like(confidence), confidence, rank == 0], 1))
    return Evaluation(len(labels), int(np.sum(rank >= 5)), float(loss), confusion, bins)


def evaluate(
    model: Model | Sequence[Model],
    data: Dataset | str | os.PathLike,
    views: str = "1",
    *,
    split: str | None = None,
    batch_size: int = 128,
    verbose: int | str = "auto",
    class_names: Sequence[str] | None = None,
    predictions: str | os.PathLike | None = None,
) -> Evaluation:
    """Judges a model, or several as an ensemble, on a split, by default the one that errors are reported on.

    The probabilities of a picture's views and of the models are averaged, all with the same weight, as AlexNet,
    GoogLeNet and VGG do; ResNet averages "the scores", which may be those before the softmax. Where a network does not
    end in a softmax, that of its scores is taken.

    A picture is read once for all views and models. Memory does not grow with the number of images, but for
    `predictions`.

    Args:
        model: one or several that the zoo built, with or without auxiliary heads, on any backend, or exports that
            `load_export` opened.
        data: a data set, or what `datasets.load` takes.
        views: of each picture: "1" (the centre, by the protocol of the model's weights), "2" (that and its mirror
            image), "10" (AlexNet), "144" (GoogLeNet), "150" (VGG), "dense-1", "dense-3" (VGG), "dense-5" (ResNet); see
            `crops.VIEWS`. Dense ones show whole pictures to the network's fully-convolutional form and average its map
            of scores, before the softmax; on jax each new size of pictures is compiled anew.
        split: "train", "test" or "validation".
        batch_size: views a step; of dense ones a step has a picture at one scale.
        verbose: 0 for no progress bar.
        class_names: what the models' classes mean, in order, for the data's to be held against; by default the names
            that each model carries, or those of the data set of its weights. Where neither tells them, classes are
            compared by number, as they are in any case with the data's own names.
        predictions: a file (.npz) to write the probabilities to, "predictions" (N, classes), with "labels" (N,) and
            "class_names".

    Returns:
        What was answered. Where no image has a label (all are -1, as of stl10's split "unlabelled") the
        `predictions` alone are written, and it is of 0 images.

    Raises:
        ClassicsError: if there are no such views or split, or no images in it, or some have no labels; the classes of
            models and data differ; a model does not tell what pixels it takes, has no fully-convolutional form for
            dense views, or its weights or answers are not finite, which is counted; or the file cannot be written.
    """
    if batch_size < 1:
        raise ClassicsError(f"`batch_size` must be at least 1, not {batch_size}.")
    if isinstance(data, str | os.PathLike):
        data = datasets.load(os.fspath(data))
    if predictions is not None:
        check_writable(predictions)
    asked = ensemble(model, crops.find(views))
    split = split or data.judged_split
    examples = data.split(split)
    data.check_classes(asked.classes, asked.members[0].name)
    if class_names is not None:
        check_class_names(class_names, data)
    for member in asked.members if class_names is None else ():
        _check_own_names(member, data)
    images = data.sizes[split]
    if not images:
        raise ClassicsError(f"{data.name} has no images in its split '{split}', so nothing can be judged on it.")
    batch_size = asked.batch_size(batch_size, images)
    batches = asked.batches(examples, batch_size)
    progress = keras.utils.Progbar(images, unit_name="image", verbose=1 if verbose == "auto" else int(verbose))
    result = score(np.empty((0, asked.classes)), np.empty(0, "int64"))
    seen, not_finite, kept = 0, np.zeros(len(asked.members), int), []
    with datasets.reading():
        for labels, answers in asked.answers(batches, batch_size):
            finite = np.isfinite(answers).all(2)
            not_finite += np.sum(~finite, 1)
            sound = finite.all(0)
            averaged = answers.mean(0)
            if predictions is None or (labels != NO_LABEL).any() or result.images:
                result += score(averaged[sound], labels[sound])
            seen += len(labels)
            progress.update(seen)
            if predictions is not None:
                kept.append((averaged.astype("float32"), labels))
    check_answers(asked.members, not_finite, seen)
    if result.images not in (0, seen):
        raise ClassicsError(f"Some images of {data.name} have labels and others have none; judge those that have one.")
    if predictions is not None:
        _save(predictions, kept, data.class_names)
    return result


def _save(path, kept, class_names) -> None:
    scores, labels = (np.concatenate(parts) for parts in zip(*kept, strict=True))
    with atomic_write(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, predictions=scores, labels=labels, class_names=np.array(class_names))


def check_class_names(class_names: Sequence[str], data: Dataset) -> None:
    """Raises a ClassicsError unless a data set's classes are these, in this order. Case, white space, "_" and "-" do
    not count, and WordNet's identifiers are ImageNet's names."""
    if not same_classes(class_names, data.class_names):
        ours, theirs = (", ".join(names[:3]) for names in (class_names, data.class_names))
        raise ClassicsError(
            f"The model's classes are {ours}, ... and those of {data.name} are {theirs}, ...: not the same, or not in "
            "the same order. Take other data, or compare them by number all the same (the command's --any-classes, or "
            "class_names=data.class_names)."
        )


def _check_own_names(member: Member, data: Dataset) -> None:
    """The same of the names that a model or its weights tell; of weights', which no one gave, not where the data's are
    but numbers, as those of arrays."""
    names = datasets.own_class_names(member.protocol, member.classes)
    numbers = tuple(map(str, range(len(data.class_names))))
    is_numbered = data.class_names == numbers != datasets.known_class_names(data.name)
    if names and (member.protocol.class_names or not is_numbered):
        check_class_names(names, data)
