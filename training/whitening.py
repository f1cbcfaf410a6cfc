"""Runs whose pixels are whitened: the numbers in the run folder, and the data."""

import dataclasses
import os
from collections.abc import Callable

from keras_classics.datasets import Dataset
from keras_classics.errors import ClassicsError
from keras_classics.feed import Feed, feed_of_default
from keras_classics.zoo import get_model
from training.augment.whitening import AT_ONCE, RULES, Numbers
from training.pipeline import training_images
from training.recipe import Recipe
from training.run_folder import RunFolder


def check_whitening(recipe: Recipe, feed: Feed) -> None:
    """Raises a ClassicsError if pixels are whitened and the network does not read its pictures from edge to edge, or
    not as the record has them, for which the numbers are fitted."""
    if recipe.pixels not in RULES:
        return
    if feed.resize_size != feed.image_size:
        raise ClassicsError(
            f"{recipe.model} reads its pictures with a margin, and they are whitened only from edge to edge; set "
            "pixels=normalized."
        )
    fitted_for = feed_of_default(get_model(recipe.model))
    if (feed.image_size, feed.channels) != (fitted_for.image_size, fitted_for.channels):
        side, channels = fitted_for.image_size, fitted_for.channels
        raise ClassicsError(
            f"Pictures of {recipe.model} are whitened at {side}x{side}x{channels} alone, and the network reads others; "
            "set pixels=normalized, or leave build.input_shape as it is."
        )


def numbers_of(recipe: Recipe, data: Dataset, folder: RunFolder, say: Callable[[str], None]) -> Numbers | None:
    """The fitted numbers of the recipe's whitening, from the run folder; None without whitening.

    Where they are not there or damaged, they are fitted and written.
    """
    if recipe.pixels not in RULES:
        return None
    if (numbers := folder.read_whitening()) is None:
        numbers = fitted(recipe, data, say)
        folder.write_whitening(numbers)
    return numbers


def fitted(recipe: Recipe, data: Dataset, say: Callable[[str], None]) -> Numbers:
    """The numbers of the recipe's whitening, fitted on the images that are trained on."""
    feed = feed_of_default(get_model(recipe.model))
    say(f"Fitting {RULES[recipe.pixels]} on the images to train on.")
    return RULES[recipe.pixels].fit(training_images(recipe, data).map(feed.fit))


def whitened(recipe: Recipe, data: Dataset, numbers: Numbers | None) -> Dataset:
    """The data with its images of the network's size and whitened, float32; as it is where there are no numbers."""
    import tensorflow as tf

    if numbers is None:
        return data
    rule, feed = RULES[recipe.pixels], feed_of_default(get_model(recipe.model))

    def decode(path):
        return rule.whiten(feed.fit(data.decode(path))[tf.newaxis], numbers)[0]

    if data.files is not None:  # which are shuffled as a whole, and left out where they cannot be read
        return dataclasses.replace(data, decode=decode, decode_window=None)

    def stored(split):
        stream = data.split(split).map(lambda image, label: (feed.fit(image), label), os.cpu_count())
        stream = stream.batch(AT_ONCE)  # for a matrix is multiplied by many images as fast as by a few
        stream = stream.map(lambda images, labels: (rule.whiten(images, numbers), labels))
        return stream.unbatch().apply(tf.data.experimental.assert_cardinality(data.sizes[split]))

    return dataclasses.replace(data, stored=stored, decode=lambda image: image)
