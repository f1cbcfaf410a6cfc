"""What is measured of the runs of an experiment. Imports no Keras."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

# A run as results hold it: its "metrics" by name, and its "curve", a list by name, a number for each epoch.
Run = Mapping[str, Any]
TRAINING_ERROR, VALIDATION_ERROR = "training error", "validation error"  # the names of curves, in percent


@dataclass(frozen=True)
class Measure:
    """A number of a finished run.

    Attributes:
        key: its name among the run's metrics.
        words: what it is, for people.
        unit: "%" or what stands behind the number.
    """

    key: str
    words: str
    unit: str = "%"

    def rests_on(self, pair: Sequence[Run], same_seed: Mapping[str, Run]) -> Sequence[Run]:
        """The runs that must have learned something for a comparison of this pair to say anything."""
        return pair if self.key in ("test_error", "gap", "test_loss", "calibration_error") else ()

    def of(self, run: Run, same_seed: Mapping[str, Run]) -> float | None:
        """The number, or None where the run has none. `same_seed` are the runs of the same seed by their arms."""
        return run["metrics"].get(self.key)

    def misses(self, run: Run, same_seed: Mapping[str, Run]) -> bool:
        """Whether the number is only less than what it would be, for the run ended too soon."""
        return False


@dataclass(frozen=True)
class Reach(Measure):
    """The passes over the training images after which a curve falls to a level, between two epochs by proportion.

    A run that never does counts as if it did in the end, and so as sooner than it would.

    Attributes:
        curve: `TRAINING_ERROR` or `VALIDATION_ERROR`.
        level: in percent.
        level_of: an arm's name: the level is the lowest that it has with the same seed.
    """

    curve: str = TRAINING_ERROR
    level: float | None = None
    level_of: str = ""

    def of(self, run, same_seed):
        level = self._level(same_seed)
        return None if level is None else reached(run["curve"][self.curve], level) or float(run["epochs"])

    def rests_on(self, pair, same_seed):
        return [same_seed[self.level_of]] if self.level_of else []

    def misses(self, run, same_seed):
        """Whether the run never falls to the level."""
        level = self._level(same_seed)
        return level is not None and reached(run["curve"][self.curve], level) is None

    def _level(self, same_seed: Mapping[str, Run]) -> float | None:
        """None where the arm whose level it is has no run of that seed."""
        if not self.level_of:
            return self.level
        return min(same_seed[self.level_of]["curve"][self.curve]) if self.level_of in same_seed else None


@dataclass(frozen=True)
class At(Measure):
    """What a curve is after so many epochs, or at its end where it is shorter, as in a quick form."""

    curve: str = TRAINING_ERROR
    epoch: int = 1

    def of(self, run, same_seed):
        return run["curve"][self.curve][: self.epoch][-1]


CHANCE = 90.0  # the error of a network of ten classes that guesses, from which a curve comes


def learned_nothing(run: Run) -> bool:
    """Whether the training error, to a point, is that of guessing."""
    return run["metrics"].get("train_error", 0.0) > CHANCE - 1


def reached(curve: list[float], level: float) -> float | None:
    """After how many epochs the curve falls to `level`; None if it never does. What is no better than guessing is
    reached with the first epoch that has it, not before the training."""
    before = CHANCE
    for epoch, error in enumerate(curve, 1):
        if error <= level:
            return epoch - 1 + ((before - level) / (before - error) if before > max(error, level) else 1.0)
        before = error
    return None


TEST_ERROR = Measure("test_error", "test error")
TRAIN_ERROR = Measure("train_error", "training error")
GAP = Measure("gap", "test error above training error")
CALIBRATION = Measure("calibration_error", "calibration error")
