"""Batch normalisation in the backend's one operation, where Keras writes it out in a pass over memory for each step."""

import keras
from keras import ops

from keras_classics.layers.grouped_convolution import on_cpu


@keras.saving.register_keras_serializable("keras_classics")
class BatchNormalization(keras.layers.BatchNormalization):
    """Keras' layer of this name with the same arguments, weights and results, over the last of four axes.

    On tensorflow and torch a training step of it takes half the time and keeps fewer maps for the gradient. Elsewhere,
    and with options that the operations lack, it is Keras' own; jax fuses the steps itself.
    """

    def call(self, inputs, training=None, mask=None):
        run = {"tensorflow": _by_tensorflow, "torch": _by_torch}.get(keras.config.backend())
        last = len(inputs.shape) == 4 and self.axis in (-1, 3)
        if run is None or not last or mask is not None or self.renorm or self.synchronized or self.dtype != "float32":
            return super().call(inputs, training, mask)
        training = bool(training and self.trainable)
        x = ops.cast(inputs, "float32")
        mean, variance = (ops.convert_to_tensor(v, "float32") for v in (self.moving_mean, self.moving_variance))
        gamma = ops.convert_to_tensor(self.gamma, "float32") if self.scale else ops.ones_like(variance)
        beta = ops.convert_to_tensor(self.beta, "float32") if self.center else ops.zeros_like(mean)
        outputs, batch_mean, batch_variance = run(x, gamma, beta, mean, variance, self.epsilon, training)
        if training:
            count = ops.cast(ops.size(x), "float32") / x.shape[-1]
            biased = batch_variance * ((count - 1.0) / count)  # the operations divide by one less, Keras does not
            self.moving_mean.assign(mean * self.momentum + batch_mean * (1.0 - self.momentum))
            self.moving_variance.assign(variance * self.momentum + biased * (1.0 - self.momentum))
        return ops.cast(outputs, self.compute_dtype)


def _by_tensorflow(x, gamma, beta, mean, variance, epsilon, training):
    import tensorflow as tf

    channels = x.shape[-1]
    if training and channels % 4 and on_cpu(x):  # for which oneDNN has no vector code: with zeros up to 16 it has
        more = -channels % 16
        x, gamma, beta = tf.pad(x, [(0, 0)] * 3 + [(0, more)]), tf.pad(gamma, [(0, more)]), tf.pad(beta, [(0, more)])
    empty = tf.zeros((0,))
    y, batch_mean, batch_variance, *_ = tf.raw_ops.FusedBatchNormV3(
        x=x,
        scale=gamma,
        offset=beta,
        mean=empty if training else mean,
        variance=empty if training else variance,
        epsilon=epsilon,
        is_training=training,
    )
    if x.shape[-1] > channels:  # by tf.slice, whose gradient is quick, that of y[..., :channels] is not
        y, batch_mean, batch_variance = (
            tf.slice(v, [0] * v.ndim, [-1] * (v.ndim - 1) + [channels]) for v in (y, batch_mean, batch_variance)
        )
    return y, batch_mean, batch_variance


def _by_torch(x, gamma, beta, mean, variance, epsilon, training):
    import torch

    if training and x[..., 0].numel() == 1:  # which torch refuses; the mean is the value itself
        return (x - x) * gamma + beta, x.flatten(), torch.zeros_like(variance)
    if training:  # torch writes the statistics of the batch, with a momentum of one, where it reads the old ones
        mean, variance = torch.zeros_like(mean), torch.ones_like(variance)
    y = torch.nn.functional.batch_norm(x.permute(0, 3, 1, 2), mean, variance, gamma, beta, training, 1.0, epsilon)
    return y.permute(0, 2, 3, 1), mean, variance
