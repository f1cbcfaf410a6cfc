"""Runs: a recipe carried out in a folder that holds all that came of it."""

import dataclasses
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
from keras_classics.errors import ClassicsError
from keras_classics.zoo import get_model
from training import run_data
from training.augment.whitening import Numbers
from training.compile import callbacks, compile_arguments
from training.judge import best_epoch, copy_weights, judge, mend_models, shipped_form
from training.lock import locked
from training.pipeline import count_images, has_validation_split, train_batches, validation_batches
from training.progress import Progress, plan, say
from training.recipe import Recipe
from training.recipes import get_recipe
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

    Returns:
        The path of the run folder, which `RunFolder` describes.

    Raises:
        ClassicsError: before any time is spent, if the data is not there or does not fit, a picture is damaged, the
            seed is out of its range, or the folder exists or cannot be written.
    """
    if seed not in SEEDS:
        raise ClassicsError(f"A seed is a whole number from 0 to {SEEDS[-1]}, not {seed}.")
    data = run_data.load(recipe.dataset if data_name is None else data_name, data_dir)
    _check_fit(recipe, data)
    run_data.check_pictures(data, say)
    folder = RunFolder.new(out, recipe.name)
    settings = {
        "recipe": recipe.as_dict(),
        "data": data.name,
        "data_dir": None if data_dir is None else str(data_dir),
        "seed": seed,
        "record": record,
        "images": dict(data.dataset.sizes),
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


def resume(folder: str | pathlib.Path, data_dir: str | None = None) -> pathlib.Path:
    """Goes on with a run that was stopped, from the end of its last whole epoch; a finished one is judged anew.

    Where the last state is damaged, it goes on from the one before, and where all are, from the beginning; a line says
    so. It ends as if it had never been stopped.

    Raises:
        ClassicsError: if the folder holds no run or another process works on it, its recipe is no longer known or its
            images have changed, or it is finished and what it needs to be judged is damaged.
    """
    run_folder = RunFolder(pathlib.Path(folder))
    settings = run_folder.read_settings()
    recipe = _recipe_of(settings, run_folder)
    data = run_data.load(settings["data"], data_dir or settings["data_dir"])
    if data.dataset.sizes != settings["images"]:
        raise ClassicsError(
            f"{data.name} has other images than when '{folder}' was begun ({data.dataset.sizes}, then "
            f"{settings['images']}); bring them back, or start a new run."
        )
    with locked(run_folder.lock):
        return _train(recipe, data, run_folder, settings)


def _recipe_of(settings: dict[str, Any], folder: RunFolder) -> Recipe:
    saved = settings["recipe"]
    if not isinstance(saved, dict) or set(saved) != {field.name for field in dataclasses.fields(Recipe)}:
        raise ClassicsError(f"'{folder.recipe}' holds no recipe of this version; start a new run.")
    recipe = get_recipe(saved["name"])
    changed = ClassicsError(f"The recipe '{recipe.name}' has changed since '{folder.path}' was begun; start a new run.")
    try:
        recipe = recipe.replace(**{key: saved[key] for key in ("epochs", "batch_size", "hold_out", "pixels", "build")})
    except TypeError:
        raise changed from None
    if json.loads(json.dumps(recipe.as_dict())) != saved:
        raise changed
    return recipe


def _train(recipe: Recipe, data: RunData, folder: RunFolder, settings: dict[str, Any]) -> pathlib.Path:
    keras.utils.set_random_seed(settings["seed"])
    epochs = math.ceil(recipe.epochs)
    history = folder.last_state(say)
    numbers = numbers_of(recipe, data.dataset, folder, say)
    if history:
        mend_models(recipe, folder, history, say, numbers)
    if len(history) < epochs:
        for line in plan(recipe, data, folder, len(history)):
            say(line)
        _fit(recipe, data, folder, settings["seed"], history, epochs, numbers)
    say(f"Judging the last epoch and the best, epoch {best_epoch(history)}, and exporting the best.")
    with _resumable(folder):
        metrics = judge(recipe, data, folder, history)
    metrics["settings"] = {key: settings[key] for key in ("recipe", "data", "seed")}
    metrics |= environment()
    folder.finish(metrics)
    if settings["record"]:
        write_json(RESULTS / f"{recipe.name}.json", metrics)
    return folder.path


def _fit(
    recipe: Recipe,
    data: RunData,
    folder: RunFolder,
    seed: int,
    history: History,
    epochs: int,
    numbers: Numbers | None,
) -> None:
    """Trains from the end of `history`, to which it adds, until there are `epochs`."""
    dataset = whitened(recipe, data.dataset, numbers)
    if history:
        model = folder.load_model(folder.checkpoint(len(history)), len(history), compile=True)
    else:
        model = network(recipe, seed)
    stream, steps = train_batches(recipe, dataset, model, seed, first_epoch=len(history))
    if not history:
        model.compile(**compile_arguments(recipe, steps))
    validated = count_images(recipe, data.dataset).validation > 0
    made = _replayed(callbacks(recipe, validated), model, history)
    on_terminal = os.isatty(1)
    try:
        with _resumable(folder):
            model.fit(
                stream,
                steps_per_epoch=steps,
                initial_epoch=len(history),
                epochs=epochs,
                validation_data=validation_batches(recipe, dataset, model),
                callbacks=[
                    *made,
                    EpochWriter(folder, history, shipped_form(recipe, numbers)),
                    Progress(history, on_terminal),
                ],
                verbose=1 if on_terminal else 0,  # Keras' bar; `Progress` says the rest
                shuffle=False,  # the stream is shuffled
            )
    except KeyboardInterrupt:
        raise ClassicsError(
            f"Stopped after {len(history)} of {epochs} epochs. Go on with: {folder.resume_command}"
        ) from None


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

    def __init__(self, folder: RunFolder, history: History, shipped: keras.Model):
        super().__init__()
        self.folder, self.history, self.shipped = folder, history, shipped

    def on_epoch_begin(self, epoch, logs=None):
        self._began = time.perf_counter()

    def on_epoch_end(self, epoch, logs=None):
        # With auxiliary heads Keras names the output as well: what is told is what the predictions reach.
        logs = {k.replace("predictions_accuracy", "accuracy"): float(v) for k, v in (logs or {}).items()}
        row = {"epoch": epoch + 1, **logs}
        row["learning_rate"] = float(keras.ops.convert_to_numpy(self.model.optimizer.learning_rate))
        row["seconds"] = round(time.perf_counter() - self._began, 2)
        if not math.isfinite(row["loss"]):
            raise ClassicsError(
                f"The loss is no longer a number in epoch {epoch + 1}: the learning rate is too high for this data. "
                f"'{self.folder.path}' holds what was before."
            )
        self.history.append(row)
        copy_weights(self.model, self.shipped)
        self.folder.save_model(self.shipped, self.folder.last, self.history)
        if best_epoch(self.history) == epoch + 1:
            self.folder.save_model(self.shipped, self.folder.best, self.history)
        self.folder.save_state(self.model, self.history)


def _replayed(made: list[keras.callbacks.Callback], model, history: History) -> list[keras.callbacks.Callback]:
    """The callbacks in the state in which they were after `history`."""
    for callback in made:
        callback.set_model(model)
        callback.on_train_begin()
        for row in history:
            callback.on_epoch_end(int(row["epoch"]) - 1, {k: v for k, v in row.items() if k != "learning_rate"})
    return made
