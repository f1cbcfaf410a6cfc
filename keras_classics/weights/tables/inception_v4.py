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

# timm's modules, a sequence after the stem's three convolutions and three modules.
_TIMM = {"inception_a": 5, "inception_b": 10, "inception_c": 18}


def timm_branch(branch: str, layer: str, kind: str, many: bool) -> str:
    return f"branch{int(branch) - 1}{f'.{int(layer) - 1}' if many else ''}.{kind}"


def _timm(m: re.Match) -> str:
    """inception_b2_branch2_3_bn is features.12.branch1.2.bn."""
    module, unit, branch, layer, kind = m.groups()
    if module.startswith("reduction"):
        place, pooled, many = (10 if module.endswith("a") else 18), False, (module, branch) != ("reduction_a", "1")
    else:
        place, pooled, many = _TIMM[module] + int(unit), branch == "4", branch in "23"
    if module == "inception_c" and branch in "23":
        letter = {"1x3": "a", "3x1": "b"}.get(layer)
        step = f"{int(branch) * 2 - 3}{letter}" if letter else str(int(layer) - 1)
        return f"features.{place}.branch{int(branch) - 1}_{step}.{kind}"
    if pooled:
        return f"features.{place}.branch3.1.{kind}"
    return f"features.{place}." + timm_branch(branch, layer, kind, many)


SOURCES: dict[str, Rules] = {
    "timm": [
        (r"stem_1_(\d)_(conv|bn)", lambda m: f"features.{int(m[1]) - 1}.{m[2]}"),
        (r"stem_2_branch2_1_(conv|bn)", r"features.3.conv.\1"),
        (r"stem_3_branch(\d)_(\d)_(conv|bn)", lambda m: "features.4." + timm_branch(m[1], m[2], m[3], True)),
        (r"stem_4_branch1_1_(conv|bn)", r"features.5.conv.\1"),
        (UNIT, _timm),
        (r"predictions", "last_linear"),
    ],
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
