"""The facts of all networks as JSON, so that `list` and `show` answer without importing Keras.

`python -m keras_classics.catalogue` writes them anew from the records; a test holds them against these.
"""

import functools
import json
import pathlib
from dataclasses import asdict
from typing import Any

from keras_classics.errors import unknown

FILE = pathlib.Path(__file__).with_name("data") / "catalogue.json"


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


def collect() -> list[dict[str, Any]]:
    """The facts as the records and the entries of public weights have them."""
    from keras_classics.weights.entries import entries_of
    from keras_classics.zoo import BUILDERS

    symbols: dict[str, list[str]] = {}
    for symbol, variant in BUILDERS.items():
        symbols.setdefault(variant.name, []).append(symbol)
    return [_facts(symbols[name], BUILDERS[symbols[name][0]], entries_of(name)) for name in symbols]


def _facts(symbols, variant, entries) -> dict[str, Any]:
    facts = {
        "name": variant.name,
        "symbols": symbols,
        "family": variant.family,
        "paper": asdict(variant.paper),
        "protocol": {name: value for name, value in asdict(variant.protocol).items() if name != "class_names"},
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


if __name__ == "__main__":
    from keras_classics.files import atomic_write

    networks = collect()
    with atomic_write(FILE) as temporary:
        temporary.write_text(json.dumps(networks, indent=1, ensure_ascii=False) + "\n", "utf-8")
    print(f"{FILE}: {len(networks)} networks")
