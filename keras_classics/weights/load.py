"""Published weights, and files of any kind, into our networks."""

import pathlib
import re
import warnings
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import keras
import numpy as np

from keras_classics.errors import ClassicsError
from keras_classics.layers import Provenance
from keras_classics.layers.provenance import described
from keras_classics.spec import InputProtocol
from keras_classics.weights import entries
from keras_classics.weights.contents import Contents
from keras_classics.weights.entries import DATASETS, Entry, entries_of, find, shares
from keras_classics.weights.fetch import fetch, published
from keras_classics.weights.mapping import (
    IDENTITY,
    Conversion,
    Mismatch,
    Rules,
    convert,
    peer_name,
    put,
    readable,
    weighted_layers,
)
from keras_classics.weights.read import KINDS, read
from keras_classics.weights.tables import BGR, EPSILON, NAMES

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


def locate(weights: str | pathlib.Path, network: Record) -> Checkpoint:
    """Finds and reads what `weights` means for a network.

    Args:
        weights: a data set, a source or its tag (see `entries.find`); or the path of a file, which may have a source or
            a tag and a colon before it, "torchvision/IMAGENET1K_V1:resnet50.pth", that says whose checkpoint it is.
        network: the record, with the options that the caller chose.

    A file of ours tells its network, its form and its protocol. Another is known by its sum if it is a public
    checkpoint as it was published, else by the names of its layers: these tell the source, and the source's published
    checkpoints of the network the form and the protocol.

    Raises:
        ClassicsError: if there is no such checkpoint and no such file, it cannot be had or read, or it is of another
            network or another form.
    """
    known = entries_of(network.name)
    words = {*DATASETS, *(word for e in known for word in (e.tag, e.source, e.tag.partition("/")[2]) if word)}
    text, path = str(weights), pathlib.Path(weights)
    word, _, rest = text.partition(":")
    if rest and word in words:
        return _of_file(pathlib.Path(rest), word, network)
    if text in words or not (isinstance(weights, pathlib.Path) or path.exists() or path.suffix):
        entry = find(network.name, network.dataset, text, network.options, dict(network.chosen))
        contents = read(fetch(entry))
        return _of_entry(entry.tag, contents, entry, _tables(network.family, contents))
    return _of_file(path, None, network)


def _of_entry(name: str, contents: Contents, entry: Entry, tables: Mapping[str, Rules]) -> Checkpoint:
    own = {table: rules for table, rules in tables.items() if _source(table) == _naming(entry, tables)}
    return Checkpoint(name, contents, own or tables, dict(entry.options), entry.protocol, entry.classes)


def _of_file(path: pathlib.Path, word: str | None, network: Record) -> Checkpoint:
    contents = read(path)
    if contents.ours:
        if word:
            raise ClassicsError(f"'{path}' is a file of keras_classics, and not of {word}; give the path alone.")
        return _of_ours(path, contents, network)
    tables = _tables(network.family, contents)
    entry = published(path, [e for e in entries.ENTRIES if _layout(e.source) == contents.layout])
    if entry and entry.variant != network.name:
        raise ClassicsError(f"'{path}' is the checkpoint {entry.tag} of {entry.variant}, and this is {network.name}.")
    if not tables:
        raise ClassicsError(f"'{path}' does not fit: No source of this kind is known for {network.family}.")
    named = {_source(table) for table in tables}
    candidates = [entry] if entry else [e for e in entries_of(network.name) if _naming(e, tables) in named]
    if word:
        candidates = [e for e in candidates if word in (e.tag, e.source, e.tag.partition("/")[2])]
        if not candidates:
            raise ClassicsError(
                f"'{path}' is not of {word}: "
                + (f"it is {entry.tag}." if entry else f"it has the names of {_or(named)}.")
            )
    fitting = [e for e in candidates if shares(e, network.options, dict(network.chosen))]
    if candidates and not fitting:
        form = {**network.options, **dict(candidates[0].options)}
        raise _contradiction(path, network, form)
    if entry:
        return _of_entry(str(path), contents, entry, tables)
    return _by_names(path, contents, network, fitting, tables)


