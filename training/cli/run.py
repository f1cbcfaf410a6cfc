"""Trains by a recipe, judges and exports."""

from keras_classics.cli.arguments import add_backend, add_data_dir
from training.cli.arguments import (
    add_device,
    add_distribution,
    add_recipe,
    add_training,
    distribution,
    run_options,
    settings,
)
from training.cli.report import report


def add_arguments(parser):
    add_recipe(parser)
    parser.add_argument("--classes", type=int, help="class count, where the data has another than the recipe's")
    parser.add_argument("--record", action="store_true", help="write the metrics into training/results as well")
    parser.add_argument("--record-as", metavar="name", help="the same, under another name than the recipe's")
    add_training(parser)
    add_data_dir(parser)
    add_device(parser)
    add_distribution(parser)
    add_backend(parser)


def run(args):
    from training import train
    from training.assign import assign
    from training.recipes import get_recipe

    recipe = assign(get_recipe(args.recipe), settings(args)).replace(epochs=args.epochs)
    if args.classes is not None:
        recipe = recipe.replace(build={**recipe.build, "classes": args.classes})
    record = args.record if args.record_as is None else args.record_as
    options = {**run_options(args), "distribution": distribution(args)}
    report(train.run(recipe, args.data, args.data_dir, args.out, args.seed, record, **options))
