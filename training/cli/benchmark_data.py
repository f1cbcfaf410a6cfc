"""Measures how fast training images are prepared."""

import dataclasses

from keras_classics.cli.arguments import add_backend, add_data_dir, add_json
from keras_classics.cli.output import answer, console, table
from keras_classics.cli.parser import positive
from keras_classics.errors import ClassicsError, first_line
from training.cli.arguments import add_recipe


def add_arguments(parser):
    add_recipe(parser)
    parser.add_argument("--against", choices=["torchvision"], help="its loader with two processes, in the same run")
    parser.add_argument("--images", type=positive, default=2000, metavar="N", help="images a round (default 2000)")
    parser.add_argument("--rounds", type=positive, default=5, metavar="N", help="of each side in turn (default 5)")
    add_json(parser)
    add_data_dir(parser)
    add_backend(parser)


def run(args):
    if args.against:
        _import_torchvision()
    from training import run_data
    from training.benchmark_data import measure
    from training.recipes import get_recipe

    recipe = get_recipe(args.recipe).replace(hold_out=0)
    data = run_data.load(args.data or recipe.dataset, args.data_dir).dataset
    rates = measure(recipe, data, args.images, args.rounds, args.against is not None)
    made = table(("",), ("images/s", "the recipe's are"))
    for name, rate in (
        (recipe.name, rates.recipe),
        ("decode_jpeg", rates.decode_jpeg),
        (args.against, rates.torchvision),
    ):
        if rate is not None:
            made.add_row(name, f"{rate:.0f}", f"{rates.recipe / rate:.2f} times as many")
    answer(
        args.json, {"recipe": recipe.name, "images_a_second": dataclasses.asdict(rates)}, lambda: console.print(made)
    )


def _import_torchvision():
    """Imports it before anything imports tensorflow, after which it brings the process down."""
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError) as error:
        raise ClassicsError(
            f"torchvision cannot be imported ({first_line(error)}): install a torch and a torchvision that "
            "belong together, or leave --against out."
        ) from None
