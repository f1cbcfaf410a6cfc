"""AlexNet, and its single tower."""

from keras_classics.weights.mapping import Rules

# Caffe's and our names are the same; pytorchcv counts the convolutions within the stages between poolings.
_UNITS = {"1": "stage1.unit1", "2": "stage2.unit1", "3": "stage3.unit1", "4": "stage3.unit2", "5": "stage3.unit3"}
# torchvision's places in one sequence of convolutions, activations and poolings.
_PLACES = {"1": 0, "2": 3, "3": 6, "4": 8, "5": 10}

SOURCES: dict[str, Rules] = {
    "caffe": [(r"predictions", "fc8"), (r"(.*)", r"\1")],
    "torchvision": [
        (r"conv(\d)", lambda m: f"features.{_PLACES[m[1]]}"),
        (r"fc6", "classifier.1"),
        (r"fc7", "classifier.4"),
        (r"predictions", "classifier.6"),
    ],
    "pytorchcv": [
        (r"conv(\d)", lambda m: f"features.{_UNITS[m[1]]}.conv"),
        (r"fc6", "output.fc1.fc"),
        (r"fc7", "output.fc2.fc"),
        (r"predictions", "output.fc3"),
    ],
}
