"""From a data set to the batches that a recipe trains on."""

import math
from dataclasses import dataclass

import keras

from keras_classics import feed
from keras_classics.datasets import Dataset
from keras_classics.errors import ClassicsError
from keras_classics.zoo import get_model
from training.recipe import Recipe
from training.steps import augmentation_steps, batch_steps

SHUFFLE_BUFFER = 16_384  # stored images, where a data set is too large to be shuffled as a whole


@dataclass(frozen=True)
class Images:
    """How many images a run trains on, chooses its best epoch by (0 for none) and is judged on."""

    train: int
    validation: int
    test: int


def count_images(recipe: Recipe, data: Dataset) -> Images:
    """How many images of the data are for what."""
    train, test = data.sizes["train"], data.sizes[data.judged_split]
    if has_validation_split(data):
        return Images(train, data.sizes["validation"], test)
    held_out = train // recipe.hold_out if recipe.hold_out else 0
    return Images(train - held_out, held_out, test)


def has_validation_split(data: Dataset) -> bool:
    """Whether the data has images to choose the best epoch by, beside those that the run is judged on."""
    return "validation" in data.sizes and data.judged_split != "validation"


def train_batches(recipe: Recipe, data: Dataset, model: keras.Model, seed: int = 0, first_epoch: int = 0):
    """The training batches of all epochs from `first_epoch` on, one epoch after the other, without end.

    The order and the augmentation of an epoch follow from `seed` and the epoch alone, so a run that is resumed sees
    what it would have seen.

    Returns:
        A `tf.data.Dataset` of (images, labels), and the number of batches in an epoch: `model.fit`'s `steps_per_epoch`.
        The labels are indices, or soft ones (N, classes) where `recipe.augment_batch` mixes them; a dict of them, by
        output, where the model has auxiliary heads.

    Raises:
        ClassicsError: if the data has other classes than the model, or no image is left to train on.
    """
    import tensorflow as tf

    data.check_classes(feed.classes_of(model), model.name)
    images = count_images(recipe, data).train
    if images <= 0:
        raise ClassicsError(f"{data.name} has no training images left beside those held out; hold out fewer.")
    variant = get_model(recipe.model)
    made = feed.feed_of(model, variant)
    stored = training_examples(recipe, data)

    def augment(seeds, image, label):
        image = image if data.in_memory else data.decode(image)
        return augmentation_steps(recipe, made, image, seeds)[-1].image, label

    def finish(seeds, images, labels):
        steps, labels = batch_steps(recipe, images, labels, seeds, feed.classes_of(model))
        images = steps[-1].image if steps else images
        return made.model_input(images), _for_outputs(model, labels)

    def epoch_batches(epoch):
        stream = shuffled(data, stored, images, key_of(seed, epoch)).map(
            lambda i, example: augment(tf.stack([key_of(seed, epoch), i]), *example),
            tf.data.AUTOTUNE,
            deterministic=True,
        )
        batches = stream.batch(recipe.batch_size).enumerate()
        return batches.map(lambda number, batch: finish(tf.stack([key_of(seed, epoch), -1 - number]), *batch))

    stream = tf.data.Dataset.counter(first_epoch).flat_map(epoch_batches)
    return stream.prefetch(tf.data.AUTOTUNE), math.ceil(images / recipe.batch_size)


def key_of(seed: int, epoch):
    """The number from which the order and the augmentation of an epoch follow: no two epochs of two seeds share it."""
    return seed * 1_000_003 + epoch


def training_examples(recipe: Recipe, data: Dataset):
    """The (stored image, label) that are trained on, in the order in which they are stored; in memory if they fit."""
    stored = _examples(recipe, data, held_out=False)
    return stored.cache() if data.in_memory else stored


def shuffled(data: Dataset, stored, images: int, key):
    """So many training examples `stored`, as (place, example), in the order of a key; for a `tf.data` function."""
    import tensorflow as tf

    tf.compat.v1.set_random_seed(1)  # of this function's graph: the order then follows from `key` alone
    return stored.shuffle(min(images, images if data.in_memory else SHUFFLE_BUFFER), key).enumerate()


def validation_batches(recipe: Recipe, data: Dataset, model: keras.Model):
    """The images that choose the best epoch, as batches of (images, labels) in a fixed order; None without any.

    They are the data's own validation split, or else the training images that are held out.
    """
    import tensorflow as tf

    images = count_images(recipe, data).validation
    if not images:
        return None
    if has_validation_split(data):
        examples = data.split("validation")
    else:
        examples = _examples(recipe, data, held_out=True)
        if not data.in_memory:
            examples = examples.map(lambda image, label: (data.decode(image), label))
    stream = feed.batches(examples, model, get_model(recipe.model), recipe.batch_size)
    stream = stream.map(lambda images, labels: (images, _for_outputs(model, labels)))
    stream = stream.apply(tf.data.experimental.assert_cardinality(math.ceil(images / recipe.batch_size)))
    return stream.cache() if data.in_memory else stream


def _for_outputs(model, labels):
    """The labels as the model's losses take them: the same for the predictions and each auxiliary head."""
    return dict.fromkeys(model.output, labels) if isinstance(model.output, dict) else labels


def _examples(recipe, data, held_out):
    """The training images that are, or are not, held out: every so many-th. They are decoded if they fit in memory."""
    examples = data.split("train") if data.in_memory else data.records("train")
    if recipe.hold_out and not has_validation_split(data):
        examples = examples.enumerate().filter(lambda i, _: (i % recipe.hold_out == recipe.hold_out - 1) == held_out)
        examples = examples.map(lambda _, example: example)
    return examples
