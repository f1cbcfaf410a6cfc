"""Pooling that is fast on torch and on jax's CPU too: Keras' layers of these names, arguments and results."""

import keras
from keras import ops

from keras_classics.layers import jax_cpu
from keras_classics.layers.data_format import checked_data_format
from keras_classics.layers.torch_layout import keras_copies_maps, on_channels_first

registered = keras.saving.register_keras_serializable("keras_classics")


@registered
class MaxPooling2D(keras.layers.MaxPooling2D):
    def call(self, inputs):
        if jax_cpu.takes_comparisons(self, inputs):
            return jax_cpu.max_pool(self, inputs)
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


@registered
class HalvingPadding2D(keras.layers.Layer):
    """Zeros for windows of three pixels, two apart: one after each side, and one before it where it is odd.

    Shapes (N, H, W, C) to (N, H + 1 + H % 2, W + 1 + W % 2, C), which the windows halve to ceil(H / 2), ceil(W / 2).
    """

    def __init__(self, data_format: str | None = None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = checked_data_format(data_format)

    @property
    def _axes(self) -> tuple[int, int]:
        return (1, 2) if self.data_format == "channels_last" else (2, 3)

    def compute_output_shape(self, input_shape):
        shape = list(input_shape)
        for axis in self._axes:
            shape[axis] = None if shape[axis] is None else shape[axis] + 1 + shape[axis] % 2
        return tuple(shape)

    def call(self, inputs):
        widths, kept = [(0, 0)] * 4, [slice(None)] * 4
        for axis in self._axes:
            side = ops.shape(inputs)[axis]
            if isinstance(side, int):
                widths[axis] = (side % 2, 1)
            else:  # of a size that is not known yet: a zero before it in any case, which is dropped if it is even
                widths[axis], kept[axis] = (1, 1), slice(1 - side % 2, None)
        padded = ops.pad(inputs, widths)
        return padded if kept == [slice(None)] * 4 else padded[tuple(kept)]

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}
