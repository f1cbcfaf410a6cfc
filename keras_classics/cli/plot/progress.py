"""Draws how the errors on ImageNet fell and the networks grew deeper, year by year."""

from keras_classics import catalogue
from keras_classics.cli.arguments import add_out
from keras_classics.cli.evaluate import HUMAN_TOP5
from keras_classics.cli.output import console

DATASET = "imagenet2012"


def add_arguments(parser):
    add_out(parser, "progress.png")


def run(args):
    best: dict[tuple, tuple] = {}  # of each family and year
    for facts in catalogue.read().values():
        error = catalogue.figure(facts, DATASET, "top5")
        key = facts["family"], facts["paper"]["year"]
        if error and (key not in best or error["top5"] < best[key][1]["top5"]):
            best[key] = facts, error
    from keras_classics.plots import progress

    points = [
        progress.Point(facts["name"], facts["paper"]["year"], error["top5"], error["views"], facts["depth"])
        for facts, error in best.values()
    ]
    progress.draw(points, args.out, HUMAN_TOP5)
    console.print(f"{args.out}: of {len(points)} families the network with the lowest top-5 error on {DATASET}")
