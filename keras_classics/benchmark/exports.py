"""The speed of exports in their own runtimes, beside each other or beside the network of others."""

import json
import pathlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from keras_classics import complexity, runtimes
from keras_classics.benchmark import Benchmark, Times, check, measure
from keras_classics.benchmark.process import Worker
from keras_classics.benchmark.sides import Side, sides
from keras_classics.errors import ClassicsError
from keras_classics.zoo import in_form


def benchmark_exports(
    paths: Sequence[str | pathlib.Path],
    against: str | None = None,
    batch: int = 1,
    rounds: int = 10,
    threads: int | None = None,
    peer_python: str | pathlib.Path = sys.executable,
    tell: Callable[[str], object] = lambda _: None,
) -> Benchmark:
    """Measures exports in turn, the first as ours and the others as its peers; all get as many images a step.

    Args:
        paths: SavedModel folders, .tflite or .onnx files, by whomever they were written; they tell the image's size.
        against: one of `choices.PEERS`, which has the network that the first export tells of, for as many classes and
            images as large, without weights; one in Keras runs on tensorflow.
        batch: images a step; 1 is what a phone asks for.
        rounds: in each, every side has one run, of about a third of a second or of one step that takes longer.
        threads: of LiteRT and ONNX Runtime. By default LiteRT has one and ONNX Runtime as many as there are cores.
        peer_python: the Python in which a torch peer is installed.
        tell: is told in words what is done now.

    Raises:
        ClassicsError: if a path is no export or can take no such images, a runtime is not installed, the peer has no
            such network, threads are asked of a side that does not take them, or a process fails.
    """
    names = [str(path) for path in paths]
    check(batch, rounds)
    runtimes.check(names, threads, against)
    told = {}
    for name in names:
        tell(f"Reading {name} ...")
        told[name] = _inspected(name)
    times = [_side(name, told[name], batch) for name in names]
    facts = {"batch": batch, "mode": "predict", "fuse": False, "threads": threads}
    ours = times[0].side
    if against is not None:
        form = _form(told[ours.who])
        if form is None:
            raise ClassicsError(f"'{ours.who}' does not tell which network it is; name the file of a peer beside it.")
        facts |= {"classes": form.classes, "image_size": form.image_size}
        tell(f"Looking for {form.network} of {against} ...")
        *_, peer = sides(form.network, against, ["tensorflow"])
        papers = replace(form, options={})  # which a peer has
        macs = None if peer.does_other_work else papers.macs()
        times.append(Times(peer, macs=macs, input_shape=form.input_shape))
    peak = measure(times, facts, rounds, peer_python, tell)
    return Benchmark(ours.network or ours.who, "predict", batch, times[0].macs, peak, tuple(times), threads)


@dataclass(frozen=True)
class Form:
    """What an export of this package tells of its network; the `options` are those of its form."""

    network: str
    options: Mapping[str, Any]
    classes: int
    image_size: int
    channels: int

    @property
    def input_shape(self) -> tuple[int, int, int]:
        return self.image_size, self.image_size, self.channels

    def macs(self) -> int | None:
        """What the network does for one image, in this form, with these classes and images; None where the form cannot
        be built."""
        try:
            variant = in_form(self.network, self.options)
            if any(variant.form.get(name) != value for name, value in self.options.items()):
                return None
            if variant.macs and (self.classes, self.image_size) == (variant.classes, variant.image_size):
                return variant.macs
            return complexity.count_macs(variant(classes=self.classes, input_shape=self.input_shape))
        except ClassicsError:
            return None


def _inspected(path: str) -> dict[str, Any]:
    """In a process of its own, so that a damaged file ends no more than that."""
    side = Side(path, runtimes.RUNTIMES[runtimes.format_of(path)], "")
    with Worker(side, {"mode": "inspect"}, sys.executable) as worker:
        return worker.answer()


def _form(told: dict[str, Any]) -> Form | None:
    """None where the file was not written by this package."""
    try:
        facts = json.loads(told["told"])
        options = dict(facts["form"])
        return Form(facts["network"], options, facts["classes"], facts["image_size"], facts["channels"])
    except (ValueError, TypeError, KeyError):
        return None


def _side(path: str, told: dict[str, Any], batch: int) -> Times:
    """The side of an export, not yet measured."""
    form, format = _form(told), runtimes.format_of(path)
    first, *shape = told["shape"]
    if first not in (None, batch) and format != "tflite":
        raise ClassicsError(f"'{path}' takes {first} images at a time, no more and no fewer; use --batch {first}.")
    if form is not None:
        shape = [form.image_size if side is None else side for side in shape]
    if None in shape:
        raise ClassicsError(f"'{path}' does not tell how large its images are; export it for images of one size.")
    macs = told["macs"] if form is None or format != "saved_model" else form.macs()
    side = Side(path, runtimes.RUNTIMES[format], form.network if form else "")
    return Times(side, macs=macs, bytes=runtimes.size(path), input_shape=tuple(shape))
