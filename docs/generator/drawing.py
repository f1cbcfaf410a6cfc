"""What takes a built network: its figure and the tables of its stages. They are kept until the code changes that they
come from."""

import hashlib
import json
import pathlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass

import keras_classics
from keras_classics import architecture, complexity
from keras_classics.cli.output import millions
from keras_classics.files import atomic_write
from keras_classics.plots import model as picture
from keras_classics.zoo import get_model

PACKAGE = pathlib.Path(keras_classics.__file__).parent
# What figures and counts come from.
SOURCES = ("models", "layers", "architecture.py", "blocks.py", "cells.py", "complexity.py", "plots/model.py")


@dataclass(frozen=True)
class Drawing:
    """The figure's file, and the rows of two tables, as text: the paper's beside what is counted, and the stages."""

    figure: str
    rows: list[list[str]]
    stages: list[list[str]]


def drawings(names: Iterable[str], folder: pathlib.Path) -> Iterator[tuple[str, Drawing]]:
    """The drawings of the networks of these names, of which those that are not in the folder are made."""
    folder.mkdir(parents=True, exist_ok=True)
    digest = _digest()
    for name in names:
        kept = folder / f"{name}-{digest}.json"
        if not kept.exists():
            for old in folder.glob(f"{name}-{'?' * len(digest)}.*"):
                old.unlink()
            made = draw(name, kept.with_suffix(".svg"))
            with atomic_write(kept) as temporary:
                temporary.write_text(json.dumps(asdict(made)), "utf-8")
        yield name, Drawing(**json.loads(kept.read_text("utf-8")))


def draw(name: str, file: pathlib.Path) -> Drawing:
    """Builds a network, draws it as `keras-classics plot model` does, and counts its stages."""
    record = get_model(name)
    model = record(seed=0)
    picture.draw(architecture.blocks(model), file, name)
    rows = [
        [
            row.name,
            _shape(row.output, cost.output_shape),
            row.params,
            _number(cost.params),
            row.ops,
            millions(cost.macs),
        ]
        for row, cost in complexity.row_costs(model, record.table)
    ]
    stages = [
        [s.name, _shape(s.output_shape), str(s.stride or ""), *map(_number, (s.params, s.macs, s.activations, s.depth))]
        for s in complexity.stage_costs(model)
    ]
    return Drawing(str(file), rows, stages)


def _number(value: int) -> str:
    return f"{value:,}" if value else ""


def _shape(shape, counted=None) -> str:
    told = "x".join(map(str, shape))
    return told if counted in (None, shape) else f"{told} (here {'x'.join(map(str, counted))})"


def _digest() -> str:
    """Of all code that figures and counts come from, this file's too."""
    paths = [pathlib.Path(__file__)]
    for source in SOURCES:
        path = PACKAGE / source
        paths += [path] if path.is_file() else sorted(path.glob("*.py"))
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]
