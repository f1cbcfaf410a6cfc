"""The pictures: training curves, confusion matrices, contact sheets, and the networks beside each other."""

import pathlib
import textwrap
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from keras_classics.files import atomic_write

LARGEST_CIRCLE = 900  # its area in square points
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


class Point(NamedTuple):
    """A network in `zoo`: its accuracy in percent, and the `Reported.views` that it is of."""

    name: str
    macs: int
    params: int
    accuracy: float
    year: int
    views: str


def zoo(points: Sequence[Point], path: str | pathlib.Path, title: str) -> None:
    """Accuracy against multiply-adds. The circles' areas are the parameters, their colours the years; those that are
    not filled were judged by other views than one crop, and so look better than by it.

    The file's ending tells its kind: .png, .svg or .pdf.
    """
    figure = Figure(figsize=(13, 9), layout="constrained")
    axes = figure.subplots()
    years = sorted({point.year for point in points})
    shades = [0.9 * (year - years[0]) / max(1, years[-1] - years[0]) for year in years]  # the end is too bright to read
    colours = dict(zip(years, colormaps["viridis"](shades), strict=True))
    largest = max(point.params for point in points)
    for point in points:
        colour = colours[point.year]
        axes.scatter(
            point.macs / 1e6, point.accuracy, LARGEST_CIRCLE * point.params / largest, alpha=0.75, linewidths=1.5,
            facecolors=[colour] if point.views == "1 crop" else "none", edgecolors=[colour],
        )  # fmt: skip
    axes.set(xscale="log", xlabel="multiply-adds, millions", ylabel="top-1 accuracy, %", title=title)
    axes.xaxis.set_major_formatter("{x:,g}")
    axes.margins(0.1)
    axes.grid(alpha=0.3, which="both")
    handles = [axes.scatter([], [], 60, color=[colour], label=str(year)) for year, colour in colours.items()]
    sizes = _sizes(largest)
    circles = [axes.scatter([], [], LARGEST_CIRCLE * size / largest, facecolors="grey", alpha=0.5) for size in sizes]
    axes.add_artist(axes.legend(handles=handles, title="published", loc="upper left"))
    labels = [f"{size / 1e6:g}M" for size in sizes]
    hollow = axes.scatter([], [], 60, facecolors="none", edgecolors="grey")
    axes.legend([*circles, hollow], [*labels, "not by 1 crop"], title="parameters", loc="lower right", labelspacing=1.2)
    _label(axes, [(point.macs / 1e6, point.accuracy, point.name) for point in points])
    _save(figure, path)


def _sizes(largest: int) -> list[int]:
    """Round numbers of parameters for the key, up to the largest that is drawn."""
    return [size for size in (1_000_000, 10_000_000, 50_000_000, 100_000_000) if size <= largest] or [largest]


def _label(axes, named) -> None:
    """Names beside points, each at the nearest place where it covers neither another name nor a point's middle; a line
    leads to those that are not right beside their point."""
    width, height, middle = 4.3, 7.0, 3.0  # of a letter, and half a point's middle, in points
    beside = -3  # how far a name's foot lies below the point that it stands right beside
    axes.figure.draw_without_rendering()
    scale = 72 / axes.figure.dpi
    at = [axes.transData.transform((x, y)) * scale for x, y, _ in named]
    right = axes.bbox.x1 * scale
    taken = [(x - middle, y - middle, x + middle, y + middle) for x, y in at]
    for (across, up), (x, y, name) in sorted(zip(at, named, strict=True), key=lambda one: -one[1][1]):
        length = width * len(name)
        places = [(dx, dy + beside) for dy in (0, 8, -8, 16, -16, 24, -24, 32, -32, 40, -40) for dx in (6, -6 - length)]
        boxes = {(dx, dy): (across + dx, up + dy, across + dx + length, up + dy + height) for dx, dy in places}
        free = [
            place for place, box in boxes.items() if box[2] < right and not any(_overlap(box, other) for other in taken)
        ]
        place = (free or places)[0]
        taken.append(boxes[place])
        line = {"arrowstyle": "-", "linewidth": 0.5, "color": "grey", "shrinkA": 0, "shrinkB": 0}
        axes.annotate(
            name, (x, y), place, textcoords="offset points", fontsize=7, arrowprops=None if place[1] == beside else line
        )


def _overlap(a, b) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


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
