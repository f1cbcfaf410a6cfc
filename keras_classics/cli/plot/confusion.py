"""Draws which classes an evaluation confused."""

from keras_classics.cli.output import console
from keras_classics.cli.plot import evaluations
from keras_classics.errors import ClassicsError


def add_arguments(parser):
    evaluations.add_arguments(parser, "confusion.png")


def run(args):
    figures = evaluations.read(args.json, "class_names", "confusion")
    import numpy as np

    from keras_classics.plots import confusion

    names, counts = figures["class_names"], figures["confusion"]
    if [len(row) for row in counts] != [len(names)] * len(names):
        raise ClassicsError(f"'{args.json}' has a confusion matrix that does not fit its {len(names)} classes.")
    title = evaluations.title(figures)
    confusion.draw(np.array(counts), names, args.out, title)
    console.print(f"{args.out}: {title}", markup=False)
