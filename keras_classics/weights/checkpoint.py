"""`Checkpoint`: the weights of a network, read, and by which tables of names they may be told."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from keras_classics.errors import ClassicsError
from keras_classics.spec import InputProtocol
from keras_classics.weights.contents import Contents
from keras_classics.weights.entries import Entry
from keras_classics.weights.mapping import Conversion, Rules, convert, peer_name
from keras_classics.weights.tables import NAMES

Record = Any  # a keras_classics.variant.Variant, whose module stands above this one


@dataclass(frozen=True)
class Checkpoint:
    """The weights of a network, read, and what is known about them.

    Attributes:
        name: as a message names them: a tag, or the path of a file.
        contents: the tensors.
        tables: those of the family's tables of names that they may have, by the tables' names; "ours" for our own.
        options: the form of the network that they need, where it is not the one that was asked for.
        protocol: how their pictures are prepared, where that is known.
        classes: how many they are of, where that is known.
        notes: what is to be told once they are loaded.
    """

    name: str
    contents: Contents
    tables: Mapping[str, Rules]
    options: dict[str, Any] = field(default_factory=dict)
    protocol: InputProtocol | None = None
    classes: int | None = None
    notes: tuple[str, ...] = ()


def of_entry(name: str, contents: Contents, entry: Entry, tables: Mapping[str, Rules]) -> Checkpoint:
    """Tensors that are those of an entry."""
    own = tables_of_source(entry.source, tables)
    return Checkpoint(name, contents, own, dict(entry.options), entry.protocol, entry.classes)


def contradiction(path, network: Record, form: Mapping[str, Any]) -> ClassicsError:
    """What to say of weights of another form than the caller chose."""
    asked = {
        name: value for name, value in network.chosen if name in form and form[name] != network.form.get(name, value)
    }
    held = {name: form[name] for name in asked}
    return ClassicsError(
        f"'{path}' holds another form of {network.name}: with {settings(held)}, and {settings(asked)} was asked for. "
        "Leave the option out, or give another file."
    )


def settings(options: Mapping[str, Any]) -> str:
    return " and ".join(f"{name}={value!r}" for name, value in options.items())


def layout_of(source: str) -> str:
    """In whose words and shapes the tensors of a source, or of a table of names, are."""
    return {"keras": "keras", "caffe": "onnx", "onnx": "onnx"}.get(source, "torch")


def source_of(table: str) -> str:
    return table.split()[0]  # VGG has a table for each network of torchvision and timm


def naming(source: str, tables: Mapping[str, Rules]) -> str:
    """Whose names the tensors of a source have."""
    if any(source_of(table) == source for table in tables):
        return source
    return {"onnx": "caffe", "timm": "torchvision"}.get(source, source)


def tables_of_source(source: str, tables: Mapping[str, Rules]) -> Mapping[str, Rules]:
    """Those that tensors of a source have, or all."""
    own = {table: rules for table, rules in tables.items() if source_of(table) == naming(source, tables)}
    return own or tables


def tables_of(family: str, contents: Contents) -> dict[str, Rules]:
    """The tables of a family that a file may follow: those by which it has a classifier, or else all of its kind."""
    tables = {
        table: rules for (f, table), rules in NAMES.items() if f == family and layout_of(table) == contents.layout
    }
    with_head = {table: rules for table, rules in tables.items() if heads(contents, {table: rules})}
    return with_head or tables


def heads(contents: Contents, tables: Mapping[str, Rules]) -> list[np.ndarray]:
    """The weights of the classifier in a file."""
    patterns = [name for rules in tables.values() if (name := peer_name("predictions", rules))]
    names = [k for k in contents.tensors for p in patterns if re.fullmatch(rf"{p}\.(?:weight|kernel)", k)]
    return [contents.tensors[name] for name in names]


def either(names: Collection[str]) -> str:
    return " or ".join(sorted(names))


def converted(model, contents: Contents, rules: Rules) -> Conversion:
    return convert(model, contents.tensors, rules, "keras" if contents.layout == "keras" else "torch")
