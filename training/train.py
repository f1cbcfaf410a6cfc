"""Runs: a recipe carried out in a folder that holds all that came of it."""

import csv
import json
import math
import os
import pathlib
import time
from typing import Any

import keras
import numpy as np

from keras_classics import datasets, evaluate, export, feed, plots
from keras_classics.environment import environment
from keras_classics.errors import ClassicsError
from keras_classics.files import atomic_write
from keras_classics.variant import Variant, deep_graph
from keras_classics.zoo import get_model
from training.compile import callbacks, compile_arguments
from training.pipeline import train_batches, validation_batches
from training.recipe import Recipe
from training.recipes import get_recipe

RESULTS = pathlib.Path(__file__).with_name("results")
AGREEMENT_IMAGES = 1000  # test images on which the exports are held against the Keras model
TOLERANCE = 1e-3  # the greatest difference of a probability that still counts as agreement


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
        data_name: other data than the recipe's, as `datasets.load` takes it.
        data_dir: where tensorflow-datasets keeps its data.
        out: the run folder, which must not exist; by default a new one in "runs".
        seed: of the weights, the order of the images and their augmentation.
        record: whether to write the metrics into `training/results` as well.

    Returns:
        The run folder: recipe.json, history.csv, metrics.json, curves.png, confusion.png, best.keras, last.keras,
        saved_model/ and model.tflite. While it trains, checkpoint-<epoch>.keras holds the state to resume from.

    Raises:
        ClassicsError: before any time is spent, if the data is not there or does not fit, or the folder exists or
            cannot be written.
    """
    data_name = data_name or recipe.dataset
    data = datasets.load(data_name, data_dir)
    data.check_classes(recipe.build.get("classes", get_model(recipe.model).classes), recipe.model)
    folder = _new_folder(out, recipe.name)
    settings = {
        "recipe": recipe.as_dict(),
        "data": data_name,
        "data_dir": None if data_dir is None else str(data_dir),
        "seed": seed,
        "record": record,
    }
    _write_json(folder / "recipe.json", settings)
    return _train(recipe, data, folder, settings)


def resume(folder: str | pathlib.Path, data_dir: str | None = None) -> pathlib.Path:
    """Goes on with a run that was stopped, from the end of its last whole epoch; a finished one is judged anew.

    Raises:
        ClassicsError: if the folder holds no run, or its recipe is no longer known.
    """
    folder = pathlib.Path(folder)
    settings = read_settings(folder)
    saved = settings["recipe"]
    recipe = get_recipe(saved["name"])
    recipe = recipe.replace(**{key: saved[key] for key in ("epochs", "batch_size", "hold_out", "build")})
    if json.loads(json.dumps(recipe.as_dict())) != saved:
        raise ClassicsError(f"The recipe '{recipe.name}' has changed since '{folder}' was begun; start a new run.")
    data = datasets.load(settings["data"], data_dir or settings["data_dir"])
    return _train(recipe, data, folder, settings)


def read_settings(folder: str | pathlib.Path) -> dict[str, Any]:
    """The contents of a run's recipe.json.

    Raises:
        ClassicsError: if the folder holds none.
    """
    path = pathlib.Path(folder, "recipe.json")
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, json.JSONDecodeError) as error:
        raise ClassicsError(f"'{folder}' is not a run folder: it has no readable recipe.json.") from error


def _train(recipe: Recipe, data: datasets.Dataset, folder: pathlib.Path, settings: dict[str, Any]) -> pathlib.Path:
    variant, seed = get_model(recipe.model), settings["seed"]
    keras.utils.set_random_seed(seed)
    history = read_history(folder)
    epochs = math.ceil(recipe.epochs)
    if len(history) < epochs:
        _fit(recipe, variant, data, folder, seed, history, epochs)
    metrics = _judge(recipe, variant, data, folder, history)
    metrics["settings"] = {key: settings[key] for key in ("recipe", "data", "seed")}
    metrics |= environment()
    _write_json(folder / "metrics.json", metrics)
    _checkpoint(folder, epochs).unlink(missing_ok=True)
    if settings["record"]:
        _write_json(RESULTS / f"{recipe.name}.json", metrics)
    return folder


def _fit(recipe, variant: Variant, data, folder: pathlib.Path, seed: int, history: list[dict[str, float]], epochs: int):
    """Trains from the end of `history`, to which it adds, until there are `epochs`."""
    if history:
        with deep_graph():
            model = keras.saving.load_model(_checkpoint(folder, len(history)))
    else:
        model = variant(seed=seed, **recipe.build)
    stream, steps = train_batches(recipe, data, model, seed, first_epoch=len(history))
    if not history:
        model.compile(**compile_arguments(recipe, steps))
    writer = EpochWriter(folder, history, _shipped(recipe))
    try:
        model.fit(
            stream,
            steps_per_epoch=steps,
            initial_epoch=len(history),
            epochs=epochs,
            validation_data=validation_batches(recipe, data, model),
            callbacks=[*_replayed(callbacks(recipe), model, history), writer],
            verbose=_verbose(),
            shuffle=False,  # the stream is shuffled
        )
    except KeyboardInterrupt:
        raise ClassicsError(
            f"Stopped after {len(history)} of {epochs} epochs. Go on with: python -m training resume {folder}"
        ) from None


def _verbose() -> int:
    """Keras' progress bar on a terminal; else a line an epoch."""
    return 1 if os.isatty(1) else 2


def _shipped(recipe: Recipe) -> keras.Model:
    """The network in the form that is judged and shipped: as trained, without what only the training needs."""
    build = {k: v for k, v in recipe.build.items() if k not in ("classifier_activation", "aux_heads", "drop_path")}
    return get_model(recipe.model)(**build)


