"""Copies of functional models and of their layers, with what Keras' `clone_model` leaves behind or cannot do."""

import re
from collections.abc import Callable

import keras
import numpy as np

from keras_classics.layers import leaves
from keras_classics.variant import deep_graph, settle


def like(layer: keras.Layer, **changed) -> keras.Layer:
    """A layer of the same kind and settings but those `changed`, without its weights."""
    return type(layer).from_config({**layer.get_config(), **changed})


def like_or_shared(layer: keras.Layer, **changed) -> keras.Layer:
    """The same; or the layer itself where Keras cannot make another: a Lambda, or one of one's own that does not tell
    its settings."""
    try:
        return like(layer, **changed)
    except (NotImplementedError, TypeError, ValueError):
        return layer


def clone(
    model: keras.Model, inputs: keras.KerasTensor | None = None, copy: Callable = like_or_shared, **how
) -> keras.Model:
    """Keras' `clone_model` of a functional model, not compiled: what it was compiled with may be a function of one's
    own, which Keras does not find again."""
    with deep_graph():
        graph = keras.Model(model.input, model.output, name=model.name)  # the same layers
        return keras.models.clone_model(graph, inputs, clone_function=copy, **how)


def take_weights(layer: keras.Layer, source: keras.Layer) -> None:
    """Gives a copy the weights of its source, in the shapes that they have in it, and LoRA's alpha, in whose place
    Keras' `Dense` takes the rank when it is built."""
    values = source.get_weights()
    if source.quantization_mode is not None:  # then their order is another if it was built before
        by_name = {weight.name: value for weight, value in zip(source.weights, values, strict=True)}
        values = [by_name[weight.name] for weight in layer.weights]
    layer.set_weights([np.reshape(value, at.shape) for value, at in zip(values, layer.weights, strict=True)])
    for ours, theirs in zip(layer._flatten_layers(), source._flatten_layers(), strict=True):
        if getattr(theirs, "lora_enabled", False):
            ours.lora_alpha = theirs.lora_alpha


def in_float32(model: keras.Model) -> keras.Model:
    """A copy that computes in float32, of a model with a graph that computes in fewer bits; else the model itself."""
    if not hasattr(model, "outputs") or not any("float16" in layer.compute_dtype for layer in leaves(model)):
        return model
    if isinstance(model, keras.Sequential):
        model = keras.Model(model.inputs[0], model.outputs[0], name=model.name)

    def widened(dtype):
        return re.sub(r"(mixed_)?b?float16", "float32", dtype)

    def image(given):
        return keras.Input(batch_shape=given.shape, name=given.name, dtype=widened(given.dtype))

    def copy(layer):
        if isinstance(layer, keras.Model):
            return in_float32(layer)
        return like_or_shared(layer, dtype=widened(layer.dtype_policy.name))

    result = clone(model, keras.tree.map_structure(image, model.input), copy=copy)
    for layer in result.layers:
        if layer.weights and not isinstance(layer, keras.Model):
            take_weights(layer, model.get_layer(layer.name))
    settle(result)
    return result
