"""Draws the curves of a run, or of several in one picture."""

import csv
import pathlib

from keras_classics.cli.arguments import add_out
from keras_classics.cli.output import console
from keras_classics.errors import ClassicsError
from keras_classics.places import HISTORY


def add_arguments(parser):
    parser.add_argument("runs", nargs="+", metavar="run", help="a run folder; several are compared")
    add_out(parser, "run.png")


def run(args):
    histories = {named: read_history(folder) for named, folder in names(args.runs).items()}
    from keras_classics.plots import curves

    if len(histories) == 1:
        ((name, history),) = histories.items()
        curves.draw(history, args.out, name)
    else:
        curves.compare(histories, args.out)
    epochs = ", ".join(f"{name} {len(history)}" for name, history in histories.items())
    console.print(f"{args.out}: epochs of {epochs}", markup=False)


def names(folders):
    """The folders by their names, or by their whole paths where two have the same name."""
    paths = list(dict.fromkeys(map(pathlib.Path, folders)))
    last = [path.resolve().name for path in paths]
    return {str(path) if last.count(name) > 1 else name: path for path, name in zip(paths, last, strict=True)}


def read_history(folder):
    """The rows of a run folder's history.csv as numbers, one for each epoch.

    Raises:
        ClassicsError: if there is no such file, or it is none of a run's.
    """
    path = pathlib.Path(folder) / HISTORY
    try:
        with open(path, newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
    except OSError:
        raise ClassicsError(
            f"'{folder}' is no run folder with a finished epoch: it has no {HISTORY}. Give a folder that python -m "
            "training writes."
        ) from None
    try:
        history = [{name: float(value) for name, value in row.items() if value} for row in rows]
        if not history or not all({"epoch", "loss", "accuracy"} <= set(row) for row in history):
            raise ValueError
    except (TypeError, ValueError):
        raise ClassicsError(
            f"'{path}' is no history of a run: it needs a row of numbers for each epoch, with epoch, loss and accuracy."
        ) from None
    return history
