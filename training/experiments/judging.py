"""What is measured of a network that an experiment has trained."""

import math
from typing import Any

from keras_classics import evaluation
from training.experiments.measures import CHANCE, TRAINING_ERROR, VALIDATION_ERROR
from training.recipe import Recipe
from training.run_data import RunData
from training.run_folder import RunFolder
from training.state import History


def judge(recipe: Recipe, data: RunData, folder: RunFolder, history: History) -> dict[str, Any]:
    """The metrics of the last epoch, in percent and nats, on the images as they are; errors of training images are
    not those of the curve, which are of a network that changes, and of augmented images."""
    model = folder.load_model(folder.last, len(history))
    test = evaluation.evaluate(model, data.dataset, verbose=0)
    train = evaluation.evaluate(model, data.dataset, split="train", verbose=0)
    return {
        "test_error": round(test.top1, 4),
        "train_error": round(train.top1, 4),
        "gap": round(test.top1 - train.top1, 4),
        "test_loss": round(test.loss, 5),
        "train_loss": round(train.loss, 5),
        "calibration_error": round(100 * test.calibration_error, 4),
    }


def of_diverged(classes: int) -> dict[str, float]:
    """The metrics of a run that diverged: those of a network that guesses."""
    error, loss = 100 - 100 / classes, math.log(classes)
    errors = {"test_error": error, "train_error": error, "gap": 0.0, "calibration_error": 0.0}
    return errors | {"test_loss": loss, "train_loss": loss}


def curves(history: History, diverged_before: int = 0) -> dict[str, list[float]]:
    """The errors by epoch, in percent; those of a network that guesses for what is missing of so many epochs, which the
    training did not reach because it diverged."""
    names = {TRAINING_ERROR: "accuracy", VALIDATION_ERROR: "val_accuracy"}
    made = {
        name: [round(100 * (1 - row[key]), 3) for row in history]
        for name, key in names.items()
        if not history or key in history[0]
    }
    return {name: curve + [CHANCE] * (diverged_before - len(curve)) for name, curve in made.items()}
