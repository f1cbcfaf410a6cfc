"""Runs: a recipe carried out in a folder that holds all that came of it."""

import dataclasses
import importlib.util
import json
import math
import os
import pathlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras

from keras_classics import datasets
from keras_classics.environment import environment
from keras_classics.errors import ClassicsError, unknown
from keras_classics.zoo import get_model
from training import device, run_data
from training.assign import assign, differences
from training.augment.whitening import Numbers
from training.compile import callbacks, compile_arguments
from training.judge import best_epoch, copy_weights, is_trained, judge, mend_models, shipped_form
from training.lock import locked
from training.pipeline import count_images, has_validation_split, train_batches, validation_batches
from training.progress import Progress, plan, say
from training.recipe import Plateau, Recipe
from training.recipes import get_recipe, list_recipes
from training.run_data import RunData
from training.run_folder import History, RunFolder, write_json
from training.whitening import network, numbers_of, whitened

RESULTS = pathlib.Path(__file__).with_name("results")
SEEDS = range(2**32)  # NumPy takes no others


def run(
    recipe: Recipe,
    data_name: str | None = None,
    data_dir: str | None = None,
    out: str | pathlib.Path | None = None,
    seed: int = 0,
    record: bool = False,
    *,
    limit: int | None = None,
    class_weights: str | None = None,
    tensorboard: bool = False,
    on_device: str | None = None,
) -> pathlib.Path:
    """Trains a network by a recipe, judges it on the test split and exports it.

    Args:
        recipe: what to do.
        data_name: other data than the recipe's, as `datasets.load` takes it. A folder's validation images choose the
            best epoch, in the place of held-out training images; without test images, some training images are held
            out to be judged on.
        data_dir: where tensorflow-datasets keeps its data.
        out: the run folder, which must not exist; by default a new one in "runs".
        seed: of the weights, the order of the images and their augmentation, 0 to 2**32 - 1.
        record: whether to write the metrics into `training/results` as well.
        limit: how many images of each split to use, as `datasets.limited` chooses them; by default all.
        class_weights: "balanced" to give each class the same weight in the loss, however many images it has.
        tensorboard: whether to write what TensorBoard reads, an epoch's figures, into the run folder.
        on_device: that computes, as Keras names it, such as "gpu:0"; by default Keras' own choice.

    Returns:
        The path of the run folder, which `RunFolder` describes.

    Raises:
        ClassicsError: before any time is spent, if the data is not there or does not fit, too many pictures are
            damaged, the seed is out of its range, the device or TensorBoard is not there, or the folder exists or
            cannot be written.
    """
    if seed not in SEEDS:
        raise ClassicsError(f"A seed is a whole number from 0 to {SEEDS[-1]}, not {seed}.")
    if class_weights not in (None, "balanced"):
        raise unknown("kind of class weights", class_weights, ("balanced",))
    if tensorboard and importlib.util.find_spec("tensorboard") is None:
        raise ClassicsError("tensorboard is not installed: python -m pip install tensorboard, or leave it out.")
    with device.on(on_device):
        return _begin(recipe, data_name, data_dir, out, seed, record, limit, class_weights, tensorboard)


def _begin(recipe, data_name, data_dir, out, seed, record, limit, class_weights, tensorboard) -> pathlib.Path:
    data_name = recipe.dataset if data_name is None else data_name
    data = run_data.load(data_name, data_dir, limit)
    _check_fit(recipe, data)
    if skipped := run_data.check_pictures(data, say):
        data = run_data.load(data_name, data_dir, limit, skipped)
        _check_fit(recipe, data)
    folder = RunFolder.new(out, recipe.name)
    settings = {
        "recipe": recipe.as_dict(),
        "set": differences(recipe, get_recipe(recipe.name)) if recipe.name in list_recipes() else [],
        "data": data.name,
        "data_dir": None if data_dir is None else str(data_dir),
        "seed": seed,
        "record": record,
        "images": dict(data.dataset.sizes),
        "limit": limit,
        "class_weights": class_weights,
        "skipped": skipped,
        "backend": keras.config.backend(),
        "tensorboard": tensorboard,
    }
    with locked(folder.lock):
        folder.write_settings(settings)
        return _train(recipe, data, folder, settings)


