"""Keras' operations on torch without the copies of maps that they make there."""

import keras
from keras import ops


def keras_copies_maps(data_format: str) -> bool:
    """Whether Keras copies maps of a layer: on torch, with the channels last, to maps with the channels first, on which
    torch's pooling then takes ten times as long."""
    return data_format == "channels_last" and keras.config.backend() == "torch"


def on_channels_first(operation, inputs, *args, **options):
    """An operation on maps with the channels last, as on channels first: transposed, which moves nothing in memory, so
    that torch finds them as it wants them."""
    outputs = operation(ops.transpose(inputs, (0, 3, 1, 2)), *args, data_format="channels_first", **options)
    return ops.transpose(outputs, (0, 2, 3, 1))
