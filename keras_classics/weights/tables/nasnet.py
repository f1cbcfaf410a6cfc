"""NASNet."""

import re

from keras_classics.weights.mapping import Rules

_CELL = r"(stem|reduction|stage(\d)_cell)(\d+)_"
_BLOCK = _CELL + r"block(\d)_(left|right)_sep(\d)(_bn|/\w+)"
_PART = {"_bn": "bn", "/depthwise_kernel": "conv.dw_conv", "/pointwise_kernel": "conv.pw_conv"}


def _keras_id(kind: str, number: str) -> str:
    """It numbers the cells through, with gaps for the reductions: those of a kind follow the order of the graph."""
    return f"stem_{number}" if kind == "stem" else r"reduce_(?:\d+)" if kind == "reduction" else r"(?:\d+)"


def _keras_block(m: re.Match) -> str:
    """stage1_cell2_block5_left_sep1 is separable_conv_1_normal_left5_1; a reduction's left5 is called left4."""
    normal = m[2] is not None
    block = "4" if not normal and m[4] + m[5] == "5left" else m[4]
    part = f"{m[6]}_bn" if m[7] == "_bn" else m[6]
    return f"separable_conv_{part}_{'normal' if normal else 'reduction'}_{m[5]}{block}_{_keras_id(m[1], m[3])}"


def _keras_current(m: re.Match) -> str:
    return f"{'normal' if m[2] else 'reduction'}_{m[4]}_1_{_keras_id(m[1], m[3])}"


def _unit(kind: str, stage: str | None, number: str) -> str:
    """stage2_cell1 stands behind the reduction in pytorchcv's second stage."""
    if kind == "stem":
        return f"features.stem{number}_unit"
    if stage is None:
        return f"features.stage{int(number) + 1}.unit1"
    return f"features.stage{stage}.unit{int(number) + (stage != '1')}"


def _pytorchcv_block(m: re.Match) -> str:
    return f"{_unit(m[1], m[2], m[3])}.comb{int(m[4]) - 1}_{m[5]}.conv{m[6]}.{_PART[m[7]]}"


SOURCES: dict[str, Rules] = {
    "keras": [
        (r"stem_(conv|bn)", r"stem_\g<1>1"),
        (_BLOCK, _keras_block),
        (_CELL + r"current_(conv|bn)", _keras_current),
        (_CELL + r"previous_path(\d)_conv", lambda m: f"adjust_conv_{m[4]}_{_keras_id(m[1], m[3])}"),
        (_CELL + r"previous_conv", lambda m: f"adjust_conv_projection_{_keras_id(m[1], m[3])}"),
        (_CELL + r"previous_bn", lambda m: f"adjust_bn_{_keras_id(m[1], m[3])}"),
        (r"predictions", "predictions"),
    ],
    "pytorchcv": [
        (r"stem_(conv|bn)", r"features.init_block.\1"),
        (_BLOCK, _pytorchcv_block),
        (_CELL + r"current_(conv|bn)", lambda m: f"{_unit(*m.groups()[:3])}.conv1x1.{m[4]}"),
        (_CELL + r"previous_path(\d)_conv", lambda m: f"{_unit(*m.groups()[:3])}.path.path{m[4]}.conv"),
        (_CELL + r"previous_conv", lambda m: f"{_unit(*m.groups()[:3])}.conv1x1_prev.conv"),
        (_CELL + r"previous_bn", lambda m: rf"{_unit(*m.groups()[:3])}.(?:conv1x1_prev|path).bn"),
        (r"predictions", "output.fc"),
    ],
}
