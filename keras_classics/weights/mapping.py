"""Putting a peer's tensors into the layers of our network."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import keras
import numpy as np

from keras_classics.blocks import channels_of
from keras_classics.errors import ClassicsError
from keras_classics.layers import ScheduledDropPath

Rules = Sequence[tuple[str, str | Callable[[re.Match], str]]]

# What the peers call the variables of a layer, by our names of them.
TORCH = {
    "kernel": "weight",
    "depthwise_kernel": "weight",
    "pointwise_kernel": "weight",
    "bias": "bias",
    "gamma": "weight",
    "beta": "bias",
    "moving_mean": "running_mean",
    "moving_variance": "running_var",
}
IGNORED = re.compile(r".*num_batches_tracked")


def assign(model: keras.Model, tensors: Mapping[str, np.ndarray], rules: Rules, layout: str = "torch") -> None:
    """Puts every tensor of a peer's network into the layer of `model` that the table names.

    Args:
        model: any network of the zoo.
        tensors: the peer's arrays, by "<layer>.<variable>".
        rules: the table of `keras_classics.weights.NAMES` for the model's family and the peer.
        layout: "torch" (kernels out-in-height-width, dense layers that read channels before pixels) or "keras".

    A bias of a convolution that has none here, because batch normalisation follows, goes into the moving mean. A batch
    norm of Keras' that has no scale, since a ReLU and a convolution follow, has a scale of one here.

    Raises:
        ClassicsError: if tensors are missing, left over or of another shape; the message lists them.
    """
    left = {name: array for name, array in tensors.items() if not IGNORED.fullmatch(name)}
    problems = []
    values = []
    extra_biases: dict[str, np.ndarray] = {}  # by the name of the batch norm that they go into
    for layer in model.layers:
        if not layer.weights or isinstance(layer, ScheduledDropPath):
            continue
        separable = isinstance(layer, keras.layers.SeparableConv2D)
        for variable in layer.weights:
            name = variable.path.rsplit("/", 1)[-1]
            prefix = _peer_name(f"{layer.name}/{name}" if separable else layer.name, rules)
            pattern = rf"{prefix}\.{TORCH[name] if layout == 'torch' else name}"
            key = next((k for k in left if re.fullmatch(pattern, k)), None)
            if key is None and name == "gamma" and layout == "keras":
                values.append((variable, np.ones(variable.shape)))
                continue
            if key is None:
                problems.append(f"{layer.name}/{name} finds no {pattern}")
                continue
            array = np.asarray(left.pop(key))
            if layout == "torch":
                array = _from_torch(array, layer, name)
            if name == "moving_mean" and layer.name in extra_biases:
                array = array - extra_biases.pop(layer.name)
            if array.shape != tuple(variable.shape):
                problems.append(f"{key} has shape {array.shape}, {layer.name}/{name} has {tuple(variable.shape)}")
                continue
            values.append((variable, array))
        bias = next((k for k in left if re.fullmatch(rf"{prefix}\.bias", k)), None)
        if bias is not None and isinstance(layer, keras.layers.Conv2D) and not layer.use_bias:
            extra_biases[next(_batch_norms_after(layer)).name] = np.asarray(left.pop(bias))
    problems += [f"{name} is left over" for name in left]
    if problems:
        shown = "; ".join(problems[:8]) + (f"; and {len(problems) - 8} more" if len(problems) > 8 else "")
        raise ClassicsError(f"The tensors are not those of {model.name}: {shown}.")
    for variable, array in values:
        variable.assign(array)


def _peer_name(layer_name: str, rules: Rules) -> str:
    """A regular expression for the peer's name of a layer."""
    for pattern, name in rules:
        if match := re.fullmatch(pattern, layer_name):
            made = name(match) if callable(name) else match.expand(name)
            return made if "(" in made else re.escape(made)
    raise ClassicsError(f"The table of names says nothing of the layer {layer_name}.")


def _from_torch(array, layer, name):
    if name == "depthwise_kernel" or (name == "kernel" and isinstance(layer, keras.layers.DepthwiseConv2D)):
        return array.transpose(2, 3, 0, 1)
    if name == "pointwise_kernel":
        return array.transpose(2, 3, 1, 0)
    if name != "kernel":
        return array
    if array.ndim == 4 and len(layer.kernel.shape) == 4:
        return array.transpose(2, 3, 1, 0)
    source = layer.input._keras_history.operation
    if isinstance(source, keras.layers.Flatten):  # which puts the channels last in either data format
        array = array.reshape(len(array), channels_of(source.input), -1).transpose(0, 2, 1)
    return array.reshape(len(array), -1).T


def _batch_norms_after(layer) -> Iterator[keras.layers.Layer]:
    for node in layer._outbound_nodes:
        if isinstance(node.operation, keras.layers.BatchNormalization):
            yield node.operation
