"""Zoph et al. 2017: NASNet-A, two cells that were searched for on CIFAR-10 and stacked."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, NamedTuple

from keras import layers

from keras_classics.blocks import (
    batch_norm,
    channel_axis,
    channels_of,
    concat,
    conv,
    global_pool_head,
    predictions,
    relu,
)
from keras_classics.errors import ClassicsError, unknown
from keras_classics.initializers import HeNormal
from keras_classics.layers import HalvingAveragePooling2D, ScheduledDropPath
from keras_classics.spec import CIFAR10_STATISTICS, Normalization, Paper, Reported
from keras_classics.variant import Variant

PAPER = Paper(
    title="Learning Transferable Architectures for Scalable Image Recognition",
    authors="Zoph, Vasudevan, Shlens, Le",
    year=2017,
    venue="CVPR 2018",
    url="https://arxiv.org/abs/1707.07012",
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
        x = layers.SeparableConv2D(
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
    return layers.MaxPooling2D(3, strides, "same", name=name)(x)


def average_pool(x, strides, name):
    if strides == 2:
        return HalvingAveragePooling2D(name=name)(x)
    return layers.AveragePooling2D(3, strides, "same", name=name)(x)


def zero_padded(x, strides, name, *, layer):
    """Pooling that reads zeros around the map where it halves it."""
    if strides == 1:
        return layer(3, 1, "same", name=name)(x)
    sides = [side for axis, side in enumerate(x.shape) if axis not in (0, channel_axis() % 4)]
    if None in sides:
        raise ClassicsError("`counts_padding` needs an input shape of known height and width.")
    x = layers.ZeroPadding2D([(side % 2, 1) for side in sides], name=f"{name}_pad")(x)
    return layer(3, 2, name=name)(x)


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
    "avg 3x3": partial(pooled, pool=partial(zero_padded, layer=layers.AveragePooling2D)),
    "max 3x3": partial(pooled, pool=partial(zero_padded, layer=layers.MaxPooling2D)),
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


NORMAL = Cell(  # Figure 4, left
    blocks=(
        (("sep 5x5", 0), ("sep 3x3", 1)),
        (("sep 5x5", 1), ("sep 3x3", 1)),
        (("avg 3x3", 0), ("identity", 1)),
        (("avg 3x3", 1), ("avg 3x3", 1)),
        (("sep 3x3", 0), ("identity", 0)),
    ),
    outputs=(1, 2, 3, 4, 5, 6),
)
REDUCTION = Cell(  # Figure 4, right
    blocks=(
        (("sep 5x5", 0), ("sep 7x7", 1)),
        (("max 3x3", 0), ("sep 7x7", 1)),
        (("avg 3x3", 0), ("sep 5x5", 1)),
        (("identity", 3), ("avg 3x3", 2)),
        (("sep 3x3", 2), ("max 3x3", 0)),
    ),
    outputs=(3, 4, 5, 6),
)


class Step(NamedTuple):
    """A cell in its place in a network.

    One that `keeps_previous` leaves to the cell behind it, as state 1, what it read as state 1 itself.
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


def run_cell(step: Step, h: State, p: State, rate, norm, operations) -> State:
    """Appendix A.1: the cell on the outputs `h` and `p` of the two before it, (N, H, W, C) and a map at least as large.

    `rate` is that of drop path, on each operation but the identity. Returns a state of
    (N, H / strides, W / strides, filters * the number of outputs).
    """
    name, filters, level = step.name, step.filters, h.level + step.reduces
    states = [State(pointwise(h.relu, filters, 1, f"{name}_current", norm), h.level, f"{name}_current")]
    if p is not h:  # before the first cell there is but one
        previous = f"{name}_previous"
        p = State(fit(p.relu, p, filters, h.level, previous, norm), h.level, previous)
    states.append(p)
    for i, block in enumerate(step.cell.blocks, 1):
        branches = []
        for side, (operation, source) in zip(("left", "right"), block, strict=True):
            branch, state = f"{name}_block{i}_{side}", states[source]
            x = operations[operation](state, filters, 2 ** (level - state.level), branch, norm)
            if rate and operation != "identity":
                x = ScheduledDropPath(rate, name=f"{branch}_drop_path")(x)
            branches.append(x)
        states.append(State(layers.Add(name=f"{name}_block{i}")(branches), level, f"{name}_block{i}"))
    outputs = [fit(states[i].raw, states[i], filters, level, f"{name}_output{i}", norm) for i in step.cell.outputs]
    return State(concat(outputs, f"{name}_output"), level, name)


