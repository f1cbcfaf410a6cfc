"""Network in Network."""

from keras_classics.weights.mapping import Rules

SOURCES: dict[str, Rules] = {
    "pytorchcv": [
        (r"mlpconv3_3|predictions", "output.final_conv.conv"),  # which is the classifier
        (r"mlpconv(\d)_(\d)", r"features.stage\1.unit\2.conv"),
    ],
}
