"""Inception v2, BN-Inception."""

import re

from keras_classics.weights.mapping import Rules

_UNITS = {
    **{"3a": "stage1.unit1", "3b": "stage1.unit2", "3c": "stage2.unit1", "4a": "stage2.unit2", "4b": "stage2.unit3"},
    **{"4c": "stage2.unit4", "4d": "stage2.unit5", "4e": "stage3.unit1", "5a": "stage3.unit2", "5b": "stage3.unit3"},
}
_BRANCHES = {
    "1x1": "branch1",
    "3x3_reduce": "branch2.conv1",
    "3x3": "branch2.conv2",
    "double_3x3_reduce": "branch3.conv1",
    "double_3x3_1": "branch3.conv2",
    "double_3x3_2": "branch3.conv3",
    "pool_proj": "branch4.conv",
}


def _pytorchcv(m: re.Match) -> str:
    """inception_4a_3x3_bn is features.stage2.unit2.branches.branch2.conv2.bn; reductions lack the first branch."""
    branch = _BRANCHES[m[2]]
    if m[1] in ("3c", "4e"):
        branch = f"branch{int(branch[6]) - 1}{branch[7:]}"
    return f"features.{_UNITS[m[1]]}.branches.{branch}.{m[3]}"


def _caffe(m: re.Match) -> str:
    """inception_4a_double_3x3_1_bn is inception_4a/double3x3a/bn."""
    part = m[2].replace("double_3x3", "double3x3").replace("3x3_1", "3x3a").replace("3x3_2", "3x3b")
    return f"inception_{m[1]}/{part}" + ("/bn" if m[3] == "bn" else "")


_MODULE = r"inception_(\d\w)_(.*)_(conv|bn)"

SOURCES: dict[str, Rules] = {
    "pytorchcv": [
        (r"conv1_(conv|bn)", r"features.init_block.conv1.\1"),
        (r"conv2_reduce_(conv|bn)", r"features.init_block.conv2.conv1.\1"),
        (r"conv2_(conv|bn)", r"features.init_block.conv2.conv2.\1"),
        (_MODULE, _pytorchcv),
        (r"predictions", "output"),
    ],
    "caffe": [
        (r"conv1_conv", "conv1/7x7_s2"),
        (r"conv1_bn", "conv1/7x7_s2/bn"),
        (r"conv2_reduce_conv", "conv2/3x3_reduce"),
        (r"conv2_reduce_bn", "conv2/3x3_reduce/bn"),
        (r"conv2_conv", "conv2/3x3"),
        (r"conv2_bn", "conv2/3x3/bn"),
        (_MODULE, _caffe),
        (r"predictions", "loss3/classifier"),
    ],
}