def _of_ours(path, contents: Contents, network: Record) -> Checkpoint:
    """A file that tells which network it is in which form."""
    origin = contents.origin
    if origin is None:
        raise ClassicsError(
            f"'{path}' is of an older keras_classics and does not say of which network and form it is. Build the model "
            "as it was, take the file by the model's own `load_weights`, and save it again."
        )
    if origin.network != network.name:
        raise ClassicsError(
            f"'{path}' holds weights of {described(origin.network, origin.form)}, and this is {network.name}; build "
            f"that one, or give another file."
        )
    differing = {name: value for name, value in origin.form.items() if network.form.get(name) != value}
    if differing.keys() & dict(network.chosen).keys():
        raise _contradiction(path, network, origin.form)
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in differing.items()}
    made_of_parts = any(isinstance(value, dict) for value in options.values())
    if made_of_parts or network.with_options(**options).form != origin.form:
        raise ClassicsError(
            f"'{path}' holds {network.name} in a form of its own; give the options that it was built with: "
            f"{', '.join(differing)}."
        )
    tables = {"ours": IDENTITY}
    return Checkpoint(str(path), contents, tables, options, origin.protocol, notes=_form_note(path, network, options))


def _form_note(path, network: Record, options: Mapping[str, Any]) -> tuple[str, ...]:
    taken = {name: value for name, value in options.items() if name not in dict(network.chosen)}
    return (f"{network.name} is built with {_settings(taken)}, the form of the weights in '{path}'.",) if taken else ()


def _contradiction(path, network: Record, form: Mapping[str, Any]) -> ClassicsError:
    asked = {
        name: value for name, value in network.chosen if name in form and form[name] != network.form.get(name, value)
    }
    held = {name: form[name] for name in asked}
    return ClassicsError(
        f"'{path}' holds another form of {network.name}: with {_settings(held)}, and {_settings(asked)} was asked for. "
        "Leave the option out, or give another file."
    )


def _settings(options: Mapping[str, Any]) -> str:
    return " and ".join(f"{name}={value!r}" for name, value in options.items())


def _by_names(path, contents, network: Record, fitting: Sequence[Entry], tables: Mapping[str, Rules]) -> Checkpoint:
    """A file that is known by the names of its layers alone."""
    if not fitting:
        note = (
            f"'{path}' has the names of {_or({_source(table) for table in tables})}, of which no checkpoint of "
            f"{network.name} is known: whether this is the network's form, and its pixels are prepared as in the "
            "paper, cannot be checked."
        )
        return Checkpoint(str(path), contents, tables, notes=(note,))
    fitting = _fitting(sorted(fitting, key=lambda e: _preference(e, network)), contents, network, tables)
    count = next((array.shape[-1 if contents.layout == "keras" else 0] for array in _heads(contents, tables)), None)
    fitting = [e for e in fitting if e.classes == count] or fitting
    entry, *others = fitting
    others = [e for e in others if _feeding(e, count) != _feeding(entry, count)]
    notes = _form_note(path, network, dict(entry.options))
    if contents.prepared_by:
        notes += (
            f"The model in '{path}' prepares pixels itself, by {' and '.join(contents.prepared_by)}. That is left out: "
            f"the pixels are prepared as '{entry.tag}' has them, {_told(entry)}.",
        )
    if others:
        words = ", ".join(repr(e.tag) for e in others)
        notes += (
            f"'{path}' may be of several checkpoints by its names, and is taken as '{entry.tag}': {_told(entry)}. If "
            f"it is of another ({words}), write that before the path: weights='{others[0].tag}:{path}'.",
        )
    found = _of_entry(str(path), contents, entry, tables)
    return Checkpoint(found.name, contents, found.tables, found.options, found.protocol, notes=notes)


def _feeding(entry: Entry, count: int | None):
    """On what the answers of an entry's weights depend; what they mean only counts if the classes may be its own."""
    dataset = entry.protocol.dataset if entry.classes == count else ""
    return replace(entry.protocol, dataset=dataset), entry.options


def _told(entry: Entry) -> str:
    p = entry.protocol
    mean, std = (", ".join(f"{v:g}" for v in values) for values in (p.normalization.mean, p.normalization.std))
    form = f"{_settings(dict(entry.options))}, " if entry.options else ""
    return (
        f"{form}{p.dataset}, mean {mean}, deviation {std}, {p.image_size} of {p.resize_size} pixels, {p.interpolation}"
    )


def _preference(entry: Entry, network: Record):
    """Whose weights a file is taken for: the network's own data set and form first, then as `find` chooses."""
    exact = shares(entry, network.options, {**network.options, **dict(network.chosen)})
    sources = list(dict.fromkeys(e.source for e in entries.ENTRIES))
    return entry.protocol.dataset != network.dataset, not exact, sources.index(entry.source), entry.top1 or 100


