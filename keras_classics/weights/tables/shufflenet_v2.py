"""ShuffleNet V2."""

import re

from keras_classics.weights.mapping import Rules
from keras_classics.weights.tables.shufflenet import UNIT, pytorchcv_unit

# Places in torchvision's branches, which are sequences with the activations in them.
_CONVOLUTIONS = {"0": ("1", 0), "0_pointwise": ("1", 2), "1": ("2", 0), "2": ("2", 3), "3": ("2", 5)}


def _torchvision_unit(m: re.Match) -> str:
    """stage2_unit1_3_bn is stage2.0.branch2.6."""
    stage, unit, layer, kind = m.groups()
    branch, place = _CONVOLUTIONS[layer]
    return f"stage{stage}.{int(unit) - 1}.branch{branch}.{place + (kind == 'bn')}"


def _pytorchcv_shortcut(m: re.Match) -> str:
    stage, unit, pointwise, kind = m.groups()
    part = f"expand_{kind}5" if pointwise else f"dw_{kind}4"
    return f"features.stage{int(stage) - 1}.unit{unit}.{part}"


SOURCES: dict[str, Rules] = {
    "torchvision": [
        (r"conv(1|5)_(conv|bn)", lambda m: f"conv{m[1]}.{int(m[2] == 'bn')}"),
        (r"stage(\d)_unit(\d)_(0_pointwise|\d)_(conv|bn)", _torchvision_unit),
        (r"predictions", "fc"),
    ],
    "pytorchcv": [
        (r"conv1_(conv|bn)", r"features.init_block.conv.\1"),
        (r"stage(\d)_unit(\d)_0(_pointwise)?_(conv|bn)", _pytorchcv_shortcut),
        (UNIT, pytorchcv_unit),
        (r"conv5_(conv|bn)", r"features.final_block.\1"),
        (r"predictions", "output"),
    ],
}
