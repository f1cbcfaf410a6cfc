"""Training curves."""

import pathlib
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from keras_classics.plots.saving import save


def draw(
    history: Sequence[Mapping[str, float]], path: str | pathlib.Path, title: str, paper_error: float | None = None
) -> None:
    """Loss and error over the epochs.

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
    save(figure, path)
