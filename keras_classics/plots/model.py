"""A network's blocks, as papers draw them."""

import functools
import itertools
import pathlib
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.patches import FancyBboxPatch
from matplotlib.textpath import text_to_path

from keras_classics.architecture import Block, Body, Branches, Step
from keras_classics.architecture import title as name_of
from keras_classics.plots.saving import save

# All lengths are in points.
TEXT, HEADING, TITLE = 6.5, 7.0, 10.0
STEP, SIGN, LABEL = 12.0, 8.0, 9.0  # heights: of a step, of a sign between steps, of what joins branches
BETWEEN = 5.0  # steps, one below the other
BESIDE = 6.0  # branches
FAN = 5.0  # from where branches part to the first step
PADDING = 5.0  # in a box
GAP = 13.0  # between boxes, for the arrow
MARGIN = 17.0  # at the left of a column, for the strides
GUTTER = 14.0  # between columns
MOST_COLUMNS = 6
SHAPE = 1.35  # of the figure, width by height, as far as the columns allow
FILLS = {"convolution": "#dbe9f6", "pooling": "#fde0c5", "dense": "#d5ead0", "other": "#eeeeee"}


def draw(blocks: Sequence[Block], path: str | pathlib.Path, title: str) -> None:
    """The blocks in columns, from the image at the upper left to the predictions at the lower right.

    In a box are the block's steps, its branches beside each other, an empty one a line; above them its output's shape,
    parameters and multiply-adds. Those of a run of equal blocks ("x 5") are of all of them, and the shape is the last
    one's. Strides of the stages stand at the left. Auxiliary heads stand beside the blocks that they read. Which cells
    read the one before the last as well, as NASNet's do, is not drawn.
    """
    width = max(_box(block)[0] for block in blocks)
    columns = min(
        (_columns(blocks, count) for count in range(1, MOST_COLUMNS + 1)),
        key=lambda columns: abs(_ratio(columns, width) - SHAPE),
    )
    widths = [_column_width(column, width) for column in columns]
    across, down = sum(widths) + GUTTER * (len(columns) - 1), max(map(_column_height, columns))
    across = max(across, _wide(title, TITLE, "bold"))
    figure = Figure(figsize=(across / 72, (down + 24) / 72))
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set(xlim=(0, across), ylim=(down, -24))
    axes.set_axis_off()
    axes.text(0, -12, title, fontsize=TITLE, weight="bold", va="center")
    left = 0.0
    for number, column in enumerate(columns):
        bottom = _draw_column(axes, column, left + MARGIN, width)
        if number + 1 < len(columns):
            middle, lane = left + MARGIN + width / 2, left + widths[number] + GUTTER / 2
            above = left + widths[number] + GUTTER + MARGIN + width / 2
            low = max(bottom, _column_height(column) - GAP) + 6  # past the heads
            _line(axes, [middle, middle, lane, lane, above], [bottom, low, low, -6, -6])
            _arrow(axes, above, -6, 0)
        left += widths[number] + GUTTER
    save(figure, path, dpi=200)


def _line(axes: Axes, across: Sequence[float], down: Sequence[float], colour: str = "black") -> None:
    axes.add_line(Line2D(across, down, color=colour, linewidth=0.7, solid_joinstyle="miter"))


def _arrow(axes: Axes, x: float, top: float, bottom: float) -> None:
    style = {"arrowstyle": "-|>,head_width=0.15,head_length=0.3", "linewidth": 0.7, "shrinkA": 0, "shrinkB": 0}
    axes.annotate("", (x, bottom), (x, top), arrowprops={**style, "color": "black", "mutation_scale": 10})


