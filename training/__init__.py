"""The papers' training, on top of keras_classics: recipes, the pipelines that they describe, and runs."""

from training.compile import callbacks, compile_arguments
from training.pipeline import train_batches, validation_batches
from training.recipe import Recipe
from training.recipes import get_recipe, list_recipes

__all__ = [
    "Recipe",
    "callbacks",
    "compile_arguments",
    "get_recipe",
    "list_recipes",
    "train_batches",
    "validation_batches",
]
