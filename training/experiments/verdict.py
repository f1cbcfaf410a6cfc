"""From the runs of an experiment to a verdict in words. Imports no Keras."""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.experiments.design import Comparison, Experiment
from training.experiments.intervals import FEWEST, Interval, interval
from training.experiments.measures import Measure, Run, learned_nothing

CONFIRMED, REFUTED, UNDECIDED, FEW = "confirmed", "refuted", "not decided here", "too few seeds"


@dataclass(frozen=True)
class Outcome:
    """What the runs say of a comparison.

    Attributes:
        comparison: of which arms in what.
        effect: what `more` has more than `less`, or of a ratio how many times as much, paired by the seed; None without
            a pair.
        verdict: on this comparison.
        missed: how many runs of `more` and of `less` never reached a level that they were to reach. Such a run would
            have more of the measure than it counts for: what `more` misses refutes nothing, what `less` misses
            confirms nothing.
        stalled: how many of those that it rests on learned nothing. Then nothing is decided: what one arm learns is no
            answer to why the other did not.
    """

    comparison: Comparison
    effect: Interval | None
    verdict: str
    missed: tuple[int, int] = (0, 0)
    stalled: int = 0

    @property
    def said(self) -> str:
        """The effect in words: "4.21 points [3.10, 5.32]" or "2.3 times [1.9, 2.8]"."""
        if self.effect is None:
            return "no pair of runs"
        unit = self.comparison.measure.unit
        unit = "times" if self.comparison.ratio else "points" if unit == "%" else unit
        mean, low, high = (figure(value) for value in self.effect[:3])
        return f"{mean} {unit} [{low}, {high}]" if self.effect.number > 1 else f"{mean} {unit}"


@dataclass(frozen=True)
class Verdict:
    """On a claim, with what each comparison says."""

    word: str
    outcomes: tuple[Outcome, ...]
    is_quick: bool

    @property
    def sentence(self) -> str:
        """It in a sentence."""
        if self.is_quick:
            return f"{UNDECIDED}: this is the quick form, a fraction of the images and of the epochs"
        if self.word == FEW:
            return f"{FEW}: an interval needs {FEWEST} seeds that all arms of a comparison have"
        return self.word


def runs_by_seed(runs: Sequence[Run]) -> dict[int, dict[str, Run]]:
    """The runs, without those that chose a rate, by their seeds and their arms."""
    found: dict[int, dict[str, Run]] = {}
    for run in runs:
        if not run["search"]:
            found.setdefault(run["seed"], {})[run["arm"]] = run
    return dict(sorted(found.items()))


def judged(experiment: Experiment, runs: Sequence[Run], is_quick: bool = False) -> Verdict:
    """The verdict on the claim: confirmed if all comparisons confirm it, refuted if one refutes it."""
    outcomes = tuple(_outcome(comparison, runs) for comparison in experiment.comparisons)
    words = [outcome.verdict for outcome in outcomes]
    if is_quick:
        word = UNDECIDED
    elif FEW in words:
        word = FEW
    elif REFUTED in words:
        word = REFUTED
    else:
        word = CONFIRMED if set(words) == {CONFIRMED} else UNDECIDED
    return Verdict(word, outcomes, is_quick)


def _outcome(comparison: Comparison, runs: Sequence[Run]) -> Outcome:
    effects, missed, stalled, measure = [], [0, 0], 0, comparison.measure
    for same_seed in runs_by_seed(runs).values():
        if not {comparison.more, comparison.less} <= same_seed.keys():
            continue
        pair = [same_seed[comparison.more], same_seed[comparison.less]]
        more, less = (measure.of(run, same_seed) for run in pair)
        if more is None or less is None:
            continue
        missed = [count + measure.misses(run, same_seed) for count, run in zip(missed, pair, strict=True)]
        stalled += sum(map(learned_nothing, measure.rests_on(pair, same_seed)))
        effects.append(math.log(more / less) if comparison.ratio else more - less)
    if not effects:
        return Outcome(comparison, None, FEW)
    effect = interval(effects)
    if comparison.ratio:
        mean, low, high = (math.exp(min(value, 700.0)) for value in effect[:3])  # above, floats end
        effect = Interval(mean, low, high, effect.number)
    word = _word(effect, comparison.least, missed, stalled)
    return Outcome(comparison, effect, word, (missed[0], missed[1]), stalled)


def _word(effect: Interval, least: float, missed: Sequence[int], stalled: int) -> str:
    if effect.number < FEWEST:
        return FEW
    if stalled:
        return UNDECIDED
    of_more, of_less = missed
    if effect.low > least and not of_less:
        return CONFIRMED
    return REFUTED if effect.high < least and not of_more else UNDECIDED


def values(measure: Measure, arm: str, runs: Sequence[Run]) -> dict[int, float]:
    """The measure of an arm's runs by their seeds, where they have it."""
    found = {
        seed: measure.of(same_seed[arm], same_seed)
        for seed, same_seed in runs_by_seed(runs).items()
        if arm in same_seed
    }
    return {seed: value for seed, value in found.items() if value is not None}


def misses(measure: Measure, arm: str, runs: Sequence[Run]) -> set[int]:
    """The seeds of an arm's runs that never reached the level of the measure, if it has one."""
    by_seed = runs_by_seed(runs).items()
    return {seed for seed, same_seed in by_seed if arm in same_seed and measure.misses(same_seed[arm], same_seed)}


def summary(of: Mapping[int, float], unit: str) -> str:
    """The mean and the standard deviation of some values: "12.34% ± 0.56 (5)"."""
    if not of:
        return ""
    spread = f" ± {figure(statistics.stdev(of.values()))}" if len(of) > 1 else ""
    behind = "%" if unit == "%" else f" {unit}"
    return f"{figure(statistics.fmean(of.values()))}{behind}{spread} ({len(of)})"


def line(outcome: Outcome) -> str:
    """A comparison and what it came to, in words."""
    comparison = outcome.comparison
    behind = ""
    arms = zip((comparison.more, comparison.less), outcome.missed, strict=True)
    if missed := " and ".join(f"{number_of(count)} of {arm}" for arm, count in arms if count):
        behind = f" (counting the last epoch for {missed} that never came to the level)"
    if outcome.stalled:
        behind += f" ({number_of(outcome.stalled)} learned nothing, and so this decides nothing)"
    joined = "divided by" if comparison.ratio else "minus"
    return f"{comparison.measure.words}: {comparison.more} {joined} {comparison.less}: {outcome.said}{behind}"


def number_of(runs: int) -> str:
    """A number of runs in words: "1 run", "2 runs"."""
    return f"{runs} run{'s' * (runs != 1)}"


def figure(value: float) -> str:
    """A number with as many digits as say something."""
    if math.isinf(value):
        return "∞" if value > 0 else "-∞"
    digits = 1 if abs(value) >= 100 else 2 if abs(value) >= 0.01 or value == 0 else 4
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if float(text) == 0 else text
