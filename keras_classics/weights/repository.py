"""A repository of timm on the Hugging Face hub as `weights=`: whose network it is, in which form, for which pixels."""

import difflib
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from keras_classics.errors import ClassicsError
from keras_classics.layers.provenance import described
from keras_classics.places import PREFIX
from keras_classics.spec import TRAINING_OPTIONS
from keras_classics.weights import entries
from keras_classics.weights.checkpoint import (
    Checkpoint,
    Record,
    contradiction,
    layout_of,
    of_entry,
    tables_of,
    tables_of_source,
)
from keras_classics.weights.entries import Entry
from keras_classics.weights.entries.timm import ARCHITECTURES
from keras_classics.weights.fetch import CONFIG, MODEL, fetch, fetch_from_hub
from keras_classics.weights.read import read
from keras_classics.weights.timm_config import read_config


def of_repository(address: str, network: Record) -> Checkpoint:
    """The weights of "hf-hub:timm/<name>", for a network.

    A repository that has an entry is what the entry says: its pixels were held against timm's code, and its errors were
    measured with them. Where its config.json has come to tell others, a warning says so; an error would keep good
    weights back for what only describes them. Any other repository is what its config.json says, which is read before
    the weights are fetched.

    Raises:
        ClassicsError: if it cannot be had, its config.json cannot be used, or it is of another network or form.
    """
    repository = address.removeprefix(PREFIX)
    if not re.fullmatch(r"timm/\w[\w.-]*", repository):
        raise ClassicsError(
            f"'{address}' is no repository of timm: write 'hf-hub:timm/<name>', or download another's file and give "
            "the path."
        )
    entry = next((e for e in entries.ENTRIES if e.address == address), None)
    if entry:
        _check_network(address, entry.variant, entry.options, network)
        contents = read(fetch(entry))
        found = of_entry(entry.tag, contents, entry, tables_of(network.family, contents))
        return replace(found, notes=_disagreement(entry, repository))
    config = read_config(fetch_from_hub(repository, CONFIG), repository)
    if config.architecture not in ARCHITECTURES:
        nearest = difflib.get_close_matches(config.architecture, {e.variant for e in entries.ENTRIES}, n=1)
        hint = f"; the nearest network is {nearest[0]}" if nearest else ""
        raise ClassicsError(
            f"'{address}' is of timm's {config.architecture}, of which no network here has the form{hint}."
        )
    variant, options = ARCHITECTURES[config.architecture]
    _check_network(address, variant, options, network)
    contents = read(fetch_from_hub(repository, MODEL))
    tables = tables_of_source("timm", tables_of(network.family, contents))
    if contents.layout != layout_of("timm") or not tables:
        raise ClassicsError(f"'{address}' does not hold the tensors of {network.name} by names of timm's.")
    return Checkpoint(address, contents, tables, dict(options), config.protocol, config.classes or None)


def _check_network(address: str, variant: str, options: Sequence[tuple[str, Any]], network: Record) -> None:
    """That a repository's weights are of the network, in a form that the caller did not exclude."""
    if variant != network.name:
        raise ClassicsError(
            f"'{address}' holds weights of {described(variant, dict(options))}, and this is {network.name}; build that "
            "one, or give other weights."
        )
    form = {**network.options, **dict(options)}
    if any(form[name] != value for name, value in network.chosen if name not in TRAINING_OPTIONS):
        raise contradiction(address, network, form)


def _disagreement(entry: Entry, repository: str) -> tuple[str, ...]:
    """What is to be told where a repository's configuration has other constants of the pixels than its entry."""
    try:
        theirs = read_config(fetch_from_hub(repository, CONFIG), repository).protocol.normalization
    except ClassicsError:  # the weights are here, and nothing else is needed
        return ()
    ours = entry.protocol.normalization
    if np.allclose([ours.mean, ours.std], [theirs.mean, theirs.std], atol=1e-3):
        return ()
    return (
        f"The config.json of {repository} tells other pixels, mean {theirs.mean} and deviation {theirs.std}, than are "
        f"those of its published errors, mean {ours.mean} and deviation {ours.std}, which are taken.",
    )
