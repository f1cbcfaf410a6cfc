"""How speed, latency and memory grow with the images a step."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from keras_classics.benchmark import Benchmark, figures
from keras_classics.errors import ClassicsError

GAIN = 0.05  # the share by which more images a step must be faster to be worth them


class Point(NamedTuple):
    """What a side did with so many images a step; the greatest memory in bytes, if the system tells."""

    batch: int
    images_per_second: float
    seconds: float
    peak_bytes: int | None


@dataclass(frozen=True)
class Curve:
    """Benchmarks of the same sides, a batch each, from the smallest on, all with the machine's one peak; and why there
    are no greater, if one failed."""

    results: tuple[Benchmark, ...]
    ended: str | None = None

    def lines(self) -> dict[tuple[str, str], list[Point]]:
        """A point for each batch, by who ran on which backend."""
        made: dict[tuple[str, str], list[Point]] = {}
        for result in self.results:
            for t in result.times:
                point = Point(result.batch, result.images_per_second(t), t.median, t.peak_bytes)
                made.setdefault((t.side.who, t.side.backend), []).append(point)
        return made


def measured(
    batches: Sequence[int], benchmark: Callable[[int], Benchmark], tell: Callable[[str], object] = lambda _: None
) -> Curve:
    """Benchmarks each batch, from the smallest on, each in new processes, so that each has its own greatest memory.

    Args:
        batches: images a step, in any order.
        benchmark: measures one.
        tell: is told in words what is done now.

    Raises:
        ClassicsError: if the smallest cannot be measured. Where a greater one fails, as for want of memory, the curve
            ends before it.
    """
    results: list[Benchmark] = []
    for batch in sorted(set(batches)):
        tell(f"{batch} images a step ...")
        try:
            results.append(benchmark(batch))
        except ClassicsError as error:
            if not results:
                raise
            return Curve(_of_one_peak(results), f"{batch} images a step: {error}")
    return Curve(_of_one_peak(results))


def _of_one_peak(results: Sequence[Benchmark]) -> tuple[Benchmark, ...]:
    """The same, each with the best of the matrix products that were measured beside any of them."""
    peak = max(result.peak_flops for result in results)
    return tuple(replace(result, peak_flops=peak) for result in results)


def enough(line: Sequence[Point]) -> int:
    """The fewest images a step that no greater batch is faster than by `GAIN`."""
    best = max(point.images_per_second for point in line)
    return next(point.batch for point in line if (1 + GAIN) * point.images_per_second >= best)


def curve_figures(curve: Curve) -> dict[str, Any]:
    """The curve as JSON takes it: the figures of each batch, and for each side from which one on it no longer grows."""
    first = curve.results[0]
    return {
        "network": first.network,
        "mode": first.mode,
        "batches": [result.batch for result in curve.results],
        "ended": curve.ended,
        "enough": [
            {"who": who, "backend": backend, "batch": enough(line)} for (who, backend), line in curve.lines().items()
        ],
        "results": [figures(result) for result in curve.results],
    }
