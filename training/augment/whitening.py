"""What takes the place of a network's normalisation by channel: its numbers are fitted on the training images.

A rule has `fit`, which finds the numbers; `whiten`, which uses them in `tf.data`; `layers`, the same inside a model;
and `normalization`, the nearest that is the same for all pixels of a channel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import keras
import numpy as np

from keras_classics.layers import GlobalContrastNormalization, channel_axis
from keras_classics.layers.global_contrast_normalization import SMALLEST
from keras_classics.spec import UNCHANGED, Normalization

Numbers = Mapping[str, np.ndarray]
Pixels = Literal["normalized", "per_pixel_mean", "gcn_zca"]

ZCA_LAYER = "zca"
AT_ONCE = 1000  # images


@dataclass(frozen=True)
class PerPixelMean:
    """The mean of the training images, a value for each pixel and channel, is subtracted (ResNet, section 4.2;
    AlexNet, section 2)."""

    def fit(self, images) -> Numbers:
        """From a stream of images (H, W, C) of 0..255: "mean", of the same shape."""
        total, count = np.zeros(()), 0
        for batch in images.batch(AT_ONCE).as_numpy_iterator():
            total, count = total + batch.sum(0, dtype="float64"), count + len(batch)
        return {"mean": np.asarray(total / count, "float32")}

    def whiten(self, images, numbers: Numbers):
        """Images (N, H, W, C) of 0..255, TensorFlow's, as the network reads them."""
        return images - numbers["mean"]

    def layers(self, x, numbers: Numbers):
        """The same inside a model, in the current data format."""
        mean = _in_data_format(numbers["mean"])
        return keras.layers.Rescaling(1.0, (-mean).tolist(), dtype="float32", name="normalization")(x)

    def normalization(self, numbers: Numbers) -> Normalization:
        """The mean colour, subtracted."""
        mean = numbers["mean"].mean((0, 1), dtype="float64")
        return Normalization(tuple(map(float, mean)), (1.0,) * len(mean))


@dataclass(frozen=True)
class ContrastAndZCA:
    """Global contrast normalisation, then ZCA: the inverse square root of the covariance of all values of an image.

    (Goodfellow et al. 2013, Maxout Networks, on CIFAR-10, whom Network in Network follows; the numbers are those of
    pylearn2's make_cifar10_gcn_whitened.py, that paper's code.)

    Attributes:
        scale: the norm of an image whose mean is subtracted.
        filter_bias: is added to each variance before the square root, lest noise be made as large as the rest.
    """

    scale: float = 55.0
    filter_bias: float = 0.1

    def fit(self, images) -> Numbers:
        """From a stream of images (H, W, C) of 0..255: "mean", of that shape, of the normalised images; and "matrix",
        (H W C, H W C)."""
        total, products, count = np.zeros(()), np.zeros(()), 0
        for batch in images.batch(AT_ONCE).map(self._normalize_contrast).as_numpy_iterator():
            flat = batch.reshape(len(batch), -1)
            total, count = total + batch.sum(0, dtype="float64"), count + len(batch)
            products = products + (flat.T @ flat).astype("float64")
        mean = total / count
        covariance = products / count - np.outer(mean, mean)
        variances, components = np.linalg.eigh(covariance)
        factors = 1 / np.sqrt(np.maximum(variances, 0) + self.filter_bias)
        matrix = (components * factors) @ components.T
        return {"mean": mean.astype("float32"), "matrix": matrix.astype("float32")}

    def whiten(self, images, numbers: Numbers):
        """Images (N, H, W, C) of 0..255, TensorFlow's, as the network reads them."""
        import tensorflow as tf

        images = self._normalize_contrast(images) - numbers["mean"]
        return tf.reshape(tf.reshape(images, (-1, numbers["mean"].size)) @ numbers["matrix"], tf.shape(images))

    def layers(self, x, numbers: Numbers):
        """The same inside a model, in the current data format: the matrix is a dense layer's."""
        mean, size = _in_data_format(numbers["mean"]), numbers["mean"].size
        order = _in_data_format(np.arange(size).reshape(numbers["mean"].shape)).ravel()
        matrix = numbers["matrix"][np.ix_(order, order)]
        zca = keras.layers.Dense(size, kernel_initializer="zeros", trainable=False, dtype="float32", name=ZCA_LAYER)
        x = GlobalContrastNormalization(self.scale, dtype="float32", name="normalization")(x)
        x = keras.layers.Reshape((size,), dtype="float32", name="zca_values")(x)
        x = keras.layers.Reshape(mean.shape, dtype="float32", name="zca_image")(zca(x))
        zca.set_weights([matrix, -mean.ravel() @ matrix])
        return x

    def normalization(self, numbers: Numbers) -> Normalization:
        """None at all: no normalisation by channel is like it."""
        return UNCHANGED.for_channels(numbers["mean"].shape[-1])

    def _normalize_contrast(self, images):
        import tensorflow as tf

        centred = images - tf.reduce_mean(images, (1, 2, 3), keepdims=True)
        norm = tf.sqrt(tf.reduce_sum(tf.square(centred), (1, 2, 3), keepdims=True)) / self.scale
        return centred / tf.where(norm < SMALLEST, 1.0, norm)


def _in_data_format(values: np.ndarray) -> np.ndarray:
    """Values (H, W, C) in the current data format."""
    return values if channel_axis() == -1 else values.transpose(2, 0, 1)


RULES: Mapping[Pixels, PerPixelMean | ContrastAndZCA] = {
    "per_pixel_mean": PerPixelMean(),
    "gcn_zca": ContrastAndZCA(),
}
