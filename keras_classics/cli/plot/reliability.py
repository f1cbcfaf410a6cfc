"""Draws whether an evaluation's answers are as right as they are sure (a reliability diagram)."""

from keras_classics.cli.output import console
from keras_classics.cli.plot import evaluations
from keras_classics.errors import ClassicsError


def add_arguments(parser):
    evaluations.add_arguments(parser, "reliability.png")


def run(args):
    figures = evaluations.read(args.json, "calibration_bins", "calibration_error")
    from keras_classics.plots import reliability

    try:
        bins = [reliability.Bin(**fields) for fields in figures["calibration_bins"]]
    except TypeError:
        raise ClassicsError(f"'{args.json}' has calibration bins that keras-classics evaluate did not write.") from None
    title = evaluations.title(figures)
    reliability.draw(bins, figures["calibration_error"], args.out, title)
    console.print(f"{args.out}: {title}", markup=False)
