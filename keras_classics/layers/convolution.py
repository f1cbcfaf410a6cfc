"""Keras' convolutions, with the same arguments, weights and results, fast on torch, on jax's CPU, and with groups."""

import math

import keras
from keras import ops

from keras_classics.layers.grouped_convolution import grouped_convolution, on_cpu
from keras_classics.layers.jax_cpu import (
    convolution_with_banded_gradient,
    matrix_product,
    takes_bands,
    takes_matrix_product,
)
from keras_classics.layers.torch_layout import keras_copies_maps, on_channels_first

registered = keras.saving.register_keras_serializable("keras_classics")


@registered
class Conv2D(keras.layers.Conv2D):
    """On torch Keras copies a map with the channels last, lays the kernel out anew for each batch, and adds the bias in
    a pass of its own. Here the map is transposed, which moves nothing, torch's operation adds the bias, and where no
    gradients are recorded the kernel is laid out again only when it has changed.

    On jax's CPU 1x1 kernels are matrix products and large maps have their kernels' gradients by bands; see `jax_cpu`.
    With `groups` it is computed the fastest way that the backend has; see `grouped_convolution`.
    """

    def call(self, inputs):
        if self._is_torch_op(inputs):
            return self.activation(self._torch_op(inputs))
        if keras_may_add_bias_to_columns(self):
            return _biased_and_activated(self, self.convolution_op(inputs, self.kernel))
        return super().call(inputs)

    def _is_torch_op(self, inputs) -> bool:
        if not keras_copies_maps(self.data_format):
            return False
        return self.groups == 1 or self.kernel_size != (1, 1) or not on_cpu(inputs)

    def convolution_op(self, inputs, kernel):
        if takes_matrix_product(self, inputs):
            return matrix_product(self, inputs, kernel)
        if takes_bands(self, inputs):
            return convolution_with_banded_gradient(self, inputs, kernel)
        if self.groups == 1:
            return super().convolution_op(inputs, kernel)
        return grouped_convolution(self, inputs, kernel, super().convolution_op)

    def _torch_op(self, inputs):
        import torch.nn.functional as F

        kernel, bias = self._laid_out(), ops.convert_to_tensor(self.bias) if self.use_bias else None
        x, padding = inputs.permute(0, 3, 1, 2), self.padding
        if padding == "same" and self.strides != (1, 1):  # which torch leaves to us: half of the zeros on each side
            spans = [(k - 1) * d + 1 for k, d in zip(self.kernel_size, self.dilation_rate, strict=True)]
            sides = zip(x.shape[2:], self.strides, spans, strict=True)
            zeros = [max(math.ceil(n / s) * s - s + span - n, 0) for n, s, span in sides]
            x, padding = F.pad(x, [z for n in reversed(zeros) for z in (n // 2, n - n // 2)]), "valid"
        y = F.conv2d(x, kernel, bias, self.strides, padding, self.dilation_rate, self.groups)
        return y.permute(0, 2, 3, 1)

    def _laid_out(self):
        """The kernel as torch wants it, (out, in, k, k) with `in` last in memory, which takes as much memory again."""
        import torch

        kernel = ops.convert_to_tensor(self.kernel)
        of, version, copy = self.__dict__.get("_copy", (None, None, None))
        if of is not kernel or version != kernel._version or torch.is_grad_enabled():
            copy = kernel.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last)
            if not torch.is_grad_enabled():
                self.__dict__["_copy"] = kernel, kernel._version, copy  # not tracked, for it is no weight
        return copy


@registered
class DepthwiseConv2D(keras.layers.DepthwiseConv2D):
    def call(self, inputs):
        if keras_copies_maps(self.data_format) or keras_may_add_bias_to_columns(self):
            return _convolved(self, ops.depthwise_conv, inputs, self.kernel)
        return super().call(inputs)


@registered
class SeparableConv2D(keras.layers.SeparableConv2D):
    def call(self, inputs):
        if keras_copies_maps(self.data_format) or keras_may_add_bias_to_columns(self):
            return _convolved(self, ops.separable_conv, inputs, self.depthwise_kernel, self.pointwise_kernel)
        return super().call(inputs)


def _convolved(layer, operation, inputs, *kernels):
    """What a layer makes of maps by one of Keras' operations; those with the channels last are not copied."""
    options = {"strides": layer.strides, "padding": layer.padding, "dilation_rate": layer.dilation_rate}
    if layer.data_format == "channels_last":
        outputs = on_channels_first(operation, inputs, *kernels, **options)
    else:
        outputs = operation(inputs, *kernels, data_format="channels_first", **options)
    return _biased_and_activated(layer, outputs)


def keras_may_add_bias_to_columns(layer) -> bool:
    """Whether Keras takes the columns of a map for its channels, on tensorflow with the channels first: it does so
    where there are as many of the ones as of the others."""
    return layer.use_bias and layer.data_format == "channels_first" and keras.config.backend() == "tensorflow"


def _biased_and_activated(layer, outputs):
    if layer.use_bias:
        outputs = outputs + ops.reshape(layer.bias, (-1,) if layer.data_format == "channels_last" else (-1, 1, 1))
    return layer.activation(outputs)
