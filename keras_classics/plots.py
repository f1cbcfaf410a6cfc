"""The pictures: training curves, confusion matrices and contact sheets."""

import pathlib
import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from keras_classics.files import atomic_write

LETTERS = 26  # of a contact sheet's captions that fit side by side under a picture


def _save(figure: Figure, path: str | pathlib.Path) -> None:
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=120, bbox_inches="tight")


def curves(
    history: Sequence[Mapping[str, float]], path: str | pathlib.Path, title: str, paper_error: float | None = None
) -> None:
    """Loss and error over the epochs, as PNG.

    Args:
        history: a mapping for each epoch: "epoch", "loss", "accuracy", and if there are any "val_loss", "val_accuracy".
        path: of the picture.
        title: over it.
        paper_error: in percent, drawn as a line.
    """
    figure = Figure(figsize=(10, 4), layout="constrained")
    figure.suptitle(title)
    loss, error = figure.subplots(1, 2)
    epochs = [row["epoch"] for row in history]
    for axes, key, label in ((loss, "loss", "loss"), (error, "accuracy", "error, %")):
        for prefix, name, style in (("", "training", "--"), ("val_", "validation", "-")):
            if prefix + key in history[0]:
                values = np.array([row[prefix + key] for row in history])
                values = 100 * (1 - values) if key == "accuracy" else values
                axes.plot(epochs, values, style, color="tab:blue", label=name, marker="." if len(epochs) < 40 else "")
        axes.set(xlabel="epoch", ylabel=label)
        axes.xaxis.get_major_locator().set_params(integer=True)
        if axes.get_ylim()[0] > 0:
            axes.set_yscale("log")
        axes.grid(alpha=0.3, which="both")
    if paper_error is not None:
        error.axhline(paper_error, color="tab:red", linewidth=1, label=f"the paper's test error, {paper_error:g}%")
    loss.legend()
    error.legend()
    _save(figure, path)


def confusion(counts: np.ndarray, class_names: Sequence[str], path: str | pathlib.Path, title: str) -> None:
    """A confusion matrix (classes, classes), rows true and columns answered, as PNG; small ones with their numbers."""
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
    _save(figure, path)


def contact_sheet(rows: Sequence[Sequence[tuple[str, np.ndarray, str]]], path: str | pathlib.Path, title: str) -> None:
    """Rows of pictures with captions, as PNG.

    Args:
        rows: of (heading, picture (H, W, 1 or 3) of 0..255, caption). What is beyond 0..255 is shown as black or white;
            the headings are the first row's.
        path: of the picture.
        title: over it.
    """
    heights = [2.0 + 0.13 * max(_wrapped(caption).count("\n") + 1 for _, _, caption in row) for row in rows]
    figure = Figure(figsize=(2.1 * len(rows[0]), 0.8 + sum(heights)), layout="constrained")
    figure.suptitle(title)
    grid = figure.subplots(len(rows), len(rows[0]), squeeze=False, gridspec_kw={"height_ratios": heights})
    for row, places in zip(rows, grid, strict=True):
        for (_, picture, caption), axes in zip(row, places, strict=True):
            pixels = np.clip(np.round(picture), 0, 255).astype("uint8")
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=255)
            axes.set_anchor("N")
            axes.set(xticks=[], yticks=[])
            axes.set_xlabel(_wrapped(caption), fontsize=7, family="monospace")
    for (heading, _, _), axes in zip(rows[0], grid[0], strict=True):
        axes.set_title(_wrapped(heading), fontsize=8)
    _save(figure, path)


def _wrapped(text: str) -> str:
    return "\n".join("\n".join(textwrap.wrap(line, LETTERS)) for line in text.splitlines())
