"""Where the channels of an image tensor are."""

import keras


def channel_axis() -> int:
    """The axis of the channels in the current image data format."""
    return -1 if keras.config.image_data_format() == "channels_last" else 1


def channels_of(x) -> int:
    return x.shape[channel_axis()]
