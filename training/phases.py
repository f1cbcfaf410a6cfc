"""The parts of a training, in each of which an optimizer of its own trains the same weights: a fine-tuning has two."""

import dataclasses
import math
from dataclasses import dataclass

import keras

from keras_classics.fine_tuning import freeze
from training.recipe import Recipe, Steps


@dataclass(frozen=True)
class Phase:
    """A part of a training.

    Attributes:
        first: its first epoch, from 0.
        end: the epoch after its last.
        recipe: with the schedule, the warm-up and the number of epochs that are its own.
        head_alone: whether the classifier alone is trained.
    """

    first: int
    end: int
    recipe: Recipe
    head_alone: bool = False

    def freeze(self, model: keras.Model) -> None:
        """Freezes what is not trained in it, and nothing else. Compile the model after it."""
        if self.recipe.tuning is None:
            return
        for layer in model.layers:
            layer.trainable = True
        if self.head_alone:
            freeze(model)
        elif self.recipe.tuning.frozen is not None:
            freeze(model, self.recipe.tuning.frozen)


def phase_after(epochs: int, recipe: Recipe) -> Phase:
    """The one in which training goes on after so many epochs."""
    end, tuning = math.ceil(recipe.epochs), recipe.tuning
    if tuning is None:
        return Phase(0, end, recipe)
    head = tuning.head_epochs
    if epochs < head:
        rate = Steps((tuning.head_rate,))
        return Phase(0, head, dataclasses.replace(recipe, epochs=head, schedule=rate, warm_up=0.0), head_alone=True)
    return Phase(head, end, dataclasses.replace(recipe, epochs=recipe.epochs - head))