def _fitting(candidates: Sequence[Entry], contents, network: Record, tables) -> list[Entry]:
    """Those of several entries, in order, whose names and forms the tensors fit best, by the network's body. Once they
    fit one, a form of another parameter count cannot fit as well, and is not built."""
    kinds = {(_naming(e, tables), e.options) for e in candidates}
    if len(kinds) == 1:
        return list(candidates)
    problems: dict[Any, int] = {}
    fitted: int | None = None  # the parameters of a form that fits
    for options in dict.fromkeys(e.options for e in candidates):
        record = network.with_options(**dict(options))
        if fitted is not None and record.params not in (None, fitted):
            continue
        body = record(include_top=False)
        for table, rules in tables.items():
            conversion = _converted(body, contents, rules)
            kind = _source(table), options
            problems[kind] = min(len(conversion.problems), problems.get(kind, len(conversion.problems)))
            if not conversion.missing and conversion.behind:
                fitted = record.params
    fewest = min(problems[kind] for kind in kinds & problems.keys())
    return [e for e in candidates if problems.get((_naming(e, tables), e.options)) == fewest]


def _layout(source: str) -> str:
    """In whose words and shapes the tensors of a source, or of a table of names, are."""
    return {"keras": "keras", "caffe": "onnx", "onnx": "onnx"}.get(source, "torch")


def _source(table: str) -> str:
    return table.split()[0]  # VGG has a table for each of torchvision's networks


def _naming(entry: Entry, tables: Mapping[str, Rules]) -> str:
    """Whose names the tensors of an entry have."""
    if any(_source(table) == entry.source for table in tables):
        return entry.source
    return {"onnx": "caffe", "timm": "torchvision"}.get(entry.source, entry.source)


def _tables(family: str, contents: Contents) -> dict[str, Rules]:
    """The tables of a family that a file may follow: those by which it has a classifier, or else all of its kind."""
    tables = {table: rules for (f, table), rules in NAMES.items() if f == family and _layout(table) == contents.layout}
    with_head = {table: rules for table, rules in tables.items() if _heads(contents, {table: rules})}
    return with_head or tables


def _heads(contents: Contents, tables: Mapping[str, Rules]) -> list[np.ndarray]:
    """The weights of the classifier in a file."""
    patterns = [name for rules in tables.values() if (name := peer_name("predictions", rules))]
    names = [k for k in contents.tensors for p in patterns if re.fullmatch(rf"{p}\.(?:weight|kernel)", k)]
    return [contents.tensors[name] for name in names]


def _or(names: Collection[str]) -> str:
    return " or ".join(sorted(names))


def _converted(model, contents: Contents, rules: Rules) -> Conversion:
    return convert(model, contents.tensors, rules, "keras" if contents.layout == "keras" else "torch")


def load(
    model: keras.Model,
    checkpoint: Checkpoint,
    family: str,
    body: Collection[str],
    with_aux: Callable[[], keras.Model] | None,
    fresh_head: bool,
) -> None:
    """Gives a model the weights of a checkpoint, in whatever form it was built.

    Args:
        model: the network, with or without its top, of any number of input channels.
        checkpoint: as `locate` found it.
        family: of the network.
        body: the names of the layers that are not of the top.
        with_aux: builds the whole network with its auxiliary heads, if it has any and the model does not.
        fresh_head: whether classifiers that the checkpoint lacks, or of another class count, may start afresh, as a
            warning then says. Auxiliary heads that it lacks do so in any case.

    Raises:
        ClassicsError: if the weights are not of this network.
    """
    table, conversion = _fitted(model, checkpoint, family, body, with_aux, fresh_head)
    arrays = conversion.arrays
    if (family, table) in BGR:
        arrays = {key: _reversed(array) for key, array in arrays.items()}
    arrays, fresh = _matched(model, arrays, fresh_head)
    try:
        put(model, arrays)
    except Mismatch as error:
        problems = "; ".join(error.problems[:8])
        raise ClassicsError(
            f"The weights '{checkpoint.name}' do not fit {model.name}: {problems}.{_dense_hint(model)}"
        ) from None
    origin = checkpoint.contents.origin
    _set_epsilon(model, origin.epsilon if origin else EPSILON.get((family, table)))
    notes = list(checkpoint.notes)
    if fresh:
        left = sorted({name.rpartition(".")[0] for name in conversion.left} | set(checkpoint.contents.beside))
        notes.append(
            f"{model.name} has the weights '{checkpoint.name}' but for {', '.join(sorted(fresh))}, which start afresh."
            + (f" The file's own {', '.join(left)} is left out." if left else "")
        )
    for note in notes:
        warnings.warn(note, stacklevel=3)


