"""Goes on with a run that was stopped."""

from keras_classics.cli.arguments import add_backend, add_data_dir
from training.cli.arguments import add_device, add_distribution, distribution
from training.cli.report import report


def add_arguments(parser):
    parser.add_argument("run", help="the run folder")
    add_data_dir(parser)
    add_device(parser)
    add_distribution(parser)
    add_backend(parser)


def run(args):
    from training import train

    report(train.resume(args.run, args.data_dir, args.device, distribution(args)))
