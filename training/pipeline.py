"""From a data set to the batches that a recipe trains on."""

import math
import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import keras
import numpy as np

from keras_classics import datasets, feed, pictures
from keras_classics.complexity import has_named_outputs
from keras_classics.datasets import Dataset
from keras_classics.errors import ClassicsError
from keras_classics.spec import UNCHANGED
from keras_classics.zoo import get_model
from training.order import Skip, fault, permutation, readable, shuffled
from training.recipe import Recipe
from training.steps import augmentation_steps, batch_steps, check_operations


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


def train_batches(
    recipe: Recipe,
    data: Dataset,
    model: keras.Model,
    seed: int = 0,
    first_epoch: int = 0,
    first_step: int = 0,
    *,
    left_out: Collection[str] = (),
    class_weights: Mapping[int, float] | None = None,
    skip: Skip | None = None,
    process: int = 0,
    processes: int = 1,
    fill: bool = False,
):
    """The training batches of all epochs from `first_epoch` on, one epoch after the other, without end.

    The order and the augmentation of an epoch follow from `seed` and the epoch alone, so a run that is resumed sees
    what it would have seen. What comes before `first_step` is passed over without being prepared.

    Args:
        recipe: what to do.
        data: with the images.
        model: that reads them.
        seed: of the order and the augmentation.
        first_epoch: to begin with, from 0.
        first_step: of that epoch to begin with, from 0.
        left_out: the pictures that could not be read in the steps before, by the names that `skip` was called with.
        class_weights: of each image in the loss, by its label; a batch then has them as its third part.
        skip: is called with a picture that cannot be read, which then is left out; images from the beginning of the
            epoch fill it up. By default it ends the stream with an error.
        process: this one's number, of several processes that train together, from 0.
        processes: how many these are. Each gets every so many-th image of the one order, and a batch of its share:
            together they have the batches of one process, and every image once. Where too few images are left for the
            last batch, who gets none repeats one.
        fill: whether images from the beginning of an epoch fill up its last batch, so that all are of one size.

    Returns:
        A `tf.data.Dataset` of (images, labels), and the number of batches in an epoch: `model.fit`'s `steps_per_epoch`.
        The labels are indices, or soft ones (N, classes) where `recipe.augment_batch` mixes them; a dict of them, by
        output, where the model has auxiliary heads.

    Raises:
        ClassicsError: if the data has other classes than the model, the pictures that it reads are not square, the
            recipe cuts images of another size, changes colours where the model reads grey, or whitens pixels and the
            model is not built for that, no image is left to train on, or the batch cannot be divided among the
            processes.
    """
    import tensorflow as tf

    data.check_classes(feed.classes_of(model), model.name)
    feed.check_square(model)
    made = feed.feed_of(model, get_model(recipe.model))
    check_operations(recipe, made)
    if recipe.pixels != "normalized" and made.normalization != UNCHANGED.for_channels(made.channels):
        raise ClassicsError(
            f"{recipe.name} is for whitened pixels ({recipe.pixels}), and the model for others; train by python -m "
            f"training run {recipe.name}, which whitens them, or by recipe.replace(pixels='normalized')."
        )
    images = count_images(recipe, data).train
    if images < max(1, processes):
        raise ClassicsError(f"{data.name} has no training images left beside those held out; hold out fewer.")
    if recipe.part_size % processes:
        raise ClassicsError(
            f"A batch of {recipe.part_size} cannot be divided among {processes} processes; choose a "
            f"multiple of {processes}."
        )
    data = trained_part(recipe, data)
    files = data.files or {}
    stored = stored_examples(data)
    steps, batch_size, places = math.ceil(images / recipe.part_size), recipe.part_size // processes, range(images)
    places = places[process::processes]
    seed = first_key(seed)

    # In parallel, where nothing is done to the batch before.
    ready = tf.identity if recipe.augment_batch else made.model_input

    def augment(seeds, image, label):
        return ready(augmentation_steps(recipe, made, data, image, seeds)[-1].image), label

    def finish(seeds, images, labels):
        if recipe.augment_batch:
            steps, labels = batch_steps(recipe, images, labels, seeds, feed.classes_of(model))
            images = made.model_input(steps[-1].image)
        return images, _for_outputs(model, labels)

    def missed(epoch, first, found):
        order = permutation(images, seed + epoch).numpy()
        for place in range(first, found, processes):
            path, label = (of_all[order[place]] for of_all in files["train"])
            seeds = np.stack([seed + epoch, place])
            _skip(skip, path, fault(data, path, augment, seeds, path, label), "train")
        return found

    def prepared(epoch, first):
        """The images of an epoch, from the `first` of this process's places on."""
        stream = shuffled(data, stored, seed + epoch).enumerate().shard(processes, process).skip(first)

        def prepare(i, example):
            return augment(tf.stack([seed + epoch, i]), *example)

        if data.files is None:
            return stream.map(prepare, os.cpu_count(), deterministic=True)
        blank = ready(tf.zeros((made.image_size, made.image_size, made.channels))), tf.constant(0, tf.int64)
        return readable(stream, prepare, places[first:], blank, missed, epoch)

    def epoch_batches(epoch, step=0, place=0):
        """Those of an epoch from a step on, whose first image stands at that one of this process's places."""
        stream, done = prepared(epoch, place), step * batch_size
        if data.files is not None or processes > 1 or fill:
            stream = stream.concatenate(prepared(epoch, 0).repeat()) if done else stream.repeat()
            least = steps * batch_size if fill else (steps - 1) * batch_size + 1
            stream = stream.take(max(len(places), least) - done)
        batches = stream.batch(batch_size).enumerate(step)
        # Numbers below 0 are no image's.
        return batches.map(lambda i, batch: finish(tf.stack([seed + epoch, -1 - (i * processes + process)]), *batch))

    stream = tf.data.Dataset.counter(first_epoch).flat_map(epoch_batches)
    if first_step:
        place = _place_of(first_step * batch_size, seed + first_epoch, images, places, files, left_out)
        begun = tf.data.Dataset.range(first_epoch, first_epoch + 1)
        begun = begun.flat_map(lambda epoch: epoch_batches(epoch, first_step, place))
        stream = begun.concatenate(tf.data.Dataset.counter(first_epoch + 1).flat_map(epoch_batches))
    if class_weights is not None:
        table = tf.constant([class_weights[label] for label in range(len(data.class_names))], tf.float32)
        stream = stream.map(lambda images, labels: (images, labels, _weights(labels, table)))
    return feed.untuned(stream.prefetch(2)), steps


