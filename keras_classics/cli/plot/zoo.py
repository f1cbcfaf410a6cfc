"""Draws the networks' accuracy against their cost."""

from keras_classics import catalogue
from keras_classics.cli.arguments import add_out
from keras_classics.cli.output import console
from keras_classics.cli.plot import evaluations
from keras_classics.errors import ClassicsError, unknown
from keras_classics.spec import ONE_CROP


def add_arguments(parser):
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--dataset", default="imagenet2012", help="draw the errors reported for this data set (default imagenet2012)"
    )
    what.add_argument(
        "--results",
        nargs="+",
        metavar="file",
        help="draw, in the place of the papers' errors, those in files that evaluate --json wrote",
    )
    add_out(parser, "zoo.png")


def run(args):
    points, title, told = measured(args.results) if args.results else published(args.dataset)
    from keras_classics.plots import zoo

    zoo.draw([zoo.Point(**point) for point in points], args.out, title)
    console.print(f"{args.out}: {len(points)} {told}", markup=False)


def published(dataset):
    """The points of the papers' errors on a data set, a title and what they are.

    Raises:
        ClassicsError: if no paper reports any.
    """
    networks = catalogue.read().values()
    points = [
        point(facts["name"], [facts], error["top1"], error["views"] == ONE_CROP)
        for facts in networks
        if (error := catalogue.figure(facts, dataset))
    ]
    if not points:
        known = sorted({error["dataset"] for facts in networks for error in facts["reported"]})
        raise unknown("data set with reported errors", dataset, known)
    return points, f"As their papers report it, on {dataset}", f"networks that have a reported top-1 error on {dataset}"


def measured(files):
    """The same of results that `evaluate --json` wrote. An ensemble costs what its networks cost together, each in the
    form that its record has.

    Raises:
        ClassicsError: if a file holds none, or they are of several data sets.
    """
    results = [evaluations.read(file, "views") for file in files]
    data = list(dict.fromkeys(result["data"] for result in results))
    if len(data) > 1:
        raise ClassicsError(f"The results are of several data sets, {', '.join(data)}; draw those of one.")
    points = []
    for result in results:
        networks = [catalogue.find(name) for name in result["model"].split(", ")]
        views = "" if result["views"] == "1" else f", {result['views']} views"
        points.append(point("+".join(facts["name"] for facts in networks) + views, networks, result["top1"], not views))
    return points, f"As measured on {data[0]}", f"results on {data[0]}"


def point(name, networks, top1, one_crop):
    """What the picture takes of a network, or of several together."""
    return {
        "name": name,
        "macs": sum(facts["macs"] for facts in networks),
        "params": sum(facts["params"] for facts in networks),
        "accuracy": 100 - top1,
        "year": max(facts["paper"]["year"] for facts in networks),
        "one_crop": one_crop,
    }
