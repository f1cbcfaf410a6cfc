"""A network as a person draws it: blocks in a row, what is in each, and runs of equal blocks as one.

Read off a built graph. A layer that all ways through the network pass stands alone; what lies between two such layers
is one block, whatever its branches. Names join layers to blocks ("conv4"), and part what has no such layer, as NASNet,
whose cells read the two cells before them.
"""

import dataclasses
import itertools
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import keras

from keras_classics import complexity
from keras_classics.complexity import block_of, kernels, layers_below
from keras_classics.layers import RadialBasis, channel_axis

COLUMNS = 8  # of branches that are told apart; a block with more is told by counts


@dataclass(frozen=True)
class Step:
    """What a layer does, such as "3x3, 64, /2", so many times in a row; `kind` is "convolution", "pooling", "dense" or
    "other". An empty branch of two, and a sign between two sums, are steps of kind "sign"."""

    label: str
    kind: str
    times: int = 1


@dataclass(frozen=True)
class Branches:
    """Sequences that all read what is before them, and the name of what joins them: "concat", "add"."""

    branches: tuple["Body", ...]
    join: str


Body = tuple[Step | Branches, ...]


@dataclass(frozen=True)
class Block:
    """A box of the drawing.

    Attributes:
        names: of the blocks that it stands for; several are equal but for the channels that come in.
        layers: all their layers.
        body: what is in each of them.
        output_shape: of the last of them, without the batch.
        params: trainable parameters of all of them.
        macs: multiply-adds of all of them, for one image.
        stride: of its stage (`complexity.stages`), in input pixels; None before the first and after the last.
        heads: the auxiliary heads that read it.
    """

    names: tuple[str, ...]
    layers: tuple[str, ...] = field(hash=False)
    body: Body
    output_shape: tuple[int | None, ...]
    params: int
    macs: int
    stride: int | None = None
    heads: tuple["Block", ...] = ()


def blocks(model: keras.Model) -> list[Block]:
    """The blocks on the way from the image to the predictions, in order; every layer is in one, or in one's head.

    Raises:
        ClassicsError: if the model is not functional, has another model inside, or several outputs of which none is
            "predictions".
    """
    complexity.check_graph(model)
    of_trunk = complexity.trunk(model)
    graph = _Graph(model)
    groups = _joined(graph, _named(graph, [layer.name for layer in model.layers if layer.name in of_trunk]))
    strides = _strides(model, groups)
    heads = _heads(model, graph, of_trunk)
    made: list[Block] = []
    before: list[tuple] = []  # the signatures of the blocks so far
    place = {layer: number for number, (_, layers) in enumerate(groups) for layer in layers}
    for number, (name, layers) in enumerate(groups):
        signature = graph.signature(layers, {layer: number - there for layer, there in place.items()})
        block = graph.block(name, layers, strides[number], tuple(head for at, head in heads if at in layers))
        if before and before[-1] == (signature, block.stride) and not (block.heads or made[-1].heads):
            made[-1] = _run(made[-1], block)
        else:
            made.append(block)
        before.append((signature, block.stride))
    return made


def title(names: Sequence[str]) -> str:
    """A block's names in short: "conv2_block2 to block111"."""
    if len(names) == 1:
        return names[0]
    return f"{names[0]} to {names[-1].rsplit('_', 1)[-1]}"


def _run(first: Block, other: Block) -> Block:
    return dataclasses.replace(
        first,
        names=first.names + other.names,
        layers=first.layers + other.layers,
        output_shape=other.output_shape,
        params=first.params + other.params,
        macs=first.macs + other.macs,
    )


class _Graph:
    """A model's layers by their names, and which reads which."""

    def __init__(self, model: keras.Model):
        self.layers = {layer.name: layer for layer in model.layers}
        self.below = layers_below(model)

    def block(self, name: str, layers: Sequence[str], stride: int | None, heads: tuple[Block, ...]) -> Block:
        found = [self.layers[layer] for layer in layers]
        shapes = (layer.output.shape[1:] for layer in reversed(found) if _step(layer) or self.joins(layer.name))
        return Block(
            names=(name,),
            layers=tuple(layers),
            body=_body(self, layers),
            output_shape=tuple(next((s for s in shapes if s), found[-1].output.shape[1:])),
            params=sum(map(complexity.count_params, found)),
            macs=sum(complexity.macs(layer) for layer in found),
            stride=stride,
            heads=heads,
        )

    def joins(self, layer: str) -> bool:
        """Whether a layer joins several."""
        return len(self.below[layer]) > 1

    def signature(self, layers: Sequence[str], distance: dict[str, int]) -> tuple:
        """What two blocks have alike that do the same: their steps and which reads which, and how many blocks before
        it stands what a block reads; the order in which Keras keeps the layers is left out."""
        inside: dict[str, object] = {}
        passed: dict[str, object] = {}  # what is read through layers that are not drawn
        for name in layers:
            layer = self.layers[name]
            read = [inside.get(b) or passed.get(b, distance.get(b)) for b in self.below[name]]
            step = _step(layer)
            if step or self.joins(name) or not read:
                inside[name] = (step or type(layer).__name__, *(hash(r) for r in read))
            else:
                passed[name] = read[0]
        places = self.layers[layers[-1]].output.shape[1:-1]
        return (*sorted(map(hash, inside.values())), places)


