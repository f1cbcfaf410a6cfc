"""Parameters, multiply-adds, activations, depth, memory, receptive fields and stages, read off a built graph."""

import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import keras

from keras_classics.errors import ClassicsError
from keras_classics.layers import ConstantPadding2D, FusedConv2D, HalvingPadding2D, channel_axis, data_format_of
from keras_classics.layers.same_padding import same_padding
from keras_classics.spec import Row

_KERNELS = ("kernel", "depthwise_kernel", "pointwise_kernel")
POOLINGS = keras.layers.GlobalAveragePooling2D | keras.layers.GlobalMaxPooling2D | keras.layers.Flatten  # to a vector
_TRANSPOSED = keras.layers.Conv1DTranspose | keras.layers.Conv2DTranspose | keras.layers.Conv3DTranspose
_ENLARGING = _TRANSPOSED | keras.layers.Resizing | keras.layers.UpSampling2D


@dataclass(frozen=True)
class LayerCost:
    """A row of the layer table, for one image.

    `receptive_field` is the side in input pixels of what one output sees, through branches the largest; None where it
    sees the whole image. `stride` is the distance in input pixels of what two neighbouring outputs see, and `offset`
    the middle of what the first of them sees, 0 for the image's first pixel; for the vertical axis.
    """

    name: str
    kind: str
    output_shape: tuple[int | None, ...]
    params: int
    macs: int
    receptive_field: int | None
    stride: int
    offset: float | None


def layer_table(model: keras.Model) -> list[LayerCost]:
    """A row for each layer of a functional model, in the order of the graph; shapes are without the batch.

    Raises:
        ClassicsError: if the model is not functional, has another model inside, or calls a layer several times; or a
            layer resizes maps or is a transposed convolution, through which no field is followed.
    """
    check_graph(model)
    return list(_rows(model))


@dataclass(frozen=True)
class RowCost:
    """What a row of a paper's table comes to here, for one image."""

    output_shape: tuple[int | None, ...]
    params: int
    macs: int


def row_costs(model: keras.Model, table: Sequence[Row]) -> list[tuple[Row, RowCost]]:
    """The rows of a paper's table, each with the sums over its layers; a vector counts as a map of one pixel.

    Raises:
        ClassicsError: if the model has no layers of a row, or as `layer_table` does.
    """
    costs, of_model = [], layer_table(model)
    for row in table:
        layers = [layer for layer in of_model if re.match(row.layers, layer.name)]
        if not layers:
            raise ClassicsError(f"{model.name} has no layers of the row '{row.name}'; take the network with its top.")
        shape = layers[-1].output_shape
        shape = shape if len(shape) == 3 else (1, 1, *shape)
        costs.append((row, RowCost(shape, sum(layer.params for layer in layers), sum(layer.macs for layer in layers))))
    return costs


def count_params(model: keras.Layer) -> int:
    """Parameters that can be trained, frozen or not, of a model or of a layer: no moving moments, no seeds."""
    return sum(math.prod(w.shape) for layer in model._flatten_layers() for w in layer._trainable_variables)


def count_macs(model: keras.Model) -> int:
    """Multiply-adds of the convolutions and dense layers, for one image of the model's input size. A layer that is
    called several times counts each time, and models inside count as well.

    Raises:
        ClassicsError: if the size of a layer's output is not known, or the model has no graph of layers.
    """
    return sum(_macs(*call) for call in _calls(model))


def count_activations(model: keras.Model) -> int:
    """Numbers that the convolutions and dense layers put out for one image (Radosavovic et al. 2020); `count_macs`
    tells which calls count, and what is raised."""
    return sum(_activations(layer, output) for layer, _, output in _calls(model))


def _activations(layer, output) -> int:
    if not kernels(layer):
        return 0
    _check_sides(layer, output)
    return math.prod(output.shape[1:])


def _calls(model) -> Iterator[tuple]:
    """Each call of a layer with kernels in a model and in those inside it, with the tensors that it reads and gives."""
    graph = getattr(model, "_functional", None) or model  # a `Sequential` has its graph inside
    if not is_functional(graph):
        raise ClassicsError(f"{model.name} has no graph of layers to read; build it with Keras' Functional API.")
    for node in itertools.chain.from_iterable(graph._nodes_by_depth.values()):
        if isinstance(node.operation, keras.Model):
            yield from _calls(node.operation)
        elif kernels(node.operation):
            yield node.operation, node.input_tensors[0], node.outputs[0]