def _check_fit(recipe: Recipe, data: RunData) -> None:
    """Raises a ClassicsError unless the recipe's network and its held-out images fit the data."""
    dataset = data.dataset
    dataset.check_classes(recipe.build.get("classes", get_model(recipe.model).classes), recipe.model)
    images = dataset.sizes["train"]
    if recipe.hold_out > images and not has_validation_split(dataset):
        raise ClassicsError(
            f"One in {recipe.hold_out} of {images} training images is none, so none would be held out to choose the "
            f"best epoch by; give --hold-out {max(2, min(10, images))}, or 0 to choose it by the training loss."
        )


def resume(folder: str | pathlib.Path, data_dir: str | None = None, on_device: str | None = None) -> pathlib.Path:
    """Goes on with a run that was stopped, from the end of its last whole epoch; a finished one is judged anew.

    Where the last state is damaged, it goes on from the one before, and where all are, from the beginning; a line says
    so. It ends as if it had never been stopped.

    Raises:
        ClassicsError: if the folder holds no run or another process works on it, its recipe is no longer known or its
            images have changed, it was begun on another backend, or it is finished and what it needs to be judged is
            damaged.
    """
    run_folder = RunFolder(pathlib.Path(folder))
    settings = run_folder.read_settings()
    if settings["backend"] != keras.config.backend():
        raise ClassicsError(
            f"'{folder}' was begun on {settings['backend']} and cannot go on on {keras.config.backend()}; "
            f"add --backend {settings['backend']}, or start a new run."
        )
    recipe = _recipe_of(settings, run_folder)
    data = run_data.load(settings["data"], data_dir or settings["data_dir"], settings["limit"], settings["skipped"])
    if data.dataset.sizes != settings["images"]:
        raise ClassicsError(
            f"{data.name} has other images than when '{folder}' was begun ({data.dataset.sizes}, then "
            f"{settings['images']}); bring them back, or start a new run."
        )
    with locked(run_folder.lock), device.on(on_device):
        return _train(recipe, data, run_folder, settings)


def _recipe_of(settings: dict[str, Any], folder: RunFolder) -> Recipe:
    saved = settings["recipe"]
    if not isinstance(saved, dict) or set(saved) != {field.name for field in dataclasses.fields(Recipe)}:
        raise ClassicsError(f"'{folder.recipe}' holds no recipe of this version; start a new run.")
    recipe = get_recipe(saved["name"])
    changed = ClassicsError(f"The recipe '{recipe.name}' has changed since '{folder.path}' was begun; start a new run.")
    try:
        recipe = assign(recipe, settings["set"])
    except ClassicsError:
        raise changed from None
    if json.loads(json.dumps(recipe.as_dict())) != saved:
        raise changed
    return recipe


def _train(recipe: Recipe, data: RunData, folder: RunFolder, settings: dict[str, Any]) -> pathlib.Path:
    keras.utils.set_random_seed(settings["seed"])
    history = folder.last_state(say)
    numbers = numbers_of(recipe, data.dataset, folder, say)
    if history:
        mend_models(recipe, folder, history, say, numbers)
    if not is_trained(recipe, history):
        for line in plan(recipe, data, folder, len(history)):
            say(line)
        _fit(recipe, data, folder, settings, history, numbers)
    say(f"Judging the last epoch and the best, epoch {best_epoch(history)}, and exporting the best.")
    with _resumable(folder):
        metrics = judge(recipe, data, folder, history)
    metrics["settings"] = {key: settings[key] for key in ("recipe", "set", "data", "seed", "limit", "class_weights")}
    metrics["skipped"] = [*settings["skipped"], *folder.read_skipped()]
    metrics |= environment()
    folder.finish(metrics)
    if settings["record"]:
        write_json(RESULTS / f"{recipe.name}.json", metrics)
    return folder.path


