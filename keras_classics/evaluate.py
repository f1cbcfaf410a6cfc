"""Judging a network on a data set: one view an image, top-1 and top-5 errors."""

from dataclasses import dataclass

import keras
import numpy as np

from keras_classics import feed
from keras_classics.datasets import Dataset
from keras_classics.errors import ClassicsError
from keras_classics.variant import Variant


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
) -> Evaluation:
    """Runs the model over a split, by default the one that errors are reported on.

    The last batch is filled up with copies of the first image, so that all have one shape, which is compiled once.

    Raises:
        ClassicsError: if the classes of model and data differ, or there is no such split.
    """
    split = split or data.judged_split
    data.check_classes(feed.classes_of(model), model.name)
    labels = np.fromiter(data.records(split).map(lambda _, label: label).as_numpy_iterator(), "int64")
    batch_size = min(batch_size, len(labels))
    examples = data.split(split)
    examples = examples.concatenate(examples.take(1).repeat(-len(labels) % batch_size))
    scores = model.predict(feed.batches(examples, model, variant, batch_size), verbose=verbose)
    scores = scores["predictions"] if isinstance(scores, dict) else scores
    return score(np.asarray(scores)[: len(labels)], labels)
