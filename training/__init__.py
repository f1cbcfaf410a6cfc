"""The papers' training, on top of keras_classics: recipes, the pipelines that they describe, and runs.

A name is imported when it is first asked for, so that the command can answer before Keras is there.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_MODULES = {
    "Recipe": "recipe",
    "callbacks": "compile",
    "compile_arguments": "compile",
    "get_recipe": "recipes",
    "list_recipes": "recipes",
    "train_batches": "pipeline",
    "validation_batches": "pipeline",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
