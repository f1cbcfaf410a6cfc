"""Reliability diagrams (Guo et al. 2017, figure 1)."""

import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from matplotlib.figure import Figure

from keras_classics.plots.saving import save


class Bin(NamedTuple):
    """The images whose answer had a probability in one of the equal parts of 0..1: how many, the mean of those
    probabilities, and the share that is right; both None where there are none."""

    images: int
    confidence: float | None
    accuracy: float | None


def draw(bins: Sequence[Bin], error: float, path: str | pathlib.Path, title: str) -> None:
    """Accuracy against the probability of the answer, with the gap between them, and below it how many images there are
    in each bin. `error` is the expected calibration error, 0..1."""
    figure = Figure(figsize=(6, 7.5), layout="constrained")
    figure.suptitle(title)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    width = 1 / len(bins)
    above.plot([0, 1], [0, 1], "--", color="black", linewidth=1, label="as right as it is sure")
    filled = [((i + 0.5) * width, b) for i, b in enumerate(bins) if b.images]
    middles = [middle for middle, _ in filled]
    accuracies = [b.accuracy or 0.0 for _, b in filled]
    gaps = [(b.confidence or 0.0) - accuracy for (_, b), accuracy in zip(filled, accuracies, strict=True)]
    above.bar(middles, accuracies, width, color="#56b4e9", edgecolor="black", linewidth=0.8, label="right answers")
    above.bar(
        middles, gaps, 0.6 * width, accuracies, color="none", edgecolor="#d55e00", hatch="////", linewidth=1.2,
        label="gap to the mean probability",
    )  # fmt: skip
    above.set(ylabel="share of right answers", xlim=(0, 1), ylim=(0, 1.02))
    above.legend(loc="upper left", title=f"expected calibration error {100 * error:.2f}%", alignment="left")
    counts = below.bar(middles, [b.images for _, b in filled], width, color="grey", edgecolor="black", linewidth=0.8)
    below.bar_label(counts, fmt="{:,.0f}", fontsize=7, padding=1)
    below.margins(y=0.15)
    below.set(xlabel="probability of the answer", ylabel="images")
    for axes in (above, below):
        axes.set_axisbelow(True)
        axes.grid(alpha=0.3)
    save(figure, path)
