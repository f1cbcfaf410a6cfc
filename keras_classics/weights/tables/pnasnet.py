"""PNASNet."""

import re

from keras_classics.weights.mapping import Rules

_CELL = r"(?:stem|stage(\d)_cell)(\d)_"
_PART = {"_bn": "bn", "/depthwise_kernel": "conv.dw_conv", "/pointwise_kernel": "conv.pw_conv"}


def _unit(stage: str | None, number: str) -> str:
    """The second cell of the stem opens pytorchcv's first stage."""
    if stage is None:
        return "features.stem1_unit" if number == "1" else "features.stage1.unit1"
    return f"features.stage{stage}.unit{int(number) + (stage == '1')}"


def _block(m: re.Match) -> str:
    """stage2_cell1_block1_left_sep1_bn is features.stage2.unit1.comb0_left.conv1.bn."""
    return f"{_unit(m[1], m[2])}.comb{int(m[3]) - 1}_{m[4]}.conv{m[5]}.{_PART[m[6]]}"


_TIMM_PART = {
    "_bn": "bn_sep_{}",
    "/depthwise_kernel": "separable_{}.depthwise_conv2d",
    "/pointwise_kernel": "separable_{}.pointwise_conv2d",
}


def _timm_cell(stage: str | None, number: str) -> str:
    """It counts the four cells of the stages through."""
    return f"cell_{4 * int(stage) + int(number) - 5}" if stage else f"cell_stem_{int(number) - 1}"


SOURCES: dict[str, Rules] = {
    "timm": [
        (r"stem_(conv|bn)", r"conv_0.\1"),
        (
            _CELL + r"block(\d)_(left|right)_sep(\d)(_bn|/\w+)",
            lambda m: f"{_timm_cell(m[1], m[2])}.comb_iter_{int(m[3]) - 1}_{m[4]}.{_TIMM_PART[m[6]].format(m[5])}",
        ),
        (
            _CELL + r"block(\d)_(left|right)_(conv|bn)",
            lambda m: f"{_timm_cell(m[1], m[2])}.comb_iter_{int(m[3]) - 1}_{m[4]}.{m[5]}",
        ),
        (_CELL + r"current_(conv|bn)", lambda m: f"{_timm_cell(m[1], m[2])}.conv_1x1.{m[3]}"),
        (_CELL + r"previous_path(\d)_conv", lambda m: f"{_timm_cell(m[1], m[2])}.conv_prev_1x1.path_{m[3]}.conv"),
        (_CELL + r"previous_conv", lambda m: f"{_timm_cell(m[1], m[2])}.conv_prev_1x1.conv"),
        (_CELL + r"previous_bn", lambda m: rf"{_timm_cell(m[1], m[2])}\.conv_prev_1x1\.(?:bn|final_path_bn)"),
        (r"predictions", "last_linear"),
    ],
    "pytorchcv": [
        (r"stem_(conv|bn)", r"features.init_block.\1"),
        (_CELL + r"block(\d)_(left|right)_sep(\d)(_bn|/\w+)", _block),
        (
            _CELL + r"block(\d)_(left|right)_(conv|bn)",
            lambda m: f"{_unit(m[1], m[2])}.comb{int(m[3]) - 1}_{m[4]}.{m[5]}",
        ),
        (_CELL + r"current_(conv|bn)", lambda m: f"{_unit(m[1], m[2])}.conv_1x1.{m[3]}"),
        (_CELL + r"previous_path(\d)_conv", lambda m: f"{_unit(m[1], m[2])}.conv_prev_1x1.path{m[3]}.conv"),
        (_CELL + r"previous_(conv|bn)", lambda m: f"{_unit(m[1], m[2])}.conv_prev_1x1.{m[3]}"),
        (r"predictions", "output.fc"),
    ],
}
