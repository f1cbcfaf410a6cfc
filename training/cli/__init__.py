"""The command `python -m training`: a file a command. Nothing here imports Keras before a command needs it."""

from collections.abc import Sequence

from keras_classics.cli.backend import start
from keras_classics.cli.parser import Parser, add_commands
from keras_classics.cli.parser import run as guarded
from training.cli import benchmark_data, experiment, finetune, results, resume, run, ship, show_augment
from training.cli import list as listing

COMMANDS = {
    "list": listing,
    "run": run,
    "finetune": finetune,
    "resume": resume,
    "show-augment": show_augment,
    "benchmark-data": benchmark_data,
    "ship": ship,
    "results": results,
    "experiment": experiment,
}


def main(arguments: Sequence[str] | None = None) -> None:
    """The command's entry point."""
    parser = Parser(prog="python -m training", description="Trains the networks as their papers did.")
    add_commands(parser, COMMANDS)
    parsed = parser.parse_args(arguments)

    def carry_out():
        start(parsed.backend)  # before anything imports Keras
        parsed.function(parsed)

    guarded(carry_out, parsed.debug)
