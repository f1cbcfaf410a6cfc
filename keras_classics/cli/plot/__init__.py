"""Draws pictures: a file a picture."""

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
    pictures = parser.add_subparsers(required=True, metavar="picture")
    for name, module in PICTURES.items():
        picture = pictures.add_parser(name, help=module.__doc__, description=module.__doc__)
        picture.set_defaults(draw=module.run)
        module.add_arguments(picture)


def run(args):
    args.draw(args)
