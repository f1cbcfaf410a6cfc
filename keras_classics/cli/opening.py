"""The one place that opens a model for a command."""

import json
import pathlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_classics import catalogue
from keras_classics.choices import EXPORT_SUFFIXES
from keras_classics.errors import ClassicsError

if TYPE_CHECKING:
    import keras

    from keras_classics.variant import Variant


@dataclass(frozen=True)
class Opened:
    """A model or an export, the record of its network and, where they are known, the names of its classes."""

    model: Any
    variant: "Variant"
    class_names: tuple[str, ...] | None


def check_source(source: str, weights: str | None) -> None:
    """Raises a ClassicsError, without importing Keras, unless `open_source` may find a model there."""
    path = pathlib.Path(source)
    if path.exists():
        if weights is not None:
            raise ClassicsError(f"'{source}' has weights of its own; --weights goes with a network's name.")
        return
    if path.suffix in (".keras", *EXPORT_SUFFIXES.values()) or len(path.parts) > 1:
        raise ClassicsError(f"There is no run folder, .keras file or export '{source}'.")
    catalogue.find(source)
    if weights is None:
        raise ClassicsError(
            f"{source} has no trained weights here: give --weights (imagenet, a source's tag or a file), a run "
            "folder or a .keras file."
        )


def open_source(source: str, weights: str | None, exports: bool = False) -> Opened:
    """The model of a run folder or a .keras file, or the network of that name with public or given weights; or an
    export, where the command can do with `exports`."""
    from keras_classics.datasets import known_class_names
    from keras_classics.exported import is_export, load_export
    from keras_classics.preprocessing import carried_protocol
    from keras_classics.zoo import get_model, variant_of

    path, class_names = pathlib.Path(source), None
    if not path.exists():
        variant = get_model(source)
        model = variant(weights=weights)
        if weights is not None and not pathlib.Path(weights).is_file():
            protocol = carried_protocol(model) or variant.protocol
            class_names = protocol.class_names or known_class_names(protocol.dataset) or None
        return Opened(model, variant, class_names)
    if is_export(path):
        if not exports:
            raise ClassicsError(f"'{source}' is an export, and this takes the Keras model that it was made of.")
        exported = load_export(path)
        names = exported.class_names or known_class_names(exported.protocol.dataset)
        fitting = names if len(names) == exported.classes else None
        return Opened(exported, get_model(exported.network), fitting)
    if path.is_dir():
        try:
            class_names = tuple(json.loads((path / "metrics.json").read_text("utf-8"))["class_names"])
        except (OSError, ValueError, KeyError):
            class_names = None
    model = open_file(source)
    return Opened(model, variant_of(model), class_names)


def open_file(source: str) -> "keras.Model":
    """The model of a run folder or a .keras file."""
    from keras_classics.model_file import open_model

    path = pathlib.Path(source)
    return open_model(path / "best.keras" if path.is_dir() else path)
