"""Prints the table of the recorded runs, as docs/results.md has it."""

from keras_classics.cli.arguments import add_backend


def add_arguments(parser):
    add_backend(parser)


def run(_):
    from training.results_table import results_table

    print(results_table())
