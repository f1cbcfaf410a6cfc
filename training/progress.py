"""What a run says: before it starts, in its first epoch and after each."""

import math
import time
from collections.abc import Iterator

import keras

from keras_classics.model_card import held_out
from keras_classics.zoo import get_model
from training.augment.whitening import RULES
from training.judge import reached_target
from training.pipeline import count_images, has_validation_split
from training.recipe import Recipe
from training.run_data import WORDS, RunData
from training.run_folder import RunFolder
from training.state import History, Place

MEASURED = 3.0  # seconds of the first epoch from which its length is told
OFTEN = 60.0  # seconds from one word on an epoch's progress to the next


def say(line: str) -> None:
    """Prints a line at once, into a pipe as well."""
    print(line, flush=True)


def plan(recipe: Recipe, data: RunData, folder: RunFolder, done: Place) -> Iterator[str]:
    """What will be done, in lines, where so much is done."""
    dataset = data.dataset
    images = count_images(recipe, dataset)
    shape = recipe.build.get("input_shape") or (None,) * 3
    side = shape[1] or get_model(recipe.model).image_size  # a height or a width, which are alike
    size = f"{side}x{side} pixels"
    yield f"Training {recipe.model} on {data.name}, {len(dataset.class_names)} classes, pictures of {size}."
    if has_validation_split(dataset):
        chosen = f"{images.validation:,} validation images choose the best epoch"
    elif images.validation:
        chosen = f"{images.validation:,} more, held out, choose the best epoch"
    else:
        chosen = "the lowest training loss chooses the best epoch"
    yield f"{images.train:,} images to train on; {chosen}; judged on {images.test:,} {WORDS[data.judged_on]}."
    epochs, batches = math.ceil(recipe.epochs), math.ceil(images.train / recipe.batch_size)
    yield f"{epochs} epoch{'s' * (epochs > 1)} of {batches:,} batches of {recipe.batch_size}" + (
        f", {done.epochs} are done." if done.epochs else "."
    )
    if done.steps:
        yield f"It goes on from {done}."
    if recipe.accumulate > 1:
        yield (
            f"A batch is divided into {recipe.accumulate} parts of {recipe.part_size}, whose gradients are averaged "
            "for a step; batch norm sees one part at a time."
        )
    if tuning := recipe.tuning:
        yield f"It begins with the {tuning}; the classifier starts afresh."
        behind = f" behind {tuning.frozen}" if tuning.frozen else ""
        if tuning.head_epochs:
            yield f"Epochs 1 to {tuning.head_epochs} train the classifier alone, at a rate of {tuning.head_rate:g}."
        if tuning.head_epochs < epochs:
            yield f"Epochs {tuning.head_epochs + 1} to {epochs} train all layers{behind}, as follows."
    warm_up = f", from 0 in the first {recipe.warm_up:.4g} epochs" if recipe.warm_up else ""
    warm_up += ", which are more than are trained" * (recipe.warm_up > epochs)
    smoothed = f", {recipe.label_smoothing:g} of the target on all classes" if recipe.label_smoothing else ""
    rate = str(recipe.schedule) if images.validation else str(recipe.schedule).replace("validation", "training")
    yield f"{recipe.optimizer}; learning rate {rate}{warm_up}; loss: {recipe.loss}{smoothed}."
    if recipe.average is not None:
        yield f"Judged and shipped are running averages of the weights, which keep up to {recipe.average:g} at a step."
    if recipe.precision != "float32":
        yield f"The training computes in {recipe.precision}; what ships is float32."
    if recipe.early_stopping is not None:
        yield f"It ends before that when {recipe.early_stopping} epochs in a row brought no better one."
    if recipe.target_error is not None:
        yield f"It ends before that when an epoch's error is {recipe.target_error:g}% or less."
    if recipe.pixels in RULES:
        yield f"The pixels: {RULES[recipe.pixels]}."
    if recipe.augment:
        yield f"Each image: {', '.join(map(str, recipe.augment))}."
    for departure in recipe.departures:
        yield f"departure: {departure}"
    if images.validation and not has_validation_split(dataset):
        yield f"departure: {held_out(recipe.hold_out)}"
    yield f"All goes into {folder.path}. Stopped, it goes on with: {folder.resume_command}"


class Progress(keras.callbacks.Callback):
    """Tells after each epoch, in a line, what it reached and how long is left; and without a terminal, where Keras'
    bar does not, how long an epoch takes, and every minute how far it is."""

    def __init__(self, recipe: Recipe, history: History, on_terminal: bool):
        super().__init__()
        self.recipe, self.history, self.on_terminal, self.told = recipe, history, on_terminal, False

    def on_epoch_begin(self, epoch, logs=None):
        self._first_step, self._said = None, time.perf_counter()

    def on_train_batch_end(self, batch, logs=None):
        if self.on_terminal:
            return
        now = time.perf_counter()
        if self._first_step is None:
            self._first_step = batch, now  # the step before compiled the network
            return
        batches, seconds = batch - self._first_step[0], now - self._first_step[1]
        steps, epochs_left = self.params["steps"], self.params["epochs"] - len(self.history)
        epoch, done = seconds / batches * steps, (batch + 1) / steps
        if not self.told and seconds > MEASURED:
            say(f"An epoch takes about {words(epoch)}, what is left about {words(epoch * (epochs_left - done))}.")
            self.told = True
        elif now - self._said > OFTEN:
            say(
                f"epoch {len(self.history) + 1} of {self.params['epochs']}, {done:.0%}: loss {logs['loss']:.4g}, about "
                f"{words((1 - done) * epoch)} of it left, {words((epochs_left - done) * epoch)} in all"
            )
            self._said = now

    def on_epoch_end(self, epoch, logs=None):
        self.told = True
        row, epochs = self.history[-1], self.params["epochs"]
        reached = [f"loss {row['loss']:.4g}"]
        if "accuracy" in row:
            reached.append(f"training error {100 * (1 - row['accuracy']):.2f}%")
        if "val_accuracy" in row:
            reached.append(f"validation error {100 * (1 - row['val_accuracy']):.2f}%")
        left = (epochs - len(self.history)) * row["seconds"]
        line = f"epoch {len(self.history)} of {epochs}: {', '.join(reached)}, {words(row['seconds'])}"
        say(line + (f", about {words(left)} left" if left else ""))
        if self.model.stop_training and left:
            at_target = reached_target(self.recipe, self.history)
            why = "The error is reached" if at_target else "No better epoch came for as long as early stopping waits"
            say(f"{why}: the training ends here.")


def words(seconds: float) -> str:
    """A span of time."""
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
