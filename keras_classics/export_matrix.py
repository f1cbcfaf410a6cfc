"""Which networks can be exported as what: each is built, exported and compared in a process of its own.

`python -m keras_classics.export_matrix <network> <format> ...` is that process; it answers in lines of JSON, one a
format.
What calls it imports no Keras.
"""

import dataclasses
import gc
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from keras_classics import catalogue
from keras_classics.choices import EXPORT_SUFFIXES, QUANTIZATIONS
from keras_classics.errors import ClassicsError, ExportError
from keras_classics.files import atomic_write
from keras_classics.quiet import last_line

# By their names here: the export's format, and its quantisation.
FORMATS: dict[str, tuple[str, str | None]] = {
    "saved_model": ("saved_model", None),
    "tflite": ("tflite", None),
    **{quantization: ("tflite", quantization) for quantization in QUANTIZATIONS},
    "onnx": ("onnx", None),
}
ALIKE = 1e-6  # a lesser spread, and the answers to all pictures are the same
STAR = "* The network answers alike to all pictures, so that agreeing says little."
SMALL = 64  # pixels; the images of MNIST and CIFAR are no larger
PICTURES = 8  # scenes by which int8 chooses its scales
KILLED = "the process was ended by signal"
TIMEOUT = 3600.0  # seconds for one format, with the building before the first

Row = dict[str, Any]


def networks(patterns: Sequence[str] = ("*",), small: bool = False) -> list[str]:
    """The names that fit one of the patterns, those with the fewest multiply-adds first; with `small` only networks of
    images no larger than `SMALL`.

    Raises:
        ClassicsError: if a pattern fits none.
    """
    chosen: dict[str, Row] = {}
    for pattern in patterns:
        chosen |= {facts["name"]: facts for facts in catalogue.matching(pattern)}
    fitting = [f for f in chosen.values() if not small or f["protocol"]["image_size"] <= SMALL]
    if not fitting:
        raise ClassicsError(f"None of these networks takes images of at most {SMALL} pixels; leave out --small.")
    return [facts["name"] for facts in sorted(fitting, key=lambda facts: facts["macs"])]


def read(path: str | pathlib.Path) -> list[Row]:
    """The rows of a file that `fill` has written; none where there is no file.

    Raises:
        ClassicsError: if it is something else.
    """
    path = pathlib.Path(path)
    if not path.exists():
        return []
    try:
        rows = json.loads(path.read_text("utf-8"))["rows"]
        assert all({"network", "format", "agrees", "reason"} <= row.keys() for row in rows)
        return rows
    except (OSError, ValueError, KeyError, TypeError, AttributeError, AssertionError) as error:
        raise ClassicsError(f"'{path}' is no file of this command; choose another, or remove it.") from error


def fill(
    path: str | pathlib.Path,
    names: Sequence[str],
    formats: Sequence[str] = tuple(FORMATS),
    again: bool = False,
    timeout: float = TIMEOUT,
    tell: Callable[[str], object] = lambda _: None,
) -> list[Row]:
    """Exports the networks as each format, and writes a row to the JSON file after each, so that one that was stopped
    goes on where it stopped: rows that are there are not made anew, but with `again`, or where a signal ended the
    process.

    A row has the "network", the "format", and whether it "converts", "runs" and "agrees", each None where it did not
    come to that; the figures of `exporting.Agreement` as "agreement"; how much
    an output of the Keras model differs between the pictures, as "spread", for where it is small, agreeing says little;
    "bytes", "seconds", and the "reason" of a failure; and of which commit, day and versions it is.

    Args:
        timeout: seconds for a format, after which the process is ended, and the row says so.

    Returns:
        All rows of the file.
    """
    rows = {(row["network"], row["format"]): row for row in read(path)}
    made = {key for key, row in rows.items() if not row["reason"].startswith(KILLED)}
    for name in names:
        wanted = [format for format in formats if again or (name, format) not in made]
        for row in _rows(name, wanted, timeout, tell):
            rows[name, row["format"]] = row
            with atomic_write(path) as temporary:
                temporary.write_text(json.dumps({"rows": list(rows.values())}, indent=1) + "\n", "utf-8")
    return list(rows.values())


def _rows(name: str, formats: list[str], timeout: float, tell: Callable[[str], object]) -> Iterator[Row]:
    """A row for each format; where the process ends before its time, another goes on with the next format."""
    left = list(formats)
    while left:
        with tempfile.TemporaryFile() as errors, tempfile.TemporaryDirectory() as folder:
            process: Any = subprocess.Popen(
                [sys.executable, "-m", "keras_classics.export_matrix", name, *left],
                env={**os.environ, "KERAS_BACKEND": "tensorflow", "TMPDIR": folder, "TEMP": folder},
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
            )
            start = time.perf_counter()
            try:
                while left:
                    tell(f"{name} as {left[0]} ...")
                    start = time.perf_counter()
                    if not (line := _line(process, timeout)):
                        break
                    left.pop(0)
                    yield json.loads(line)
                with suppress(subprocess.TimeoutExpired):
                    process.wait(10)  # by itself, so that its code tells why
            finally:
                process.kill()
                code = process.wait()
                process.stdout.close()
            if left:
                seconds = time.perf_counter() - start
                yield _failed(name, left.pop(0), seconds, _why(code, seconds, timeout, errors))


def _line(process: Any, timeout: float) -> str:
    """The next line; "" where the process has ended, or was ended since none came in time."""
    clock = threading.Timer(timeout, process.kill)
    clock.start()
    try:
        return process.stdout.readline()
    finally:
        clock.cancel()


