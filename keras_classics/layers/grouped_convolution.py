"""Grouped convolution that is fast on every backend: Keras' own trains up to a hundred times slower on a CPU."""

import functools

import keras
import numpy as np
from keras import ops

from keras_classics.layers.export_mode import is_exporting


def grouped_convolution(layer: keras.layers.Conv2D, inputs, kernel, convolve):
    """What a convolution with `groups` makes of its inputs, computed the fastest way that the backend has.

    Shapes: (N, H, W, C) to (N, H', W', filters); the kernel has shape (k, k, C / groups, filters). `convolve` is Keras'
    own way, a function of inputs and a kernel.

    * An accelerator and an exported graph get the backend's one operation, and so does torch's CPU for k > 1.
    * TensorFlow gets it too, wherever it has the gradients: on a CPU where oneDNN serves the data type. Keras wraps it
      in an XLA compilation instead, from the time before that, and XLA's code for it is the slow part.
    * Everywhere else 1x1 kernels are one batched matrix product, and larger ones dense convolutions of a few groups
      each, whose kernels have zeros between the groups, since fewer than 16 channels leave vector units idle.
    """
    backend = keras.config.backend()
    if backend == "tensorflow" and (is_exporting() or _has_gradients(inputs.dtype, layer.data_format)):
        return _tensorflow_op(layer, inputs, kernel)
    pointwise = layer.kernel_size == (1, 1)
    if is_exporting() or not on_cpu(inputs) or (backend == "torch" and not pointwise):
        return convolve(inputs, kernel)
    kernel = ops.convert_to_tensor(kernel)
    return _matrix_products(layer, inputs, kernel) if pointwise else _dense_parts(layer, inputs, kernel, convolve)


def _tensorflow_op(layer, inputs, kernel):
    import tensorflow as tf

    last = layer.data_format == "channels_last"
    strides, dilations = ((1, *v, 1) if last else (1, 1, *v) for v in (layer.strides, layer.dilation_rate))
    kernel, padding = ops.convert_to_tensor(kernel), layer.padding.upper()
    return tf.nn.conv2d(inputs, kernel, strides, padding, "NHWC" if last else "NCHW", dilations)


def _matrix_products(layer, inputs, kernel):
    """For 1x1 kernels: a group's channels times its kernel, all groups at once."""
    groups, filters = layer.groups, layer.filters
    kernel = ops.reshape(kernel, (kernel.shape[2], groups, -1))
    rows, columns = (slice(None, None, stride) for stride in layer.strides)
    if layer.data_format == "channels_last":
        x = inputs[:, rows, columns]
        count, height, width, channels = ops.shape(x)
        x = ops.reshape(x, (count, height, width, groups, channels // groups))
        return ops.reshape(ops.einsum("nhwgc,cgf->nhwgf", x, kernel), (count, height, width, filters))
    x = inputs[:, :, rows, columns]
    count, channels, height, width = ops.shape(x)
    x = ops.reshape(x, (count, groups, channels // groups, height, width))
    return ops.reshape(ops.einsum("ngchw,cgf->ngfhw", x, kernel), (count, filters, height, width))


def _dense_parts(layer, inputs, kernel, convolve):
    """As dense convolutions of `merged` groups each, side by side."""
    height, width, channels, filters = kernel.shape
    divisors = (m for m in range(1, layer.groups + 1) if layer.groups % m == 0)
    merged = next(m for m in divisors if m * channels >= 16 or m == layer.groups)
    parts = layer.groups // merged
    diagonal = np.eye(merged, dtype="float32")[:, None, None, :, None]  # (from group, channel, part, to group, ...)
    kernel = ops.reshape(kernel, (height, width, 1, channels, parts, merged, -1))
    kernel = kernel * ops.cast(diagonal, kernel.dtype)
    kernel = ops.reshape(kernel, (height, width, merged * channels, filters))
    axis = -1 if layer.data_format == "channels_last" else 1
    pairs = zip(ops.split(inputs, parts, axis), ops.split(kernel, parts, -1), strict=True)
    return ops.concatenate([convolve(x, k) for x, k in pairs], axis)


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


def on_cpu(inputs) -> bool:
    if keras.config.backend() == "torch":
        return inputs.device.type == "cpu"
    return all(device.startswith("cpu") for device in keras.distribution.list_devices())
