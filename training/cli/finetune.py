"""Trains a network that has weights already on other classes."""

from keras_classics.cli.arguments import add_backend, add_data_dir, data_set
from training.cli.arguments import add_device, add_training, run_options, settings
from training.cli.report import report


def add_arguments(parser):
    parser.add_argument("network", help="a name that `keras-classics list` prints")
    parser.add_argument("--weights", required=True, help="imagenet, cifar10, a source, its tag, or a file")
    parser.add_argument("--data", type=data_set, required=True, help="a folder of class folders, or a data set")
    parser.add_argument(
        "--freeze-up-to",
        metavar="stage",
        help="leave the network as it is up to and including this stage, such as conv3",
    )
    parser.add_argument("--no-flip", action="store_true", help="train on no mirror images, as of letters")
    add_training(parser)
    add_data_dir(parser)
    add_device(parser)
    add_backend(parser)


def run(args):
    from training import finetune

    options = {
        "epochs": finetune.EPOCHS if args.epochs is None else args.epochs,
        "settings": settings(args),
        "freeze_up_to": args.freeze_up_to,
        "flip": not args.no_flip,
        **run_options(args),
    }
    report(finetune.run(args.network, args.weights, args.data, args.data_dir, args.out, args.seed, **options))
