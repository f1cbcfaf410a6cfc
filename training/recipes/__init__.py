"""One file a paper, with the names of `keras_classics.models`."""

from keras_classics.errors import unknown
from keras_classics.families import modules_in
from training.recipe import Recipe

_RECIPES: dict[str, Recipe] = {recipe.name: recipe for _, module in modules_in(__name__) for recipe in module.RECIPES}


def list_recipes() -> list[str]:
    """The names of all recipes."""
    return list(_RECIPES)


def get_recipe(name: str) -> Recipe:
    """The recipe of that name.

    Raises:
        ClassicsError: if there is none; the message suggests the nearest name.
    """
    if name not in _RECIPES:
        raise unknown("recipe", name, _RECIPES)
    return _RECIPES[name]
