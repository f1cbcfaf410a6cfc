"""Grouped convolution that is fast on every backend: Keras' own trains up to a hundred times slower on a CPU."""

import functools
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import keras
import numpy as np
from keras import ops

from keras_classics.layers.convolution import Conv2D

_single_operation = ContextVar("single_operation", default=False)


@contextmanager
def single_operation() -> Iterator[None]:
    """Within it every grouped convolution becomes the backend's one operation, as an exported graph wants it."""
    token = _single_operation.set(True)
    try:
        yield
    finally:
        _single_operation.reset(token)


@keras.saving.register_keras_serializable("keras_classics", "GroupedConv2D")
class GroupedConv2D(Conv2D):
    """Conv2D with `groups`: the same arguments, weights and results, computed the fastest way that the backend has.

    Shapes: (N, H, W, C) to (N, H', W', filters); the kernel has shape (k, k, C / groups, filters).

    * An accelerator and an exported graph get the backend's one operation, and so does torch's CPU for k > 1.
    * TensorFlow gets it too, wherever it has the gradients: on a CPU where oneDNN serves the data type. Keras wraps it
      in an XLA compilation instead, from the time before that, and XLA's code for it is the slow part.
    * Everywhere else 1x1 kernels are one batched matrix product, and larger ones dense convolutions of a few groups
      each, whose kernels have zeros between the groups, since fewer than 16 channels leave vector units idle.
    """

    def _is_torch_op(self, inputs) -> bool:
        return super()._is_torch_op(inputs) and (self.kernel_size != (1, 1) or not _on_cpu(inputs))

    def convolution_op(self, inputs, kernel):
        backend = keras.config.backend()
        if backend == "tensorflow" and (_single_operation.get() or _has_gradients(inputs.dtype, self.data_format)):
            return self._tensorflow_op(inputs, kernel)
        pointwise = self.kernel_size == (1, 1)
        if _single_operation.get() or not _on_cpu(inputs) or (backend == "torch" and not pointwise):
            return super().convolution_op(inputs, kernel)
        kernel = ops.convert_to_tensor(kernel)
        return self._matrix_products(inputs, kernel) if pointwise else self._dense_parts(inputs, kernel)

    def _tensorflow_op(self, inputs, kernel):
        import tensorflow as tf

        last = self.data_format == "channels_last"
        strides, dilations = ((1, *v, 1) if last else (1, 1, *v) for v in (self.strides, self.dilation_rate))
        kernel, padding = ops.convert_to_tensor(kernel), self.padding.upper()
        return tf.nn.conv2d(inputs, kernel, strides, padding, "NHWC" if last else "NCHW", dilations)

    def _matrix_products(self, inputs, kernel):
        """For 1x1 kernels: a group's channels times its kernel, all groups at once."""
        kernel = ops.reshape(kernel, (kernel.shape[2], self.groups, -1))
        rows, columns = (slice(None, None, stride) for stride in self.strides)
        if self.data_format == "channels_last":
            x = inputs[:, rows, columns]
            count, height, width, channels = ops.shape(x)
            x = ops.reshape(x, (count, height, width, self.groups, channels // self.groups))
            return ops.reshape(ops.einsum("nhwgc,cgf->nhwgf", x, kernel), (count, height, width, self.filters))
        x = inputs[:, :, rows, columns]
        count, channels, height, width = ops.shape(x)
        x = ops.reshape(x, (count, self.groups, channels // self.groups, height, width))
        return ops.reshape(ops.einsum("ngchw,cgf->ngfhw", x, kernel), (count, self.filters, height, width))

    def _dense_parts(self, inputs, kernel):
        """As dense convolutions of `merged` groups each, side by side."""
        height, width, channels, _ = kernel.shape
        divisors = (m for m in range(1, self.groups + 1) if self.groups % m == 0)
        merged = next(m for m in divisors if m * channels >= 16 or m == self.groups)
        parts = self.groups // merged
        diagonal = np.eye(merged, dtype="float32")[:, None, None, :, None]  # (from group, channel, part, to group, ...)
        kernel = ops.reshape(kernel, (height, width, 1, channels, parts, merged, -1))
        kernel = kernel * ops.cast(diagonal, kernel.dtype)
        kernel = ops.reshape(kernel, (height, width, merged * channels, self.filters))
        axis = -1 if self.data_format == "channels_last" else 1
        pairs = zip(ops.split(inputs, parts, axis), ops.split(kernel, parts, -1), strict=True)
        convolve = super().convolution_op
        return ops.concatenate([convolve(x, k) for x, k in pairs], axis)


# Weight files address a layer by the name of its class: this one reads and writes those of networks with Conv2D.
GroupedConv2D.__name__ = "Conv2D"


@functools.cache
def _has_gradients(dtype, data_format: str) -> bool:
    """Whether TensorFlow can train its grouped convolution on this device; told by trying a small one."""
    import tensorflow as tf

    shape, layout = ((1, 2, 2, 4), "NHWC") if data_format == "channels_last" else ((1, 4, 2, 2), "NCHW")
    with tf.init_scope():
        kernel, gradient = tf.zeros((1, 1, 2, 4), dtype), tf.zeros(shape, dtype)
        try:
            tf.raw_ops.Conv2DBackpropInput(
                input_sizes=shape,
                filter=kernel,
                out_backprop=gradient,
                strides=[1] * 4,
                padding="VALID",
                data_format=layout,
            )
        except tf.errors.OpError:
            return False
    return True


def _on_cpu(inputs) -> bool:
    if keras.config.backend() == "torch":
        return inputs.device.type == "cpu"
    return all(device.startswith("cpu") for device in keras.distribution.list_devices())
