"""ImageNet over the years: the errors and the depth."""

import itertools
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from keras_classics.plots.saving import save
from keras_classics.spec import ONE_CROP

MARKERS = "ovs^DPX"  # of the protocols; the first is of one crop and filled, the others hollow
COLOUR, SECOND, HUMAN = "#0072b2", "#d55e00", "#009e73"


class Point(NamedTuple):
    """A network: its year, its top-5 error in percent, the `Reported.views` that it is of, and its depth in layers."""

    name: str
    year: int
    top5: float
    views: str
    depth: int


def draw(points: Sequence[Point], path: str | pathlib.Path, human: float) -> None:
    """Top-5 errors as the papers report them, and below them the depths, by the years of the papers.

    A line joins the lowest error of each year so far; another is at the `human` error. The error's marker tells the
    protocol. The networks of a year stand in the order of their errors.
    """
    places = _places(points)
    figure = Figure(figsize=(12, 8), layout="constrained")
    errors, depths = figure.subplots(2, 1, sharex=True, gridspec_kw={"height_ratios": (3, 2)})
    protocols = sorted({point.views for point in points}, key=lambda views: (views != ONE_CROP, len(views), views))
    for views, marker in zip(protocols, itertools.cycle(MARKERS), strict=False):
        of = [point for point in points if point.views == views]
        errors.scatter(
            [places[point] for point in of], [point.top5 for point in of], 55, marker=marker, edgecolors=COLOUR,
            facecolors=COLOUR if views == ONE_CROP else "white", linewidths=1.5, label=views, zorder=3,
        )  # fmt: skip
    front = _front(sorted(points, key=places.__getitem__))
    errors.step([places[p] for p in front], [p.top5 for p in front], where="post", color=COLOUR, alpha=0.4)
    errors.axhline(human, color=HUMAN, linestyle="--", linewidth=1.5, label=f"human, {human:g}%")
    errors.set(ylabel="top-5 error, %", title="ImageNet: what the papers report, and how deep their networks are")
    errors.set_ylim(0, 1.12 * max(point.top5 for point in points))
    errors.legend(title="by", loc="upper right")
    depths.vlines(list(places.values()), 0, [point.depth for point in places], color=SECOND, linewidth=4)
    depths.set(ylabel="depth, layers with weights", xlabel="year of the paper")
    depths.set_ylim(0, 1.15 * max(point.depth for point in points))
    for point, place in places.items():
        for axes, height, text in ((errors, point.top5, point.name), (depths, point.depth, str(point.depth))):
            turned = {"rotation": 45, "ha": "left"} if axes is errors else {"ha": "center"}
            axes.annotate(text, (place, height), (0, 6), textcoords="offset points", va="bottom", fontsize=8, **turned)
    years = sorted({point.year for point in points})
    depths.set_xticks([year + 0.5 for year in years], map(str, years))
    depths.tick_params(axis="x", length=0)
    depths.set_xlim(years[0] - 0.1, years[-1] + 1.1)
    for axes in (errors, depths):
        axes.grid(axis="y", alpha=0.3)
        for year in years[1:]:
            axes.axvline(year, color="grey", linewidth=0.5)
    save(figure, path)


def _places(points: Sequence[Point]) -> dict[Point, float]:
    """Where on the axis of the years each stands: those of a year beside each other."""
    places: dict[Point, float] = {}
    for year in {point.year for point in points}:
        of = sorted((point for point in points if point.year == year), key=lambda point: -point.top5)
        places |= {point: year + (number + 0.5) / len(of) for number, point in enumerate(of)}
    return places


def _front(points: Sequence[Point]) -> list[Point]:
    """Those that err less than all before them."""
    front: list[Point] = []
    for point in points:
        if not front or point.top5 < front[-1].top5:
            front.append(point)
    return front
