"""Xception."""

import re

from keras_classics.weights.mapping import Rules

_STAGES = {2: "stage1.unit1", 3: "stage2.unit1", **{i: f"stage3.unit{i - 3}" for i in range(4, 13)}, 13: "stage4.unit1"}


def _pytorchcv_part(m: re.Match) -> str:
    """block4_sepconv2 is the convolutions of features.stage3.unit1.body.block2, and block4_sepconv2_bn its bn."""
    block, number, kind = int(m[1]), m[2], {"_bn": "bn", "/depthwise_kernel": "conv.dw_conv"}.get(m[3], "conv.pw_conv")
    place = f"final_block.conv{number}" if block == 14 else f"{_STAGES[block]}.body.block{number}"
    return f"features.{place}.{kind}"


SOURCES: dict[str, Rules] = {
    "keras": [
        (r"(block1_conv\d)_conv", r"\1"),
        (r"(.*)/\w+_kernel", r"\1"),
        # It does not name the layers of its shortcuts: they follow the order of the graph, ours and theirs.
        (r".*_residual_conv", r"conv2d(?:_\\d+)?"),
        (r".*_residual_bn", r"batch_normalization(?:_\\d+)?"),
        (r"(.*)", r"\1"),
    ],
    "pytorchcv": [
        (r"block1_conv(\d)_(conv|bn)", r"features.init_block.conv\1.\2"),
        (r"block(\d+)_residual_(conv|bn)", lambda m: f"features.{_STAGES[int(m[1])]}.identity_conv.{m[2]}"),
        (r"block(\d+)_sepconv(\d)(_bn|/\w+)", _pytorchcv_part),
        (r"predictions", "output"),
    ],
}
