"""From pictures of any size to batches that a model reads: for training, judging and predicting alike."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras
import numpy as np

from keras_classics import crops, preprocessing
from keras_classics.blocks import POOLED
from keras_classics.complexity import predictions
from keras_classics.crops import VIEWS, Views
from keras_classics.errors import ClassicsError
from keras_classics.layers import channel_axis, data_format_of
from keras_classics.spec import InputProtocol, Normalization
from keras_classics.variant import Variant


@dataclass(frozen=True)
class Feed:
    """What is done to pictures before one model.

    Attributes:
        resize_size: to what a picture's shorter side is resized, in pixels; with `squash` each side.
        image_size: side of the centre square that is then taken.
        channels: that the model reads.
        interpolation: of the resize.
        squash: whether the resize makes every picture square.
        normalization: of the pixels; None where the model does it itself.
        data_format: in which the model reads them.
    """

    resize_size: int
    image_size: int
    channels: int
    interpolation: str
    squash: bool
    normalization: Normalization | None
    data_format: str

    def fit(self, image):
        """An image (H, W, C) of 0..255 as a float32 tensor (image_size, image_size, channels), still of 0..255."""
        return preprocessing.fit(
            image, self.resize_size, self.image_size, self.channels, self.interpolation, self.squash
        )

    def views(self, image, views: Views):
        """The views of an image (H, W, C) of 0..255, each as `fit` gives the one of the protocol; see `crops.cut`."""
        return crops.cut(
            image, views, self.resize_size, self.image_size, self.channels, self.interpolation, self.squash
        )

    def whole(self, image, views: Views):
        """The dense views of an image (H, W, C) of 0..255, a tensor for each scale; see `crops.whole`."""
        return crops.whole(image, views, self.image_size, self.channels, self.interpolation)

    def model_input(self, images):
        """Fitted images, one or a batch, as the model reads them."""
        return preprocessing.model_input(images, self.normalization, self.data_format)

    def pixels(self, read):
        """What the model reads, one image of NumPy's, as the pixels (H, W, C) of 0..255 from which it came."""
        if self.data_format == "channels_first":
            read = read.transpose(1, 2, 0)
        if self.normalization is None:
            return read
        normalization = self.normalization.for_channels(self.channels)
        return read * np.asarray(normalization.std) + np.asarray(normalization.mean)

    def described(self, views: Views = VIEWS["1"]) -> str:
        """What is done, in words: "(0..255 - (...)) / (...), RGB, shorter side 256, centre 224, bilinear"."""
        pixels = "0..255, which the model normalises itself"
        if self.normalization is not None:
            normalization = self.normalization.for_channels(self.channels)
            mean, std = (of[0] if len(of) == 1 else of for of in (normalization.mean, normalization.std))
            pixels = f"(0..255 - {mean}) / {std}"
        colours = {1: "grey", 3: "RGB"}.get(self.channels, f"{self.channels} channels")
        resized = "squashed to" if self.squash and not views.scales else "shorter side"
        sides = ", ".join(map(str, views.sides(self.image_size) or [self.resize_size]))
        cut = f"{views.count} crops of {self.image_size}" if views.scales else f"centre {self.image_size}"
        cut = "whole" if views.dense else cut
        mirrored = ", mirrored" if views.mirrored else ""
        return f"{pixels}, {colours}, {resized} {sides}, {cut}{mirrored}, {self.interpolation}"


def feed_of(model: keras.Model, variant: Variant) -> Feed:
    """How pictures are fitted to a model's own input, in proportion if its size is not the protocol's.

    The protocol is that of the model's published weights, or else the record's.
    """
    protocol = preprocessing.carried_protocol(model) or variant.protocol
    data_format = data_format_of(model)
    size = model.input_shape[1 if data_format == "channels_last" else 2] or protocol.image_size
    channels = model.input_shape[channel_axis(data_format)]
    return fed(protocol, size, channels, preprocessing.normalizes(model), data_format)


def feed_of_default(variant: Variant) -> Feed:
    """The same for the network that a record builds by default, without building it."""
    return fed(variant.protocol, variant.image_size, variant.channels, False, keras.config.image_data_format())


def is_square(model: keras.Model) -> bool:
    """Whether the pictures that a model reads are, as far as it tells."""
    sides = model.input_shape[1:3] if data_format_of(model) == "channels_last" else model.input_shape[2:]
    return sides[0] == sides[1]