def _between(graph: _Graph, layers: Sequence[str], exits: Sequence[str] = ()) -> list[list[str]]:
    """Layers in parts, each of which ends with a layer that all ways through them pass; but for the last part, if
    several are read by what comes after them, the `exits`."""
    place = {name: number for number, name in enumerate(layers)}
    parts: list[list[str]] = [[]]
    readers = dict.fromkeys(exits, len(layers))  # the last reader of each
    for name in layers:
        for below in graph.below[name]:
            readers[below] = max(readers.get(below, 0), place[name])
    reach = max((number for below, number in readers.items() if below not in place), default=-1)
    for number, name in enumerate(layers):
        parts[-1].append(name)
        if reach <= number:
            parts.append([])
        reach = max(reach, readers.get(name, -1))
    return [part for part in parts if part]


def _named(graph: _Graph, layers: Sequence[str]) -> list[tuple[str, list[str]]]:
    """The blocks' names and layers."""
    parts: list[tuple[str | None, list[str]]] = []
    for part in _between(graph, layers):
        if len(part) == 1:
            parts.append((None, part))
            continue
        shared = _shared(part)
        several = [] if shared else _by_name(graph, part)
        parts += several or [(shared or part[-1], part)]
    named = Counter(name for name, _ in parts if name)
    keys: list[object] = []
    for number, (name, part) in enumerate(parts):
        near = [parts[at] for at in (_next(parts, number, -1), _next(parts, number, 1)) if at is not None]
        if name is not None:
            keys.append((name, part[-1] if named[name] > 1 else ""))
        else:
            beside = (n for n, _ in near if n and (part[0] == n or part[0].startswith(f"{n}_")))
            found = next(beside, None)
            keys.append((found, "") if found and named[found] == 1 else (block_of(part[0]) or part[0], ""))
    grouped = []
    for key, run in itertools.groupby(zip(keys, parts, strict=True), key=lambda one: one[0]):
        assert isinstance(key, tuple)
        grouped.append((key[1] or key[0], [layer for _, (_, part) in run for layer in part]))
    return grouped


def _next(parts, number: int, direction: int) -> int | None:
    """The nearest part with branches before or after one."""
    places = range(number + 1, len(parts)) if direction > 0 else range(number - 1, -1, -1)
    return next((at for at in places if parts[at][0]), None)


def _shared(names: Iterable[str]) -> str:
    """What all names begin with, in whole words: "reduction_a"."""
    words = zip(*(name.split("_") for name in names), strict=False)
    return "_".join(alike[0] for alike in itertools.takewhile(lambda alike: len(set(alike)) == 1, words))


def _by_name(graph: _Graph, layers: Sequence[str]) -> list[tuple[str, list[str]]]:
    """Layers in blocks by their names; none if these do not tell blocks that read only those before them."""
    groups: dict[str, list[str]] = {}
    for layer in layers:
        groups.setdefault(block_of(layer) or layer, []).append(layer)
    units: dict[str, list[str]] = {}
    for name, members in groups.items():
        finer = [re.match(rf"{re.escape(name)}_[a-z]+\d+(?=_|$)", member) for member in members]
        for member, unit in zip(members, finer, strict=True):
            units.setdefault(unit[0] if unit and all(finer) else name, []).append(member)
    place = {layer: number for number, layer in enumerate(layers)}
    ordered = sorted(units.items(), key=lambda unit: place[unit[1][-1]])
    number_of = {layer: number for number, (_, members) in enumerate(ordered) for layer in members}
    for layer in layers:
        if any(number_of.get(below, -1) > number_of[layer] for below in graph.below[layer]):
            return []
    drawn = [members for members in units.values() if any(_step(graph.layers[layer]) for layer in members)]
    if not all(any(graph.joins(layer) for layer in members) for members in drawn):
        return []
    return ordered


