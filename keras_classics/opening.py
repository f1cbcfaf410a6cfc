"""The one place that opens a model by what a user calls it, for the commands and the demo."""

import pathlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keras_classics import catalogue
from keras_classics.choices import EXPORT_SUFFIXES
from keras_classics.errors import ClassicsError
from keras_classics.places import hub_name, nowhere

if TYPE_CHECKING:
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
    if path.exists() or hub_name(source) is not None:
        if weights is not None:
            raise ClassicsError(f"'{source}' has weights of its own; --weights goes with a network's name.")
        return
    if path.suffix in (".keras", *EXPORT_SUFFIXES.values()) or len(path.parts) > 1:
        raise nowhere(source)
    catalogue.find(source)
    if weights is None:
        raise ClassicsError(
            f"{source} has no trained weights here: give --weights (imagenet, a source's tag or a file), a run "
            "folder or a .keras file."
        )


def open_source(source: str, weights: str | None, exports: bool = False) -> Opened:
    """The model of a run folder, a .keras file or a repository on the hub, or the network of that name with public or
    given weights; or an export, where the command can do with `exports`."""
    from keras_classics import feed
    from keras_classics.datasets import own_class_names
    from keras_classics.exported import is_export, load_export
    from keras_classics.hub_folder import labels_of, names_of_run
    from keras_classics.loading import folder_of, open_folder
    from keras_classics.preprocessing import carried_protocol, protocol_of_answers
    from keras_classics.zoo import get_model, in_form, variant_of

    path, class_names = pathlib.Path(source), None
    if not path.exists() and hub_name(source) is not None:
        path = folder_of(source)
    if not path.exists():
        variant = get_model(source)
        model = variant(weights=weights)
        class_names = own_class_names(carried_protocol(model) or variant.protocol, feed.classes_of(model)) or None
        return Opened(model, variant_of(model), class_names)
    if is_export(path):
        if not exports:
            raise ClassicsError(f"'{source}' is an export, and this takes the Keras model that it was made of.")
        exported = load_export(path)
        names = own_class_names(exported.protocol, exported.classes)
        return Opened(exported, in_form(exported.network, exported.form), names or None)
    if path.is_dir():
        class_names = names_of_run(path) or labels_of(path)
    model = open_folder(path)
    if not path.is_dir() and (told := protocol_of_answers(model)):
        class_names = own_class_names(told, feed.classes_of(model)) or None
    return Opened(model, variant_of(model), class_names)
