"""Draws pictures: a file a picture."""

from keras_classics.cli.parser import add_commands
from keras_classics.cli.plot import confusion, filters, gradcam, model, progress, reliability, runs, zoo

PICTURES = {
    "zoo": zoo,
    "progress": progress,
    "model": model,
    "run": runs,
    "gradcam": gradcam,
    "filters": filters,
    "confusion": confusion,
    "reliability": reliability,
}


def add_arguments(parser):
    add_commands(parser, PICTURES, metavar="picture", at="draw")


def run(args):
    args.draw(args)
