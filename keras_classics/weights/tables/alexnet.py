"""AlexNet, and its single tower."""

from keras_classics.weights.mapping import Rules

# Caffe's and our names are the same; pytorchcv counts the convolutions within the stages between poolings.
_UNITS = {"1": "stage1.unit1", "2": "stage2.unit1", "3": "stage3.unit1", "4": "stage3.unit2", "5": "stage3.unit3"}

SOURCES: dict[str, Rules] = {
    "caffe": [(r"predictions", "fc8"), (r"(.*)", r"\1")],
    "pytorchcv": [
        (r"conv(\d)", lambda m: f"features.{_UNITS[m[1]]}.conv"),
        (r"fc6", "output.fc1.fc"),
        (r"fc7", "output.fc2.fc"),
        (r"predictions", "output.fc3"),
    ],
}