def _place_of(done: int, key: int, images: int, places: range, files: Mapping, left_out: Collection[str]) -> int:
    """The number, among a process's `places` in the order of so many `images`, of the one that comes after so many that
    are `done`: those left out are not counted, and behind the last comes the first again."""
    read = np.arange(len(places))
    if left_out:
        order = permutation(images, key).numpy()[places.start :: places.step]
        paths = files["train"].paths[order]
        read = read[[pictures.printable(path) not in left_out for path in paths]]
    return int(read[done % len(read)])


def first_key(seed: int) -> int:
    """The number from which the order and the augmentation of the first epoch follow; later ones have the next ones."""
    return seed * 1_000_003  # so that the epochs of one seed are not those of the next


def trained_part(recipe: Recipe, data: Dataset) -> Dataset:
    """The data with those of its training images that are trained on, not held out."""
    return _part(recipe, data, held_out=False)


def stored_examples(part: Dataset):
    """The training images (stored or, where they fit in memory, decoded) and labels, to be `shuffled`."""
    return part.split("train").cache() if part.in_memory else part.records("train")


def _skip(skip: Skip | None, path: bytes, reason: str, split: str) -> None:
    if skip is None:
        raise ClassicsError(reason)
    skip(pictures.printable(path), reason, split)


def _weights(labels, table):
    """Each image's weight: its class's, or, where labels are soft, those of its classes in their proportions."""
    import tensorflow as tf

    of_one = next(iter(labels.values())) if isinstance(labels, dict) else labels
    weights = tf.gather(table, of_one) if len(of_one.shape) == 1 else tf.linalg.matvec(of_one, table)
    return dict.fromkeys(labels, weights) if isinstance(labels, dict) else weights


def validation_batches(recipe: Recipe, data: Dataset, model: keras.Model, skip: Skip | None = None):
    """The images that choose the best epoch, as batches of (images, labels) in a fixed order; None without any.

    They are the data's own validation split where it has test images beside it; where it has none, a network is judged
    on that split, and they are training images that are held out, as without one. `skip` is as in `train_batches`.
    """
    import tensorflow as tf

    images = count_images(recipe, data).validation
    if not images:
        return None
    split = "validation" if has_validation_split(data) else "train"
    part = _part(recipe, data, held_out=True)
    files = part.files
    if files is None:
        examples = part.split(split)
    else:

        def missed(_, first, found):
            for path in files[split].paths[first:found]:
                _skip(skip, path, fault(part, path, part.decode, path), split)
            return found

        def prepare(_, example):
            return part.decode(example[0]), example[1]

        made = part.split(split).element_spec[0]
        blank = tf.zeros([side or 1 for side in made.shape], made.dtype), tf.constant(0, tf.int64)
        examples = (
            readable(part.records(split).enumerate(), prepare, range(images), blank, missed).repeat().take(images)
        )
    stream = feed.batches(examples, model, get_model(recipe.model), recipe.part_size)
    stream = stream.map(lambda images, labels: (images, _for_outputs(model, labels)))
    stream = stream.apply(tf.data.experimental.assert_cardinality(math.ceil(images / recipe.part_size)))
    return stream.cache() if data.in_memory else stream


def training_images(recipe: Recipe, data: Dataset):
    """The images that are trained on, uint8 (H, W, C), in the order in which they are stored."""
    return trained_part(recipe, data).split("train").map(lambda image, _: image)


def _for_outputs(model, labels):
    """The labels as the model's losses take them: the same for the predictions and each auxiliary head."""
    return dict.fromkeys(model.output, labels) if has_named_outputs(model) else labels


def _part(recipe, data, held_out) -> Dataset:
    """The data with those of its training images that are, or are not, held out: every so many-th, counted class by
    class, for stored in turns they would be of a few classes."""
    if not recipe.hold_out or has_validation_split(data):
        return data
    is_held_out = np.arange(data.sizes["train"]) % recipe.hold_out == recipe.hold_out - 1
    if not data.shuffled:
        is_held_out[np.argsort(data.labels("train"), kind="stable")] = is_held_out.copy()
    return datasets.select(data, {"train": ("train", is_held_out == held_out)})