def _joined(graph: _Graph, groups: list[tuple[str, list[str]]]) -> list[tuple[str, list[str]]]:
    """The same, but that what does nothing to be drawn belongs to the block before it, or at the image to the first;
    batch norms of their own after branches stay."""
    joined: list[tuple[str, list[str]]] = []
    for name, layers in groups:
        drawn = any(_step(graph.layers[layer]) or graph.joins(layer) for layer in layers)
        after_branches = joined and any(graph.joins(layer) for layer in joined[-1][1])
        weighty = any(graph.layers[layer].weights for layer in layers)
        if joined and not drawn and not (weighty and after_branches):
            joined[-1][1].extend(layers)
        else:
            joined.append((name, list(layers)))
    return joined


def _strides(model: keras.Model, groups) -> list[int | None]:
    """The stride of each block's stage."""
    ends = complexity.stages(model)
    place = {layer: number for number, (_, layers) in enumerate(groups) for layer in layers}
    last = {place[end]: stride for end, stride in ends.items()}
    strides: list[int | None] = []
    for number, (_, layers) in enumerate(groups):
        begun = any(strides) or any(kernels(model.get_layer(layer)) for layer in layers)
        strides.append(next((last[at] for at in sorted(last) if at >= number), None) if begun else None)
    return strides


def _heads(model: keras.Model, graph: _Graph, of_trunk: set[str]) -> list[tuple[str, Block]]:
    """The auxiliary heads, each with the layer of the trunk that it reads."""
    heads, taken = [], set(of_trunk)
    for output in model.outputs:
        end = output._keras_history.operation.name
        needed = {end}
        for layer in reversed(model.layers):
            if layer.name in needed - of_trunk:
                needed.update(graph.below[layer.name])
        layers = [layer.name for layer in model.layers if layer.name in needed - taken]
        if layers:
            read = next(below for layer in layers for below in graph.below[layer] if below in taken)
            heads.append((read, graph.block(end, layers, None, ())))
            taken.update(layers)
    return heads


def _body(graph: _Graph, layers: Sequence[str]) -> Body:
    """What a block does: a sequence where it can be told as such, else its sums and what each is of."""
    told = _sequence(graph, layers, layers[-1:], "")
    if told is None:
        told = _sums(graph, layers)
    if not told and any(isinstance(graph.layers[layer], keras.layers.BatchNormalization) for layer in layers):
        return (Step("batch norm", "other"),)
    return told if _width(told) <= COLUMNS else _counts(graph, layers)


def _sequence(graph: _Graph, layers: Sequence[str], exits: Sequence[str], join: str) -> Body | None:
    """Layers as steps and branches, from one place to one that reads the `exits` and is called `join`; None if they
    are woven."""
    body: list[Step | Branches] = []
    parts = _between(graph, layers, exits)
    opens = set(exits) - {layers[-1]}
    for number, part in enumerate(parts):
        if opens and number == len(parts) - 1:
            before = parts[number - 1][-1] if number else None
            told = _branches(graph, part, [name for name in exits if name in part or name == before], join)
            if told is None or (len(told.branches) == 1 and len(part) == len(layers)):
                return None
            return _repeated([*body, told])
        *inner, end = part
        if graph.joins(end):
            told = _branches(graph, inner, graph.below[end], _join(graph.layers[end]))
            if told is None:
                return None
            body.append(told)
        elif inner:
            return None
        body += [step] if (step := _step(graph.layers[end])) else []
    return _repeated(body)


def _branches(graph: _Graph, layers: Sequence[str], exits: Sequence[str], join: str) -> Branches | None:
    """Layers as branches in the order of the exits; None if they are woven."""
    branches: list[Body] = []
    parts = _parted(graph, layers)
    for name in exits:
        part = next((part for part in parts if name in part), None)
        if part is None and name not in layers:
            branches.append(())
        elif part is not None:
            parts.remove(part)
            if len(parts) == 0 and len(part) == len(layers) > 1 and sum(e in part for e in exits) > 1:
                return None
            told = _sequence(graph, part, [e for e in exits if e in part], join)
            if told is None:
                return None
            branches.append(told)
    return Branches(tuple(branches), join)


def _parted(graph: _Graph, layers: Sequence[str]) -> list[list[str]]:
    """Layers in parts that do not read each other, in order."""
    of: dict[str, int] = {}
    for number, name in enumerate(layers):
        met = {of[below] for below in graph.below[name] if below in of}
        of = {layer: number if part in met else part for layer, part in of.items()}
        of[name] = number
    parts: dict[int, list[str]] = {}
    for name in layers:
        parts.setdefault(of[name], []).append(name)
    return list(parts.values())


