"""ShuffleNet."""

import re

from keras_classics.weights.mapping import Rules

_PARTS = {"1": "compress", "2": "dw", "3": "expand"}


def pytorchcv_unit(m: re.Match) -> str:
    """stage2_unit1_1_bn is features.stage1.unit1.compress_bn1."""
    stage, unit, layer, kind = m.groups()
    return f"features.stage{int(stage) - 1}.unit{unit}.{_PARTS[layer]}_{kind}{layer}"


UNIT = r"stage(\d)_unit(\d)_(\d)_(conv|bn)"

SOURCES: dict[str, Rules] = {
    "pytorchcv": [
        (r"conv1_(conv|bn)", r"features.init_block.\1"),
        (UNIT, pytorchcv_unit),
        (r"predictions", "output"),
    ],
}
