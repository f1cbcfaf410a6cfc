"""Student's intervals of the mean of a few differences, by Python's own means: SciPy is no dependency."""

import math
import statistics
from collections.abc import Sequence
from typing import NamedTuple

CONFIDENCE = 0.95
FEWEST = 3  # differences of which an interval is told: of two it is as wide as a guess


class Interval(NamedTuple):
    """The mean of a `number` of values and the interval in which the true one lies with `CONFIDENCE`, endless for one
    value."""

    mean: float
    low: float
    high: float
    number: int


def interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """Of the mean of independent `values` (Student 1908).

    Raises:
        statistics.StatisticsError: if there are none.
    """
    mean, count = statistics.fmean(values), len(values)
    if count < 2:
        return Interval(mean, -math.inf, math.inf, count)
    half = quantile((1 + confidence) / 2, count - 1) * statistics.stdev(values) / math.sqrt(count)
    return Interval(mean, mean - half, mean + half, count)


def quantile(probability: float, freedom: int) -> float:
    """What Student's t with so many degrees of freedom exceeds with 1 - `probability`, which is from 0.5 to below 1."""
    low, high = 0.0, 1.0
    while _below(high, freedom) < probability:
        high *= 2
    while (middle := (low + high) / 2) not in (low, high):
        low, high = (middle, high) if _below(middle, freedom) < probability else (low, middle)
    return middle


def _below(t: float, freedom: int) -> float:
    """The probability that Student's t is below `t`, which is not negative; a finite sum for a whole number of degrees
    (Abramowitz and Stegun 1964, 26.7.3 and 26.7.4)."""
    angle = math.atan(t / math.sqrt(freedom))
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = term if freedom > 1 else 0.0
    for k in range(3 if odd else 2, freedom, 2):
        term *= math.cos(angle) ** 2 * (k - 1) / k
        total += term
    within = 2 / math.pi * (angle + math.sin(angle) * total) if odd else math.sin(angle) * total
    return (1 + within) / 2
