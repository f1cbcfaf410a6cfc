"""Networks of searched cells (NASNet, PNASNet): the cell as data, and what stacks it."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

from keras import layers

from keras_classics.blocks import batch_norm, concat, conv, relu
from keras_classics.errors import ClassicsError, unknown
from keras_classics.initializers import HeNormal
from keras_classics.layers import (
    AveragePooling2D,
    HalvingAveragePooling2D,
    HalvingPadding2D,
    MaxPooling2D,
    ScheduledDropPath,
    SeparableConv2D,
    channels_of,
)


@dataclass
class State:
    """A tensor that several operations of a cell may read, and its ReLU, which they share.

    `level` counts how often its map was halved since the first convolution.
    """

    raw: Any
    level: int
    name: str

    @cached_property
    def relu(self):
        return relu(self.raw, f"{self.name}_relu")


def pointwise(x, filters, strides, name, norm):
    return norm(conv(x, filters, 1, strides, name=f"{name}_conv"), f"{name}_bn")


def factorized_reduction(x, filters, name, norm):
    """Halves the map: one half of the filters reads the even pixels of both axes, the other the odd ones.

    Shapes: (N, H, W, C) to (N, ceil(H / 2), ceil(W / 2), filters).
    """
    shifted = layers.Cropping2D(((1, 0), (1, 0)), name=f"{name}_crop")(
        layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"{name}_pad")(x)
    )
    paths = [
        conv(x, filters // 2, 1, 2, name=f"{name}_path1_conv"),
        conv(shifted, filters - filters // 2, 1, 2, name=f"{name}_path2_conv"),
    ]
    return norm(concat(paths, f"{name}_concat"), f"{name}_bn")


def separable(state, filters, strides, name, norm, *, kernel_size):
    """ReLU, separable convolution and batch norm, twice (appendix A.4); the first strides."""
    x = state.relu
    for i, step in enumerate((strides, 1), 1):
        x = SeparableConv2D(
            filters,
            kernel_size,
            step,
            "same",
            use_bias=False,
            depthwise_initializer=HeNormal(fan_in=kernel_size**2),
            pointwise_initializer=HeNormal(),
            name=f"{name}_sep{i}",
        )(x)
        x = norm(x, f"{name}_sep{i}_bn")
        x = relu(x, f"{name}_sep1_relu") if i == 1 else x
    return x


def identity(state, filters, strides, name, norm):
    """The state itself; where its map or its width must change, ReLU, a 1x1 convolution and batch norm."""
    if strides == 1 and channels_of(state.raw) == filters:
        return state.raw
    return pointwise(state.relu, filters, strides, name, norm)


def max_pool(x, strides, name):
    return MaxPooling2D(3, strides, "same", name=name)(x)


def average_pool(x, strides, name):
    if strides == 2:
        return HalvingAveragePooling2D(name=name)(x)
    return AveragePooling2D(3, strides, "same", name=name)(x)


def zero_padded(x, strides, name, *, layer):
    """Pooling that reads zeros around the map where it halves it."""
    if strides == 1:
        return layer(3, 1, "same", name=name)(x)
    return layer(3, 2, name=name)(HalvingPadding2D(name=f"{name}_pad")(x))


def pooled(state, filters, strides, name, norm, *, pool):
    """3x3 pooling; where the width must change, then a 1x1 convolution and batch norm."""
    x = pool(state.raw, strides, f"{name}_pool")
    return x if channels_of(x) == filters else pointwise(x, filters, 1, name, norm)


OPERATIONS = {
    "identity": identity,
    "sep 3x3": partial(separable, kernel_size=3),
    "sep 5x5": partial(separable, kernel_size=5),
    "sep 7x7": partial(separable, kernel_size=7),
    "avg 3x3": partial(pooled, pool=average_pool),
    "max 3x3": partial(pooled, pool=max_pool),
}
COUNTING_PADDING = {
    **OPERATIONS,
    "avg 3x3": partial(pooled, pool=partial(zero_padded, layer=AveragePooling2D)),
    "max 3x3": partial(pooled, pool=partial(zero_padded, layer=MaxPooling2D)),
}


@dataclass(frozen=True)
class Cell:
    """A cell as the papers draw it: the genotype of a network.

    Attributes:
        blocks: pairs of (operation, the state that it reads). State 0 is the output of the cell before, state 1 that of
            the one before it; the sum of the first pair is state 2, and so on.
        outputs: the states that the cell puts out, side by side.

    Raises:
        ClassicsError: for an operation that is none of `OPERATIONS`, or a state that does not exist.
    """

    blocks: tuple[tuple[tuple[str, int], tuple[str, int]], ...]
    outputs: tuple[int, ...]

    def __post_init__(self):
        for number, block in enumerate(self.blocks, 1):
            for operation, state in block:
                if operation not in OPERATIONS:
                    raise unknown("operation", operation, OPERATIONS)
                if state not in range(number + 1):
                    raise ClassicsError(
                        f"Block {number} of the cell reads state {state}, which does not exist there: it may read "
                        f"states 0 to {number}."
                    )
        last = len(self.blocks) + 1
        if not self.outputs or any(state not in range(last + 1) for state in self.outputs):
            raise ClassicsError(f"The cell puts out the states {self.outputs}; choose some of 0 to {last}.")


class PlacedCell(NamedTuple):
    """A cell in its place in a network.

    With `keeps_previous` the next cell gets as state 1 the tensor that this one got as state 1, not the one that it got
    as state 0.
    """

    name: str
    cell: Cell
    filters: int
    reduces: bool = False
    keeps_previous: bool = False


def fit(x, state, filters, level, name, norm):
    """`x`, made of a state, at another level or width: by a factorised reduction or a 1x1 convolution if need be."""
    if state.level < level:
        return factorized_reduction(x, filters, name, norm)
    return x if channels_of(x) == filters else pointwise(x, filters, 1, name, norm)


def run_cell(placed: PlacedCell, h: State, p: State, rate, norm, operations) -> State:
    """Appendix A.1: the cell on the outputs `h` and `p` of the two before it, (N, H, W, C) and a map at least as large.

    `rate` is that of drop path, on each operation but the identity. Returns a state of
    (N, H / strides, W / strides, filters * the number of outputs).
    """
    name, filters, level = placed.name, placed.filters, h.level + placed.reduces
    states = [State(pointwise(h.relu, filters, 1, f"{name}_current", norm), h.level, f"{name}_current")]
    if p is not h:  # before the first cell there is but one
        previous = f"{name}_previous"
        p = State(fit(p.relu, p, filters, h.level, previous, norm), h.level, previous)
    states.append(p)
    for i, block in enumerate(placed.cell.blocks, 1):
        block_name, branches, rates = f"{name}_block{i}", [], []
        for side, (operation, source) in zip(("left", "right"), block, strict=True):
            state = states[source]
            strides = 2 ** (level - state.level)
            branches.append(operations[operation](state, filters, strides, f"{block_name}_{side}", norm))
            rates.append(0.0 if operation == "identity" else rate)
        add = ScheduledDropPath(rates, name=block_name) if any(rates) else layers.Add(name=block_name)
        states.append(State(add(branches), level, block_name))
    outputs = [fit(states[i].raw, states[i], filters, level, f"{name}_output{i}", norm) for i in placed.cell.outputs]
    return State(concat(outputs, f"{name}_output"), level, name)


def run_cells(x, cells: Sequence[PlacedCell], tap: str, drop_path=0.0, norm=batch_norm, operations=OPERATIONS):
    """The cells one after the other, and the activated output of the one named `tap` for the auxiliary head.

    The rate of drop path grows linearly with the depth, to `drop_path` at the last cell.
    """
    h = p = State(x, 0, "stem")
    taps = {}
    for number, placed in enumerate(cells, 1):
        new = run_cell(placed, h, p, drop_path * number / len(cells), norm, operations)
        p, h = p if placed.keeps_previous else h, new
        if placed.name == tap:
            taps = {"aux_1": h.relu}
    return h.relu, taps


def check_cells(**cells) -> None:
    for option, cell in cells.items():
        if not isinstance(cell, Cell):
            raise ClassicsError(f"`{option}` must be a Cell of keras_classics.cells, not {cell!r}.")


def checked_rate(drop_path: float) -> float:
    if not 0 <= drop_path < 1:
        raise ClassicsError(f"The rate of drop path must be at least 0 and below 1, not {drop_path}.")
    return drop_path
