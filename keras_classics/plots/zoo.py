"""The networks beside each other: accuracy, cost and size, in one chart."""

import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib import colormaps
from matplotlib.figure import Figure

from keras_classics.plots.labels import is_free
from keras_classics.plots.saving import save, take_dollars_as_they_are
from keras_classics.plots.scales import plain

LARGEST_CIRCLE = 900  # its area in square points


class Point(NamedTuple):
    """A network in the picture, or several together: its accuracy in percent, and whether it is of one crop."""

    name: str
    macs: int
    params: int
    accuracy: float
    year: int
    one_crop: bool


def draw(points: Sequence[Point], path: str | pathlib.Path, title: str) -> None:
    """Accuracy against multiply-adds. The circles' areas are the parameters, their colours the years; those that are
    not filled were judged by other views than one crop, and so look better than by it."""
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
            facecolors=[colour] if point.one_crop else "none", edgecolors=[colour],
        )  # fmt: skip
    axes.set(xscale="log", xlabel="multiply-adds, millions", ylabel="top-1 accuracy, %", title=title)
    axes.margins(0.1)
    plain(axes.xaxis)
    axes.grid(alpha=0.3, which="both")
    handles = [axes.scatter([], [], 60, color=[colour], label=str(year)) for year, colour in colours.items()]
    sizes = _sizes(largest)
    circles = [axes.scatter([], [], LARGEST_CIRCLE * size / largest, facecolors="grey", alpha=0.5) for size in sizes]
    axes.add_artist(axes.legend(handles=handles, title="published", loc="upper left"))
    labels = [f"{size / 1e6:g}M" for size in sizes]
    hollow = axes.scatter([], [], 60, facecolors="none", edgecolors="grey")
    axes.legend([*circles, hollow], [*labels, "not by 1 crop"], title="parameters", loc="lower right", labelspacing=1.2)
    _label(axes, [(point.macs / 1e6, point.accuracy, point.name) for point in points])
    save(figure, path)


def _sizes(largest: int) -> list[int]:
    """Round numbers of parameters for the key, up to the largest that is drawn."""
    return [size for size in (1_000_000, 10_000_000, 50_000_000, 100_000_000) if size <= largest] or [largest]


def _label(axes, named) -> None:
    """Names beside points, each at the nearest place where it covers neither another name nor a point's middle; a line
    leads to those that are not right beside their point."""
    width, height, middle = 4.3, 7.0, 3.0  # of a letter, and half a point's middle, in points
    beside = -3  # how far a name's foot lies below the point that it stands right beside
    take_dollars_as_they_are(axes.figure)
    axes.figure.draw_without_rendering()
    scale = 72 / axes.figure.dpi
    at = [axes.transData.transform((x, y)) * scale for x, y, _ in named]
    right = axes.bbox.x1 * scale
    taken = [(x - middle, y - middle, x + middle, y + middle) for x, y in at]
    for (across, up), (x, y, name) in sorted(zip(at, named, strict=True), key=lambda one: -one[1][1]):
        length = width * len(name)
        places = [(dx, dy + beside) for dy in (0, 8, -8, 16, -16, 24, -24, 32, -32, 40, -40) for dx in (6, -6 - length)]
        boxes = {(dx, dy): (across + dx, up + dy, across + dx + length, up + dy + height) for dx, dy in places}
        free = [place for place, box in boxes.items() if box[2] < right and is_free(box, taken)]
        place = (free or places)[0]
        taken.append(boxes[place])
        line = {"arrowstyle": "-", "linewidth": 0.5, "color": "grey", "shrinkA": 0, "shrinkB": 0}
        axes.annotate(
            name, (x, y), place, textcoords="offset points", fontsize=7, arrowprops=None if place[1] == beside else line
        )