def depth(model: keras.Model) -> int:
    """Layers with kernels on the longest way through the model, which papers call its depth.

    Raises:
        ClassicsError: as `layer_table` does.
    """
    check_graph(model)
    return max(_depths(model).values())


def _depths(model) -> dict[str, int]:
    """The depth of the part of the model that ends with each layer, by the layer's name."""
    below = layers_below(model)
    reached: dict[str, int] = {}
    for layer in model.layers:
        reached[layer.name] = max((reached[name] for name in below[layer.name]), default=0) + bool(kernels(layer))
    return reached


def receptive_field(model: keras.Model) -> int | None:
    """The side in input pixels of what one place of the last map sees, before global pooling or a dense layer.

    It is the reach of the kernels, which may go beyond the image's border; None if the map sees the whole image,
    whatever its size.

    Raises:
        ClassicsError: as `stages` does.
    """
    *_, last = stages(model)
    return next(_side_seen(seen) for layer, seen in _walk(model) if layer.name == last)


def memory(model: keras.Model, batch_size: int = 1, training: bool = False, slots: int = 1) -> int:
    """Bytes that the model's arrays take at least, where each layer's output is an array of its own.

    Predicting keeps the weights, and each output until its last reader is done. Training keeps all outputs for the
    gradient, and for each trained weight its gradient and the optimizer's `slots` (SGD's momentum is one, Adam has
    two). What operations need beside this, as work space, is not counted.

    Raises:
        ClassicsError: if the model is none that `check_graph` takes, or the size of a layer's output is not known.
    """
    check_graph(model)
    for layer in model.layers:
        _check_sides(layer, layer.output)
    weights = sum(math.prod(w.shape) * _itemsize(w.dtype) for w in model.weights)
    outputs = {
        layer.name: math.prod(layer.output.shape[1:]) * _itemsize(layer.output.dtype) * batch_size
        for layer in model.layers
    }
    if training:
        trained = sum(math.prod(w.shape) * _itemsize(w.dtype) for w in model.trainable_weights)
        return weights + (1 + slots) * trained + sum(outputs.values())
    below = layers_below(model)
    last_reader = {name: layer.name for layer in model.layers for name in (*below[layer.name], layer.name)}
    kept: set[str] = set()
    most = 0
    for layer in model.layers:
        kept.add(layer.name)
        most = max(most, sum(outputs[name] for name in kept))
        kept = {name for name in kept if last_reader[name] != layer.name}
    return weights + most


def _itemsize(dtype: str) -> int:
    bits = re.search(r"\d+", dtype)  # "bfloat16", "float8_e4m3fn"; none of "bool"
    return math.ceil(int(bits[0]) / 8) if bits else 1


def layers_below(model: keras.Model) -> dict[str, list[str]]:
    """The names of the layers that each layer reads in this model, by its name; in another it may read others."""
    return {name: [t._keras_history.operation.name for t in read] for name, read in _tensors_read(model).items()}


def _tensors_read(model) -> dict[str, list]:
    """The tensors that each layer reads in this model, by its name."""
    nodes = itertools.chain.from_iterable(model._nodes_by_depth.values())
    return {node.operation.name: node.input_tensors for node in nodes}


def stages(model: keras.Model) -> dict[str, int]:
    """The last layer of each stage of a functional model, with the stage's stride in input pixels.

    A stage is all that works at one stride, from the first convolution on. It ends where a block begins that goes on
    to a larger one, and layers are of one block if their names begin alike up to the first number: "conv4", "mixed_6a".
    Auxiliary heads are no part of a stage.

    Raises:
        ClassicsError: as `layer_table` does; or if the model has several outputs of which none is "predictions".
    """
    check_graph(model)
    on_trunk = trunk(model)
    strides: dict[str, int] = {}  # of the layers that put out maps, from the first convolution on
    for layer, (seen, _) in _walk(model):
        is_map = layer.name in on_trunk and layer.output.ndim == 4 and not math.isinf(seen.last)
        if is_map and (strides or kernels(layer)):
            strides[layer.name] = seen.step
    ends = {}
    for stride in sorted(set(strides.values())):
        leaving = {block_of(name) or name for name, other in strides.items() if other > stride}
        names = [name for name, other in strides.items() if other == stride]
        staying = [name for name in names if (block_of(name) or name) not in leaving]
        ends[(staying or names)[-1]] = stride
    return ends