DENSE_HINT = (
    " Its dense layers are bound to one image size: another needs weights of its own, or "
    "keras_classics.to_fully_convolutional of the network at the size of these."
)


def _dense_hint(model):
    return DENSE_HINT if any(isinstance(layer, keras.layers.Flatten) for layer in model.layers) else ""


def _fitted(model, checkpoint: Checkpoint, family, body, with_aux, fresh_head) -> tuple[str, Conversion]:
    """The table by which the tensors are those of the network, and what they are by it."""
    nearest: Conversion | None = None
    tops = [layer.name for layer in weighted_layers(model) if layer.name not in body]
    for network in (lambda: model, with_aux):
        built = network() if network else None
        for table, rules in checkpoint.tables.items() if built else ():
            conversion = _converted(built, checkpoint.contents, rules)
            lacking = [name for name in conversion.missing if not name.startswith("aux_")]
            headless = not tops or (fresh_head and bool(lacking))
            if all(name in tops and fresh_head for name in lacking) and (
                not conversion.left or (headless and conversion.behind)
            ):
                return table, conversion
            if nearest is None or len(conversion.problems) < len(nearest.problems):
                nearest = conversion
    assert nearest is not None  # there is a table
    raise _misfit(model, checkpoint, family, nearest, tops)


def _misfit(model, checkpoint: Checkpoint, family, nearest: Conversion, tops) -> ClassicsError:
    """What to say of tensors that are not those of the network."""
    contents = checkpoint.contents
    lacking = [name for name in nearest.missing if not name.startswith("aux_")]
    if lacking and set(lacking) <= set(tops) and (not nearest.left or nearest.behind):
        return ClassicsError(
            f"'{checkpoint.name}' holds {model.name} without its classifier ({', '.join(lacking)}). Give "
            "`include_top=False`, or `classes` for a classifier that starts afresh."
        )
    if len(nearest.arrays) > len(nearest.problems):
        return ClassicsError(f"'{checkpoint.name}' does not fit: {Mismatch(model.name, nearest.problems)}")
    first = weighted_layers(model)[0].name
    tables = checkpoint.tables if contents.ours else _tables(family, contents)
    names = {_source(table): peer_name(first, rules) for table, rules in tables.items()}
    expected = [f"'{readable(name)}' ({source})" for source, name in names.items() if name]
    held = ", ".join(f"'{name}'" for name in contents.layers[:4])
    return ClassicsError(
        f"'{checkpoint.name}' holds no weights of {model.name}: expected are layers such as {' or '.join(expected)}, "
        f"and it has {held}. Read are {', '.join(KINDS.values())}."
    )


def _reversed(array):
    """The kernel of the layer that reads pixels, for the other order of their channels."""
    return array[:, :, ::-1] if array.ndim == 4 and array.shape[2] == 3 else array


def _matched(model, converted: Mapping[str, np.ndarray], fresh_head) -> tuple[dict[str, np.ndarray], set[str]]:
    """The arrays for the model's class count and channels, and the layers that start afresh."""
    arrays, fresh = {}, set()
    for layer in weighted_layers(model):
        for variable in layer.weights:
            key, shape = f"{layer.name}/{variable.path.rsplit('/', 1)[-1]}", tuple(variable.shape)
            if key not in converted:
                fresh.add(layer.name)
                continue
            array = converted[key]
            if array.shape[-1:] == (1001,) and shape[-1:] == (1000,):
                array = array[..., 1:]  # the first class of TensorFlow's networks is the background
            if array.shape != shape and array.ndim == 4 and array.shape[2] == 3 and shape[3:] == array.shape[3:]:
                array = _for_channels(array, shape[2])
            if fresh_head and array.shape != shape and array.shape[:-1] == shape[:-1]:
                fresh.add(layer.name)
                continue
            arrays[key] = array
    return {key: array for key, array in arrays.items() if key.split("/")[0] not in fresh}, fresh


def _set_epsilon(model, epsilon: float | None):
    """That of a source's batch norms, where it is not ours; the model remembers it."""
    for layer in model.layers if epsilon else ():
        if isinstance(layer, keras.layers.BatchNormalization | Provenance):
            layer.epsilon = epsilon


def _for_channels(kernel, channels):
    """The first kernel for images that are not RGB: one channel sees the sum, others repeat the three in turn, scaled
    so that their sum stays."""
    if channels == 1:
        return kernel.sum(axis=2, keepdims=True)
    return np.take(kernel, np.arange(channels) % 3, axis=2) * (3 / channels)
