"""`RunFolder`: the one place that knows what the files of a run are called, and whether they are whole."""

import csv
import dataclasses
import json
import pathlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_classics.errors import ClassicsError
from keras_classics.files import atomic_write, leftovers, unwritable
from keras_classics.places import BEST, HISTORY, METRICS, RECIPE, TFLITE, resume_command
from keras_classics.variant import deep_graph
from training.seal import is_whole, read_note, seal
from training.state import History, Place, State

CHECKPOINTS = 2  # that are kept: where the newest is damaged, training goes on from the one before
SETTINGS = {
    "recipe",
    "set",
    "made_in_python",
    "data",
    "data_dir",
    "seed",
    "record",
    "images",
    "pictures",
    "limit",
    "class_weights",
    "skipped",
    "environments",
    "backend",
    "distribution",
    "tensorboard",
    "checkpoint_minutes",
}


@dataclass(frozen=True)
class RunFolder:
    """A run's folder, and all that it holds:

    recipe.json, what is done; checkpoint-<epoch>.keras and checkpoint-<epoch>-step-<step>.keras, the states to go on
    from, until the run is finished; last.keras and best.keras, the network as it ships; history.csv, a copy of what
    each of these files says of its epochs; start.keras, until a fine-tuning is finished, the network that it begins
    with; whitening.npz, where pixels are whitened, the numbers that were fitted for it; skipped.json, the pictures that
    could not be read when their turn came, and why; metrics.json, which stands for a finished run; curves.png and
    confusion.png; saved_model/ and model.tflite, each with a report of its name and .json beside it; tensorboard/,
    where asked for; and `lock`, while a process works on it.
    """

    path: pathlib.Path
    writes: bool = True  # of several processes that train together, one does

    @property
    def recipe(self) -> pathlib.Path:
        return self.path / RECIPE

    @property
    def history(self) -> pathlib.Path:
        return self.path / HISTORY

    @property
    def last(self) -> pathlib.Path:
        return self.path / "last.keras"

    @property
    def best(self) -> pathlib.Path:
        return self.path / BEST

    @property
    def start(self) -> pathlib.Path:
        return self.path / "start.keras"

    @property
    def whitening(self) -> pathlib.Path:
        return self.path / "whitening.npz"

    @property
    def metrics(self) -> pathlib.Path:
        return self.path / METRICS

    @property
    def skipped(self) -> pathlib.Path:
        return self.path / "skipped.json"

    @property
    def curves(self) -> pathlib.Path:
        return self.path / "curves.png"

    @property
    def confusion(self) -> pathlib.Path:
        return self.path / "confusion.png"

    @property
    def tensorboard(self) -> pathlib.Path:
        return self.path / "tensorboard"

    @property
    def exports(self) -> dict[str, pathlib.Path]:
        """By export format."""
        return {"saved_model": self.path / "saved_model", "tflite": self.path / TFLITE}

    @property
    def lock(self) -> pathlib.Path:
        return self.path / "lock"

    @property
    def resume_command(self) -> str:
        return resume_command(self.path)

    def checkpoint(self, epochs: int, steps: int = 0) -> pathlib.Path:
        """The state after so many epochs, and steps of the next. The name counts from 1."""
        return self.path / (f"checkpoint-{epochs + 1}-step-{steps}.keras" if steps else f"checkpoint-{epochs}.keras")

    def checkpoints(self) -> list[Place]:
        """The places that have a checkpoint, whole or not, the latest first."""
        names = (re.fullmatch(r"checkpoint-(\d+)(?:-step-(\d+))?\.keras", path.name) for path in self.path.iterdir())
        return sorted((Place(int(n[1]) - 1, int(n[2])) if n[2] else Place(int(n[1])) for n in names if n), reverse=True)

    @classmethod
    def new(cls, out: str | pathlib.Path | None, name: str) -> "RunFolder":
        """Makes the run folder: `out`, which `check_new` takes, or the first free of runs/<name>, runs/<name>-2, ...

        Raises:
            ClassicsError: as `check_new`, or if it cannot be made.
        """
        path = pathlib.Path(out or pathlib.Path("runs", name))
        number = 1
        while out is None and path.exists():
            number += 1
            path = pathlib.Path("runs", f"{name}-{number}")
        cls(path).check_new()
        try:
            path.mkdir(parents=True, exist_ok=out is not None)
        except OSError as error:
            raise ClassicsError(
                f"Cannot make the run folder '{path}' ({error.strerror}). Choose another --out."
            ) from None
        return cls(path)

    def check_new(self) -> None:
        """Raises a ClassicsError if the folder cannot be made or written, or holds more than a run leaves that is
        killed as it begins."""
        try:
            self._check_new()
        except OSError as error:
            raise ClassicsError(
                f"Cannot make the run folder '{self.path}' ({error.strerror}). Choose another --out."
            ) from None

    def _check_new(self) -> None:
        if self.recipe.exists():
            raise ClassicsError(
                f"'{self.path}' exists, and runs are never overwritten. Choose another --out, or go on with it: "
                f"{self.resume_command}"
            )
        if self.path.exists() and not self._is_barely_begun():
            raise ClassicsError(f"'{self.path}' exists and is no run folder. Choose another --out.")
        if reason := unwritable(self.recipe):
            raise ClassicsError(f"Cannot make the run folder '{self.path}': {reason}. Choose another --out.")

    def _is_barely_begun(self) -> bool:
        """Whether it holds no more than a run leaves that is killed as it begins."""
        begun = {self.lock.name, self.start.name}
        return self.path.is_dir() and not (
            {path.name for path in self.path.iterdir()} - begun - set(leftovers(self.path))
        )

    def write_settings(self, settings: dict[str, Any]) -> None:
        """Writes recipe.json."""
        write_json(self.recipe, settings)

    def read_settings(self) -> dict[str, Any]:
        """The contents of recipe.json.

        Raises:
            ClassicsError: if there is none, or it is damaged.
        """
        try:
            settings = json.loads(self.recipe.read_text("utf-8"))
        except FileNotFoundError:
            raise ClassicsError(f"'{self.path}' is not a run folder: it has no {RECIPE}.") from None
        except (OSError, ValueError) as error:
            raise ClassicsError(
                f"'{self.path}' is not a run folder: it has no readable {RECIPE} ({error}). Start a new run."
            ) from None
        missing = SETTINGS - set(settings) if isinstance(settings, dict) else SETTINGS
        if missing:
            lacking = ", ".join(sorted(missing))
            raise ClassicsError(
                f"'{self.recipe}' lacks {lacking}: it is of another version, or damaged. Start a new run."
            )
        return settings

    def write_skipped(self, skipped: dict[str, str]) -> None:
        """Writes skipped.json, the reason by the picture."""
        if self.writes:
            write_json(self.skipped, skipped)

    def read_skipped(self) -> dict[str, str]:
        """The contents of skipped.json; none if there is no such file, or it is damaged."""
        try:
            return json.loads(self.skipped.read_text("utf-8"))
        except (OSError, ValueError):
            return {}

    def save_model(self, model: keras.Model, path: pathlib.Path, history: History, **notes: Any) -> None:
        """Writes the model as it was at the end of `history`, and this and `notes` with it, so that later damage is
        told."""
        with atomic_write(path) as temporary:
            model.save(temporary)
            seal(temporary, history=history, **notes)

    def holds(self, path: pathlib.Path, epoch: int) -> bool:
        """Whether the file is there, whole, and the model as it was after that epoch."""
        return is_whole(path) and len(read_note(path, "history")) == epoch

    def load_model(self, path: pathlib.Path, epoch: int, compile: bool = False) -> keras.Model:
        """Reads the model as it was after an epoch.

        Raises:
            ClassicsError: if the file does not hold it.
        """
        if not self.holds(path, epoch):
            raise ClassicsError(
                f"'{path}', the network after epoch {epoch}, is missing or damaged, and no checkpoint is left to make "
                "it again. Start a new run."
            )
        with deep_graph():
            return keras.saving.load_model(path, compile=compile)

    def save_state(self, model: keras.Model, state: State) -> None:
        """Writes the state, then history.csv; the state before is kept."""
        beside = {field.name: getattr(state, field.name) for field in dataclasses.fields(state)}
        history = beside.pop("history")
        self.save_model(model, self.checkpoint(*state.place), history, state=beside)
        if history:
            self.write_history(history)
        kept = [place for place in self.checkpoints() if place <= state.place][:CHECKPOINTS]
        for place in set(self.checkpoints()) - set(kept):
            self.checkpoint(*place).unlink()

    def last_state(self, say: Callable[[str], None]) -> State:
        """The last state that is whole, whose checkpoint is that of its place; an empty one before the first.

        A finished run has no checkpoints, but its last model. What history.csv says otherwise is put right.

        Args:
            say: is told in one line what was lost.

        Raises:
            ClassicsError: if the run is finished, and its last model damaged.
        """
        checkpoints = self.checkpoints()
        if self.metrics.exists() and not checkpoints:
            if not is_whole(self.last):
                raise ClassicsError(
                    f"'{self.last}' is missing or damaged, and as the run is finished, no checkpoint is left to make "
                    "it again. Start a new run."
                )
            return self._put_right(State(read_note(self.last, "history")))
        rows = len(self.history.read_bytes().splitlines()) - 1 if self.history.exists() else 0
        reached = max([Place(rows), *checkpoints])
        for place in checkpoints:
            if state := self._read_state(place):
                if place < reached:
                    lost = f"'{self.checkpoint(*reached)}' is missing or damaged"
                    say(f"{lost}; training goes on from {place}.")
                return self._put_right(state)
        if reached > Place(0):
            say(f"'{self.path}' holds no whole checkpoint; training starts again from the first epoch.")
        return self._put_right(State())

    def _read_state(self, place: Place) -> State | None:
        """The state at that place; None if its checkpoint is missing or damaged."""
        path = self.checkpoint(*place)
        if not is_whole(path):
            return None
        state = State(read_note(path, "history"), **read_note(path, "state"))
        return state if state.place == place else None

    def _put_right(self, state: State) -> State:
        """Writes history.csv as the state has it."""
        if state.history:
            self.write_history(state.history)
        elif self.writes:
            self.history.unlink(missing_ok=True)
        return state

    def write_whitening(self, numbers: Mapping[str, np.ndarray]) -> None:
        """Writes whitening.npz, so that later damage is told."""
        if not self.writes:
            return
        with atomic_write(self.whitening) as temporary:
            np.savez(temporary, allow_pickle=False, **numbers)
            seal(temporary)

    def read_whitening(self) -> Mapping[str, np.ndarray] | None:
        """The numbers in whitening.npz; None if it is not there or damaged."""
        if not is_whole(self.whitening):
            return None
        with np.load(self.whitening, allow_pickle=False) as archive:
            return dict(archive)

    def write_history(self, history: History) -> None:
        """Writes history.csv, a row an epoch."""
        if not self.writes:
            return
        with atomic_write(self.history) as path, open(path, "w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, list(history[0]))
            writer.writeheader()
            writer.writerows(history)

    def read_metrics(self) -> dict[str, Any]:
        """The contents of metrics.json, of a finished run."""
        return json.loads(self.metrics.read_text("utf-8"))

    def finish(self, metrics: dict[str, Any]) -> None:
        """Writes metrics.json; from then on the run is finished and needs no checkpoints."""
        write_json(self.metrics, metrics)
        for place in reversed(self.checkpoints()):  # were the latest gone first, a killed run would go on from another
            self.checkpoint(*place).unlink()
        self.start.unlink(missing_ok=True)


def write_json(path: pathlib.Path, value: Any) -> None:
    """Writes a value that JSON can hold, whole or not at all."""
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n", "utf-8")
