"""Inception v1: torchvision's form with batch normalisation, and Caffe's with the paper's biases."""

from keras_classics.weights.mapping import Rules

_MODULE = r"inception_(\d\w)_"

SOURCES: dict[str, Rules] = {
    "torchvision": [
        (r"conv1_(conv|bn)", r"conv1.\1"),
        (r"conv2_reduce_(conv|bn)", r"conv2.\1"),
        (r"conv2_(conv|bn)", r"conv3.\1"),
        (_MODULE + r"1x1_(conv|bn)", r"inception\1.branch1.\2"),
        (_MODULE + r"3x3_reduce_(conv|bn)", r"inception\1.branch2.0.\2"),
        (_MODULE + r"3x3_(conv|bn)", r"inception\1.branch2.1.\2"),
        (_MODULE + r"5x5_reduce_(conv|bn)", r"inception\1.branch3.0.\2"),
        (_MODULE + r"5x5_(conv|bn)", r"inception\1.branch3.1.\2"),
        (_MODULE + r"pool_proj_(conv|bn)", r"inception\1.branch4.1.\2"),
        (r"aux_(\d)_1x1_(conv|bn)", r"aux\1.conv.\2"),
        (r"aux_(\d)_fc", r"aux\1.fc1"),
        (r"aux_(\d)", r"aux\1.fc2"),
        (r"predictions", "fc"),
    ],
    # BVLC's bvlc_googlenet, and what was made of it in other formats
    "caffe": [
        (r"conv1", "conv1/7x7_s2"),
        (r"conv2_reduce", "conv2/3x3_reduce"),
        (r"conv2", "conv2/3x3"),
        (_MODULE + r"(.*)", r"inception_\1/\2"),
        (r"aux_(\d)_1x1", r"loss\1/conv"),
        (r"aux_(\d)_fc", r"loss\1/fc"),
        (r"aux_(\d)", r"loss\1/classifier"),
        (r"predictions", "loss3/classifier"),
    ],
}
