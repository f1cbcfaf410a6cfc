"""Keras' convolutions, with the same arguments, weights and results, fast on torch, on jax's CPU, and with groups."""

import keras
from keras import ops

from keras_classics.layers import onednn
from keras_classics.layers.grouped_convolution import grouped_convolution, on_cpu
from keras_classics.layers.jax_cpu import (
    convolution_with_banded_gradient,
    depthwise_convolution,
    matrix_product,
    takes_bands,
    takes_matrix_product,
    takes_shifted_maps,
)
from keras_classics.layers.same_padding import same_padding
from keras_classics.layers.torch_layout import (
    activated,
    keras_copies_maps,
    on_channels_first,
    records_gradients,
    summed,
)

registered = keras.saving.register_keras_serializable("keras_classics")


@registered
class Conv2D(keras.layers.Conv2D):
    """On torch Keras copies a map with the channels last, lays the kernel out anew for each batch, and adds the bias in
    a pass of its own. Here the map is transposed, which moves nothing, torch's operation adds the bias, and where no
    gradients are recorded the kernel is laid out again only when it or the maps' size has changed, and a CPU gets
    oneDNN's convolution with the ReLU in it; see `onednn`.

    On jax's CPU 1x1 kernels are matrix products and large maps have their kernels' gradients by bands; see `jax_cpu`,
    which has the way of the two layers below as well.
    With `groups` it is computed the fastest way that the backend has; see `grouped_convolution`.
    """

    def call(self, inputs):
        if self._is_torch_op(inputs):
            return self._torch_op(inputs)
        if keras_may_add_bias_to_columns(self):
            return _biased_and_activated(self, self.convolution_op(inputs, self.kernel))
        return super().call(inputs)

    def _is_torch_op(self, inputs) -> bool:
        if not keras_copies_maps(self.data_format):
            return False
        return self.groups == 1 or self.kernel_size != (1, 1) or not on_cpu(inputs)

    def convolution_op(self, inputs, kernel):
        if takes_matrix_product(self, inputs):
            return matrix_product(inputs, kernel, self.strides, self.data_format)
        if takes_bands(self, inputs):
            return convolution_with_banded_gradient(self, inputs, kernel)
        if self.groups == 1:
            return super().convolution_op(inputs, kernel)
        return grouped_convolution(self, inputs, kernel, super().convolution_op)

    def _torch_op(self, inputs, zeros=None, added=None):
        """All of the layer: its convolution, with `zeros` before and after rows and columns in place of its padding,
        its bias, the maps that are `added`, and its activation."""
        import torch
        import torch.nn.functional as F

        kernel, bias = ops.convert_to_tensor(self.kernel), ops.convert_to_tensor(self.bias) if self.use_bias else None
        x, padding = inputs.permute(0, 3, 1, 2), zeros or self.padding
        if padding == "same":
            spans = [(k - 1) * d + 1 for k, d in zip(self.kernel_size, self.dilation_rate, strict=True)]
            widths = list(map(same_padding, x.shape[2:], spans, self.strides))
            if any(n % 2 for n in widths):  # half of the zeros on each side, and torch only knows both sides alike
                x = F.pad(x, [z for n in reversed(widths) for z in (n // 2, n - n // 2)])
                widths = [0, 0]
            padding = [n // 2 for n in widths]
        elif padding == "valid":
            padding = (0, 0)
        options = padding, self.strides, self.dilation_rate, self.groups
        if onednn.takes(x, kernel):
            packed = self._kept(kernel, lambda: onednn.packed(kernel.permute(3, 2, 0, 1), x, *options), x.shape)
            relu = self.activation is keras.activations.relu
            outputs = onednn.convolution(
                x, packed, bias, *options, None if added is None else added.permute(0, 3, 1, 2), relu
            )
            return outputs.permute(0, 2, 3, 1) if relu else self.activation(outputs.permute(0, 2, 3, 1))
        kernel = self._kept(kernel, lambda: kernel.permute(3, 2, 0, 1).contiguous(memory_format=torch.channels_last))
        outputs = F.conv2d(x, kernel, bias, self.strides, padding, self.dilation_rate, self.groups).permute(0, 2, 3, 1)
        return activated(self, outputs if added is None else summed(outputs, added))

    def _kept(self, kernel, lay_out, *key):
        """The kernel as torch wants it in memory, which takes as much memory again; it is laid out anew where it has
        changed, or what it depends on. torch's `to`, and what is put into `.data`, change a tensor at the same version;
        numbers that are written into `.data` in place are not seen: write to the kernel itself, or `assign` it."""
        import torch

        if records_gradients() or torch.compiler.is_compiling() or kernel.is_inference():  # which has no version
            return lay_out()
        key = (kernel._version, kernel.data_ptr(), kernel.dtype, kernel.device, *key)
        at, copy, _ = self.__dict__.get("_copy", (None, None, None))
        if at != key:
            copy = lay_out()
            # Not tracked, for it is no weight. What is detached holds the memory, whose address no other kernel gets.
            self.__dict__["_copy"] = key, copy, kernel.detach()
        return copy


@registered
class DepthwiseConv2D(keras.layers.DepthwiseConv2D):
    def call(self, inputs):
        if takes_shifted_maps(self, inputs):
            return _biased_and_activated(self, depthwise_convolution(self, inputs, self.kernel))
        if keras_copies_maps(self.data_format) or keras_may_add_bias_to_columns(self):
            return _convolved(self, ops.depthwise_conv, inputs, self.kernel)
        return super().call(inputs)


@registered
class SeparableConv2D(keras.layers.SeparableConv2D):
    def call(self, inputs):
        if takes_shifted_maps(self, inputs):
            maps = depthwise_convolution(self, inputs, self.depthwise_kernel)
            outputs = matrix_product(maps, self.pointwise_kernel, (1, 1), self.data_format)
            return _biased_and_activated(self, outputs)
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
    return activated(layer, biased(layer, outputs))


def biased(layer, outputs):
    """What the layer's operation put out, with the bias, which Keras' `add` of four axes lets tensorflow fuse."""
    if not layer.use_bias:
        return outputs
    if layer.data_format == "channels_last":
        return ops.add(outputs, ops.reshape(layer.bias, (1, 1, 1, -1)))
    return outputs + ops.reshape(layer.bias, (-1, 1, 1))
