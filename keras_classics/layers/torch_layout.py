"""Keras' operations on torch without the copies and passes over memory that they make there."""

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


def records_gradients() -> bool:
    """Whether torch keeps what is computed for the gradient, so that nothing may be overwritten."""
    import torch

    return torch.is_grad_enabled()


def activated(layer, outputs):
    """The layer's activation of maps that the layer itself has just made, which nobody else reads: on torch a ReLU
    overwrites them where no gradients are recorded, for memory that is new to the process costs more than the ReLU."""
    if layer.activation is keras.activations.relu and keras.config.backend() == "torch" and not records_gradients():
        return outputs.relu_()
    return layer.activation(outputs)


def summed(outputs, inputs):
    """The sum of maps that a layer itself has just made and of others of that shape; the former are overwritten where
    `activated` does so."""
    if keras.config.backend() == "torch" and not records_gradients():
        return outputs.add_(inputs)
    return ops.add(outputs, inputs)