def check_square(model: keras.Model) -> None:
    """Raises a ClassicsError if the pictures that a model reads are not square; see `is_square`."""
    if not is_square(model):
        raise ClassicsError(
            f"{model.name} reads pictures of the shape {model.input_shape[1:]}, and pictures are cut square; build it "
            "with a square input."
        )


def has_classes(model: keras.Model) -> bool:
    """Whether the model's predictions tell classes apart: they are a vector, and not of the pooling behind which a
    network without its top ends, be it inside another model. What a model without a graph puts out is not looked into.

    Raises:
        ClassicsError: if it has several outputs of which none is "predictions".
    """
    output = predictions(model)
    while hasattr(last := output._keras_history.operation, "outputs"):  # a model with a graph
        output = last.outputs[output._keras_history.tensor_index]
    return output.ndim == 2 and last.name not in POOLED.values()


def check_has_classes(model: keras.Model) -> None:
    """Raises a ClassicsError unless the model's predictions tell classes apart; see `has_classes`."""
    if not has_classes(model):
        shape = tuple(predictions(model).shape)
        raise ClassicsError(f"{model.name} puts out {shape} and so has no classes; build it with its top.")


def fed(protocol: InputProtocol, size: int, channels: int, normalizes: bool, data_format: str) -> Feed:
    """How pictures are fitted to an input of that size by a protocol, in proportion."""
    return Feed(
        resize_size=round(protocol.resize_size * size / protocol.image_size),
        image_size=size,
        channels=channels,
        interpolation=protocol.interpolation,
        squash=protocol.squash,
        normalization=None if normalizes else protocol.normalization,
        data_format=data_format,
    )


def untuned(stream):
    """The stream without tf.data's tuning while it runs, whose thread sleeps twice as long each time, up to a minute:
    the end of a tuned stream waits until it wakes, up to as long as the stream has run.

    Without tuning, `tf.data.AUTOTUNE` is 16 calls in parallel at most, so streams give the number of cores.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    return stream.with_options(options)


def batches(examples, model: keras.Model, variant: Variant, batch_size: int):
    """A stream of (image of any size, label) as batches of what the model reads, with their labels, in order."""
    feed = feed_of(model, variant)
    examples = examples.map(lambda image, label: (feed.fit(image), label), os.cpu_count(), deterministic=True)
    examples = examples.batch(batch_size).map(lambda images, labels: (feed.model_input(images), labels))
    return untuned(examples.prefetch(2))


def view_batches(examples, feeds: Sequence[Feed], views: Views, batch_size: int) -> Iterator[tuple]:
    """A stream of (image of any size, label) as batches of the images' views, each with its image's label, in order.

    An image is decoded once for all of them. A batch is filled from the next image on, so that all but the last have
    one shape.

    Args:
        examples: the stream.
        feeds: of the models that read them.
        views: of each image.
        batch_size: in views.

    Returns:
        NumPy's (a tuple of what the model of each feed reads, the labels) one by one.
    """
    import tensorflow as tf

    def shown(image, label):
        return tuple(feed.views(image, views) for feed in feeds), tf.repeat(label, views.count)

    def read(images, labels):
        return tuple(
            feed.model_input(tf.cast(part, tf.float32)) for feed, part in zip(feeds, images, strict=True)
        ), labels

    examples = examples.map(shown, os.cpu_count(), deterministic=True).unbatch().batch(batch_size)
    return untuned(examples.map(read).prefetch(2)).as_numpy_iterator()


def dense_batches(examples, feeds: Sequence[Feed], views: Views) -> Iterator[tuple]:
    """The same of dense views, whose sizes are their pictures': a batch is a picture at one scale, with its mirror
    image where there is one."""
    import tensorflow as tf

    def shown(image, label):
        scales = zip(*(feed.whole(image, views) for feed in feeds), strict=True)
        return tuple(tuple(map(read, feeds, parts)) for parts in scales), label

    def read(feed, part):
        return feed.model_input(tf.cast(part, tf.float32))

    pictures = untuned(examples.map(shown, os.cpu_count(), deterministic=True).prefetch(2)).as_numpy_iterator()
    return ((parts, np.repeat(label, len(parts[0]))) for scales, label in pictures for parts in scales)


def classes_of(model: keras.Model) -> int:
    """The number of classes that the model tells apart, with or without auxiliary heads."""
    return predictions(model).shape[-1]
