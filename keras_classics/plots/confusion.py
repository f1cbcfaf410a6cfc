"""Confusion matrices."""

import pathlib
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from keras_classics.plots.saving import save


def draw(counts: np.ndarray, class_names: Sequence[str], path: str | pathlib.Path, title: str) -> None:
    """A confusion matrix (classes, classes), rows true and columns answered; small ones with their numbers."""
    classes = len(class_names)
    side = min(12.0, 3.0 + 0.45 * classes)
    figure = Figure(figsize=(side, side), layout="constrained")
    axes = figure.subplots()
    axes.set_title(title)
    wrong = counts - np.diag(np.diag(counts))  # the right answers would outshine all else
    axes.imshow(wrong, cmap="Reds", vmin=0, vmax=max(1, wrong.max()))
    axes.set(xlabel="answer", ylabel="true class")
    if classes <= 30:
        axes.set_xticks(range(classes), class_names, rotation=90 if max(map(len, class_names)) > 2 else 0)
        axes.set_yticks(range(classes), class_names)
        for (row, column), count in np.ndenumerate(counts):
            if count:
                bright = row != column and count > 0.6 * wrong.max()
                axes.text(
                    column, row, str(count), ha="center", va="center", fontsize=8,
                    color="white" if bright else "black", weight="bold" if row == column else "normal",
                )  # fmt: skip
    save(figure, path)
