"""The command `keras-classics`: a file a command. Nothing here imports Keras before a command needs it."""

from collections.abc import Sequence

import keras_classics
from keras_classics.cli import (
    benchmark,
    benchmark_views,
    card,
    demo,
    evaluate,
    export,
    export_matrix,
    plot,
    predict,
    show,
)
from keras_classics.cli import list as listing
from keras_classics.cli.output import console as console
from keras_classics.cli.parser import Parser, run

COMMANDS = {
    "list": listing,
    "show": show,
    "predict": predict,
    "evaluate": evaluate,
    "export": export,
    "card": card,
    "export-matrix": export_matrix,
    "benchmark": benchmark,
    "benchmark-views": benchmark_views,
    "plot": plot,
    "demo": demo,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command's entry point."""
    parser = Parser(prog="keras-classics", description="The classic image classifiers, as their papers have them.")
    parser.add_argument("--version", action="version", version=f"keras-classics {keras_classics.__version__}")
    commands = parser.add_subparsers(required=True, metavar="command")
    for name, module in COMMANDS.items():
        command = commands.add_parser(name, help=module.__doc__, description=module.__doc__)
        command.set_defaults(function=module.run)
        module.add_arguments(command)
    parsed = parser.parse_args(arguments)
    run(lambda: parsed.function(parsed), parsed.debug)
