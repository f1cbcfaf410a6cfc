"""The picture of an experiment: each run, the band of the seeds, and what the arms came to."""

import pathlib
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from keras_classics.plots.curves import COLOURS, STYLES
from keras_classics.plots.saving import save
from training.experiments.design import Experiment
from training.experiments.intervals import FEWEST, interval
from training.experiments.measures import Measure, Run
from training.experiments.verdict import Verdict, line, misses, runs_by_seed, values

MARKERS = "osD^vP*X"
LINES = (*STYLES, (0, (6, 1, 1, 1, 1, 1)), (0, (1, 3)))
MOST = 2  # measures that are drawn beside the curves


def draw(experiment: Experiment, runs: Sequence[Run], verdict: Verdict, path: pathlib.Path) -> None:
    """The curves of all runs, for each arm the band from the lowest seed to the highest and the mean; and the measures
    of each arm's runs, equal seeds joined by a line, beside their mean and its 95% interval."""
    measures = experiment.measures[:MOST]
    has_curve = bool(experiment.curve) and any(experiment.curve in run["curve"] for run in runs)
    widths = [1.5] * has_curve + [1.0] * len(measures)
    across = max(9.0, 2.2 + 4.2 * sum(widths))  # inches
    figure = Figure(figsize=(across, 5.6 + 0.22 * len(verdict.outcomes)), layout="constrained")
    title = "\n".join(
        textwrap.fill(part, int(7.5 * across)) for part in (experiment.claim, f"Verdict: {verdict.sentence}.")
    )
    figure.suptitle(title, fontsize=14, fontweight="bold", x=0.01, ha="left")
    told = [f"{line(outcome)}: {outcome.verdict}" for outcome in verdict.outcomes]
    told = [textwrap.fill(text, int(12.5 * across), subsequent_indent="    ") for text in told]
    figure.supxlabel("\n".join(told), fontsize=11, x=0.01, ha="left", linespacing=1.35)
    panels = list(figure.subplots(1, len(widths), width_ratios=widths, squeeze=False)[0])
    if has_curve:
        _curves(panels.pop(0), experiment, runs)
    for axes, measure in zip(panels, measures, strict=True):
        _values(axes, experiment, measure, runs)
    save(figure, path)


def _look(number: int) -> dict:
    return {"color": COLOURS[number % len(COLOURS)], "linestyle": LINES[number % len(LINES)]}


def _curves(axes: Axes, experiment: Experiment, runs: Sequence[Run]) -> None:
    most = 0
    for number, arm in enumerate(experiment.arms):
        of_arm = [run["curve"][experiment.curve] for run in runs if run["arm"] == arm.name and not run["search"]]
        of_arm = [curve for curve in of_arm if curve]
        if not of_arm:
            continue
        length = min(map(len, of_arm))
        stack, look = np.array([curve[:length] for curve in of_arm]), _look(number)
        epochs, most = np.arange(1, length + 1), max(most, length)
        for curve in of_arm:
            axes.plot(range(1, len(curve) + 1), curve, color=look["color"], linewidth=0.6, alpha=0.5)
        axes.fill_between(epochs, stack.min(0), stack.max(0), color=look["color"], alpha=0.15, linewidth=0)
        axes.plot(epochs, stack.mean(0), linewidth=2.2, label=arm.name, **look)
    axes.set(xlabel="epoch", ylabel=f"{experiment.curve}, %")
    if axes.get_ylim()[0] < axes.get_ylim()[1] / 2:
        axes.set_ylim(bottom=0)
    axes.set_title("each run, the band of the seeds and their mean", fontsize=10, loc="left")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(alpha=0.3)
    axes.legend()


def _values(axes: Axes, experiment: Experiment, measure: Measure, runs: Sequence[Run]) -> None:
    names = [arm.name for arm in experiment.arms]
    of_arms = [values(measure, name, runs) for name in names]
    late_of_arms = [misses(measure, name, runs) for name in names]
    for seed in runs_by_seed(runs):
        places = [(place, of_arm[seed]) for place, of_arm in enumerate(of_arms) if seed in of_arm]
        axes.plot(*zip(*places, strict=True), color="0.75", linewidth=0.8, zorder=1) if places else None
    for place, (of_arm, late) in enumerate(zip(of_arms, late_of_arms, strict=True)):
        if not of_arm:
            continue
        colour, marker = COLOURS[place % len(COLOURS)], MARKERS[place % len(MARKERS)]
        for seed, value in of_arm.items():
            inside = "none" if seed in late else colour
            axes.scatter(place, value, edgecolor=colour, facecolor=inside, marker=marker, s=28, alpha=0.7, zorder=2)
        mean, low, high, count = interval(list(of_arm.values()))
        if count >= FEWEST and not late:
            around = [[mean - low], [high - mean]]
            axes.errorbar(place + 0.22, mean, around, fmt="_", color=colour, capsize=5, markersize=12, linewidth=2)
    axes.set_ylabel(textwrap.fill(f"{measure.words}, {measure.unit}", 40))
    hollow = "\nhollow: never came to the level" * any(late_of_arms)
    axes.set_title(f"each seed; beside it the mean, 95% interval{hollow}", fontsize=10, loc="left")
    slanted = len(names) > 3 or max(map(len, names)) > 16
    axes.set_xticks(range(len(names)), names, rotation=35 if slanted else 0, ha="right" if slanted else "center")
    axes.set_xlim(-0.5, len(names) - 0.3)
    axes.grid(alpha=0.3, axis="y")
