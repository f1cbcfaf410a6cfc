"""What a run does as Keras trains: it writes down where it is, ends where it diverges, and goes on as it would have."""

import math
import time

import keras

from keras_classics.errors import ClassicsError
from keras_classics.model_file import first_not_finite
from training.distribute import Team
from training.judge import best_epoch, copy_weights, is_trained
from training.phases import Phase
from training.recipe import Plateau, Recipe
from training.run_folder import RunFolder
from training.state import History, State, draws, seeds, values


class Diverged(ClassicsError):
    """The loss of a training, its validation loss or a weight became no number."""


class EpochWriter(keras.callbacks.Callback):
    """After each epoch: the state to resume from, which is what counts as done; and the trained weights in the
    `shipped` form of the network, as last.keras and, if it is the best, as best.keras. Inside an epoch, where asked
    for, the state every so many `minutes`."""

    def __init__(
        self,
        recipe: Recipe,
        folder: RunFolder,
        state: State,
        shipped: keras.Model,
        minutes: float | None = None,
        team: Team = Team(),  # noqa: B008 (it is frozen)
    ):
        super().__init__()
        self.recipe, self.folder, self.shipped, self.minutes, self.team = recipe, folder, shipped, minutes, team
        self.history, self.skipped = state.history, state.skipped
        self._seconds_before = state.seconds

    def on_train_begin(self, logs=None):
        self._written = time.perf_counter()

    def on_epoch_begin(self, epoch, logs=None):
        self._began = time.perf_counter() - self._seconds_before
        self._seconds_before = 0.0

    def on_train_batch_end(self, batch, logs=None):
        now, is_last = time.perf_counter(), batch + 1 == self.params["steps"]
        if not self.folder.writes or self.minutes is None or is_last or now - self._written < 60 * self.minutes:
            return
        self._write_state(batch + 1, now - self._began, values(self.model.metrics_variables))

    def on_epoch_end(self, epoch, logs=None):
        # With auxiliary heads Keras names the output as well: what is told is what the predictions reach.
        logs = {k.replace("predictions_accuracy", "accuracy"): float(v) for k, v in (logs or {}).items()}
        row = {"epoch": epoch + 1, **logs}
        row.setdefault("learning_rate", _learning_rate(self.model))  # there if a plateau has changed it since
        row["seconds"] = round(time.perf_counter() - self._began, 2)
        self.history.append(row)
        if self.folder.writes:
            self._write_state()
            copy_weights(self.model, self.shipped)
            with self.team.alone():
                self.folder.save_model(self.shipped, self.folder.last, self.history)
                if best_epoch(self.history) == epoch + 1:
                    self.folder.save_model(self.shipped, self.folder.best, self.history)
        self.model.stop_training = is_trained(self.recipe, self.history)

    def _write_state(self, *inside_epoch):
        steps, seconds, metrics = inside_epoch or (0, 0.0, [])
        skipped = {split: dict(found) for split, found in list(self.skipped.items())}  # other threads add to it
        state = State(self.history, steps, seconds, metrics, values(seeds(self.model)), draws(), skipped)
        with self.team.alone():  # Keras makes variables of its own as it saves
            self.folder.save_state(self.model, state)
        self._written = time.perf_counter()


class StopAtNaN(keras.callbacks.Callback):
    """Ends the run at the first step whose loss is no number, or at the end of an epoch after which a weight or
    the validation loss is none, before anything is written of it."""

    def __init__(self, folder: RunFolder):
        super().__init__()
        self.folder = folder

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        if not math.isfinite(float(logs["loss"])):
            self._stop("The loss is", batch + 1)

    def on_epoch_end(self, epoch, logs=None):
        if not math.isfinite((logs or {}).get("val_loss", 0.0)):
            self._stop("The validation loss is", self.params["steps"])
        if first_not_finite(self.model):
            self._stop("A weight is", self.params["steps"])

    def _stop(self, what, step):
        raise Diverged(
            f"{what} no longer a number in epoch {self._epoch}, step {step} of {self.params['steps']}: the learning "
            f"rate of {_learning_rate(self.model):.4g} is too high for this data. '{self.folder.path}' holds what was "
            "before."
        )


def _learning_rate(model) -> float:
    """That of the last step."""
    optimizer = model.optimizer
    schedule = optimizer._learning_rate
    is_schedule = isinstance(schedule, keras.optimizers.schedules.LearningRateSchedule)
    rate = schedule(keras.ops.maximum(optimizer.iterations - 1, 0)) if is_schedule else optimizer.learning_rate
    return float(keras.ops.convert_to_numpy(rate))


class Replay(keras.callbacks.Callback):
    """Brings the callbacks before it, which Keras resets as a training begins, to where they were after those epochs of
    `history` that are the phase's."""

    def __init__(self, phase: Phase, callbacks: list[keras.callbacks.Callback], history: History):
        super().__init__()
        self.schedule, self.callbacks, self.history = phase.recipe.schedule, list(callbacks), history[phase.first :]

    def on_train_begin(self, logs=None):
        if self.history and isinstance(self.schedule, Plateau):
            self.model.optimizer.learning_rate = self.schedule.rate  # which falls again as it did
        for row in self.history:
            for callback in self.callbacks:
                callback.on_epoch_end(int(row["epoch"]) - 1, {k: v for k, v in row.items() if k != "learning_rate"})
