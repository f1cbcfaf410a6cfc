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


def augmentation_steps(recipe: Recipe, feed: Feed, image, seeds) -> list[Step]:
    """The steps from a decoded picture (H, W, C) to an image of the network's size, float32, 0..255.

    Args:
        recipe: with the operations.
        feed: of the network.
        image: any size, 0..255.
        seeds: two integers, of this image in this epoch.
    """
    import tensorflow as tf

    image = tf.cast(image, tf.float32)
    steps = []
    if not any(operation.takes_raw for operation in recipe.augment):
        steps.append(Step(None, {}, feed.fit(image)))
    for i, operation in enumerate(recipe.augment):
        image = steps[-1].image if steps else image
        drawn = operation.draw(tf.shape(image), tf.random.experimental.stateless_fold_in(seeds, i))
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
