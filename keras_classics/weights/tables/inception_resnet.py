"""Inception-ResNet."""

import re

from keras_classics.weights.mapping import Rules
from keras_classics.weights.tables.inception_v4 import UNIT, pytorchcv_branch, pytorchcv_unit, timm_branch

_REPEATS = {"a": ("repeat", 10), "b": ("repeat_1", 20), "c": ("repeat_2", 9)}


def _timm_block(kind: str, unit: str) -> str:
    """The place of a block; the last C stands alone."""
    name, count = _REPEATS[kind]
    return "block8" if int(unit) > count else f"{name}.{int(unit) - 1}"


def _timm(m: re.Match) -> str:
    """inception_resnet_b2_branch2_3_bn is repeat_1.1.branch1.2.bn."""
    module, unit, branch, layer, kind = m.groups()
    if module == "reduction_a":
        return "mixed_6a." + timm_branch(branch, layer, kind, branch != "1")
    if module == "reduction_b":
        return "mixed_7a." + timm_branch(branch, layer, kind, True)
    return f"{_timm_block(module[-1], unit)}." + timm_branch(branch, layer, kind, branch != "1")


SOURCES: dict[str, Rules] = {
    # Most of its names are numbers that Keras made up, so these layers follow the order of the graph, ours and theirs.
    "keras": [
        (r"inception_resnet_a(\d+)_linear", r"block35_\1_conv"),
        (r"inception_resnet_b(\d+)_linear", r"block17_\1_conv"),
        (r"inception_resnet_c(\d+)_linear", r"block8_\1_conv"),
        (r"conv_7b_conv", "conv_7b"),
        (r"conv_7b_bn", "conv_7b_bn"),
        (r"predictions", "predictions"),
        (r".*_conv", r"conv2d(?:_\\d+)?"),
        (r".*_bn", r"batch_normalization(?:_\\d+)?"),
    ],
    "timm": [
        (r"stem_1_(\d)_(conv|bn)", lambda m: f"conv2d_{('1a', '2a', '2b')[int(m[1]) - 1]}.{m[2]}"),
        (r"stem_2_(\d)_(conv|bn)", lambda m: f"conv2d_{('3b', '4a')[int(m[1]) - 1]}.{m[2]}"),
        (r"stem_3_branch4_1_(conv|bn)", r"mixed_5b.branch3.1.\1"),
        (
            r"stem_3_branch(\d)_(\d)_(conv|bn)",
            lambda m: "mixed_5b." + timm_branch(m[1], m[2], m[3], m[1] != "1"),
        ),
        (UNIT, _timm),
        (r"inception_resnet_([abc])(\d+)_linear", lambda m: f"{_timm_block(m[1], m[2])}.conv2d"),
        (r"conv_7b_(conv|bn)", r"conv2d_7b.\1"),
        (r"predictions", "classif"),
    ],
    "pytorchcv": [
        (r"stem_1_(\d)_(conv|bn)", r"features.init_block.conv\1.\2"),
        (r"stem_2_1_(conv|bn)", r"features.init_block.conv4.\1"),
        (r"stem_2_2_(conv|bn)", r"features.init_block.conv5.\1"),
        (r"stem_3_1_(conv|bn)", r"features.init_block.conv6.\1"),
        (
            r"stem_3_branch(\d)_(\d)_(conv|bn)",
            lambda m: r"features.init_block.block." + pytorchcv_branch(*m.groups()),
        ),
        (UNIT, pytorchcv_unit),
        (r"inception_resnet_a(\d+)_linear", r"features.stage1.unit\1.conv"),
        (r"inception_resnet_b(\d+)_linear", lambda m: f"features.stage2.unit{int(m[1]) + 1}.conv"),
        (r"inception_resnet_c(\d+)_linear", lambda m: f"features.stage3.unit{int(m[1]) + 1}.conv"),
        (r"conv_7b_(conv|bn)", r"features.final_conv.\1"),
        (r"bottleneck", "output.fc1"),
        (r"bottleneck_bn", "output.bn"),
        (r"predictions", r"output.(?:fc|fc2)"),
    ],
}
