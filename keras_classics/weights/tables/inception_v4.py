"""Inception-v4."""

import re

from keras_classics.weights.mapping import Rules

# Units of a stage of pytorchcv before the first module of ours: the reduction is the first unit of its stage.
_STAGES = {
    "inception_a": (1, 0),
    "reduction_a": (2, 1),
    "inception_b": (2, 1),
    "reduction_b": (3, 1),
    "inception_c": (3, 1),
}


def pytorchcv_branch(branch: str, layer: str, kind: str) -> str:
    """A layer of a branch; the only one of its branch is not numbered, and a fork has its kernel for a number."""
    part = f"conv{layer}" if "x" in layer else rf"conv(?:_list.conv{layer})?"
    return rf"branches.branch{branch}.{part}.{kind}"


def pytorchcv_unit(m: re.Match) -> str:
    """inception_b2_branch2_3_bn is features.stage2.unit3.branches.branch2.conv_list.conv3.bn."""
    module, unit, branch, layer, kind = m.groups()
    stage, before = _STAGES[module.replace("_resnet", "")]
    unit = int(unit) + before if unit else 1
    return rf"features.stage{stage}.unit{unit}." + pytorchcv_branch(branch, layer, kind)


UNIT = r"(inception(?:_resnet)?_[abc]|reduction_[ab])(\d*)_branch(\d)_(\d|1x3|3x1)_(conv|bn)"

SOURCES: dict[str, Rules] = {
    "pytorchcv": [
        (r"stem_1_(\d)_(conv|bn)", r"features.init_block.conv\1.\2"),
        (
            r"stem_(\d)_branch(\d)_(\d)_(conv|bn)",
            lambda m: rf"features.init_block.block{int(m[1]) - 1}." + pytorchcv_branch(*m.groups()[1:]),
        ),
        (UNIT, pytorchcv_unit),
        (r"predictions", "output.fc"),
    ],
}
