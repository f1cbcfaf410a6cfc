"""What becomes of training images, operation by operation: training takes the last image, a contact sheet shows all."""

from typing import Any, NamedTuple

from keras_classics.feed import Feed
from training.augment import BatchOperation, Operation
from training.recipe import Recipe


class Step(NamedTuple):
    """An operation, the numbers that were drawn for it, and the image or images after it.

    `operation` is None where pictures are fitted to the network, because no operation takes them of any size.
    """

    operation: Operation | BatchOperation | None
    drawn: dict[str, Any]
    image: Any


def augmentation_steps(recipe: Recipe, feed: Feed, image, seeds, decode_window=None) -> list[Step]:
    """The steps from a picture (H, W, C) to an image of the network's size, float32, 0..255.

    Args:
        recipe: with the operations.
        feed: of the network.
        image: any size, 0..255; or as it is stored, where it is to be decoded by `decode_window`.
        seeds: two integers, of this image in this epoch.
        decode_window: the data set's, where the first operation is a crop: of the picture it alone is decoded.
    """
    import tensorflow as tf

    seeds = [tf.random.experimental.stateless_fold_in(seeds, i) for i in range(len(recipe.augment))]
    operations = list(zip(recipe.augment, seeds, strict=True))
    steps = []
    if decode_window:
        crop, seed = operations.pop(0)
        window, drawn = decode_window(image, lambda shape: crop.draw(shape, seed))
        steps.append(Step(crop, drawn, tf.cast(crop.resample(window, drawn), tf.float32)))
    elif not any(operation.takes_raw for operation in recipe.augment):
        steps.append(Step(None, {}, feed.fit(image)))
    for operation, seed in operations:
        image = tf.cast(steps[-1].image if steps else image, tf.float32)
        drawn = operation.draw(tf.shape(image), seed)
        steps.append(Step(operation, drawn, operation.apply(image, drawn)))
    shape = (feed.image_size, feed.image_size, feed.channels)
    return [*steps[:-1], steps[-1]._replace(image=tf.ensure_shape(steps[-1].image, shape))]


def batch_steps(recipe: Recipe, images, labels, seeds, classes: int):
    """The same for a batch of these images (N, H, W, C): its steps, and the labels after them, which are soft
    (N, classes) if there are any steps."""
    import tensorflow as tf

    steps: list[Step] = []
    if recipe.augment_batch:
        labels = tf.one_hot(labels, classes)
    for i, operation in enumerate(recipe.augment_batch):
        drawn = operation.draw(tf.shape(images), tf.random.experimental.stateless_fold_in(seeds, i))
        images, labels = operation.apply(images, labels, drawn)
        steps.append(Step(operation, drawn, images))
    return steps, labels
