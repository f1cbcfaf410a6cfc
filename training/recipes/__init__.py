"""One file a paper, with the names of `keras_classics.models`."""

from keras_classics.errors import unknown
from training.recipe import Recipe
from training.recipes import (
    alexnet,
    densenet,
    inception_resnet,
    inception_v1,
    inception_v2,
    inception_v3,
    inception_v4,
    lecun1989,
    lenet,
    nin,
    resnet,
    resnet_v2,
    resnext,
    shufflenet,
    shufflenet_v2,
    vgg,
    xception,
)

_MODULES = (
    lecun1989,
    lenet,
    alexnet,
    nin,
    vgg,
    inception_v1,
    inception_v2,
    inception_v3,
    inception_v4,
    inception_resnet,
    resnet,
    resnet_v2,
    resnext,
    densenet,
    xception,
    shufflenet,
    shufflenet_v2,
)
_RECIPES = {recipe.name: recipe for module in _MODULES for recipe in module.RECIPES}


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
