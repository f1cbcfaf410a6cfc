"""The speed of a network beside a peer's: each side in a process of its own, their runs in turn."""

import math
import pathlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import keras
import numpy as np

from keras_classics import complexity
from keras_classics.benchmark.process import Worker
from keras_classics.benchmark.sides import Side, sides
from keras_classics.choices import BACKENDS
from keras_classics.environment import environment
from keras_classics.errors import ClassicsError, unknown
from keras_classics.zoo import get_model

MODES = ("predict", "train", "first")
REST = 0.5  # seconds in which the threads of the side before go to sleep; some spin for a while


@dataclass
class Times:
    """What a side took: `seconds` a step for each run (of a first answer: from building to it), those of the `parts` of
    each start, and its greatest memory; its multiply-adds for one image, where they are known, and of an export the
    `bytes` of its file and what it reads.

    The parts: "framework", the import of Keras with its backend or of torch; "library", what the import of the library
    adds; "build"; and of a first answer "first" and "second", the same images twice. An export only has "build".
    """

    side: Side
    seconds: list[float] = field(default_factory=list)
    parts: dict[str, list[float]] = field(default_factory=dict)
    peak_bytes: int | None = None
    macs: int | None = None
    bytes: int | None = None
    input_shape: tuple[int, ...] | None = None

    def add(self, **parts: float) -> None:
        """Takes the seconds of one more start."""
        for name, seconds in parts.items():
            self.parts.setdefault(name, []).append(seconds)

    def part(self, name: str) -> "Times":
        """The same of one part of the starts."""
        return replace(self, seconds=self.parts[name])

    @property
    def median(self) -> float:
        return float(np.median(self.seconds))

    @property
    def quartiles(self) -> tuple[float, float]:
        low, high = np.quantile(self.seconds, (0.25, 0.75))
        return float(low), float(high)


@dataclass(frozen=True)
class Benchmark:
    """The times of a network and of its peers.

    Attributes:
        network: our name of it, or the path of an export that does not tell.
        mode: "predict", "train" (SGD with momentum) or "first", the first answer of a new process.
        batch: images a step.
        macs: multiply-adds of ours for one image; None where they are not known.
        peak_flops: of this machine's float32 matrix product in NumPy, the best of those measured between the runs.
        times: of each side; ours first.
        threads: that exports on LiteRT and ONNX Runtime were held to; None for what they take by themselves.
    """

    network: str
    mode: str
    batch: int
    macs: int | None
    peak_flops: float
    times: tuple[Times, ...]
    threads: int | None = None

    @property
    def pairs(self) -> list[tuple[Times, Times]]:
        """Each of ours and the peer that it stands beside: of the same backend where both have several."""
        ours = [t for t in self.times if t.side.who == self.times[0].side.who]
        peers = self.times[len(ours) :]
        several = len(ours) > 1 and len(peers) > 1
        return [(t, p) for t in ours for p in peers if not several or p.side.backend == t.side.backend]

    def images_per_second(self, times: Times) -> float:
        return self.batch / times.median

    def share_of_peak(self, times: Times) -> float | None:
        """The part of `peak_flops` that the multiply-adds of a step come to; a training step does them three times.
        None where they are not known."""
        passes = 3 if self.mode == "train" else 1
        return times.macs and 2 * passes * times.macs * self.images_per_second(times) / self.peak_flops

    def seconds_per_mac(self, times: Times) -> float | None:
        """What a multiply-add of an image takes; None where they are not known."""
        return times.macs and times.median / self.batch / times.macs


def ratio(ours: Times, peer: Times) -> tuple[float, float, float]:
    """How many times as fast ours is: the median over the pairs of runs, and its 95% interval (bootstrap)."""
    ratios = np.array(peer.seconds) / np.array(ours.seconds)
    drawn = np.random.default_rng(0).choice(ratios, (2000, len(ratios)))
    low, high = np.quantile(np.median(drawn, axis=1), (0.025, 0.975))
    return float(np.median(ratios)), float(low), float(high)


def ratio_per_mac(ours: Times, peer: Times) -> tuple[float, float, float] | None:
    """The same for each multiply-add, where both do not the same work; None where it is not known."""
    if not ours.macs or not peer.macs:
        return None
    middle, low, high = (times * ours.macs / peer.macs for times in ratio(ours, peer))
    return middle, low, high


def figures(result: Benchmark) -> dict:
    """The result as JSON takes it: the facts, each side's times in seconds, the ratios with their intervals, and what
    they were measured on."""
    speeds: dict[str, Callable[[Times], float | None]] = {
        "images_per_second": result.images_per_second,
        "share_of_peak": result.share_of_peak,
        "seconds_per_mac": result.seconds_per_mac,
    }
    sides = [
        {
            **asdict(t),
            "median": t.median,
            "quartiles": t.quartiles,
            **({} if result.mode == "first" else {name: speed(t) for name, speed in speeds.items()}),
        }
        for t in result.times
    ]
    facts = {name: getattr(result, name) for name in ("network", "mode", "batch", "threads", "macs", "peak_flops")}
    ratios = [
        {
            "ours": asdict(t.side),
            "peer": asdict(p.side),
            "ratio": ratio(t, p),
            **({"ratio_of_build": ratio(t.part("build"), p.part("build"))} if result.mode == "first" else {}),
            "ratio_per_mac": ratio_per_mac(t, p),
        }
        for t, p in result.pairs
    ]
    return {**facts, "sides": sides, "ratios": ratios, **environment()}


