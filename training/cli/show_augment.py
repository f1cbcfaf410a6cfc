"""Draws what a recipe does to its first images, step by step."""

from keras_classics.cli.arguments import add_backend, add_data_dir
from keras_classics.cli.output import console
from training.cli.arguments import add_recipe


def add_arguments(parser):
    add_recipe(parser)
    parser.add_argument("--images", type=int, default=8, help="rows of the sheet (default 8)")
    parser.add_argument("--seed", type=int, default=0, help="of order and augmentation, as of a run (default 0)")
    parser.add_argument("--out", help="the PNG file (default: <recipe>-augment.png)")
    add_data_dir(parser)
    add_backend(parser)


def run(args):
    from training import contact_sheet
    from training.recipes import get_recipe

    recipe = get_recipe(args.recipe)
    path = contact_sheet.show(recipe, args.data, args.data_dir, args.images, args.seed, args.out)
    console.print(f"The contact sheet is {path}", markup=False)
