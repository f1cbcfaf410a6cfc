"""What becomes of training images, operation by operation: training takes the last image, a contact sheet shows all."""

from typing import Any, NamedTuple

from keras_classics import preprocessing
from keras_classics.datasets import Dataset
from keras_classics.errors import ClassicsError
from keras_classics.feed import Feed
from training.augment import BatchOperation, Crop, Operation
from training.recipe import Recipe


class Step(NamedTuple):
    """An operation, the numbers that were drawn for it, and the image or images after it.

    `operation` is None where pictures are fitted to the network, because no operation takes them of any size.
    """

    operation: Operation | BatchOperation | None
    drawn: dict[str, Any]
    image: Any


def check_operations(recipe: Recipe, feed: Feed) -> None:
    """Raises a ClassicsError where an operation lacks something that it needs, changes colours where the network reads
    grey, or cuts images of another size than it reads."""
    for operation in recipe.augment:
        operation.check()
        if operation.in_colour and feed.channels == 1:
            raise ClassicsError(
                f"{type(operation).__name__} of {recipe.name} changes colours, and the network reads grey; build it "
                "for 3 channels, or in Python leave the operation out of the recipe's augment."
            )
        if isinstance(operation, Crop) and operation.size != feed.image_size:
            name, size = type(operation).__name__, operation.size
            raise ClassicsError(
                f"{name} of {recipe.name} cuts images of {size} pixels, and the network reads {feed.image_size}; build "
                f"it with input_shape=[{size},{size},{feed.channels}], or in Python give the recipe a {name} of size "
                f"{feed.image_size}."
            )


def augmentation_steps(recipe: Recipe, feed: Feed, data: Dataset, stored, seeds) -> list[Step]:
    """The steps from a stored picture to an image of the network's size, float32, 0..255.

    Args:
        recipe: with the operations.
        feed: of the network.
        data: that decodes the picture, of which a crop may need no more than its window.
        stored: of the data's training images.
        seeds: two integers, of this image in this epoch.
    """
    import tensorflow as tf

    operations = [(o, tf.random.experimental.stateless_fold_in(seeds, i)) for i, o in enumerate(recipe.augment)]
    steps = []
    crop = recipe.augment[0] if recipe.augment else None
    if isinstance(crop, Crop) and not data.in_memory and data.decode_window:
        (_, seed), *operations = operations
        pixels, drawn = data.decode_window(stored, lambda shape: crop.draw(shape, seed))
        image = crop.resample(preprocessing.with_channels(pixels, feed.channels), drawn)
        steps.append(Step(crop, drawn, image))
    else:
        image = stored if data.in_memory else data.decode(stored)
        if any(operation.takes_raw for operation in recipe.augment):
            image = preprocessing.with_channels(image, feed.channels)
        else:
            image = feed.fit(image)
            steps.append(Step(None, {}, image))
    image = tf.cast(image, tf.float32)
    for operation, seed in operations:
        drawn = operation.draw(tf.shape(image), seed)
        image = operation.apply(image, drawn)
        steps.append(Step(operation, drawn, image))
    shape = (feed.image_size, feed.image_size, feed.channels)
    return [*steps[:-1], steps[-1]._replace(image=tf.ensure_shape(image, shape))]


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