def benchmark(
    network: str,
    against: str | None = None,
    backends: Sequence[str] | None = None,
    batch: int = 8,
    mode: str = "predict",
    rounds: int = 10,
    fused: bool = False,
    remat: bool = False,
    peer_python: str | pathlib.Path = sys.executable,
    tell: Callable[[str], object] = lambda _: None,
) -> Benchmark:
    """Measures a network, and a peer in the same rounds.

    Args:
        network: a name of the zoo.
        against: one of `choices.PEERS`. "native-groups" is the network itself with Keras' own grouped convolution,
            "no-remat" itself without `remat`.
        backends: of ours; by default the present one. A peer written in Keras runs on the same.
        batch: images a step.
        mode: "predict", "train" or "first": building and the first two answers, in a new process each round.
        rounds: in each, every side has one run, of about a third of a second or of one step that takes longer.
        fused: whether ours predicts with its batch norms folded, see `keras_classics.fuse`.
        remat: whether ours trains in less memory and more time, see `keras_classics.rematerialization`.
        peer_python: the Python in which a torch peer is installed.
        tell: is told in words what is done now.

    Raises:
        ClassicsError: if the peer has no such network, a process fails, a fused network shall not predict, or one with
            `remat` not train.
    """
    backends = [keras.config.backend()] if backends is None else list(backends)
    for kind, values, known in (("backend", backends, BACKENDS), ("mode", [mode], MODES)):
        for value in values:
            if value not in known:
                raise unknown(kind, value, known)
    check(batch, rounds)
    if fused and mode == "train":
        raise ClassicsError(f"A fused network can only predict, not {mode}.")
    if remat and mode != "train":
        raise ClassicsError("Maps are computed again in training alone; add --train, or leave --remat out.")
    if against == "no-remat" and not remat:
        raise ClassicsError("The peer no-remat is the network itself without --remat; add it.")
    variant = get_model(network)
    facts = {"batch": batch, "mode": mode, "image_size": variant.image_size, "fuse": fused, "remat": remat}
    macs = variant.macs or complexity.count_macs(variant())
    asked = sides(variant.name, against, backends)
    times = tuple(Times(side, macs=None if side.does_other_work else macs) for side in asked)
    peak = measure(times, facts, rounds, peer_python, tell)
    return Benchmark(variant.name, mode, batch, macs, peak, times)


def check(batch: int, rounds: int) -> None:
    if batch < 1 or rounds < 1:
        raise ClassicsError(f"The batch and the rounds must be at least 1, not {batch} and {rounds}.")


def measure(
    times: Sequence[Times],
    facts: dict[str, Any],
    rounds: int,
    peer_python: str | pathlib.Path,
    tell: Callable[[str], object],
) -> float:
    """Runs the sides in turn, each in a process that knows the `facts`, and fills in what they took.

    Returns:
        The FLOP/s of a matrix product.
    """
    first = facts["mode"] == "first"
    peak = _matrix_product_flops()
    with ExitStack() as stack:
        workers = {}
        if not first:
            for t in times:
                tell(f"Building {t.side.network} of {t.side.who} on {t.side.backend} ...")
                workers[id(t)] = worker = stack.enter_context(_started(t, facts, peer_python))
                for _ in range(3):  # the first compiles
                    warm = worker.run(1)["seconds"]
                worker.steps = math.ceil(0.3 / warm)
        for i in range(rounds):
            tell(f"Round {i + 1} of {rounds} ...")
            for t in times if i % 2 == 0 else reversed(times):
                if first:
                    t.peak_bytes = _first_answers(t, facts, peer_python)
                else:
                    time.sleep(REST)
                    answer = workers[id(t)].run(workers[id(t)].steps)
                    t.seconds.append(answer["seconds"])
                    t.peak_bytes = answer["peak_bytes"]
            peak = max(peak, _matrix_product_flops())
    return peak


@contextmanager
def _started(times: Times, facts, peer_python) -> Iterator[Worker]:
    """A process of the side that has built its network."""
    of_its_own = {"input_shape": times.input_shape} if times.input_shape else {}
    with Worker(times.side, facts | of_its_own, peer_python) as worker:
        times.add(**worker.answer()["parts"])
        yield worker


def _first_answers(times: Times, facts, peer_python) -> int | None:
    """Builds a network and asks it twice, in a new process; the most memory of that."""
    with _started(times, facts, peer_python) as worker:
        first, second = worker.run(1), worker.run(1)
    times.add(first=first["seconds"], second=second["seconds"])
    times.seconds.append(times.parts["build"][-1] + first["seconds"])
    return second["peak_bytes"]


def _matrix_product_flops() -> float:
    side = 2048
    a = np.ones((side, side), "float32")
    start = time.perf_counter()
    a @ a
    return 2 * side**3 / (time.perf_counter() - start)
