"""Makes the folder that ships of a finished run, with a model card."""

from keras_classics.cli.arguments import add_backend
from keras_classics.cli.output import console


def add_arguments(parser):
    parser.add_argument("run", help="the run folder")
    parser.add_argument("--out", help="the folder, which must be new (default: saved_models/<recipe>)")
    add_backend(parser)


def run(args):
    from training.ship import entry_line, ship

    path = ship(args.run, args.out)
    console.print(f"What ships is in {path}", markup=False)
    console.print(
        f"Its line in keras_classics/weights/entries/keras_classics.py:\n{entry_line(args.run, path)}", markup=False
    )
