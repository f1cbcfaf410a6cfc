"""What `weights=` means: which file, of which source, in which form of the network and for which pixels."""

import pathlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from keras_classics.errors import ClassicsError
from keras_classics.layers.provenance import described
from keras_classics.places import PREFIX
from keras_classics.spec import InputProtocol
from keras_classics.weights import entries
from keras_classics.weights.checkpoint import (
    Checkpoint,
    Record,
    contradiction,
    converted,
    either,
    heads,
    layout_of,
    naming,
    of_entry,
    settings,
    source_of,
    tables_of,
)
from keras_classics.weights.contents import Contents, Origin
from keras_classics.weights.entries import DATASETS, Entry, entries_of, find, shares
from keras_classics.weights.fetch import fetch, published
from keras_classics.weights.mapping import IDENTITY, Rules
from keras_classics.weights.read import SUFFIXES, read
from keras_classics.weights.repository import of_repository
from keras_classics.weights.tables import NAMES


def locate(weights: str | pathlib.Path, network: Record) -> Checkpoint:
    """Finds and reads what `weights` means for a network.

    Args:
        weights: a data set, a source or its tag (see `entries.find`; of timm also "timm/resnet50.a1_in1k");
            "hf-hub:timm/<name>", a repository of timm on the Hugging Face hub; or the path of a file, which may have a
            source or a tag and a colon before it, "torchvision/IMAGENET1K_V1:resnet50.pth", that says whose it is.
        network: the record, with the options that the caller chose.

    A file of ours tells its network, its form and its protocol. Another is known by its sum if it is a public
    checkpoint as it was published, else by the names of its layers: these tell the source, and the source's published
    checkpoints of the network the form and the protocol.

    Raises:
        ClassicsError: if there is no such checkpoint and no such file, it cannot be had or read, or it is of another
            network or another form.
    """
    known = entries_of(network.name)
    words = {*DATASETS, *(word for e in known for word in (e.tag, e.source, e.name) if word)}
    text, path = str(weights), pathlib.Path(weights)
    if not path.exists():  # or it is timm's whole name, of which the tag has a part
        text = next((e.tag for e in known if e.address == f"{PREFIX}timm/{text.removeprefix('timm/')}"), text)
    if text.startswith(PREFIX):
        return of_repository(text, network)
    word, _, rest = text.partition(":")
    if rest and word in words:
        return _of_file(pathlib.Path(rest), word, network)
    if text in words or not (isinstance(weights, pathlib.Path) or path.exists() or path.suffix in SUFFIXES):
        entry = find(network.name, network.protocol, text, network.options, dict(network.chosen))
        file = fetch(entry)
        contents = read(file)
        if contents.origin:
            made = _of_ours(file, contents, contents.origin, network)
            protocol = replace(contents.origin.protocol, assumed=False)
            return replace(made, name=entry.tag, protocol=protocol)
        return of_entry(entry.tag, contents, entry, tables_of(network.family, contents))
    return _of_file(path, None, network)


def _of_file(path: pathlib.Path, word: str | None, network: Record) -> Checkpoint:
    contents = read(path)
    if contents.origin:
        if word:
            raise ClassicsError(f"'{path}' is a file of keras_classics, and not of {word}; give the path alone.")
        return _of_ours(path, contents, contents.origin, network)
    tables = tables_of(network.family, contents)
    entry = published(path, [e for e in entries.ENTRIES if layout_of(e.source) == contents.layout])
    if entry and entry.variant != network.name:
        raise ClassicsError(f"'{path}' is the checkpoint {entry.tag} of {entry.variant}, and this is {network.name}.")
    if not tables:
        sources = either({source_of(table) for family, table in NAMES if family == network.family}) or "none"
        raise ClassicsError(
            f"'{path}' does not fit: No source of this kind is known for {network.name}; those known are {sources}."
        )
    named = {source_of(table) for table in tables}
    candidates = [entry] if entry else [e for e in entries_of(network.name) if naming(e.source, tables) in named]
    if word:
        candidates = [e for e in candidates if word in (e.tag, e.source, e.name)]
        if not candidates:
            raise ClassicsError(
                f"'{path}' is not of {word}: "
                + (f"it is {entry.tag}." if entry else f"it has the names of {either(named)}.")
            )
    fitting = [e for e in candidates if shares(e, network.options, dict(network.chosen))]
    if candidates and not fitting:
        form = {**network.options, **dict(candidates[0].options)}
        raise contradiction(path, network, form)
    if entry:
        return of_entry(str(path), contents, entry, tables)
    found = _by_names(path, contents, network, fitting, tables)
    if word is None and found.protocol:  # whose data set the layers' names do not tell
        found = replace(found, protocol=replace(found.protocol, assumed=True))
    return found