def _why(code: int, seconds: float, timeout: float, errors: Any) -> str:
    if seconds >= timeout:
        return f"it took more than {timeout:g} seconds"
    if code < 0:
        return f"{KILLED} {-code}" + ", perhaps for want of memory" * (code == -9)
    errors.seek(0)
    reason = last_line(errors.read())
    return f"the process ended with {code}" + (f": {reason[:300]}" if reason else "")


def _failed(network: str, format: str, seconds: float, reason: str, error: Exception | None = None) -> Row:
    came = error if isinstance(error, ExportError) else ExportError(reason)
    return {
        **{"network": network, "format": format, "converts": came.converts, "runs": came.runs, "agrees": came.agrees},
        "agreement": dataclasses.asdict(came.agreement) if came.agreement else None,
        **{"bytes": None, "seconds": seconds, "reason": " ".join(reason.split(". Nothing was written")[0].split())},
    }


def row(model: Any, format: str, pictures: Any, folder: str | pathlib.Path) -> Row:
    """Exports a model of the zoo into the folder, and tells how it went."""
    from keras_classics import exported, exporting

    to, quantize = FORMATS[format]
    path = pathlib.Path(folder, "export" + EXPORT_SUFFIXES.get(to, ""))
    start = time.perf_counter()
    try:
        representative = pictures if quantize == "int8" else None
        names = exported.class_names_of(model) or None  # whatever they are: nobody will ask this export
        report = exporting.export(
            model, path, to, quantize=quantize, representative=representative, class_names=names, overwrite=True
        )
    except Exception as error:  # also what is no ClassicsError is a row, not the end
        reason = str(error) or type(error).__name__
        return _failed(model.name, format, time.perf_counter() - start, reason, error)
    facts = {"network": model.name, "format": format, "converts": True, "runs": True, "agrees": True}
    agreement = {field.name: getattr(report, field.name) for field in dataclasses.fields(exporting.Agreement)}
    seconds = time.perf_counter() - start
    return {**facts, "agreement": agreement, "bytes": report.bytes, "seconds": seconds, "reason": ""}


def prepared(name: str) -> tuple[Any, Any, float]:
    """A network, pictures (N, H, W, C) of 0..255, and how much its answers to them differ.

    It has the weights that ship with this package, or else its initial ones; then the batch norms have the statistics
    of these pictures, as training would give them: with those that they begin with, a deep network's numbers grow from
    layer to layer, until one class has all of the probability whatever is shown.
    """
    import keras
    import numpy as np

    from keras_classics.scenes import scenes
    from keras_classics.weights.entries import entries_of
    from keras_classics.zoo import get_model, preprocess_input

    size, channels = get_model(name).image_size, get_model(name).channels
    ships = any(entry.source == "keras_classics" for entry in entries_of(name))
    model = get_model(name)(weights="keras_classics" if ships else None, seed=0)
    pictures = scenes(PICTURES, size, size, channels).astype("float32")
    images = np.asarray(preprocess_input(pictures, model))
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization) and not ships]
    momenta = [norm.momentum for norm in norms]
    for norm in norms:
        norm.momentum = 0.0
    if norms:
        model(images, training=True)
    for norm, momentum in zip(norms, momenta, strict=True):
        norm.momentum = momentum
    return model, pictures, float(np.ptp(model.predict(images, verbose=0), 0).max())


def main() -> None:
    """Exports the network that the arguments name as the formats that they name."""
    name, *formats = sys.argv[1:]
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what else prints, prints among the errors

    from keras_classics.environment import environment

    facts = environment()
    model, pictures, spread = prepared(name)
    known = {"spread": spread, **{name: facts[name] for name in ("commit", "date", "versions")}}
    for format in formats:
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(row(model, format, pictures, folder) | known), file=answers, flush=True)
        gc.collect()  # the graphs of an export hold each other, and copies of all weights


def ordered(rows: Sequence[Row]) -> dict[str, dict[str, Row]]:
    """The rows by network, in the order of the catalogue, and format."""
    by_network: dict[str, dict[str, Row]] = {}
    for name in catalogue.read():
        made = {row["format"]: row for row in rows if row["network"] == name}
        if made:
            by_network[name] = made
    return by_network


def cell(row: Row | None) -> str:
    """What a table says of a row: the size of an export that agrees, with a * where that says little, or how far it
    came."""
    if row is None:
        return ""
    if row["agrees"]:
        return f"{row['bytes'] / 1e6:.2f} MB" + ("*" if row["spread"] < ALIKE else "")
    failures = {"converts": "no conversion", "runs": "does not run", "agrees": "differs"}
    return next((told for step, told in failures.items() if row[step] is False), "failed")


def told(rows: Sequence[Row]) -> list[str]:
    """What is to be said beneath a table: the reason of each failure."""
    in_order = [row for made in ordered(rows).values() for row in made.values()]
    failed = [f"{row['network']} as {row['format']}: {row['reason']}" for row in in_order if not row["agrees"]]
    return failed + [STAR] * any(cell(row).endswith("*") for row in in_order)


def markdown(rows: Sequence[Row]) -> str:
    """The table of the rows, and the reasons of what failed. By how much an export differs its row tells."""
    by_network = ordered(rows)
    formats = [format for format in FORMATS if any(format in made for made in by_network.values())]
    lines = [
        f"| network | {' | '.join(formats)} |",
        f"|---|{'---:|' * len(formats)}",
        *(f"| {name} | {' | '.join(cell(made.get(f)) for f in formats)} |" for name, made in by_network.items()),
    ]
    notes = told([row for row in rows if cell(row) != "differs"])
    if notes:
        lines += ["", *("- " + note.replace("*", r"\*") for note in notes)]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