def run_cells(x, steps: Sequence[Step], tap: str, drop_path=0.0, norm=batch_norm, operations=OPERATIONS):
    """The cells one after the other, and the activated output of the one named `tap` for the auxiliary head.

    The rate of drop path grows linearly with the depth, to `drop_path` at the last cell.
    """
    h = p = State(x, 0, "stem")
    taps = {}
    for number, step in enumerate(steps, 1):
        new = run_cell(step, h, p, drop_path * number / len(steps), norm, operations)
        p, h = p if step.keeps_previous else h, new
        if step.name == tap:
            taps = {"aux_1": h.relu}
    return h.relu, taps


def stages(normal, reduction, filters, repeats, keeps_previous=False) -> list[Step]:
    """Figure 2: three stages of normal cells, with a reduction between them that doubles the filters."""
    steps = []
    for stage in (1, 2, 3):
        width = filters * 2 ** (stage - 1)
        if stage > 1:
            steps.append(Step(f"reduction{stage - 1}", reduction, width, True, keeps_previous))
        steps += [Step(f"stage{stage}_cell{i + 1}", normal, width) for i in range(repeats)]
    return steps


imagenet_norm = partial(batch_norm, momentum=0.9997, epsilon=1e-3)


def imagenet_stem(x, filters):
    """(N, 224, 224, 3) to (N, 111, 111, filters)."""
    return imagenet_norm(conv(x, filters, 3, 2, padding="valid", name="stem_conv"), "stem_bn")


