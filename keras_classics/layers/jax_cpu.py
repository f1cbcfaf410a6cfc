"""What XLA computes slowly on a CPU, said in other words: the same results, several times as fast on jax.

An accelerator has operations of its own for all of it, so there Keras' way stays; `on_jax_cpu` tells.
"""

import functools
import itertools
import math

import keras
from keras import ops

from keras_classics.layers.grouped_convolution import on_cpu
from keras_classics.layers.same_padding import same_padding

BAND = 20  # rows of an output, for which XLA is asked for a part of a kernel's gradient
BANDED_FROM = 65  # rows of an output; below, the whole is as fast


def on_jax_cpu(inputs) -> bool:
    return keras.config.backend() == "jax" and on_cpu(inputs)


def takes_matrix_product(layer: keras.layers.Conv2D, inputs) -> bool:
    """Whether a convolution is 1x1 and dense, on jax's CPU."""
    return layer.kernel_size == (1, 1) and layer.groups == 1 and on_jax_cpu(inputs)


def matrix_product(inputs, kernel, strides: tuple[int, int], data_format: str):
    """What a dense 1x1 convolution makes of its inputs: each pixel that its strides meet, times the kernel.

    Shapes: (N, H, W, C) to (N, ceil(H / stride), ceil(W / stride), filters), whatever the padding; the kernel has shape
    (1, 1, C, filters).
    """
    kernel = ops.reshape(kernel, kernel.shape[2:])
    rows, columns = (slice(None, None, stride) for stride in strides)
    if data_format == "channels_last":
        return ops.einsum("nhwc,cf->nhwf", inputs[:, rows, columns], kernel)
    return ops.einsum("nchw,cf->nfhw", inputs[:, :, rows, columns], kernel)


def takes_bands(layer: keras.layers.Conv2D, inputs) -> bool:
    """Whether the kernel's gradient is summed over bands: of large maps with the channels last, on jax's CPU."""
    if layer.groups > 1 or layer.data_format == "channels_first" or not on_jax_cpu(inputs):
        return False
    rows = layer.compute_output_shape(inputs.shape)[1]
    return rows is not None and rows >= BANDED_FROM


def convolution_with_banded_gradient(layer: keras.layers.Conv2D, inputs, kernel):
    """A convolution of (N, H, W, C) whose gradient for the kernel is the sum of those of bands of `BAND` rows.

    XLA has that gradient as a convolution with a kernel as large as the map, whose patches leave the caches. The output
    and the gradient for the inputs are Keras' own.
    """
    import jax
    from jax.custom_derivatives import SymbolicZero

    def convolve(x, k, padding):
        return ops.conv(x, k, layer.strides, padding, layer.data_format, layer.dilation_rate)

    @jax.custom_jvp
    def convolution(x, k):
        return convolve(x, k, layer.padding)

    @functools.partial(convolution.defjvp, symbolic_zeros=True)
    def derivative(at, along):
        (x, k), (dx, dk) = at, along
        y = convolve(x, k, layer.padding)
        dy = ops.zeros_like(y) if isinstance(dx, SymbolicZero) else convolve(dx, k, layer.padding)
        return y, dy if isinstance(dk, SymbolicZero) else dy + by_bands(x, dk)

    def by_bands(x, k):  # which jax transposes for the gradient, and need not compute itself then
        spans = [(n - 1) * dilation + 1 for n, dilation in zip(layer.kernel_size, layer.dilation_rate, strict=True)]
        x, stride = padded(x, spans, layer.strides, layer.padding, (1, 2)), layer.strides[0]
        rows = (x.shape[1] - spans[0]) // stride + 1
        bands = [(first, min(first + BAND, rows)) for first in range(0, rows, BAND)]
        parts = [x[:, first * stride : (last - 1) * stride + spans[0]] for first, last in bands]
        return ops.concatenate([convolve(part, k, "valid") for part in parts], 1)

    return convolution(inputs, ops.convert_to_tensor(kernel))


def takes_shifted_maps(layer: keras.layers.DepthwiseConv2D | keras.layers.SeparableConv2D, inputs) -> bool:
    """Whether a depthwise convolution is a sum of shifted maps: of up to 3x3, with one filter for each channel, on
    jax's CPU. XLA takes minutes to compile a network of larger ones."""
    return math.prod(layer.kernel_size) <= 9 and layer.depth_multiplier == 1 and on_jax_cpu(inputs)


def depthwise_convolution(layer: keras.layers.DepthwiseConv2D | keras.layers.SeparableConv2D, inputs, kernel):
    """A filter for each channel: the sum of the maps that its pixels meet, each times that pixel.

    Shapes: (N, H, W, C) to (N, H', W', C); the kernel has shape (k, k, C, 1). The sum is in float32 at least. XLA's own
    way has code for each group, of one channel here.
    """
    wide = keras.backend.result_type(inputs.dtype, "float32")
    last = layer.data_format == "channels_last"
    weights = ops.reshape(ops.cast(kernel, wide), (-1, kernel.shape[2], *(() if last else (1, 1))))
    maps = _met(ops.cast(inputs, wide), layer, kernel.shape[:2], layer.dilation_rate)
    return ops.cast(sum(x * weight for x, weight in zip(maps, weights, strict=True)), inputs.dtype)


def takes_comparisons(layer: keras.layers.MaxPooling2D, inputs) -> bool:
    """Whether the greatest pixels are found by comparisons: on jax's CPU, in windows of up to 3x3."""
    return math.prod(layer.pool_size) <= 9 and on_jax_cpu(inputs)


def max_pool(layer: keras.layers.MaxPooling2D, inputs):
    """The greatest pixel of each window by a comparison for each pixel of it, and NaN of a window with NaN.

    Its gradient goes to the first of the greatest pixels, as Keras' does; XLA scatters that pixel by pixel.
    """
    greatest, *others = _met(inputs, layer, layer.pool_size, (1, 1), -math.inf)
    for x in others:
        greatest = ops.where((x > greatest) | (x != x), x, greatest)
    return greatest


def _met(inputs, layer, sizes, dilations, value: float = 0.0):
    """For each pixel of a layer's windows, row by row, the map of what it meets: pixels of the inputs, or `value`."""
    axes = (1, 2) if layer.data_format == "channels_last" else (2, 3)
    spans = [(size - 1) * dilation + 1 for size, dilation in zip(sizes, dilations, strict=True)]
    inputs = padded(inputs, spans, layer.strides, layer.padding, axes, value)
    for offsets in itertools.product(*map(range, sizes)):
        window = [slice(None)] * 4
        for axis, span, stride, dilation, i in zip(axes, spans, layer.strides, dilations, offsets, strict=True):
            window[axis] = slice(i * dilation, inputs.shape[axis] - span + i * dilation + 1, stride)
        yield inputs[tuple(window)]


def padded(inputs, spans, strides, padding: str, axes, value: float = 0.0):
    """Maps as the windows of "same" want them, half of the padding on each side and the odd pixel after."""
    if padding == "valid":
        return inputs
    widths = [(0, 0)] * 4
    for axis, span, stride in zip(axes, spans, strides, strict=True):
        total = same_padding(inputs.shape[axis], span, stride)
        widths[axis] = (total // 2, total - total // 2)
    return ops.pad(inputs, widths, constant_values=value)
