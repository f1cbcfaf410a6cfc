"""Lists the recipes."""

from keras_classics.cli.arguments import add_backend, add_json
from keras_classics.cli.output import answer, console, table


def add_arguments(parser):
    add_json(parser)
    add_backend(parser)


def run(args):
    from training.recipes import get_recipe, list_recipes

    recipes = [get_recipe(name) for name in list_recipes()]
    made = table(("recipe", "model", "data", "epochs", "batch", "paper"))
    for r in recipes:
        made.add_row(r.name, r.model, r.dataset, f"{r.epochs:.0f}", str(r.batch_size), r.paper.short)
    answer(args.json, [r.as_dict() for r in recipes], lambda: console.print(made))
