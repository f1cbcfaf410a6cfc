"""Parameters, multiply-adds, activations and receptive fields, read off a built graph."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import keras

from keras_classics.layers import channel_axis
from keras_classics.spec import Row

_KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")


@dataclass(frozen=True)
class LayerCost:
    """A row of the layer table, for one image.

    `receptive_field` is the side in input pixels of what one output sees; None where it sees the whole image.
    """

    name: str
    kind: str
    output_shape: tuple[int | None, ...]
    params: int
    macs: int
    receptive_field: int | None


def layer_table(model: keras.Model) -> list[LayerCost]:
    """A row for each layer of a functional model, in the order of the graph; shapes are without the batch."""
    return list(_rows(model))


@dataclass(frozen=True)
class RowCost:
    """What a row of a paper's table comes to here, for one image."""

    output_shape: tuple[int | None, ...]
    params: int
    macs: int


def row_costs(model: keras.Model, table: Sequence[Row]) -> list[tuple[Row, RowCost]]:
    """The rows of a paper's table, each with the sums over its layers; a vector counts as a map of one pixel."""
    costs = []
    for row in table:
        layers = [layer for layer in layer_table(model) if re.match(row.layers, layer.name)]
        shape = layers[-1].output_shape
        shape = shape if len(shape) == 3 else (1, 1, *shape)
        costs.append((row, RowCost(shape, sum(layer.params for layer in layers), sum(layer.macs for layer in layers))))
    return costs


def count_params(model: keras.Model) -> int:
    """Trainable parameters."""
    return sum(math.prod(w.shape) for w in model.trainable_weights)


def count_macs(model: keras.Model) -> int:
    """Multiply-adds of the convolutions and dense layers, for one image of the model's input size."""
    return sum(macs(layer) for layer in model.layers)


def count_activations(model: keras.Model) -> int:
    """Numbers that the convolutions and dense layers put out for one image (Radosavovic et al. 2020)."""
    return sum(math.prod(layer.output.shape[1:]) for layer in model.layers if _kernels(layer))


def macs(layer: keras.layers.Layer) -> int:
    """Multiply-adds of one layer: every weight of its kernels works once at every place of its output."""
    kernels = _kernels(layer)
    if not kernels:
        return 0
    shape = layer.output.shape
    places = math.prod(shape[1:]) // shape[channel_axis(getattr(layer, "data_format", "channels_last"))]
    return places * sum(math.prod(kernel.shape) for kernel in kernels)


def _kernels(layer):
    return [kernel for name in _KERNELS if (kernel := getattr(layer, name, None)) is not None]


def _rows(model) -> Iterator[LayerCost]:
    seen: dict[str, tuple[float, float]] = {}  # layer name: receptive field, step between neighbours, in pixels
    for layer in model.layers:
        below = [
            seen[t._keras_history.operation.name] for node in layer._inbound_nodes[-1:] for t in node.input_tensors
        ]
        field, step = (max(values) for values in zip(*below, strict=True)) if below else (1, 1)
        window, strides = _window(layer)
        field, step = field + (window - 1) * step, step * strides
        seen[layer.name] = field, step
        params = sum(math.prod(w.shape) for w in layer.trainable_weights)
        receptive_field = None if math.isinf(field) else int(field)
        yield LayerCost(layer.name, type(layer).__name__, layer.output.shape[1:], params, macs(layer), receptive_field)


def _window(layer) -> tuple[float, int]:
    """The side of what one output of the layer reads of its input, and the step between outputs."""
    if isinstance(layer, keras.layers.Dense | keras.layers.Flatten) or "Global" in type(layer).__name__:
        return math.inf, 1
    if isinstance(layer, keras.layers.ZeroPadding2D):
        return 1, 1
    size = _side(layer, "kernel_size" if hasattr(layer, "kernel_size") else "pool_size")
    return (size - 1) * _side(layer, "dilation_rate") + 1, _side(layer, "strides")


def _side(layer, attribute) -> int:
    value = getattr(layer, attribute, 1)
    return value if isinstance(value, int) else value[0]
