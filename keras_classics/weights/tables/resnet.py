"""ResNet, and its CIFAR nets."""

import re

from keras_classics.weights.mapping import Rules


def _torch_block(m: re.Match) -> str:
    """conv3_block1_2_bn is layer2.0.bn2; a projection's conv and bn are downsample.0 and .1."""
    stage, block, layer, kind = int(m[1]) - 1, int(m[2]) - 1, int(m[3]), m[4]
    part = f"downsample.{('conv', 'bn').index(kind)}" if layer == 0 else f"{kind}{layer}"
    return f"layer{stage}.{block}.{part}"


def _pytorchcv_unit(m: re.Match) -> str:
    """conv3_block1_2_bn is features.stage2.unit1.body.conv2.bn."""
    stage, block, layer, kind = int(m[1]) - 1, int(m[2]), int(m[3]), m[4]
    part = "identity_conv" if layer == 0 else f"body.conv{layer}"
    return f"features.stage{stage}.unit{block}.{part}.{kind}"


def _caffe_branch(m: re.Match) -> str:
    """conv3_block1_2_bn is res3_0_branch2b_bn; a projection is branch1."""
    part = "branch1" if m[3] == "0" else f"branch2{'abc'[int(m[3]) - 1]}"
    return f"gpu_0/res{m[1]}_{int(m[2]) - 1}_{part}" + ("_bn" if m[4] == "bn" else "")


_BLOCK = r"conv(\d+)_block(\d+)_(\d)_(conv|bn)"

SOURCES: dict[str, Rules] = {
    # the published files are from when the classifier was called "probs"
    "keras": [(r"predictions", "(?:predictions|probs)"), (r"(.*)", r"\1")],
    # akamaster/pytorch_resnet_cifar10, the checkpoints of Yerlan Idelbayev
    "idelbayev": [
        (r"conv1_(conv|bn)", r"\g<1>1"),
        (_BLOCK, _torch_block),
        (r"predictions", "linear"),
    ],
    "torchvision": [
        (r"conv1_(conv|bn)", r"\g<1>1"),
        (_BLOCK, _torch_block),
        (r"predictions", "fc"),
    ],
    # Caffe2's
    "caffe": [
        (r"conv1_conv", "gpu_0/conv1"),
        (r"conv1_bn", "gpu_0/res_conv1_bn"),
        (_BLOCK, _caffe_branch),
        (r"predictions", "gpu_0/pred"),
    ],
    "pytorchcv": [
        # the ImageNet nets have a block with a pool around the first convolution, the CIFAR ones the convolution alone
        (r"conv1_(conv|bn)", r"features.init_block(?:\.conv)?.\1"),
        (_BLOCK, _pytorchcv_unit),
        (r"predictions", "output"),
    ],
}
