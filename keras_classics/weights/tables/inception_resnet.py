"""Inception-ResNet."""

from keras_classics.weights.mapping import Rules
from keras_classics.weights.tables.inception_v4 import UNIT, pytorchcv_branch, pytorchcv_unit

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