def _of_ours(path, contents: Contents, origin: Origin, network: Record) -> Checkpoint:
    """A file that tells which network it is in which form."""
    if origin.network != network.name:
        raise ClassicsError(
            f"'{path}' holds weights of {described(origin.network, origin.form)}, and this is {network.name}; build "
            f"that one, or give another file."
        )
    differing = {name: value for name, value in origin.form.items() if network.form.get(name) != value}
    if differing.keys() & dict(network.chosen).keys():
        raise contradiction(path, network, origin.form)
    options = {name: tuple(value) if isinstance(value, list) else value for name, value in differing.items()}
    made_of_parts = any(isinstance(value, dict) for value in options.values())
    if made_of_parts or network.with_options(**options).form != origin.form:
        raise ClassicsError(
            f"'{path}' holds {network.name} in a form of its own; give the options that it was built with: "
            f"{', '.join(differing)}."
        )
    tables = {"ours": IDENTITY}
    classes = len(origin.protocol.class_names) or _class_count(contents, tables)
    notes = _form_note(path, network, options) + _preparing_note(path, contents, network.name, _pixels(origin.protocol))
    return Checkpoint(str(path), contents, tables, options, origin.protocol, classes, notes)


def _class_count(contents: Contents, tables: Mapping[str, Rules]) -> int | None:
    """How many classes the classifier in a file tells apart; None where it does not tell."""
    return next((array.shape[-1 if contents.layout == "keras" else 0] for array in heads(contents, tables)), None)


def _form_note(path, network: Record, options: Mapping[str, Any]) -> tuple[str, ...]:
    taken = {name: value for name, value in options.items() if name not in dict(network.chosen)}
    return (f"{network.name} is built with {settings(taken)}, the form of the weights in '{path}'.",) if taken else ()


def _by_names(path, contents, network: Record, fitting: Sequence[Entry], tables: Mapping[str, Rules]) -> Checkpoint:
    """A file that is known by the names of its layers alone."""
    count = _class_count(contents, tables)
    count = 1000 if count == 1001 else count  # without the background
    if not fitting:
        note = (
            f"'{path}' has the names of {either({source_of(table) for table in tables})}, of which no checkpoint of "
            f"{network.name} is known: whether this is the network's form, and its pixels are prepared as in the "
            "paper, cannot be checked."
        )
        return Checkpoint(str(path), contents, tables, classes=count, notes=(note,))
    fitting = _fitting(sorted(fitting, key=lambda e: _preference(e, network)), contents, network, tables)
    fitting = [e for e in fitting if e.classes == count] or fitting
    entry, *others = fitting
    firsts = {_feeding(e, count): e for e in reversed(others)}  # one of each kind will do
    others = [e for e in others if e is firsts[_feeding(e, count)] and _feeding(e, count) != _feeding(entry, count)]
    notes = _form_note(path, network, dict(entry.options))
    notes += _preparing_note(path, contents, f"'{entry.tag}'", _told(entry))
    if others:
        words = ", ".join(repr(e.tag) for e in others)
        notes += (
            f"'{path}' may be of several checkpoints by its names, and is taken as '{entry.tag}': {_told(entry)}. If "
            f"it is of another ({words}), write that before the path: weights='{others[0].tag}:{path}'.",
        )
    found = of_entry(str(path), contents, entry, tables)
    return replace(found, classes=count, notes=notes)


def _feeding(entry: Entry, count: int | None):
    """On what the answers of an entry's weights depend; what they mean only counts if the classes may be its own."""
    dataset = entry.protocol.dataset if entry.classes == count else ""
    return replace(entry.protocol, dataset=dataset), entry.options


def _preparing_note(path, contents: Contents, whose: str, told: str) -> tuple[str, ...]:
    if not contents.prepared_by:
        return ()
    return (
        f"The model in '{path}' prepares pixels itself, by {' and '.join(contents.prepared_by)}. That step is left "
        f"out: the pixels are prepared as {whose} has them, {told}.",
    )


def _told(entry: Entry) -> str:
    form = f"{settings(dict(entry.options))}, " if entry.options else ""
    return form + _pixels(entry.protocol)


def _pixels(p: InputProtocol) -> str:
    mean, std = (", ".join(f"{v:g}" for v in values) for values in (p.normalization.mean, p.normalization.std))
    resized = f"{p.resize_size} pixels{' squashed' if p.squash else ''}"
    of = p.dataset or "data of its own"
    return f"{of}, mean {mean}, deviation {std}, {p.image_size} of {resized}, {p.interpolation}"


def _preference(entry: Entry, network: Record):
    """Whose weights a file is taken for: the network's own data set and form first, then as `find` chooses."""
    exact = shares(entry, network.options, {**network.options, **dict(network.chosen)})
    sources = list(dict.fromkeys(e.source for e in entries.ENTRIES))
    return entry.protocol.dataset != network.dataset, not exact, sources.index(entry.source), entry.top1 or 100


def _fitting(candidates: Sequence[Entry], contents, network: Record, tables) -> list[Entry]:
    """Those of several entries, in order, whose names and forms the tensors fit best, by the network's body. Once they
    fit one, a form of another parameter count cannot fit as well, and is not built."""
    kinds = {(naming(e.source, tables), e.options) for e in candidates}
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
            conversion = converted(body, contents, rules)
            kind = source_of(table), options
            problems[kind] = min(len(conversion.problems), problems.get(kind, len(conversion.problems)))
            if not conversion.missing and conversion.behind:
                fitted = record.params
    fewest = min(problems[kind] for kind in kinds & problems.keys())
    return [e for e in candidates if problems.get((naming(e.source, tables), e.options)) == fewest]
