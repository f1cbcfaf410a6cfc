"""Arguments that several commands take, and what they say."""

from keras_classics.choices import DISTRIBUTIONS
from keras_classics.cli.arguments import data_set
from keras_classics.cli.parser import Parser
from keras_classics.errors import ClassicsError


def add_recipe(parser: Parser) -> None:
    """A recipe, and the data in place of its own."""
    parser.add_argument("recipe", help="a name that `list` prints")
    parser.add_argument("--data", type=data_set, help="another data set, or a folder of class folders")


def add_device(parser: Parser) -> None:
    parser.add_argument("--device", help="device to train on, as Keras names it: cpu:0, gpu:0")


def add_training(parser: Parser) -> None:
    """How a new run trains; `settings` and `run_options` read them."""
    parser.add_argument("--out", help="the run folder, which must be new (default: a new one in runs)")
    parser.add_argument("--epochs", type=float, help="passes over the training images")
    parser.add_argument("--batch-size", type=int, help="images a step")
    parser.add_argument("--hold-out", type=int, help="hold out one training image in so many; 0 for none")
    parser.add_argument(
        "--set",
        action="extend",
        nargs="+",
        default=[],
        metavar="name=value",
        help="such as optimizer.weight_decay=1e-3",
    )
    parser.add_argument("--accumulate", type=int, help="divide a batch into so many parts, to save memory")
    parser.add_argument("--precision", help="what the training computes in: float32 or mixed_bfloat16")
    parser.add_argument(
        "--remat", action="store_true", help="keep few maps for the gradient, in less memory and more time"
    )
    parser.add_argument("--early-stopping", type=int, metavar="epochs", help="end after so many without a better one")
    parser.add_argument("--tensorboard", action="store_true", help="write what TensorBoard reads into the folder")
    parser.add_argument(
        "--checkpoint-minutes",
        type=float,
        metavar="M",
        help="also write a checkpoint every so many minutes inside an epoch",
    )
    parser.add_argument("--seed", type=int, default=0, help="of weights, order and augmentation (default 0)")
    parser.add_argument("--limit", type=int, help="use only so many images of each split, equally many of each class")
    parser.add_argument("--class-weights", choices=("balanced",), metavar="balanced", help="rare classes weigh more")


def settings(args) -> list[str]:
    """What the options of `add_training` set in a recipe."""
    names = ("batch_size", "hold_out", "accumulate", "precision", "early_stopping")
    options = [f"{name}={getattr(args, name)}" for name in names if getattr(args, name) is not None]
    return [*args.set, *options, *(["build.remat=true"] if args.remat else [])]


def run_options(args) -> dict[str, object]:
    """What the options of `add_training` and `add_device` say of a run beside its recipe."""
    return {
        "limit": args.limit,
        "class_weights": args.class_weights,
        "tensorboard": args.tensorboard,
        "checkpoint_minutes": args.checkpoint_minutes,
        "on_device": args.device,
    }


def add_distribution(parser: Parser) -> None:
    """On which devices and processes a run trains; `distribution` reads them."""
    parser.add_argument(
        "--distribute", choices=DISTRIBUTIONS, metavar="data", help="train on all devices, data parallel"
    )
    parser.add_argument("--coordinator", metavar="host:port", help="of process 0, where jax does not find it itself")
    parser.add_argument("--processes", type=int, metavar="N", help="how many train together")
    parser.add_argument("--process", type=int, metavar="i", help="number of this process, from 0")
    parser.add_argument("--own-statistics", action="store_true", help="batch norms see their device's images alone")


def distribution(args):
    """What the options of `add_distribution` say; None for one device.

    Raises:
        ClassicsError: if some are given without `--distribute`.
    """
    from training.distribute import Distribution

    said = (args.coordinator, args.processes, args.process)
    if args.distribute is None:
        if args.own_statistics or any(value is not None for value in said):
            raise ClassicsError(
                "--coordinator, --processes, --process and --own-statistics go only with --distribute data; add it, or "
                "leave them out."
            )
        return None
    return Distribution(args.distribute, *said, sync_batch_norm=not args.own_statistics)
