"""The papers' training, on top of keras_classics: recipes, the pipelines that they describe, and runs.

A name is imported when it is first asked for, so that the command can answer before Keras is there.
"""

import importlib
from typing import Any

_MODULES = {
    "Recipe": "recipe",
    "callbacks": "compile",
    "compile_arguments": "compile",
    "get_recipe": "recipes",
    "list_recipes": "recipes",
    "train_batches": "pipeline",
    "validation_batches": "pipeline",
}
__all__ = list(_MODULES)


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
