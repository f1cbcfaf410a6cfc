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
from keras_classics.cli.parser import Parser, add_commands, run

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
    add_commands(parser, COMMANDS)
    parsed = parser.parse_args(arguments)
    run(lambda: parsed.function(parsed), parsed.debug)