@dataclass(frozen=True)
class StageCost:
    """A row of the table of stages, for one image.

    `name` is the row's last layer, and `output_shape`, `depth` (the layers with kernels up to there) and
    `receptive_field` are its; None where it sees the whole image. `stride` is None for a head, which has no stage.
    """

    name: str
    stride: int | None
    output_shape: tuple[int | None, ...]
    params: int
    macs: int
    activations: int
    depth: int
    receptive_field: int | None


def stage_costs(model: keras.Model) -> list[StageCost]:
    """A row for each of the model's `stages`, one for the head behind the last map, and one for each auxiliary head.

    Each layer is counted in the first row whose last layer is computed from it: the sums over the rows are those of
    the model.

    Raises:
        ClassicsError: as `stages` does.
    """
    strides = stages(model)
    others = model.output.values() if has_named_outputs(model) else ()
    heads = [tensor._keras_history.operation.name for tensor in (predictions(model), *others)]
    layers = {layer.name: layer for layer in model.layers}
    rows = {row.name: row for row in layer_table(model)}
    depths = _depths(model)
    counted: set[str] = set()
    costs = []
    for last in dict.fromkeys((*strides, *heads)):
        inside = _behind(model, last) - counted
        counted |= inside
        costs.append(
            StageCost(
                last,
                strides.get(last),
                rows[last].output_shape,
                sum(rows[name].params for name in inside),
                sum(rows[name].macs for name in inside),
                sum(_activations(layers[name], layers[name].output) for name in inside),
                depths[last],
                rows[last].receptive_field,
            )
        )
    return costs


def last_maps(model: keras.Model) -> str:
    """The layer at the end of the last stage that has a convolution, and maps of more than one pixel: "conv5_relu" of
    AlexNet, before its last pooling; "c3_tanh" of LeNet-5, whose later convolution puts out one pixel.

    Raises:
        ClassicsError: if there is none, or the model has no stages to read.
    """
    ends, on_trunk = stages(model), trunk(model)
    convolved = {
        seen.step
        for layer, (seen, _) in _walk(model)
        if kernels(layer) and layer.output.ndim == 4 and layer.name in on_trunk
    }
    sides = slice(1, 3) if data_format_of(model) == "channels_last" else slice(2, 4)
    found = [
        name
        for name, stride in ends.items()
        if stride in convolved and model.get_layer(name).output.shape[sides] != (1, 1)
    ]
    if not found:
        raise ClassicsError(f"{model.name} has no convolution that puts out maps of more than one pixel.")
    return found[-1]


def grid(model: keras.Model, name: str) -> tuple[int, float]:
    """Where the places of a layer's maps look: the distance in input pixels of what two neighbours see, and the middle
    of what the first sees, along the vertical axis. Places that see the whole image divide it evenly."""
    seen = next(seen for layer, (seen, _) in _walk(model) if layer.name == name)
    return seen.step, (seen.step - 1) / 2 if math.isinf(seen.last) else (seen.first + seen.last) / 2


def check_graph(model: keras.Model) -> None:
    """Raises a ClassicsError unless the model is functional, of layers alone, has no other model inside, and calls each
    layer once."""
    if not is_functional(model) or any(isinstance(layer, keras.Model) for layer in model.layers):
        raise ClassicsError(
            f"{model.name} has no graph of layers to read; build it with Keras' Functional API, or take the model that "
            "is inside it."
        )
    operation = next((op for op in model.operations if not isinstance(op, keras.Layer)), None)
    if operation is not None:
        raise ClassicsError(
            f"{model.name} has the operation {operation.name} beside its layers, and such a graph is not read; put a "
            "layer in its place, such as keras.layers.Add."
        )
    called = Counter(node.operation for nodes in model._nodes_by_depth.values() for node in nodes)
    ((layer, times),) = called.most_common(1)
    if times > 1:
        raise ClassicsError(
            f"{model.name} calls its layer {layer.name} {times} times, and such a graph is not read; "
            "count_macs counts it."
        )


