"""Speed, latency and memory over the images a step."""

import itertools
import pathlib
from collections.abc import Mapping, Sequence

from matplotlib.figure import Figure
from matplotlib.ticker import NullLocator

from keras_classics.plots.curves import COLOURS, STYLES
from keras_classics.plots.saving import save
from keras_classics.plots.scales import plain

MARKERS = "osD^vP"
Rows = Sequence[tuple[int, float, float, int | None]]


def draw(lines: Mapping[str, Rows], path: str | pathlib.Path, title: str) -> None:
    """Three axes, one line a side in each.

    Args:
        lines: for each side, by its name, from the smallest batch on: images a step, images a second, seconds a step,
            and the greatest memory in bytes where it is known.
        path: of the picture.
        title: over it.
    """
    figure = Figure(figsize=(11, 4.2), layout="constrained")
    figure.suptitle(title)
    speed, latency, memory = figure.subplots(1, 3)
    looks = zip(itertools.cycle(COLOURS), itertools.cycle(STYLES), itertools.cycle(MARKERS), strict=False)
    for (name, rows), (colour, style, marker) in zip(lines.items(), looks, strict=False):
        batches, speeds, seconds, peaks = zip(*rows, strict=True)
        look = {"color": colour, "linestyle": style, "marker": marker, "markersize": 6, "label": name}
        speed.plot(batches, speeds, **look)
        latency.plot(batches, [1e3 * s for s in seconds], **look)
        if None not in peaks:
            memory.plot(batches, [peak / 1e9 for peak in peaks], **look)
    every = sorted({row[0] for rows in lines.values() for row in rows})
    for axes, label in ((speed, "images a second"), (latency, "milliseconds a step"), (memory, "greatest memory, GB")):
        axes.set(xlabel="images a step", ylabel=label)
        axes.set_xscale("log", base=2)
        axes.set_xticks(every, map(str, every))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.grid(alpha=0.3)
    latency.set_yscale("log")
    plain(latency.yaxis)
    for axes in (speed, memory):
        axes.set_ylim(0, 1.05 * axes.get_ylim()[1])  # room for the marks of the greatest
    figure.legend(*speed.get_legend_handles_labels(), loc="outside lower center", ncols=min(3, len(lines)))
    save(figure, path)