def _draw_column(axes: Axes, column: Sequence[Block], left: float, width: float) -> float:
    """Draws a column of boxes from 0 downwards; returns where it ends."""
    top, below_heads = 0.0, 0.0
    spans: list[tuple[int | None, float, float]] = []
    for number, block in enumerate(column):
        if number:
            _arrow(axes, left + width / 2, top - GAP, top)
        height = _box(block)[1]
        _draw_box(axes, block, left, top, width)
        spans.append((block.stride, top, top + height))
        for head in block.heads:
            at = max(top, below_heads)
            beside = left + width + GUTTER
            _draw_box(axes, head, beside, at, _box(head)[0], dashed=True)
            level = max(at, top) + 8
            _line(axes, [left + width, beside], [min(level, top + height - 4), level])
            below_heads = at + _box(head)[1] + GAP
        top += height + GAP
    for stride, run in itertools.groupby(spans, key=lambda span: span[0]):
        parts = list(run)
        if stride is not None:
            begin, end = parts[0][1], parts[-1][2]
            _line(axes, [left - 4, left - 6, left - 6, left - 4], [begin, begin, end, end], "grey")
            axes.text(
                left - 8, (begin + end) / 2, f"stride {stride}", fontsize=TEXT, rotation=90, ha="right", va="center"
            )
    return top - GAP


def _draw_box(axes: Axes, block: Block, left: float, top: float, width: float, dashed: bool = False) -> None:
    height = _box(block)[1]
    if len(block.names) > 1:  # a second sheet behind the first
        _rectangle(axes, left + 2.5, top + 2.5, width, height, "white", "grey")
    _rectangle(axes, left, top, width, height, "white", "black", "--" if dashed else "-")
    lines = _lines(block)
    baseline = top + PADDING
    for number, (at_left, at_right) in enumerate(lines):
        weight = "normal" if number else "bold"
        size = TEXT if number else HEADING
        axes.text(left + PADDING, baseline + 3.5, at_left, fontsize=size, weight=weight, va="center")
        axes.text(left + width - PADDING, baseline + 3.5, at_right, fontsize=size, ha="right", va="center")
        baseline += LABEL
    if block.body:
        _draw_body(axes, block.body, left + width / 2, baseline + 3)


def _draw_body(axes: Axes, body: Body, middle: float, top: float) -> None:
    for number, part in enumerate(body):
        wide, high = _size(part)
        between = _space(body, number)
        if between and not _is_sign(part) and not _is_sign(body[number - 1]):
            _line(axes, [middle, middle], [top, top + between])
        top += between
        if isinstance(part, Branches):
            _draw_branches(axes, part, middle, top)
        elif part.kind == "sign":
            axes.text(middle, top + high / 2, part.label, fontsize=TEXT, ha="center", va="center")
        else:
            _rectangle(axes, middle - wide / 2, top, wide, high, FILLS[part.kind], "black", linewidth=0.5)
            axes.text(middle, top + high / 2, _label(part), fontsize=TEXT, ha="center", va="center_baseline")
        top += high


def _draw_branches(axes: Axes, part: Branches, middle: float, top: float) -> None:
    wide, high = _size(part)
    bottom = top + high - (LABEL if part.join else 0)
    at = middle - wide / 2
    middles = []
    for branch in part.branches:
        across, down = _body_size(branch)
        middles.append(at + across / 2)
        _line(axes, [middles[-1], middles[-1]], [top, top + FAN])
        _draw_body(axes, branch, middles[-1], top + FAN)
        _line(axes, [middles[-1], middles[-1]], [top + FAN + down, bottom])
        at += across + BESIDE
    for level in (top, bottom):
        _line(axes, [min(*middles, middle), max(*middles, middle)], [level, level])
    if part.join:
        axes.text(middle, bottom + LABEL / 2 + 0.5, part.join, fontsize=TEXT, ha="center", va="center", style="italic")


def _rectangle(axes, left, top, width, height, fill, edge, style="-", linewidth=0.8) -> None:
    axes.add_patch(
        FancyBboxPatch(
            (left, top), width, height, "round,pad=0,rounding_size=2", facecolor=fill, edgecolor=edge,
            linestyle=style, linewidth=linewidth, zorder=2,
        )
    )  # fmt: skip