def is_functional(model: keras.Model) -> bool:
    """Whether a model is a graph of layers, by Keras' Functional API."""
    return hasattr(model, "operations") and not isinstance(model, keras.Sequential)


def trunk(model: keras.Model) -> set[str]:
    """The names of the layers that the predictions are computed from.

    Raises:
        ClassicsError: if the model has several outputs of which none is "predictions".
    """
    return _behind(model, predictions(model)._keras_history.operation.name)


def check_reads_images(model: keras.Model) -> None:
    """Raises a ClassicsError unless the model is built and has one input."""
    inputs = getattr(model, "inputs", None) or ()
    if len(inputs) != 1:
        raise ClassicsError(
            f"{model.name} reads {len(inputs)} inputs, and not one batch of images; take a model of one."
        )


def predictions(model: keras.Model):
    """The output that is no auxiliary head's.

    Raises:
        ClassicsError: if the model has several outputs of which none is "predictions".
    """
    output = model.output.get("predictions") if has_named_outputs(model) else model.outputs[0]
    if output is None or (len(model.outputs) > 1 and not has_named_outputs(model)):
        raise ClassicsError(f"{model.name} has several outputs, and none is named 'predictions'; take a model of one.")
    return output


def has_named_outputs(model: keras.Model) -> bool:
    """Whether the model puts out a dict, as with auxiliary heads."""
    return isinstance(getattr(model, "output", None), dict)  # Keras' Sequential has none


def _behind(model, name: str) -> set[str]:
    """The names of a layer and of those that it is computed from."""
    below, found = layers_below(model), {name}
    for layer in reversed(model.layers):
        if layer.name in found:
            found.update(below[layer.name])
    return found


def block_of(name: str) -> str | None:
    """How a layer's name begins, up to its first number, such as "conv4" or "mixed_6a"; None if it has none."""
    found = re.match(r".*?\d+[a-z]?(?=_|$)", name)
    return found[0] if found else None


def macs(layer: keras.layers.Layer) -> int:
    """Multiply-adds of one layer: every weight of its kernels works once at every place of its output, or of its input
    if it is a transposed convolution.

    Raises:
        ClassicsError: if the size of its output is not known.
    """
    return _macs(layer, layer.input, layer.output) if kernels(layer) else 0


def _macs(layer, inputs, output) -> int:
    _check_sides(layer, output)
    shape = inputs.shape if isinstance(layer, _TRANSPOSED) else output.shape
    places = math.prod(shape[1:]) // shape[channel_axis(getattr(layer, "data_format", "channels_last"))]
    return places * sum(math.prod(kernel.shape) for kernel in kernels(layer))


def _check_sides(layer, output) -> None:
    if None in output.shape[1:]:
        raise ClassicsError(
            f"What {layer.name} costs depends on the image's size: build the model with `input_shape=`, such as "
            "(224, 224, 3)."
        )


def kernels(layer: keras.layers.Layer) -> list:
    """The kernels of a convolution or a dense layer; none of any other layer."""
    return [kernel for name in _KERNELS if (kernel := getattr(layer, name, None)) is not None]


def computes_with_kernels(layer: keras.layers.Layer) -> bool:
    """Whether the numbers that a layer computes with are those of its kernels and its bias: it is not quantised, and
    has no LoRA."""
    return layer.quantization_mode is None and not getattr(layer, "lora_enabled", False)


class _Seen(NamedTuple):
    """What the first output of a layer sees along an axis, from its `first` to its `last` input pixel, and the step
    from there to what the next output sees."""

    first: float
    last: float
    step: int


def _rows(model) -> Iterator[LayerCost]:
    for layer, seen in _walk(model):
        field = _side_seen(seen)
        first, last, step = seen[0]
        middle = None if field is None else (first + last) / 2
        shape, params = layer.output.shape[1:], count_params(layer)
        yield LayerCost(layer.name, type(layer).__name__, shape, params, macs(layer), field, step, middle)


def _side_seen(seen: Sequence[_Seen]) -> int | None:
    """The receptive field's side, along the axis where it is larger; None where it is the whole image."""
    side = max(of_axis.last - of_axis.first + 1 for of_axis in seen)
    return None if math.isinf(side) else int(side)


