"""Draws the networks' accuracy against their cost."""

from keras_classics import catalogue
from keras_classics.cli.arguments import add_out
from keras_classics.cli.output import console
from keras_classics.errors import unknown


def add_arguments(parser):
    parser.add_argument(
        "--dataset", default="imagenet2012", help="draw the errors reported for this data set (default imagenet2012)"
    )
    add_out(parser, "zoo.png")


def run(args):
    networks = catalogue.read().values()
    drawn = [(facts, error) for facts in networks if (error := figure(facts, args.dataset))]
    if not drawn:
        known = sorted({error["dataset"] for facts in networks for error in facts["reported"]})
        raise unknown("data set with reported errors", args.dataset, known)
    from keras_classics.plots import zoo

    points = [
        zoo.Point(
            name=facts["name"],
            macs=facts["macs"],
            params=facts["params"],
            accuracy=100 - error["top1"],
            year=facts["paper"]["year"],
            views=error["views"],
        )
        for facts, error in drawn
    ]
    zoo.draw(points, args.out, f"As their papers report it, on {args.dataset}")
    console.print(f"{args.out}: {len(points)} networks that have a reported top-1 error on {args.dataset}")


def figure(facts, dataset):
    """The top-1 error that a paper reports of one crop, or else the first it reports; None if there is none."""
    errors = [error for error in facts["reported"] if error["dataset"] == dataset and error["top1"] is not None]
    return next((error for error in errors if error["views"] == "1 crop"), errors[0] if errors else None)
