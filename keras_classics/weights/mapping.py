"""Putting a peer's tensors into the layers of our network."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence

import keras
import numpy as np

from keras_classics.errors import ClassicsError
from keras_classics.layers import ScheduledDropPath, channels_of

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


def convert(
    model: keras.Model, tensors: Mapping[str, np.ndarray], rules: Rules, layout: str = "torch"
) -> dict[str, np.ndarray]:
    """A peer's tensors in our shapes, by "<layer>/<variable>" of `model`, which must be the whole network.

    Args:
        model: any network of the zoo.
        tensors: the peer's arrays, by "<layer>.<variable>".
        rules: the table of `keras_classics.weights.NAMES` for the model's family and the peer.
        layout: "torch" (kernels out-in-height-width, dense layers that read channels before pixels) or "keras".

    A bias of a convolution that has none here, because batch normalisation follows, goes into the moving mean. A batch
    norm of Keras' that has no scale, since a ReLU and a convolution follow, has a scale of one here.

    Raises:
        ClassicsError: if tensors are missing or left over; the message lists them.
    """
    left = {name: array for name, array in tensors.items() if not IGNORED.fullmatch(name)}
    problems = []
    arrays: dict[str, np.ndarray] = {}
    extra_biases: dict[str, np.ndarray] = {}  # by the name of the batch norm that they go into
    for layer in model.layers:
        if not layer.weights or isinstance(layer, ScheduledDropPath):
            continue
        separable = isinstance(layer, keras.layers.SeparableConv2D)
        for variable in layer.weights:
            name = variable.path.rsplit("/", 1)[-1]
            prefix = _peer_name(f"{layer.name}/{name}" if separable else layer.name, rules)
            if prefix is None:
                problems.append(f"{layer.name} is not in the table of names")
                continue
            pattern = rf"{prefix}\.{TORCH[name] if layout == 'torch' else name}"
            key = next((k for k in left if re.fullmatch(pattern, k)), None)
            if key is None and name == "gamma" and layout == "keras":
                arrays[f"{layer.name}/{name}"] = np.ones(variable.shape, "float32")
                continue
            if key is None:
                problems.append(f"{layer.name}/{name} finds no {pattern}")
                continue
            array = np.asarray(left.pop(key))
            if layout == "torch":
                array = _from_torch(array, layer, name)
            if name == "moving_mean" and layer.name in extra_biases:
                array = array - extra_biases.pop(layer.name)
            arrays[f"{layer.name}/{name}"] = array
        bias = next((k for k in left if re.fullmatch(rf"{prefix}\.bias", k)), None)
        if bias is not None and isinstance(layer, keras.layers.Conv2D) and not layer.use_bias:
            extra_biases[next(_batch_norms_after(layer)).name] = np.asarray(left.pop(bias))
    problems += [f"{name} is left over" for name in left]
    if problems:
        raise Mismatch(model.name, problems)
    return arrays


class Mismatch(ClassicsError):
    """Tensors that are not those of a network; `problems` lists why."""

    def __init__(self, network: str, problems: Sequence[str]):
        shown = "; ".join(problems[:8]) + (f"; and {len(problems) - 8} more" if len(problems) > 8 else "")
        super().__init__(f"The tensors are not those of {network}: {shown}.")
        self.problems = problems


def assign(model: keras.Model, tensors: Mapping[str, np.ndarray], rules: Rules, layout: str = "torch") -> None:
    """`convert`, and then the arrays into the layers of `model`, which they must fit.

    Raises:
        ClassicsError: if tensors are missing, left over or of another shape; the message lists them.
    """
    put(model, convert(model, tensors, rules, layout))


def put(model: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Puts converted arrays into the layers of `model`, all or none. Layers without any keep what they have.

    Raises:
        ClassicsError: if one has another shape.
    """
    values, problems = [], []
    for layer in model.layers:
        for variable in layer.weights:
            key = f"{layer.name}/{variable.path.rsplit('/', 1)[-1]}"
            if key not in arrays:
                continue
            if arrays[key].shape != tuple(variable.shape):
                problems.append(f"{key} has the shape {tuple(variable.shape)}, and the tensor {arrays[key].shape}")
            values.append((variable, arrays[key]))
    if problems:
        raise Mismatch(model.name, problems)
    for variable, array in values:
        variable.assign(array)


def _peer_name(layer_name: str, rules: Rules) -> str | None:
    """A regular expression for the peer's name of a layer; None if the table says nothing of it."""
    for pattern, name in rules:
        if match := re.fullmatch(pattern, layer_name):
            made = name(match) if callable(name) else match.expand(name)
            return made if "(" in made else re.escape(made)
    return None


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
        array = array.reshape(len(array), channels_of(source.input, source.data_format), -1).transpose(0, 2, 1)
    return array.reshape(len(array), -1).T


def _batch_norms_after(layer) -> Iterator[keras.layers.Layer]:
    for node in layer._outbound_nodes:
        if isinstance(node.operation, keras.layers.BatchNormalization):
            yield node.operation
