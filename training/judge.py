"""Judging a finished training: which model ships, its errors, its pictures and its exports."""

import math
import pathlib
import shutil
from collections.abc import Callable, Sequence
from typing import Any

import keras
import numpy as np

from keras_classics import evaluation, exporting, feed
from keras_classics.datasets import Dataset
from keras_classics.errors import ClassicsError
from keras_classics.files import atomic_write, remove
from keras_classics.hub_folder import name_classes
from keras_classics.plots import confusion, curves
from keras_classics.spec import ONE_CROP, REPOSITORY
from keras_classics.variant import Variant
from keras_classics.zoo import get_model
from training.augment.whitening import ZCA_LAYER, Numbers
from training.average import averaged
from training.networks import shipped_network
from training.recipe import Recipe
from training.run_data import RunData
from training.run_folder import RunFolder
from training.seal import is_whole
from training.state import History

AGREEMENT_IMAGES = 1000  # test images on which the exports are held against the Keras model
TOLERANCE = 1e-3  # the greatest difference of a probability that still counts as agreement


def best_epoch(history: History) -> int:
    """The epoch with the lowest error on the validation images, or without any the lowest loss; the first of equals."""
    key = (lambda row: -row["val_accuracy"]) if "val_accuracy" in history[0] else (lambda row: row["loss"])
    return int(min(history, key=key)["epoch"])


def shipped_epoch(folder: RunFolder, history: History) -> int:
    """The epoch whose weights best.keras is to hold: the best, or the last where that took a damaged one's place."""
    return len(history) if folder.holds(folder.best, len(history)) else best_epoch(history)


def replace_damaged_best(folder: RunFolder, history: History, say: Callable[[str], None]) -> None:
    """Before a run that is trained is judged, where best.keras is damaged and cannot be made again: puts last.keras in
    its place, and says so."""
    if folder.holds(folder.best, best_epoch(history)) or folder.metrics.exists():
        return
    if folder.holds(folder.last, len(history)):
        with atomic_write(folder.best) as temporary:
            shutil.copyfile(folder.last, temporary)
        say(
            f"'{folder.best}' of epoch {best_epoch(history)} was damaged and cannot be made again: the last epoch is "
            "judged and shipped in the place of the best."
        )


def is_trained(recipe: Recipe, history: History) -> bool:
    """Whether no epoch is left: all are done, the error that was to be reached is reached, or there was no better one
    for as many as early stopping waits."""
    if len(history) >= math.ceil(recipe.epochs) or reached_target(recipe, history):
        return True
    waits, head_epochs = recipe.early_stopping, recipe.tuning.head_epochs if recipe.tuning else 0
    return bool(history) and waits is not None and len(history) - max(best_epoch(history), head_epochs) >= waits


def reached_target(recipe: Recipe, history: History) -> bool:
    """Whether the last epoch has no more errors than the recipe's `target_error`."""
    if recipe.target_error is None or not history:
        return False
    accuracy = history[-1].get("val_accuracy", history[-1]["accuracy"])
    return 100 * (1 - accuracy) <= recipe.target_error


def shipped_form(recipe: Recipe, class_names: Sequence[str], numbers: Numbers | None = None) -> keras.Model:
    """The network in the form that is judged and shipped: as trained, without what only the training needs, and with
    its classes' names. Where pixels are whitened, by these `numbers`, it does that itself."""
    of_training = ("classifier_activation", "aux_heads", "drop_path", "remat")
    build = {k: v for k, v in recipe.build.items() if k not in of_training}
    shipped = shipped_network(recipe, build, numbers)
    name_classes(shipped, class_names)
    return shipped


def copy_weights(trained: keras.Model, shipped: keras.Model) -> None:
    """Gives each layer of the shipped form the weights of the trained one's layer of that name, averaged where it is
    compiled so."""
    with averaged(trained):
        for layer in shipped.layers:
            if layer.weights and layer.name != ZCA_LAYER:
                layer.set_weights(trained.get_layer(layer.name).get_weights())


