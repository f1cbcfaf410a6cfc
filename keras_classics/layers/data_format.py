"""Where the channels of an image tensor are."""

import keras

from keras_classics.errors import unknown
from keras_classics.layers.nesting import leaves


def checked_data_format(data_format: str | None) -> str:
    """The data format that a layer keeps; None is the current one.

    Raises:
        ClassicsError: if it is neither "channels_last" nor "channels_first".
    """
    if data_format not in (None, "channels_last", "channels_first"):
        raise unknown("data format", data_format, ("channels_last", "channels_first"))
    return data_format or keras.config.image_data_format()


def channel_axis(data_format: str | None = None) -> int:
    """The axis of the channels in a data format, by default in the current one."""
    return -1 if checked_data_format(data_format) == "channels_last" else 1


def channels_of(x, data_format: str | None = None) -> int:
    return x.shape[channel_axis(data_format)]


def data_format_of(model: keras.Model) -> str:
    """The data format that a model was built in, which its convolutions keep; the current one if it has none.

    Other layers do not tell: a pad or a crop of channels takes the other format.
    """
    formats = (layer.data_format for layer in leaves(model) if hasattr(layer, "kernel_size"))
    return next(formats, keras.config.image_data_format())
