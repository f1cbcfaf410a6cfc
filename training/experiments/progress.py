"""How far an experiment is, and how long it will take: a bar on a terminal, elsewhere a line after each run."""

import statistics
import sys
import time
from collections.abc import Sequence
from typing import Any

import keras
from rich.console import Console

from training.experiments.design import Experiment
from training.experiments.measures import Run, learned_nothing
from training.progress import words


class Told:
    """Tells it. It is made before what trainings say goes elsewhere; used by `with`, it leaves no bar behind."""

    def __init__(self, experiment: Experiment, seeds: int, is_quick: bool):
        self.console = Console(file=sys.stdout, highlight=False, width=None if sys.stdout.isatty() else 160)
        self.status: Any = None
        self._begun = 0.0
        form = "The quick form, which decides nothing, of: " if is_quick else ""
        self._say(f"{form}{experiment.claim}")
        self._say(f"{experiment.design} {len(experiment.arms)} arms, {seeds} seeds.")

    def __enter__(self) -> "Told":
        return self

    def __exit__(self, *_) -> None:
        self._stop()

    def begins(self, job: str, todo: Sequence[str], runs: Sequence[Run]) -> None:
        """A run, of the arms that are left `todo`, after these runs."""
        self._begun = time.perf_counter()
        self._job, self._all = job, f"run {len(runs) + 1} of {len(runs) + len(todo)}"
        self._left = seconds_left(todo, runs)
        self._tell("")

    def callback(self, epochs: int) -> keras.callbacks.Callback:
        """Tells of the epochs of the run that has begun."""

        def ended(epoch, logs):
            right = logs.get("accuracy", logs.get("predictions_accuracy", 0.0))
            self._tell(f"epoch {epoch + 1} of {epochs}, training error {100 * (1 - right):.1f}%")

        return keras.callbacks.LambdaCallback(on_epoch_end=ended)

    def ends(self, run: Run) -> None:
        """The run has ended so."""
        self._stop()
        metrics = run["metrics"]
        reached = (
            "diverged"
            if run["diverged"]
            else ", ".join(
                f"{name.replace('_', ' ')} {metrics[name]:.2f}%"
                for name in ("test_error", "train_error")
                if name in metrics
            )
        )
        if learned_nothing(run) and not run["diverged"]:
            reached += ", which is guessing: it learned nothing"
        self._say(f"{self._all}: {self._job}: {reached}; {words(time.perf_counter() - self._begun)}{self._behind()}")

    def _stop(self) -> None:
        if self.status is not None:
            self.status.stop()
            self.status = None

    def _behind(self) -> str:
        if self._left is None:
            return ""
        left = max(0.0, self._left - (time.perf_counter() - self._begun))
        return f", about {words(left)} left in all" if left else ""

    def _tell(self, what: str) -> None:
        if not self.console.is_terminal:
            return
        text = f"{self._all}: {self._job}" + (f", {what}" if what else "") + self._behind()
        if self.status is None:
            self.status = self.console.status(text)
            self.status.start()
        self.status.update(text)

    def _say(self, line: str) -> None:
        self.console.print(line, markup=False, soft_wrap=True)
        self.console.file.flush()


def seconds_left(todo: Sequence[str], runs: Sequence[Run]) -> float | None:
    """What is left to do will take as long as the runs of the same arms, or of all arms where it has none yet, took on
    average; None before the first."""
    if not runs:
        return None
    taken: dict[str, list[float]] = {}
    for run in runs:
        taken.setdefault(run["arm"], []).append(run["seconds"])
    usual = statistics.fmean(run["seconds"] for run in runs)
    return sum(statistics.fmean(taken[arm]) if arm in taken else usual for arm in todo)