def _checkpoint(folder: pathlib.Path, epoch: int) -> pathlib.Path:
    return folder / f"checkpoint-{epoch}.keras"


class EpochWriter(keras.callbacks.Callback):
    """After each epoch: the trained weights in the `shipped` form of the network, as last.keras and, if it is the best,
    as best.keras; the state to resume from; and history.csv, whose rows are what counts as done."""

    def __init__(self, folder: pathlib.Path, history: list[dict[str, float]], shipped: keras.Model):
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
                f"'{self.folder}' holds what was before."
            )
        self.history.append(row)
        for layer in self.shipped.layers:
            if layer.weights:
                layer.set_weights(self.model.get_layer(layer.name).get_weights())
        names = ["last.keras", "best.keras"] if best_epoch(self.history) == row["epoch"] else ["last.keras"]
        for name in names:
            with atomic_write(self.folder / name) as path:
                self.shipped.save(path)
        with atomic_write(_checkpoint(self.folder, row["epoch"])) as path:
            self.model.save(path)
        with atomic_write(self.folder / "history.csv") as path, open(path, "w", newline="") as file:
            writer = csv.DictWriter(file, list(row))
            writer.writeheader()
            writer.writerows(self.history)
        _checkpoint(self.folder, row["epoch"] - 1).unlink(missing_ok=True)


def best_epoch(history: list[dict[str, float]]) -> int:
    """The epoch with the lowest error on the held-out images, or without any the lowest loss; the first of equals."""
    key = (lambda row: -row["val_accuracy"]) if "val_accuracy" in history[0] else (lambda row: row["loss"])
    return int(min(history, key=key)["epoch"])


def read_history(folder: pathlib.Path) -> list[dict[str, float]]:
    """The rows of a run's history.csv; none if no epoch has ended."""
    path = folder / "history.csv"
    if not path.exists():
        return []
    with open(path, newline="") as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def _replayed(made: list[keras.callbacks.Callback], model, history) -> list[keras.callbacks.Callback]:
    """The callbacks in the state in which they were after `history`."""
    for callback in made:
        callback.set_model(model)
        callback.on_train_begin()
        for row in history:
            callback.on_epoch_end(int(row["epoch"]) - 1, {k: v for k, v in row.items() if k != "learning_rate"})
    return made


def _judge(recipe, variant: Variant, data, folder: pathlib.Path, history) -> dict[str, Any]:
    """Errors of the best and the last epoch, the pictures, the exports and their agreement."""
    metrics: dict[str, Any] = {
        "model": recipe.model,
        "class_names": list(data.class_names),
        "test_split": data.judged_split,
        "test_images": data.sizes[data.judged_split],
        "train_images": data.sizes["train"],
        "epochs": len(history),
        "best_epoch": best_epoch(history),
        "training_seconds": round(sum(row["seconds"] for row in history), 1),
        "paper_top1_error": next((r.top1 for r in variant.reported if r.dataset == recipe.dataset), None),
    }
    for which in ("last", "best"):
        with deep_graph():
            model = keras.saving.load_model(folder / f"{which}.keras", compile=False)
        result = evaluate.evaluate(model, data, variant, verbose=0)
        metrics[which] = {"top1_error": round(result.top1, 4), "top5_error": round(result.top5, 4)}
    title = f"{recipe.name} on {data.name}"
    plots.curves(history, folder / "curves.png", title, metrics["paper_top1_error"])
    plots.confusion(
        result.confusion, data.class_names, folder / "confusion.png", f"{title}, best epoch: {result.top1:.2f}% error"
    )
    metrics["exports"] = _ship(model, variant, data, folder)
    return metrics


def _ship(model, variant, data, folder) -> dict[str, Any]:
    """Exports the best model so that it takes pixels, and runs each export on test images."""
    shipped = export.with_preprocessing(model, variant.normalization)
    images = np.concatenate(
        [
            images
            for images, _ in feed.batches(
                data.split(data.judged_split).take(AGREEMENT_IMAGES), shipped, variant, 100
            ).as_numpy_iterator()
        ]
    )
    agreements = {}
    for to, name in (("saved_model", "saved_model"), ("tflite", "model.tflite")):
        path = folder / name
        if not path.exists():
            export.export(shipped, path, to)
        agreement = export.compare(shipped, path, images)
        if agreement.max_abs_error > TOLERANCE:
            raise ClassicsError(f"'{path}' does not agree with the Keras model: {agreement}. Please report this.")
        agreements[name] = vars(agreement)
    return agreements


def _new_folder(out, name) -> pathlib.Path:
    """Makes the run folder: `out`, which must be new, or the first free of runs/<name>, runs/<name>-2, ..."""
    folder = pathlib.Path(out or pathlib.Path("runs", name))
    number = 1
    while out is None and folder.exists():
        number += 1
        folder = pathlib.Path("runs", f"{name}-{number}")
    try:
        folder.mkdir(parents=True)
        (folder / ".writable").touch()
        (folder / ".writable").unlink()
    except FileExistsError:
        raise ClassicsError(
            f"'{folder}' exists, and runs are never overwritten. Choose another --out, or go on with it: "
            f"python -m training resume {folder}"
        ) from None
    except OSError as error:
        raise ClassicsError(
            f"Cannot make the run folder '{folder}' ({error.strerror}). Choose another --out."
        ) from None
    return folder


def _write_json(path, value):
    with atomic_write(path) as temporary:
        temporary.write_text(json.dumps(value, indent=2) + "\n", "utf-8")