def _sums(graph: _Graph, layers: Sequence[str]) -> Body:
    """A woven block, as NASNet's cells: first what is made ready for several readers, then the sums, each with the
    steps from what it reads."""
    readers = Counter(below for layer in layers for below in graph.below[layer])
    *inner, end = layers
    while not graph.joins(end) and inner:
        *inner, end = inner
    ready: list[Body] = []
    sums: list[Body] = []
    knots = {layer for layer in inner if graph.joins(layer) or readers[layer] > 1}

    def steps_to(layer: str) -> list[Step | Branches]:
        steps: list[Step | Branches] = []
        while True:
            steps[:0] = [step] if (step := _step(graph.layers[layer])) else []
            (layer,) = graph.below[layer][:1] or [""]
            if layer not in graph.below or layer in knots or layer not in layers:
                return steps

    for layer in inner:
        if layer not in knots:
            continue
        if not graph.joins(layer):
            ready += [_repeated(steps)] if (steps := steps_to(layer)) else []
            continue
        column: list[Step | Branches] = []
        join = _join(graph.layers[layer])
        for below in graph.below[layer]:
            told = steps_to(below) if below in layers and below not in knots else []
            column += [Step({"add": "+"}.get(join, join), "sign")] if column else []
            column += _repeated(told) or [Step("identity", "sign")]
        (ready if join == "concat" else sums).append(tuple(column))
    body = [Branches(tuple(some), join) for some, join in ((ready, ""), (sums, _join(graph.layers[end]))) if some]
    return tuple(body)


def _counts(graph: _Graph, layers: Sequence[str]) -> Body:
    """How often each step is done, where there are too many branches to tell more."""
    found = Counter(step for layer in layers if (step := _step(graph.layers[layer])))
    return tuple(dataclasses.replace(step, times=times) for step, times in found.items())


def _width(body: Body) -> int:
    """How many branches lie beside each other."""
    return max((sum(map(_width, part.branches)) if isinstance(part, Branches) else 1 for part in body), default=1)


def _repeated(body: Iterable[Step | Branches]) -> Body:
    """Equal steps in a row as one."""
    told: list[Step | Branches] = []
    for part, run in itertools.groupby(body):
        times = len(list(run))
        if isinstance(part, Step):
            told.append(dataclasses.replace(part, times=part.times * times))
        else:
            told += [part] * times
    return tuple(told)


def _join(layer) -> str:
    kind = type(layer).__name__
    return {"Concatenate": "concat"}.get(kind, kind.lower())


def _step(layer: keras.layers.Layer) -> Step | None:
    """What a layer does, in short; None of activations, batch norms and paddings, which are not drawn."""
    kind = type(layer).__name__
    stride = _size(getattr(layer, "strides", 1))
    strided = "" if stride in ("1x1", "1") else f", /{stride.split('x')[0]}" if _square(stride) else f", /{stride}"
    if kind.startswith("Global") and "Pool" in kind:
        return Step("global average" if "Average" in kind else "global max", "pooling")
    if "Pool" in kind or kind == "Subsampling2D":
        name = "avg" if "Average" in kind else "max" if "Max" in kind else "subsample"
        return Step(f"{name} {_size(layer.pool_size)}{strided}", "pooling")
    channels = layer.output.shape[channel_axis(getattr(layer, "data_format", "channels_last"))]
    if isinstance(layer, keras.layers.Dense):
        return Step(f"dense, {channels}", "dense")
    if kernels(layer) and hasattr(layer, "kernel_size"):
        size, groups = _size(layer.kernel_size), getattr(layer, "groups", 1)
        if hasattr(layer, "pointwise_kernel"):
            return Step(f"sep {size}, {channels}{strided}", "convolution")
        if hasattr(layer, "depthwise_kernel") or isinstance(layer, keras.layers.DepthwiseConv2D):
            return Step(f"dw {size}{strided}", "convolution")
        name = "transposed " if "Transpose" in kind else ""
        grouped = f", g{groups}" if isinstance(groups, int) and groups > 1 else ""
        return Step(f"{name}{size}, {channels}{grouped}{strided}", "convolution")
    if kind == "LocalResponseNormalization":
        return Step("LRN", "other")
    if kind == "ChannelShuffle":
        return Step("shuffle", "other")
    if isinstance(layer, RadialBasis):
        return Step(f"radial basis, {channels}", "dense")
    if layer.weights and not isinstance(layer, keras.layers.BatchNormalization):
        words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", kind).lower()
        return Step(f"{words}, {channels}", "dense" if kernels(layer) or layer.output.ndim == 2 else "other")
    return None


def _size(value) -> str:
    """A kernel's or a stride's size: "3x3"."""
    if isinstance(value, int):
        return f"{value}x{value}"
    return "x".join(map(str, value))


def _square(size: str) -> bool:
    return len(set(size.split("x"))) == 1
