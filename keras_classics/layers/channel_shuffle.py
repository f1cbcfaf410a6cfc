"""ShuffleNet's exchange between groups."""

import keras
from keras import ops

from keras_classics.errors import ClassicsError
from keras_classics.layers.data_format import channel_axis, checked_data_format
from keras_classics.layers.export_mode import is_exporting

registered = keras.saving.register_keras_serializable("keras_classics")


@registered
class ChannelShuffle(keras.layers.Layer):
    """Deals the channels of `groups` groups out in turn: the first of each, the second of each, and so on.

    Shapes (N, H, W, C) to the same. Of C = g n channels, the one at i n + j goes to j g + i: the channels are reshaped
    to (g, n), transposed and flattened (Zhang et al. 2017, section 3.1).
    """

    def __init__(self, groups: int, data_format: str | None = None, **kwargs):
        super().__init__(**kwargs)
        self.groups, self.data_format = groups, checked_data_format(data_format)

    def build(self, input_shape):
        channels = input_shape[channel_axis(self.data_format)]
        if channels % self.groups:
            raise ClassicsError(f"{self.name} cannot shuffle {channels} channels in {self.groups} equal groups.")

    def compute_output_shape(self, input_shape):
        return input_shape

    def call(self, inputs):
        if self.data_format == "channels_last" and is_exporting():
            return self._by_maps(inputs)
        _, *shape = ops.shape(inputs)
        if self.data_format == "channels_last":
            *sides, channels = shape
            x = ops.reshape(inputs, (-1, *sides, self.groups, channels // self.groups))
            x = ops.transpose(x, (0, 1, 2, 4, 3))
        else:
            channels, *sides = shape
            x = ops.reshape(inputs, (-1, self.groups, channels // self.groups, *sides))
            x = ops.transpose(x, (0, 2, 1, 3, 4))
        return ops.reshape(x, (-1, *shape))

    def _by_maps(self, inputs):
        """The same with the maps whole, one after the other. Runtimes move these in large pieces, and ONNX, whose maps
        are so anyway, needs no more than the transposition in the middle; a pixel's channels are moved one by one."""
        _, height, width, channels = ops.shape(inputs)
        x = ops.reshape(ops.transpose(inputs, (0, 3, 1, 2)), (-1, self.groups, channels // self.groups, height, width))
        x = ops.reshape(ops.transpose(x, (0, 2, 1, 3, 4)), (-1, channels, height, width))
        return ops.transpose(x, (0, 2, 3, 1))

    def get_config(self):
        return {**super().get_config(), "groups": self.groups, "data_format": self.data_format}
