"""The same network for inference, with fewer layers and fewer passes over memory."""

import contextlib
from dataclasses import dataclass

import keras
import numpy as np
from keras import layers

from keras_classics.by_hand import ByHand
from keras_classics.complexity import computes_with_kernels, is_functional
from keras_classics.copies import clone, like_or_shared, take_weights
from keras_classics.errors import ClassicsError
from keras_classics.layers import (
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    FusedBatchNormalization,
    FusedConv2D,
    SeparableConv2D,
    channel_axis,
)
from keras_classics.variant import deep_graph, settle

# No other subclasses, which may do something else with their kernels or their numbers.
FOLDABLE = (
    *(layers.Conv2D, layers.DepthwiseConv2D, layers.SeparableConv2D, layers.Dense),
    *(Conv2D, DepthwiseConv2D, SeparableConv2D),
)
NORMS = (layers.BatchNormalization, BatchNormalization)
TAKES_RELU = (*FOLDABLE, BatchNormalization)


def fuse(model: keras.Model) -> keras.Model:
    """A model with the same outputs in inference, and fewer layers.

    A batch norm goes into the kernel and the bias of the convolution or dense layer right before it, if nothing else
    reads that layer. One that follows anything else (an activation, a pad, a sum, a concatenation) stays. What comes
    next goes into the layer too, under the same condition: a sum with another map, if it is a convolution of ours; a
    ReLU; and the zeros that are put around its input alike on both sides.

    Args:
        model: a functional model; functional models inside it are fused as well, and others are shared with it, as
            are layers that Keras cannot make anew: a Lambda, or one of your own without `get_config`.

    Returns:
        A model of the same name with copies of the weights. Its layers have the names that they had; a layer that took
        in others has its own. On torch it runs them by hand, see `by_hand`. It is compiled as `model` is, but not where
        that has a loss or the like of your own that is not registered with Keras.

    Raises:
        ClassicsError: if the model is not functional.
    """
    if not is_functional(model):
        raise ClassicsError(f"{model.name} has no graph of layers to fuse; build it with Keras' Functional API.")
    parts = {part.layer.name: part for part in _parts(model)}
    stands_for = {id(part.at): part for part in parts.values()}
    gone = {id(layer) for part in parts.values() for layer in part.all() if layer is not part.at}

    def copy(layer):
        if id(layer) in gone:
            return layer
        if id(layer) in stands_for:
            return stands_for[id(layer)].fused()
        if isinstance(layer, keras.Model):
            return fuse(layer) if is_functional(layer) else layer
        return like_or_shared(layer)

    def call(layer, x, *args, **kwargs):
        if id(layer) in gone:
            return x
        part = parts.get(layer.name)
        if part and part.add:
            own = part.place
            return layer(x[own], added=x[1 - own])
        return layer(x, *args, **kwargs)

    result = clone(model, copy=copy, call_function=call)
    for layer in result.layers:
        if layer.weights and not isinstance(layer, keras.Model):
            part = parts.get(layer.name)
            source = model.get_layer(layer.name)
            if part and part.norm:
                layer.set_weights(_fold(source, part.norm))
            else:
                take_weights(layer, source)
    settle(result)
    with deep_graph():
        fused = ByHand(result.input, result.output, name=model.name)
    if model.compiled:
        with contextlib.suppress(TypeError, ValueError):  # of a function that Keras does not find again
            fused.compile_from_config(model.get_compile_config())
    return fused


@dataclass
class _Part:
    """A layer, and the layers around it that go into it."""

    layer: keras.layers.Layer
    pad: keras.layers.Layer | None = None
    norm: keras.layers.Layer | None = None
    add: keras.layers.Layer | None = None
    relu: keras.layers.Layer | None = None

    @property
    def at(self) -> keras.layers.Layer:
        """The layer in whose place the fused one is called, for there all that it reads is known."""
        return self.add or self.layer

    @property
    def place(self) -> int:
        """Which of the sum's two inputs is the layer's own."""
        last = self.norm or self.layer
        return 0 if self.at.input[0]._keras_history.operation is last else 1

    def all(self) -> list[keras.layers.Layer]:
        return [layer for layer in (self.layer, self.pad, self.norm, self.add, self.relu) if layer]

    def fused(self) -> keras.layers.Layer:
        """The layer that does the work of all, without its weights."""
        kind, config = type(self.layer), self.layer.get_config()
        if self.norm:
            config["use_bias"] = True
        if self.relu:
            config["activation"] = "relu"
        if self.pad:
            config["zeros"] = [before for before, _ in self.pad.padding]
        if kind is Conv2D and (self.pad or self.add):
            kind = FusedConv2D
        elif kind is BatchNormalization:
            kind = FusedBatchNormalization
        return kind.from_config(config)


def _parts(model) -> list[_Part]:
    """The layers that take in others; each of those goes into one."""
    outputs = {id(tensor) for tensor in keras.tree.flatten(model.outputs)}
    parts: list[_Part] = []
    taken: set[int] = set()

    def reader(layer):
        """The only layer that reads this one; None if there are others, or the model puts it out."""
        if not (len(layer._inbound_nodes) == len(layer._outbound_nodes) == 1) or id(layer.output) in outputs:
            return None
        found = layer._outbound_nodes[0].operation
        alike = getattr(found, "compute_dtype", None) == layer.compute_dtype
        return found if alike and len(found._inbound_nodes) == 1 and id(found) not in taken else None

    for layer in model.layers:
        if id(layer) in taken or len(layer._inbound_nodes) != 1:
            continue
        part, last = _Part(layer), layer
        if type(layer) in FOLDABLE and layer.activation is keras.activations.linear:
            if (norm := reader(last)) and _can_fold(layer, norm):
                part.norm = last = norm
            if type(layer) is Conv2D:
                part.pad = _pad(layer, reader)
                if (add := reader(last)) and _is_sum_of_two(add):
                    part.add = last = add
        elif type(layer) is not BatchNormalization:  # or a layer that has its activation already
            continue
        if type(layer) in TAKES_RELU and (relu := reader(last)) and _is_relu(relu):
            part.relu = relu
        if part.all() != [layer]:
            parts.append(part)
            taken.update(map(id, part.all()))
    return parts


def _can_fold(layer, norm) -> bool:
    return (
        type(norm) in NORMS
        and computes_with_kernels(layer)
        and (norm.axis - channel_axis(getattr(layer, "data_format", "channels_last"))) % norm.input.ndim == 0
    )


def _pad(layer, reader):
    """The layer that puts zeros around the input of a convolution, alike on both sides; None if there is none."""
    pad = layer.input._keras_history.operation
    fits = (
        isinstance(pad, layers.ZeroPadding2D)
        and reader(pad) is layer
        and pad.data_format == layer.data_format
        and layer.padding == "valid"
        and all(before == after for before, after in pad.padding)
    )
    return pad if fits else None


def _is_sum_of_two(layer) -> bool:
    if type(layer) is not layers.Add or len(layer.input) != 2:
        return False
    one, other = layer.input
    return one is not other and one.shape == other.shape


def _is_relu(layer) -> bool:
    if isinstance(layer, layers.ReLU):
        return (layer.max_value, layer.negative_slope, layer.threshold) == (None, 0, 0)
    return type(layer) is layers.Activation and layer.activation is keras.activations.relu


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
