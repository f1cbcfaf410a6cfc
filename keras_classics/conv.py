"""Convolution without the copies that Keras makes on torch."""

import keras
from keras import ops


@keras.saving.register_keras_serializable("keras_classics")
class Conv2D(keras.layers.Conv2D):
    """Keras' layer of this name with the same arguments, weights and results.

    On torch Keras copies a map with the channels last to channels first, and then back to channels last in memory. Here
    it is transposed, which moves nothing, and torch finds it as it wants it. Only where no gradients are recorded: the
    backward pass is slower that way.
    """

    def convolution_op(self, inputs, kernel):
        if self.data_format == "channels_first" or not _torch_infers():
            return super().convolution_op(inputs, kernel)
        x = ops.transpose(inputs, (0, 3, 1, 2))
        y = ops.conv(x, kernel, list(self.strides), self.padding, "channels_first", self.dilation_rate)
        return ops.transpose(y, (0, 2, 3, 1))


def _torch_infers() -> bool:
    if keras.config.backend() != "torch":
        return False
    import torch

    return not torch.is_grad_enabled()
