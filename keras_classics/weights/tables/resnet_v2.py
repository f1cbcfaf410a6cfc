"""ResNet v2, and its CIFAR nets."""

import re

from keras_classics.weights.mapping import Rules
from keras_classics.weights.tables import resnet


def _pytorchcv_unit(m: re.Match) -> str:
    """conv3_block1_2_conv is features.stage2.unit1.body.conv2.conv; a batch norm is of the convolution after it."""
    stage, block, layer, kind = int(m[1]) - 1, m[2], m[3], m[4]
    if layer == "0":
        return f"features.stage{stage}.unit{block}.identity_conv"
    number = 1 if layer == "preact" else int(layer) + (kind == "bn")
    return f"features.stage{stage}.unit{block}.body.conv{number}.{kind}"


SOURCES: dict[str, Rules] = {
    "keras": resnet.SOURCES["keras"],
    "pytorchcv": [
        # the first convolution of a CIFAR net stands alone
        (r"conv1_conv", r"features.init_block(?:\\.conv)?"),
        (r"conv1_bn", "features.init_block.bn"),
        (r"conv(\d+)_block(\d+)_(preact|\d)_(conv|bn)", _pytorchcv_unit),
        (r"post_bn", "features.post_activ.bn"),
        (r"predictions", "output"),
    ],
}
