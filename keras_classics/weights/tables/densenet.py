"""DenseNet, and its CIFAR nets."""

import re

from keras_classics.weights.mapping import Rules

_LAYER = r"dense(\d)_layer(\d+)_([12])_(conv|bn)"


def _keras_layer(m: re.Match) -> str:
    """dense1_layer2_1_bn is conv2_block2_0_bn, dense1_layer2_1_conv is conv2_block2_1_conv."""
    return f"conv{int(m[1]) + 1}_block{m[2]}_{int(m[3]) - (m[4] == 'bn')}_{m[4]}"


def _caffe_layer(m: re.Match) -> str:
    """dense1_layer2_1_bn is conv2_2/x1/bn."""
    return f"conv{int(m[1]) + 1}_{m[2]}/x{m[3]}" + ("/bn" if m[4] == "bn" else "")


_TORCHVISION = {"conv": "conv", "bn": "norm"}

SOURCES: dict[str, Rules] = {
    "keras": [
        # the published files are from when there was another classifier's name, and slashes
        (r"predictions", "(?:predictions|fc1000)"),
        (r"conv1_(conv|bn)", r"conv1(?:_|/)\1"),
        (_LAYER, _keras_layer),
        (r"transition(\d)_(conv|bn)", lambda m: f"pool{int(m[1]) + 1}_{m[2]}"),
        (r"post_bn", "bn"),
    ],
    "torchvision": [
        (r"conv1_(conv|bn)", lambda m: f"features.{_TORCHVISION[m[1]]}0"),
        (
            _LAYER,
            # the published files are from when the layers' numbers stood behind a dot
            lambda m: rf"features\.denseblock{m[1]}\.denselayer{m[2]}\.{_TORCHVISION[m[4]]}(?:\.)?{m[3]}",
        ),
        (r"transition(\d)_(conv|bn)", lambda m: f"features.transition{m[1]}.{_TORCHVISION[m[2]]}"),
        (r"post_bn", "features.norm5"),
        (r"predictions", "classifier"),
    ],
    "caffe": [
        (r"conv1_conv", "conv1"),
        (r"conv1_bn", "conv1/bn"),
        (_LAYER, _caffe_layer),
        (r"transition(\d)_conv", lambda m: f"conv{int(m[1]) + 1}_blk"),
        (r"transition(\d)_bn", lambda m: f"conv{int(m[1]) + 1}_blk/bn"),
        (r"post_bn", "conv5_blk/bn"),
        (r"predictions", "fc6"),
    ],
    "pytorchcv": [
        # the first convolution of a CIFAR net stands alone, and so does that of a layer without bottleneck
        (r"conv1_conv", r"features.init_block(?:\\.conv)?"),
        (r"conv1_bn", "features.init_block.bn"),
        (_LAYER, r"features.stage\1.unit\2.(?:conv\3|conv).\4"),
        (r"transition(\d)_(conv|bn)", lambda m: f"features.stage{int(m[1]) + 1}.trans{int(m[1]) + 1}.conv.{m[2]}"),
        (r"post_bn", "features.post_activ.bn"),
        (r"predictions", "output"),
    ],
}
