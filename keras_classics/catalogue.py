"""The facts of all networks as JSON, so that `list` and `show` answer without importing Keras.

`python -m keras_classics.catalogue` writes them anew, from the records and from what is counted on the built networks;
tests hold them against both.
"""

import functools
import json
import os
import pathlib
from collections.abc import Iterable
from dataclasses import asdict
from fnmatch import fnmatchcase
from typing import Any

from keras_classics.errors import unknown
from keras_classics.spec import ONE_CROP, REPOSITORY

FILE = pathlib.Path(__file__).with_name("data") / "catalogue.json"
OF_A_MODEL = ("class_names", "classifier", "assumed")  # fields of a protocol that are no record's


@functools.cache
def read() -> dict[str, dict[str, Any]]:
    """The facts of each network by its name, in the order of the families."""
    return {facts["name"]: facts for facts in json.loads(FILE.read_text("utf-8"))}


def find(name: str) -> dict[str, Any]:
    """The facts of the network of that name: "resnet50", or "ResNet50" as its builder is called.

    Raises:
        ClassicsError: if there is none; the message suggests the nearest name.
    """
    for facts in read().values():
        if name == facts["name"] or name in facts["symbols"]:
            return facts
    raise unknown("model", name, read())


def matching(pattern: str, networks: Iterable[dict[str, Any]] | None = None) -> list[dict[str, Any]]:
    """The facts of the networks, by default of all, of which a name fits the pattern, such as "*resnet*", whatever the
    case.

    Raises:
        ClassicsError: if there is none; the message suggests the nearest name.
    """
    networks = list(read().values() if networks is None else networks)
    found = [
        facts
        for facts in networks
        if any(fnmatchcase(name.lower(), pattern.lower()) for name in (facts["name"], *facts["symbols"]))
    ]
    if not found:
        raise unknown("model", pattern, [facts["name"] for facts in networks])
    return found


def figure(facts: dict[str, Any], dataset: str, kind: str = "top1") -> dict[str, Any] | None:
    """The error of that kind that a paper reports of one crop, or else the first it reports; its authors' repository
    stands in where the paper has none. None if there is none."""
    found = [error for error in facts["reported"] if error["dataset"] == dataset and error[kind] is not None]
    errors = [error for error in found if error["source"] != REPOSITORY] or found
    return next((error for error in errors if error["views"] == ONE_CROP), errors[0] if errors else None)


def collect() -> list[dict[str, Any]]:
    """The facts that the records and the entries of public weights have; those that are `counted` stand beside them."""
    from keras_classics.weights.entries import entries_of
    from keras_classics.zoo import BUILDERS

    symbols: dict[str, list[str]] = {}
    for symbol, variant in BUILDERS.items():
        symbols.setdefault(variant.name, []).append(symbol)
    return [_facts(symbols[name], BUILDERS[symbols[name][0]], entries_of(name)) for name in symbols]


def counted(model) -> dict[str, int | None]:
    """The facts that take a built network: its depth, receptive field and activations, as `complexity` has them."""
    from keras_classics import complexity

    return {
        "depth": complexity.depth(model),
        "receptive_field": complexity.receptive_field(model),
        "activations": complexity.count_activations(model),
    }


def _facts(symbols, variant, entries) -> dict[str, Any]:
    facts = {
        "name": variant.name,
        "symbols": symbols,
        "family": variant.family,
        "paper": asdict(variant.paper),
        "protocol": {name: value for name, value in asdict(variant.protocol).items() if name not in OF_A_MODEL},
        "classes": variant.classes,
        "channels": variant.channels,
        "params": variant.params,
        "macs": variant.macs,
        "options": {option: repr(default) for option, default in variant.options.items()},
        "reported": [asdict(r) for r in variant.reported],
        "departures": variant.departures,
        "weights": [
            {
                "tag": entry.tag,
                "options": {option: repr(value) for option, value in entry.options},
                "dataset": entry.protocol.dataset,
                "top1": entry.top1,
                "top5": entry.top5,
                "licence": entry.licence,
            }
            for entry in entries
        ],
    }
    return json.loads(json.dumps(facts))


def _write() -> None:
    os.environ["KERAS_BACKEND"] = "numpy"  # building costs nothing there
    from keras_classics.files import atomic_write
    from keras_classics.zoo import create_model

    networks = [{**facts, **counted(create_model(facts["name"]))} for facts in collect()]
    with atomic_write(FILE) as temporary:
        temporary.write_text(json.dumps(networks, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"{FILE}: {len(networks)} networks")


if __name__ == "__main__":
    _write()
