"""The same network for inference, with its batch norms folded into the layers before them."""

import keras
import numpy as np
from keras import layers

from keras_classics.complexity import is_functional
from keras_classics.errors import ClassicsError
from keras_classics.layers import channel_axis
from keras_classics.variant import deep_graph

FOLDABLE = layers.Conv2D | layers.DepthwiseConv2D | layers.SeparableConv2D | layers.Dense


def fuse(model: keras.Model) -> keras.Model:
    """A model with the same outputs in inference, and fewer layers.

    A batch norm goes into the kernel and the bias of the convolution or dense layer right before it, if nothing else
    reads that layer. One that follows anything else (an activation, a pad, a sum, a concatenation) stays.

    Args:
        model: a functional model; functional models inside it are fused as well, and others are shared with it.

    Returns:
        A model of the same name with copies of the weights. Its layers have the names that they had.

    Raises:
        ClassicsError: if the model is not functional.
    """
    if not is_functional(model):
        raise ClassicsError(f"{model.name} has no graph of layers to fuse; build it with Keras' Functional API.")
    norms = _foldable(model)
    folded = {norm.name for norm in norms.values()}

    def copy(layer):
        if layer.name in folded:
            return layer
        if isinstance(layer, keras.Model):
            return fuse(layer) if is_functional(layer) else layer
        config = layer.get_config()
        return type(layer).from_config({**config, "use_bias": True} if layer.name in norms else config)

    def call(layer, x, *args, **kwargs):
        return x if layer.name in folded else layer(x, *args, **kwargs)

    with deep_graph():
        result = keras.models.clone_model(model, clone_function=copy, call_function=call)
    for layer in result.layers:
        if layer.weights and not isinstance(layer, keras.Model):
            source = model.get_layer(layer.name)
            layer.set_weights(_fold(source, norms[layer.name]) if layer.name in norms else source.get_weights())
    return result


def _foldable(model) -> dict[str, layers.BatchNormalization]:
    """The batch norms that can be folded, by the names of the layers that take them in."""
    outputs = {id(tensor) for tensor in keras.tree.flatten(model.outputs)}
    norms = {}
    for norm in model.layers:
        if not isinstance(norm, layers.BatchNormalization) or len(norm._inbound_nodes) != 1:
            continue
        layer = norm.input._keras_history.operation
        if (
            isinstance(layer, FOLDABLE)
            and layer.activation is keras.activations.linear
            and len(layer._inbound_nodes) == len(layer._outbound_nodes) == 1
            and id(layer.output) not in outputs
            and (norm.axis - channel_axis(getattr(layer, "data_format", "channels_last"))) % norm.input.ndim == 0
        ):
            norms[layer.name] = norm
    return norms


def _fold(layer, norm) -> list[np.ndarray]:
    """The weights of a layer with the batch norm after it in them: its kernels, then its bias.

    A norm maps x to x * scale + shift, channel by channel; the channels are the last axis of the last kernel, and of a
    depthwise one the last two.
    """
    *kernels, bias = layer.get_weights() if layer.use_bias else [*layer.get_weights(), 0.0]
    mean, variance, gamma, beta = (
        None if v is None else keras.ops.convert_to_numpy(v).astype("float64")
        for v in (norm.moving_mean, norm.moving_variance, norm.gamma, norm.beta)
    )
    scale = (1.0 if gamma is None else gamma) / np.sqrt(variance + norm.epsilon)
    shift = (bias - mean) * scale + (0.0 if beta is None else beta)
    depthwise = isinstance(layer, layers.DepthwiseConv2D)
    return [*kernels[:-1], kernels[-1] * (scale.reshape(kernels[-1].shape[2:]) if depthwise else scale), shift]