def imagenet_features(x, normal, reduction, filters, repeats, first, keeps_previous, drop_path, counts_padding):
    """Figure 2, right: a convolution, two reductions, and the stages; of the mobile network (N, 224, 224, 3),
    (N, 111, 111, 32), (N, 56, 56, 44), (N, 28, 28, 88), (N, 28, 28, 264), (N, 14, 14, 528), (N, 7, 7, 1056)."""
    steps = [
        Step("stem1", reduction, filters // 4, reduces=True),
        Step("stem2", reduction, filters // 2, reduces=True),
        *stages(normal, reduction, filters, repeats, keeps_previous),
    ]
    operations = COUNTING_PADDING if counts_padding else OPERATIONS
    return run_cells(imagenet_stem(x, first), steps, f"stage2_cell{repeats}", drop_path, imagenet_norm, operations)


def cifar_features(x, normal, reduction, filters, repeats, drop_path):
    """Figure 2, left: (N, 32, 32, 3), (N, 32, 32, 96), (N, 32, 32, 192), (N, 16, 16, 384), (N, 8, 8, 768)."""
    x = batch_norm(conv(x, 3 * filters, 3, name="stem_conv"), "stem_bn")
    return run_cells(x, stages(normal, reduction, filters, repeats), f"stage2_cell{repeats}", drop_path)


def aux_head(x, classes, activation, name, norm=imagenet_norm):
    """The published code's, on the last map before the second reduction: (N, 14, 14, C) to (N, 4, 4, 128),
    (N, 1, 1, 768) and (N, classes)."""
    x = layers.AveragePooling2D(5, 3, name=f"{name}_pool")(x)
    x = relu(pointwise(x, 128, 1, f"{name}_1x1", norm), f"{name}_1x1_relu")
    sides = x.shape[1:3] if channel_axis() == -1 else x.shape[2:]
    x = norm(conv(x, 768, sides, padding="valid", name=f"{name}_full_conv"), f"{name}_full_bn")
    x = layers.GlobalAveragePooling2D(name=f"{name}_avg_pool")(relu(x, f"{name}_full_relu"))
    return predictions(x, classes, activation, name=name)


def check_cells(**cells) -> None:
    for option, cell in cells.items():
        if not isinstance(cell, Cell):
            raise ClassicsError(f"`{option}` must be a Cell of keras_classics.models.nasnet, not {cell!r}.")


def checked_rate(drop_path: float) -> float:
    if not 0 <= drop_path < 1:
        raise ClassicsError(f"The rate of drop path must be at least 0 and below 1, not {drop_path}.")
    return drop_path


INITIALIZATION_DEPARTURE = (
    "Weights start as in He et al. 2015, by the inputs of a unit; in the published code by its outputs. Batch "
    "normalisation follows either way."
)
DETAILS_DEPARTURE = (
    "What the paper leaves open is as in the published code: the constants of batch normalisation, the auxiliary head, "
    "the factorised reduction and the 1x1 convolutions that bring a cell's two inputs to its width."
)


def imagenet(*, image_size: int, resize_size: int, features, vary, **facts) -> Variant:
    """The record of an ImageNet network of cells; PNASNet's are made here too."""
    return Variant(
        dataset="imagenet2012",
        image_size=image_size,
        resize_size=resize_size,
        min_size=3,
        normalization=Normalization((127.5, 127.5, 127.5), (127.5, 127.5, 127.5)),
        features=features,
        head=partial(global_pool_head, dropout=0.5),
        aux_head=aux_head,
        aux_weights=(0.4,),
        aux_min_size=67,
        vary=vary,
        departures=(INITIALIZATION_DEPARTURE, DETAILS_DEPARTURE),
        **facts,
    )


def nasnet(name: str, penultimate: int, repeats: int, first: int, keeps_previous: bool, counts, **facts) -> Variant:
    """NASNet-A (`repeats` @ `penultimate`), whose last map has `penultimate` filters and whose first `first`.

    `counts_padding` is as keras.applications has it: where a reduction pools, zeros around the map are read.
    """
    params, macs = counts

    def vary(
        normal: Cell = NORMAL, reduction: Cell = REDUCTION, drop_path: float = 0.0, counts_padding: bool = False
    ) -> Variant:
        check_cells(normal=normal, reduction=reduction)
        paper = (normal, reduction) == (NORMAL, REDUCTION)
        return imagenet(
            name=name,
            family="nasnet",
            paper=PAPER,
            params=params if paper else None,
            macs=macs if paper else None,
            features=partial(
                imagenet_features,
                normal=normal,
                reduction=reduction,
                filters=penultimate // 24,
                repeats=repeats,
                first=first,
                keeps_previous=keeps_previous,
                drop_path=checked_rate(drop_path),
                counts_padding=counts_padding,
            ),
            vary=vary,
            **facts,
        )

    return vary()


def nasnet_cifar(normal: Cell = NORMAL, reduction: Cell = REDUCTION, drop_path: float = 0.0) -> Variant:
    """NASNet-A (6 @ 768)."""
    check_cells(normal=normal, reduction=reduction)
    paper = (normal, reduction) == (NORMAL, REDUCTION)
    return Variant(
        name="nasnet_cifar",
        family="nasnet",
        paper=PAPER,
        dataset="cifar10",
        image_size=32,
        resize_size=32,
        min_size=4,
        normalization=CIFAR10_STATISTICS,
        params=3_346_538 if paper else None,
        macs=544_333_312 if paper else None,
        features=partial(
            cifar_features,
            normal=normal,
            reduction=reduction,
            filters=768 // 24,
            repeats=6,
            drop_path=checked_rate(drop_path),
        ),
        aux_head=partial(aux_head, norm=batch_norm),
        aux_weights=(0.4,),
        aux_min_size=9,
        vary=nasnet_cifar,
        reported=(
            Reported("cifar10", 3.41, source="Table 1", note="mean of five runs"),
            Reported("cifar10", 2.65, source="Table 1", note="mean of five runs, trained with cutout"),
        ),
        departures=(INITIALIZATION_DEPARTURE, DETAILS_DEPARTURE),
    )


NASNetMobile = nasnet(
    "nasnet_mobile",
    1056,
    repeats=4,
    first=32,
    keeps_previous=False,
    counts=(5_289_978, 563_638_816),
    image_size=224,
    resize_size=256,
    reported=(Reported("imagenet2012", 26.0, 8.4, source="Table 3"),),
)
NASNetLarge = nasnet(
    "nasnet_large",
    4032,
    repeats=6,
    first=96,
    keeps_previous=True,
    counts=(88_753_150, 23_783_414_658),
    image_size=331,
    resize_size=378,
    reported=(Reported("imagenet2012", 17.3, 3.8, source="Table 2"),),
)
NASNetCIFAR = nasnet_cifar()
