"""What a run says: before it starts, in its first epoch and after each."""

import math
import time
from collections.abc import Iterator

import keras

from keras_classics.zoo import get_model
from training.augment.whitening import RULES
from training.departures import is_of_held_out
from training.pipeline import count_images, has_validation_split
from training.recipe import Recipe
from training.run_data import WORDS, RunData
from training.run_folder import History, RunFolder

MEASURED = 3.0  # seconds of the first epoch from which its length is told


def say(line: str) -> None:
    """Prints a line at once, into a pipe as well."""
    print(line, flush=True)


def plan(recipe: Recipe, data: RunData, folder: RunFolder, done: int) -> Iterator[str]:
    """What will be done, in lines, after `done` epochs."""
    variant, dataset = get_model(recipe.model), data.dataset
    images = count_images(recipe, dataset)
    size = f"{variant.image_size}x{variant.image_size} pixels"
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
        f", {done} are done." if done else "."
    )
    yield f"{recipe.optimizer}; learning rate {recipe.schedule}; loss: {recipe.loss}."
    if recipe.pixels in RULES:
        yield f"The pixels: {RULES[recipe.pixels]}."
    if recipe.augment:
        yield f"Each image: {', '.join(map(str, recipe.augment))}."
    for departure in recipe.departures:
        if not is_of_held_out(departure) or (images.validation and not has_validation_split(dataset)):
            yield f"departure: {departure}"
    yield f"All goes into {folder.path}. Stopped, it goes on with: {folder.resume_command}"


class Progress(keras.callbacks.Callback):
    """Tells after each epoch, in a line, what it reached and how long is left; and without a terminal, where Keras'
    bar does not, in the first epoch how long it takes."""

    def __init__(self, history: History, on_terminal: bool):
        super().__init__()
        self.history, self.told = history, on_terminal

    def on_epoch_begin(self, epoch, logs=None):
        self._first_step = None

    def on_train_batch_end(self, batch, logs=None):
        if self.told:
            return
        now = time.perf_counter()
        if self._first_step is None:
            self._first_step = batch, now  # the step before compiled the network
        elif now - self._first_step[1] > MEASURED:
            batches, seconds = batch - self._first_step[0], now - self._first_step[1]
            epoch = seconds / batches * self.params["steps"]
            epochs_left = self.params["epochs"] - len(self.history)
            say(f"An epoch takes about {_words(epoch)}, what is left about {_words(epoch * epochs_left)}.")
            self.told = True

    def on_epoch_end(self, epoch, logs=None):
        self.told = True
        row, epochs = self.history[-1], self.params["epochs"]
        reached = [f"loss {row['loss']:.4g}"]
        if "accuracy" in row:
            reached.append(f"training error {100 * (1 - row['accuracy']):.2f}%")
        if "val_accuracy" in row:
            reached.append(f"validation error {100 * (1 - row['val_accuracy']):.2f}%")
        left = (epochs - len(self.history)) * row["seconds"]
        line = f"epoch {len(self.history)} of {epochs}: {', '.join(reached)}, {_words(row['seconds'])}"
        say(line + (f", about {_words(left)} left" if left else ""))


def _words(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s" if seconds >= 10 else f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
