"""Pooling that is fast on torch too: Keras' layers of these names, with the same arguments and results."""

import keras
from keras import ops

from keras_classics.layers.torch_layout import keras_copies_maps, on_channels_first

registered = keras.saving.register_keras_serializable("keras_classics")


@registered
class MaxPooling2D(keras.layers.MaxPooling2D):
    def call(self, inputs):
        if not keras_copies_maps(self.data_format):
            return super().call(inputs)
        return on_channels_first(ops.max_pool, inputs, self.pool_size, self.strides, self.padding)


@registered
class AveragePooling2D(keras.layers.AveragePooling2D):
    def call(self, inputs):
        if not keras_copies_maps(self.data_format):
            return super().call(inputs)
        return on_channels_first(ops.average_pool, inputs, self.pool_size, self.strides, self.padding)


@registered
class HalvingAveragePooling2D(AveragePooling2D):
    """3x3 average pooling with stride 2 and TensorFlow's "same", whose averages leave out what is beyond the edge.

    Shapes (N, H, W, C) to (N, ceil(H / 2), ceil(W / 2), C). On torch Keras repeats the edge where the padding is
    lopsided, that is where a side is even. Odd sides are padded alike, so there a zero before an even side makes it
    odd, and the window that reads it is dropped.
    """

    def __init__(self, **kwargs):
        super().__init__(3, 2, "same", **kwargs)

    def call(self, inputs):
        if keras.config.backend() != "torch":
            return super().call(inputs)
        axes = (1, 2) if self.data_format == "channels_last" else (2, 3)
        even = [1 - inputs.shape[axis] % 2 if axis in axes else 0 for axis in range(4)]
        outputs = super().call(ops.pad(inputs, [(n, 0) for n in even]) if any(even) else inputs)
        return outputs[tuple(slice(n, None) for n in even)]

    def get_config(self):
        config = super().get_config()
        return {k: v for k, v in config.items() if k not in ("pool_size", "strides", "padding")}
