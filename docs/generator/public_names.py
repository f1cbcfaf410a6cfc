"""The pages of the public names, for mkdocstrings to fill from the docstrings."""

import keras_classics
import training
from keras_classics import datasets


def pages() -> dict[str, str]:
    """The pages in Markdown by their files: of `keras_classics`, of its data sets and of `training`."""
    own = {name: f"keras_classics.{module}.{name}" for name, module in sorted(keras_classics._MODULES.items())}
    data = {
        name: f"keras_classics.datasets.{name}" for name in datasets.__all__ if name[0].islower() or name[1].islower()
    }
    trains = {name: f"training.{module}.{name}" for name, module in training._MODULES.items()}
    record = "[records](keras_classics.md#keras_classics.variant.Variant)"
    kept = f"The builders, such as `kc.ResNet50`, are {record} that are called."
    return {
        "api/keras_classics.md": _page("keras_classics", "`import keras_classics as kc`. " + kept, own),
        "api/datasets.md": _page("keras_classics.datasets", "`from keras_classics import datasets`.", data),
        "api/training.md": _page("training", "`from training import get_recipe`, and so on.", trains),
    }


def _page(title: str, told: str, names: dict[str, str]) -> str:
    return "\n\n".join([f"# {title}", told, *(f"::: {place}" for place in names.values())]) + "\n"
