"""Training curves."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from keras_classics.plots.saving import save
from keras_classics.plots.scales import plain

History = Sequence[Mapping[str, float]]
STYLES = ("-", "--", "-.", ":")
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#56b4e9", "#000000")  # told apart by all (Okabe, Ito 2008)


def draw(history: History, path: str | pathlib.Path, title: str, paper_error: float | None = None) -> None:
    """Loss and error over the epochs.

    Args:
        history: a mapping for each epoch: "epoch", "loss", "accuracy", and if there are any "val_loss", "val_accuracy".
        path: of the picture.
        title: over it.
        paper_error: in percent, drawn as a line.
    """
    figure, loss, error = _figure()
    figure.suptitle(title)
    for axes, key in ((loss, "loss"), (error, "accuracy")):
        for prefix, name, style in (("", "training", "--"), ("val_", "validation", "-")):
            _curve(axes, history, prefix + key, label=name, linestyle=style, color="tab:blue")
        _finish(axes)
    if paper_error is not None:
        error.axhline(paper_error, color="tab:red", linewidth=1, label=f"the paper's test error, {paper_error:g}%")
    loss.legend()
    error.legend()
    save(figure, path)


def compare(histories: Mapping[str, History], path: str | pathlib.Path) -> None:
    """The training losses of several runs, by their names, and their validation errors, or without any the training's.

    Curves differ in their colours, and in their lines as well.
    """
    figure, loss, error = _figure()
    judged = all("val_accuracy" in history[0] for history in histories.values())
    for number, (name, history) in enumerate(histories.items()):
        look = {"linestyle": STYLES[number % len(STYLES)], "color": COLOURS[number % len(COLOURS)], "label": name}
        _curve(loss, history, "loss", **look)
        _curve(error, history, "val_accuracy" if judged else "accuracy", **look)
    loss.set_ylabel("training loss")
    error.set_ylabel(f"{'validation' if judged else 'training'} error, %")
    for axes in (loss, error):
        _finish(axes)
    error.legend()
    save(figure, path)


def _figure() -> tuple[Figure, Axes, Axes]:
    figure = Figure(figsize=(10, 4), layout="constrained")
    loss, error = figure.subplots(1, 2)
    loss.set(xlabel="epoch", ylabel="loss")
    error.set(xlabel="epoch", ylabel="error, %")
    return figure, loss, error


def _curve(axes: Axes, history: History, key: str, **look) -> None:
    """A column of the history, accuracies as errors in percent, if there is one."""
    if key not in history[0]:
        return
    rows = [row for row in history if key in row]
    values = np.array([row[key] for row in rows])
    values = 100 * (1 - values) if key.endswith("accuracy") else values
    axes.plot([row["epoch"] for row in rows], values, marker="." if len(history) < 40 else "", **look)


def _finish(axes: Axes) -> None:
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if axes.get_ylim()[0] > 0:
        axes.set_yscale("log")
        plain(axes.yaxis)
    axes.grid(alpha=0.3, which="both")
