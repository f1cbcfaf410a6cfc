"""Putting a peer's tensors into the layers of our network."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

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
IGNORED = re.compile(r".*num_batches_tracked|n_averaged")


@dataclass(frozen=True)
class Conversion:
    """A peer's tensors in the shapes of a network.

    Attributes:
        arrays: by "<layer>/<variable>".
        missing: what each layer that the peer's tensors lack did not find, by the layer's name.
        left: the peer's tensors that no layer takes.
        behind: whether these may be a classifier: their layers stand in the file behind all that were taken of as many
            axes, or of any; dense ones stand anywhere, where none was taken. Those of a larger network of the family
            stand between the others.
    """

    arrays: Mapping[str, np.ndarray]
    missing: Mapping[str, Sequence[str]]
    left: Sequence[str]
    behind: bool

    @property
    def problems(self) -> list[str]:
        """Why the tensors are not those of the whole network; empty if they are."""
        lacking = [problem for found in self.missing.values() for problem in found]
        return lacking + [f"{name} is left over" for name in self.left]


# The names of our own files, in which each layer has its own.
IDENTITY: Rules = ((r"(.*)/\w+_kernel", r"\1"), (r"(.*)", r"\1"))


def convert(model: keras.Model, tensors: Mapping[str, np.ndarray], rules: Rules, layout: str = "torch") -> Conversion:
    """A peer's tensors in our shapes.

    Args:
        model: any network of the zoo, or its body.
        tensors: the peer's arrays, by "<layer>.<variable>".
        rules: the table of `keras_classics.weights.NAMES` for the model's family and the peer, or `IDENTITY`.
        layout: "torch" (kernels out-in-height-width, dense layers that read channels before pixels) or "keras", in
            which a variable may also have its place in the layer as its name.

    A bias of a convolution that has none here, because batch normalisation follows, goes into the moving mean. A batch
    norm of Keras' that has no scale, since a ReLU and a convolution follow, has a scale of one here.
    """
    left = {name: array for name, array in tensors.items() if not IGNORED.fullmatch(name)}
    missing: dict[str, list[str]] = {}
    arrays: dict[str, np.ndarray] = {}
    extra_biases: dict[str, np.ndarray] = {}  # by the name of the batch norm that they go into
    for layer in weighted_layers(model):
        separable = isinstance(layer, keras.layers.SeparableConv2D)
        for place, variable in enumerate(layer.weights):
            ours = key_of(layer, variable)
            name = ours.rpartition("/")[2]
            prefix = peer_name(ours if separable else layer.name, rules)
            if prefix is None:
                missing.setdefault(layer.name, []).append(f"{layer.name} is not in the table of names")
                continue
            theirs = TORCH.get(name, name) if layout == "torch" else rf"(?:{name}|{place})"
            key = next((k for k in left if re.fullmatch(rf"{prefix}\.{theirs}", k)), None)
            unscaled = name == "gamma" and layout == "keras" and key is None
            if unscaled and any(re.fullmatch(rf"{prefix}\.beta", k) for k in left):
                arrays[ours] = np.ones(variable.shape, "float32")
                continue
            if key is None:
                shown = TORCH.get(name, name) if layout == "torch" else name
                missing.setdefault(layer.name, []).append(f"{ours} finds no {readable(prefix)}.{shown}")
                continue
            array = np.asarray(left.pop(key))
            if layout == "torch":
                array = _from_torch(array, layer, name)
            if name == "moving_mean" and layer.name in extra_biases:
                array = array - extra_biases.pop(layer.name)
            arrays[ours] = array
        bias = next((k for k in left if re.fullmatch(rf"{prefix}\.bias", k)), None)
        if bias is not None and isinstance(layer, keras.layers.Conv2D) and not layer.use_bias:
            extra_biases[next(_batch_norms_after(layer)).name] = np.asarray(left.pop(bias))
    return Conversion(arrays, missing, tuple(left), _stand_behind(left, tensors))


def key_of(layer: keras.layers.Layer, variable: keras.Variable) -> str:
    """The key of a variable's array in a `Conversion`: "<layer>/<variable>"."""
    return f"{layer.name}/{variable.path.rsplit('/', 1)[-1]}"


def weighted_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """The layers that take weights from a file."""
    return [layer for layer in model.layers if layer.weights and not isinstance(layer, ScheduledDropPath)]


def _stand_behind(left: Mapping[str, np.ndarray], tensors: Mapping[str, np.ndarray]) -> bool:
    """See `Conversion.behind`."""
    layers: dict[str, int] = {}  # and the most axes of a tensor of each: safetensors has a bias before its kernel
    taken = set()
    for name, array in tensors.items():
        if not IGNORED.fullmatch(name):
            layer = name.rpartition(".")[0]
            layers[layer] = max(layers.get(layer, 0), np.ndim(array))
            if name not in left:
                taken.add(layer)
    last: dict[int | None, int] = {}  # the place of the last layer that was taken, of each count of axes and of all
    for place, (layer, axes) in enumerate(layers.items()):
        if layer in taken:
            last[axes] = last[None] = place
    return all(
        layer not in taken and (place > last.get(axes, last.get(None, -1)) or (axes == 2 and axes not in last))
        for place, (layer, axes) in enumerate(layers.items())
        if layer in {name.rpartition(".")[0] for name in left}
    )


class Mismatch(ClassicsError):
    """Tensors that are not those of a network; `problems` lists why."""

    def __init__(self, network: str, problems: Sequence[str]):
        shown = "; ".join(problems[:8]) + (f"; and {len(problems) - 8} more" if len(problems) > 8 else "")
        super().__init__(f"The tensors are not those of {network}: {shown}.")
        self.problems = problems


def assign(model: keras.Model, tensors: Mapping[str, np.ndarray], rules: Rules, layout: str = "torch") -> None:
    """`convert`, and then the arrays into the layers of `model`, the whole network, which they must fit.

    Raises:
        ClassicsError: if tensors are missing, left over or of another shape; the message lists them.
    """
    conversion = convert(model, tensors, rules, layout)
    if conversion.problems:
        raise Mismatch(model.name, conversion.problems)
    put(model, conversion.arrays)


def put(model: keras.Model, arrays: Mapping[str, np.ndarray]) -> None:
    """Puts converted arrays into the layers of `model`, all or none. Layers without any keep what they have.

    Raises:
        ClassicsError: if one has another shape.
    """
    values, problems = [], []
    for layer in model.layers:
        for variable in layer.weights:
            key = key_of(layer, variable)
            if key not in arrays:
                continue
            if arrays[key].shape != tuple(variable.shape):
                problems.append(f"{key} has the shape {tuple(variable.shape)}, and the tensor {arrays[key].shape}")
            values.append((variable, arrays[key]))
    if problems:
        raise Mismatch(model.name, problems)
    for variable, array in values:
        variable.assign(array)


def peer_name(layer_name: str, rules: Rules) -> str | None:
    """A regular expression for the peer's name of a layer; None if the table says nothing of it."""
    for pattern, name in rules:
        if match := re.fullmatch(pattern, layer_name):
            made = name(match) if callable(name) else match.expand(name)
            return made if "(" in made else re.escape(made)
    return None


def readable(pattern: str) -> str:
    """One of the names that a regular expression of `peer_name` matches, for a message."""
    pattern = re.sub(r"\(\?:([^()|]*)[^()]*\)(\??)", lambda m: "" if m[2] else m[1], pattern)
    return re.sub(r"\\(.)", lambda m: "1" if m[1] == "d" else m[1], pattern).replace("+", "")


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