def _fit(
    recipe: Recipe,
    data: RunData,
    folder: RunFolder,
    settings: dict[str, Any],
    history: History,
    numbers: Numbers | None,
) -> None:
    """Trains from the end of `history`, to which it adds, until it is trained."""
    epochs, seed = math.ceil(recipe.epochs), settings["seed"]
    shipped = shipped_form(recipe, numbers)
    dataset = whitened(recipe, data.dataset, numbers)
    with _computing_in(recipe.precision):
        if history:
            model = folder.load_model(folder.checkpoint(len(history)), len(history), compile=True)
        else:
            model = network(recipe, seed)
    weights = data.dataset.class_weights() if settings["class_weights"] else None
    skip = run_data.skipping(folder, data.dataset, say)
    stream, steps = train_batches(
        recipe, dataset, model, seed, first_epoch=len(history), class_weights=weights, skip=skip
    )
    if not history:
        model.compile(**compile_arguments(recipe, steps))
    validated = count_images(recipe, data.dataset).validation > 0
    made = callbacks(recipe, validated)
    on_terminal = os.isatty(1)
    made += [
        Replay(recipe, made, history),
        StopAtNaN(folder),
        EpochWriter(recipe, folder, history, shipped),
        Progress(history, on_terminal),
    ]
    if settings["tensorboard"]:
        made.append(keras.callbacks.TensorBoard(folder.tensorboard, write_graph=False))
    try:
        with _resumable(folder):
            model.fit(
                stream,
                steps_per_epoch=steps,
                initial_epoch=len(history),
                epochs=epochs,
                validation_data=validation_batches(recipe, dataset, model, skip),
                callbacks=made,
                verbose=1 if on_terminal else 0,  # Keras' bar; `Progress` says the rest
                shuffle=False,  # the stream is shuffled
            )
    except KeyboardInterrupt:
        raise ClassicsError(
            f"Stopped after {len(history)} of {epochs} epochs. Go on with: {folder.resume_command}"
        ) from None


@contextmanager
def _computing_in(precision: str) -> Iterator[None]:
    """Layers that are made inside compute in that precision, which they keep."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(precision)
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


@contextmanager
def _resumable(folder: RunFolder) -> Iterator[None]:
    """What is said of a picture that cannot be read, with what becomes of the run."""
    try:
        yield
    except ClassicsError:
        raise
    except Exception:
        try:
            with datasets.reading():
                raise
        except ClassicsError as error:
            raise ClassicsError(f"{error} Once it is replaced, go on with: {folder.resume_command}") from None


class EpochWriter(keras.callbacks.Callback):
    """After each epoch: the trained weights in the `shipped` form of the network, as last.keras and, if it is the best,
    as best.keras; and the state to resume from, which is what counts as done."""

    def __init__(self, recipe: Recipe, folder: RunFolder, history: History, shipped: keras.Model):
        super().__init__()
        self.recipe, self.folder, self.history, self.shipped = recipe, folder, history, shipped

    def on_epoch_begin(self, epoch, logs=None):
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        # With auxiliary heads Keras names the output as well: what is told is what the predictions reach.
        logs = {k.replace("predictions_accuracy", "accuracy"): float(v) for k, v in (logs or {}).items()}
        row = {"epoch": epoch + 1, **logs}
        row["learning_rate"] = _learning_rate(self.model)
        row["seconds"] = round(time.perf_counter() - self._began, 2)
        self.history.append(row)
        copy_weights(self.model, self.shipped)
        self.folder.save_model(self.shipped, self.folder.last, self.history)
        if best_epoch(self.history) == epoch + 1:
            self.folder.save_model(self.shipped, self.folder.best, self.history)
        self.folder.save_state(self.model, self.history)
        self.model.stop_training = is_trained(self.recipe, self.history)


class StopAtNaN(keras.callbacks.Callback):
    """Ends the run at the first step whose loss is no number, before anything is written of it."""

    def __init__(self, folder: RunFolder):
        super().__init__()
        self.folder = folder

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        if math.isfinite(float(logs["loss"])):
            return
        if keras.config.backend() == "jax":
            self.model.jax_state_sync()  # the optimizer's count of steps is that of the epoch's beginning
        raise ClassicsError(
            f"The loss is no longer a number in epoch {self._epoch}, step {batch + 1} of {self.params['steps']}: the "
            f"learning rate of {_learning_rate(self.model):.4g} is too high for this data. '{self.folder.path}' holds "
            "what was before."
        )


def _learning_rate(model) -> float:
    return float(keras.ops.convert_to_numpy(model.optimizer.learning_rate))


class Replay(keras.callbacks.Callback):
    """Brings the callbacks before it, which Keras resets as a training begins, to where they were after `history`."""

    def __init__(self, recipe: Recipe, callbacks: list[keras.callbacks.Callback], history: History):
        super().__init__()
        self.schedule, self.callbacks, self.history = recipe.schedule, list(callbacks), list(history)

    def on_train_begin(self, logs=None):
        if self.history and isinstance(self.schedule, Plateau):
            self.model.optimizer.learning_rate = self.schedule.rate  # which falls again as it did
        for row in self.history:
            for callback in self.callbacks:
                callback.on_epoch_end(int(row["epoch"]) - 1, {k: v for k, v in row.items() if k != "learning_rate"})