def _lines(block: Block) -> list[tuple[str, str]]:
    """What stands above a block's steps, at the left and at the right."""
    times = f"  x {len(block.names)}" if len(block.names) > 1 else ""
    lines = [
        (name_of(block.names) + times, "x".join("?" if side is None else str(side) for side in block.output_shape))
    ]
    counts = (f"{block.params:,} parameters" if block.params else "", _millions(block.macs))
    if any(counts):
        lines.append(counts)
    return lines


def _millions(macs: int) -> str:
    return f"{macs / 1e6:,.{0 if macs >= 1e8 else 1 if macs >= 1e6 else 3}f}M mult-adds" if macs else ""


@functools.cache
def _box(block: Block) -> tuple[float, float]:
    """The width and height of a block's box."""
    across, down = _body_size(block.body)
    lines = _lines(block)
    texts = [
        _wide(left, TEXT if number else HEADING, "normal" if number else "bold") + 8 + _wide(right, HEADING)
        for number, (left, right) in enumerate(lines)
    ]
    return max(across, *texts) + 2 * PADDING, LABEL * len(lines) + 2 * PADDING + (down + 3 if block.body else 0) - 2


def _body_size(body: Body) -> tuple[float, float]:
    sizes = [_size(part) for part in body]
    spaces = sum(_space(body, number) for number in range(len(body)))
    return max((wide for wide, _ in sizes), default=8.0), sum(high for _, high in sizes) + spaces


def _space(body: Body, number: int) -> float:
    """Above a part of a sequence."""
    return 0.0 if not number or _is_sign(body[number]) or _is_sign(body[number - 1]) else BETWEEN


def _is_sign(part) -> bool:
    return isinstance(part, Step) and part.kind == "sign"


def _size(part: Step | Branches) -> tuple[float, float]:
    if isinstance(part, Step):
        return _wide(_label(part), TEXT) + 6, SIGN if part.kind == "sign" else STEP
    sizes = [_body_size(branch) for branch in part.branches]
    wide = sum(wide for wide, _ in sizes) + BESIDE * (len(sizes) - 1)
    return wide, max(high for _, high in sizes) + 2 * FAN + (LABEL if part.join else 0)


def _label(step: Step) -> str:
    return step.label + (f"  x {step.times}" if step.times > 1 else "")


@functools.cache
def _wide(text: str, size: float, weight: str = "normal") -> float:
    """A text's width."""
    return text_to_path.get_text_width_height_descent(text, FontProperties(size=size, weight=weight), ismath=False)[0]


def _column_height(column: Sequence[Block]) -> float:
    """With its auxiliary heads, and room below for the way to the next column."""
    top, below_heads = 0.0, 0.0
    for block in column:
        for head in block.heads:
            below_heads = max(top, below_heads) + _box(head)[1] + GAP
        top += _box(block)[1] + GAP
    return max(top, below_heads)


def _column_width(column: Sequence[Block], width: float) -> float:
    heads = [_box(head)[0] for block in column for head in block.heads]
    return MARGIN + width + 3 + (GUTTER + max(heads) if heads else 0)


def _ratio(columns: Sequence[Sequence[Block]], width: float) -> float:
    across = sum(_column_width(column, width) for column in columns) + GUTTER * (len(columns) - 1)
    return across / max(map(_column_height, columns))


def _columns(blocks: Sequence[Block], count: int) -> list[list[Block]]:
    """The blocks in so many columns, or fewer, of which the highest is as low as can be."""
    heights = [_box(block)[1] + GAP for block in blocks]
    for limit in sorted({sum(heights[i:j]) for i, j in itertools.combinations(range(len(blocks) + 1), 2)}):
        columns: list[list[Block]] = [[]]
        filled = 0.0
        for block, height in zip(blocks, heights, strict=True):
            if columns[-1] and filled + height > limit + 1e-6:
                columns.append([])
                filled = 0.0
            columns[-1].append(block)
            filled += height
        if len(columns) <= count and limit + 1e-6 >= max(heights):
            return columns
    return [list(blocks)]
