"""VGG, with and without batch normalisation."""

from keras_classics.weights.mapping import Rules

SOURCES: dict[str, Rules] = {
    "keras": [
        (r"conv(\d)_(\d)", r"block\1_conv\2"),
        (r"fc6", "fc1"),
        (r"fc7", "fc2"),
        (r"predictions", "predictions"),
    ],
    "pytorchcv": [
        (r"conv(\d)_(\d)", r"features.stage\1.unit\2.conv"),
        (r"conv(\d)_(\d)_bn", r"features.stage\1.unit\2.bn"),
        (r"fc6", "output.fc1.fc"),
        (r"fc7", "output.fc2.fc"),
        (r"predictions", "output.fc3"),
    ],
}
