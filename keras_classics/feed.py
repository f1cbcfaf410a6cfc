"""From pictures of any size to batches that a model reads: for training, judging and predicting alike."""

from dataclasses import dataclass

import keras

from keras_classics import preprocessing
from keras_classics.layers import channel_axis, data_format_of
from keras_classics.spec import Normalization
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

    def model_input(self, images):
        """Fitted images, one or a batch, as the model reads them."""
        return preprocessing.model_input(images, self.normalization, self.data_format)

    def described(self) -> str:
        """The same in words: "(0..255 - (...)) / (...), RGB, shorter side 256, centre 224, bilinear"."""
        pixels = "0..255, which the model normalises itself"
        if self.normalization is not None:
            normalization = self.normalization.for_channels(self.channels)
            pixels = f"(0..255 - {normalization.mean}) / {normalization.std}"
        colours = {1: "grey", 3: "RGB"}.get(self.channels, f"{self.channels} channels")
        resized = "squashed to" if self.squash else "shorter side"
        return f"{pixels}, {colours}, {resized} {self.resize_size}, centre {self.image_size}, {self.interpolation}"


def feed_of(model: keras.Model, variant: Variant) -> Feed:
    """How pictures are fitted to a model's own input, in proportion if its size is not the protocol's.

    The protocol is that of the model's published weights, or else the record's.
    """
    protocol = preprocessing.carried_protocol(model) or variant.protocol
    data_format = data_format_of(model)
    size = model.input_shape[1 if data_format == "channels_last" else 2] or protocol.image_size
    return Feed(
        resize_size=round(protocol.resize_size * size / protocol.image_size),
        image_size=size,
        channels=model.input_shape[channel_axis(data_format)],
        interpolation=protocol.interpolation,
        squash=protocol.squash,
        normalization=None if preprocessing.normalizes(model) else protocol.normalization,
        data_format=data_format,
    )


def batches(examples, model: keras.Model, variant: Variant, batch_size: int):
    """A stream of (image of any size, label) as batches of what the model reads, with their labels, in order."""
    import tensorflow as tf

    feed = feed_of(model, variant)
    examples = examples.map(lambda image, label: (feed.fit(image), label), tf.data.AUTOTUNE, deterministic=True)
    examples = examples.batch(batch_size).map(lambda images, labels: (feed.model_input(images), labels))
    return examples.prefetch(tf.data.AUTOTUNE)


def classes_of(model: keras.Model) -> int:
    """The number of classes that the model tells apart, with or without auxiliary heads."""
    output = model.output
    return (output["predictions"] if isinstance(output, dict) else output).shape[-1]
