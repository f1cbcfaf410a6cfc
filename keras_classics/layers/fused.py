"""The layers that `fuse` puts in the place of several, for inference; on torch they save passes over memory."""

import keras
from keras import ops

from keras_classics.layers.batch_normalization import BatchNormalization
from keras_classics.layers.convolution import Conv2D, biased
from keras_classics.layers.torch_layout import activated, summed

registered = keras.saving.register_keras_serializable("keras_classics")


@registered
class FusedConv2D(Conv2D):
    """A convolution of maps with zeros around them; other maps may be added to its own before the activation.

    Shapes: (N, H, W, C), and (N, H', W', filters) of the maps to add, to (N, H', W', filters).

    Args:
        zeros: how many are put before and after the rows, and the columns.
    """

    def __init__(self, *args, zeros: tuple[int, int] = (0, 0), **kwargs):
        super().__init__(*args, **kwargs)
        self.zeros = tuple(zeros)

    def build(self, inputs_shape, added_shape=None):
        super().build(inputs_shape)

    def compute_output_shape(self, inputs_shape, added_shape=None):
        rows, columns = (1, 2) if self.data_format == "channels_last" else (2, 3)
        shape = list(inputs_shape)
        for axis, zeros in zip((rows, columns), self.zeros, strict=True):
            shape[axis] = None if shape[axis] is None else shape[axis] + 2 * zeros
        return super().compute_output_shape(shape)

    def call(self, inputs, added=None):
        if self._is_torch_op(inputs):
            return self._torch_op(inputs, self.zeros if any(self.zeros) else None, added)
        outputs = biased(self, self.convolution_op(self._padded(inputs), self.kernel))
        return activated(self, outputs if added is None else summed(outputs, added))

    def _padded(self, inputs):
        if not any(self.zeros):
            return inputs
        sides = [(n, n) for n in self.zeros]
        return ops.pad(
            inputs, [(0, 0), *sides, (0, 0)] if self.data_format == "channels_last" else [(0, 0)] * 2 + sides
        )

    def get_config(self):
        return {**super().get_config(), "zeros": self.zeros}


@registered
class FusedBatchNormalization(BatchNormalization):
    """A batch norm and the activation after it."""

    def __init__(self, *args, activation=None, **kwargs):
        super().__init__(*args, **kwargs)
        self.activation = keras.activations.get(activation)

    def call(self, inputs, training=None, mask=None):
        return activated(self, super().call(inputs, training, mask))

    def get_config(self):
        return {**super().get_config(), "activation": keras.activations.serialize(self.activation)}
