"""All networks by name."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import keras

from keras_classics.errors import ClassicsError, unknown
from keras_classics.families import modules_in
from keras_classics.preprocessing import carried_protocol, check_pixels, normalize, normalizes, provenance
from keras_classics.spec import UNCHANGED
from keras_classics.variant import Variant

BUILDERS: dict[str, Variant] = {
    symbol: value
    for _, module in modules_in("keras_classics.models")
    for symbol, value in vars(module).items()
    if isinstance(value, Variant)
}
"""The records by the names under which users build them, such as "ResNet50"."""

_VARIANTS = {variant.name: variant for variant in BUILDERS.values()}
_GUESTS: dict[str, Variant] = {}


@contextmanager
def guests(networks: Iterable[Variant]) -> Iterator[None]:
    """Within it `get_model` knows these networks as well, such as an experiment's, which no list shows.

    Raises:
        ClassicsError: if one has the name of another network.
    """
    before = dict(_GUESTS)
    for network in networks:
        if (_VARIANTS | _GUESTS).get(network.name, network) is not network:
            raise ClassicsError(f"There is another network of the name '{network.name}'; choose another name.")
        _GUESTS[network.name] = network
    try:
        yield
    finally:
        _GUESTS.clear()
        _GUESTS.update(before)


def list_models(family: str | None = None, dataset: str | None = None) -> list[str]:
    """The names of all networks, in the order of the families; only those of a `family` or a `dataset` if given."""
    for kind, value in (("family", family), ("dataset", dataset)):
        known = sorted({getattr(v, kind) for v in _VARIANTS.values()})
        if value is not None and value not in known:
            raise unknown(kind, value, known)
    return [v.name for v in _VARIANTS.values() if family in (None, v.family) and dataset in (None, v.dataset)]


def get_model(name: str) -> Variant:
    """The record of the network of that name: "resnet50", or "ResNet50" as its builder is called.

    Raises:
        ClassicsError: if there is none; the message suggests the nearest name.
    """
    variant = _VARIANTS.get(name) or BUILDERS.get(name) or _GUESTS.get(name)
    if variant is None:
        raise unknown("model", name, _VARIANTS)
    return variant


def create_model(name: str, /, **kwargs) -> keras.Model:
    """Builds the network of that name; the arguments are those of the builders."""
    return get_model(name)(**kwargs)


def variant_of(model: Variant | str | keras.Model) -> Variant:
    """The record of a network: of a record itself, of a name, or of a model that the zoo built, in its form.

    Raises:
        ClassicsError: if the name is none of the zoo's, or the model does not tell what it is.
    """
    if isinstance(model, Variant):
        return model
    if isinstance(model, str):
        return get_model(model)
    found = provenance(model)
    if found is None:
        raise ClassicsError(
            f"The model '{model.name}' does not tell which network of the zoo it is, so its pixels are not known; "
            "pass the record, such as keras_classics.ResNet50."
        )
    return in_form(found.network, found.form)


def in_form(network: str, form: Mapping[str, Any]) -> Variant:
    """The record of the network of that name in a form, as `Variant.form` tells it. If options of the form are neither
    numbers nor words, the network's own without the paper's figures.

    Raises:
        ClassicsError: if there is no such network.
    """
    variant = get_model(network)
    changed = {name: value for name, value in form.items() if value != variant.form.get(name)}
    if all(isinstance(value, str | int | float | None) for value in changed.values()):
        return variant.with_options(**changed)
    return replace(variant, reported=())


def preprocess_input(images, model: Variant | str | keras.Model):
    """Normalises a batch of pixels for a network, as `keras.applications`' functions of this name do.

    Args:
        images: array or TensorFlow tensor (..., H, W, C), 0..255, already of the network's size.
        model: a record, its name, or a model that the zoo built, which tells how the pixels of its weights were
            normalised.

    Returns:
        The same shape as float32. For a model that was built with `include_preprocessing=True`, and so does this
        itself, the pixels as they are.

    Raises:
        ClassicsError: if the name is none of the zoo's, the model does not tell what it is, or the images are no pixels
            of 0..255.
    """
    check_pixels(images)
    if isinstance(model, keras.Model) and normalizes(model):
        return normalize(images, UNCHANGED)
    carried = carried_protocol(model) if isinstance(model, keras.Model) else None
    return normalize(images, (carried or variant_of(model).protocol).normalization)