def mend_models(
    recipe: Recipe,
    class_names: Sequence[str],
    folder: RunFolder,
    history: History,
    say: Callable[[str], None],
    numbers: Numbers | None = None,
) -> None:
    """Makes last.keras and best.keras, where they are damaged or a run was stopped before it wrote them, again from the
    checkpoints of their epochs."""
    for path, epoch in _models(folder, history).values():
        checkpoint = folder.checkpoint(epoch)
        if folder.holds(path, epoch):
            continue
        whole = is_whole(path)
        if folder.holds(checkpoint, epoch):
            shipped = shipped_form(recipe, class_names, numbers)
            copy_weights(folder.load_model(checkpoint, epoch, compile=True), shipped)
            folder.save_model(shipped, path, history[:epoch])
            fault = "of another epoch" if whole else "damaged"
            say(f"'{path}' was {fault}; it was made again from {checkpoint.name}.")
        elif folder.checkpoints() and not is_trained(recipe, history):
            later = "a better" if path == folder.best else "the next"
            say(f"'{path}' of epoch {epoch} is damaged, and that epoch's checkpoint gone; {later} epoch replaces it.")


def _models(folder: RunFolder, history: History) -> dict[str, tuple[pathlib.Path, int]]:
    """The models that are judged: their files, and the epochs whose weights these hold. The best ships."""
    return {"last": (folder.last, len(history)), "best": (folder.best, shipped_epoch(folder, history))}


def papers_error(recipe: Recipe) -> float | None:
    """The top-1 error that the paper reports for such a training of the network's form, in percent, of one crop if it
    does; None where it reports none, whatever its authors' repository tells, and of a fine-tuning."""
    if recipe.tuning is not None:
        return None
    network = get_model(recipe.model)
    form = {name: value for name, value in recipe.build.items() if name in network.options}
    rows = [
        row
        for row in network.with_options(**form).reported
        if row.dataset == recipe.dataset and recipe.reported in (None, row.note) and row.source != REPOSITORY
    ]
    return next((row.top1 for row in rows if row.views == ONE_CROP), rows[0].top1 if rows else None)


def judge(recipe: Recipe, data: RunData, folder: RunFolder, history: History) -> dict[str, Any]:
    """Errors of the last and the best epoch; and of the best, which ships, the pictures and the exports.

    Args:
        recipe: what was trained.
        data: what it was trained and is judged on.
        folder: that holds the models, and is given the pictures and the exports.
        history: of the training.

    Raises:
        ClassicsError: if a model is damaged, or an export does not agree with it.
    """
    variant, dataset = get_model(recipe.model), data.dataset
    models = {which: folder.load_model(path, epoch) for which, (path, epoch) in _models(folder, history).items()}
    results = {which: evaluation.evaluate(model, dataset, verbose=0) for which, model in models.items()}
    best = results["best"]
    paper = papers_error(recipe) if data.is_of(recipe.dataset) else None
    title = f"{recipe.name} on {dataset.name}"
    curves.draw(history, folder.curves, title, paper)
    shipped = shipped_epoch(folder, history)
    confusion.draw(
        best.confusion, dataset.class_names, folder.confusion, f"{title}, epoch {shipped}: {best.top1:.2f}% error"
    )
    damaged = {} if shipped == best_epoch(history) else {"damaged_epoch": best_epoch(history)}
    return {
        "model": recipe.model,
        "class_names": list(dataset.class_names),
        "test_split": data.judged_on,
        "test_images": dataset.sizes[dataset.judged_split],
        "train_images": dataset.sizes["train"],
        "epochs": len(history),
        "best_epoch": shipped,
        **damaged,
        "training_seconds": round(sum(row["seconds"] for row in history), 1),
        "paper_top1_error": paper,
        **{which: _errors(result) for which, result in results.items()},
        "exports": _export(models["best"], variant, dataset, folder),
    }


def _errors(result: evaluation.Evaluation) -> dict[str, float]:
    return {"top1_error": round(result.top1, 4), "top5_error": round(result.top5, 4)}


def _export(model: keras.Model, variant: Variant, data: Dataset, folder: RunFolder) -> dict[str, Any]:
    """Exports the model so that it takes pixels and tells the classes' names, in the place of what was there, and runs
    each export on test images.

    Returns:
        For each export, by the name of its file, how it agrees with the model.
    """
    shipped = exporting.with_preprocessing(model, variant.normalization)
    examples = data.split(data.judged_split).take(AGREEMENT_IMAGES)
    batches = feed.batches(examples, shipped, variant, 100).as_numpy_iterator()
    images = np.concatenate([images for images, _ in batches])
    agreements = {}
    for to, path in folder.exports.items():
        remove(path)
        exporting.export(shipped, path, to, class_names=data.class_names, overwrite=True)
        agreement = exporting.compare(shipped, path, images)
        if not agreement.max_abs_error <= TOLERANCE:
            raise ClassicsError(f"'{path}' does not agree with the Keras model: {agreement}. Please report this.")
        agreements[path.name] = vars(agreement)
    return agreements