def _walk(model) -> Iterator[tuple[keras.layers.Layer, list[_Seen]]]:
    """The layers, and what the first output of each sees along either axis."""
    axes = (1, 2) if data_format_of(model) == "channels_last" else (2, 3)
    seen: dict[str, list[_Seen]] = {}
    read, names_below = _tensors_read(model), layers_below(model)
    sides, image = slice(axes[0], axes[1] + 1), model.inputs[0]
    before_maps = True  # of a convolution: what reads all pixels there and gives as many, as a whitening, is an image
    for layer in model.layers:
        below = [seen[name] for name in names_below[layer.name]]
        beside = []
        if isinstance(layer, FusedConv2D):  # what it adds does not go through its kernel
            below, beside = below[:1], below[1:]
        merged = [_union(of_axis) for of_axis in zip(*below, strict=True)] if below else [_Seen(0, 0, 1)] * 2
        through = [_through(layer, read[layer.name], axis, before) for axis, before in zip(axes, merged, strict=True)]
        seen[layer.name] = [_union(of_axis) for of_axis in zip(through, *beside, strict=True)]
        is_map = layer.output.ndim == 4
        before_maps = before_maps and not (is_map and kernels(layer))
        as_many = is_map and layer.output.shape[sides] == image.shape[sides]
        if before_maps and as_many and _side_seen(seen[layer.name]) is None:
            seen[layer.name] = [_Seen(0, 0, 1)] * 2
        yield layer, seen[layer.name]


def _union(branches: Sequence[_Seen]) -> _Seen:
    return _Seen(min(b.first for b in branches), max(b.last for b in branches), max(b.step for b in branches))


def _through(layer, read: Sequence, axis: int, below: _Seen) -> _Seen:
    """What an output of the layer sees, by the tensors that it reads and what those see."""
    if isinstance(layer, _ENLARGING):
        raise ClassicsError(
            f"{layer.name} gives maps of another size by no stride, so what is seen through it is not told; take the "
            "part of the model before or behind it."
        )
    if isinstance(layer, keras.layers.Dense | POOLINGS):
        return _Seen(-math.inf, math.inf, below.step)
    size = _side(layer, "kernel_size" if hasattr(layer, "kernel_size") else "pool_size", axis)
    window = (size - 1) * _side(layer, "dilation_rate", axis) + 1
    strides = _side(layer, "strides", axis)
    before = _padded(layer, read, axis, window, strides)
    first, last = (edge - before * below.step for edge in (below.first, below.last))
    return _Seen(first, last + (window - 1) * below.step, below.step * strides)


def _padded(layer, read: Sequence, axis: int, window: int, strides: int) -> int:
    """How many pixels the layer puts before the map's first; below 0 where it cuts some off."""
    if isinstance(layer, HalvingPadding2D):
        return (read[0].shape[axis] or 1) % 2
    if isinstance(layer, ConstantPadding2D):
        return layer.padding
    if isinstance(layer, keras.layers.ZeroPadding2D):
        return _before(layer, layer.padding, axis)
    if isinstance(layer, keras.layers.Cropping2D):
        return -_before(layer, layer.cropping, axis)
    if isinstance(layer, FusedConv2D) and layer.padding == "valid":
        return layer.zeros[_place(layer, axis)]
    if getattr(layer, "padding", "valid") != "same":
        return 0
    side = read[0].shape[axis]
    if side is None:  # of any size: what odd ones have, padded alike on both sides
        return (window - 1) // 2
    return same_padding(side, window, strides) // 2


def _side(layer, attribute: str, axis: int) -> int:
    value = getattr(layer, attribute, 1)
    return value if isinstance(value, int) else value[_place(layer, axis)]


def _before(layer, widths, axis: int) -> int:
    """How many pixels before the map, by `widths` for the two axes that the layer changes; it may be neither."""
    place = _place(layer, axis)
    return widths[place][0] if place in (0, 1) else 0


def _place(layer, axis: int) -> int:
    """Where the axis stands among those that the layer takes for the image's."""
    return axis - (2 if getattr(layer, "data_format", None) == "channels_first" else 1)
