"""VGG, with and without batch normalisation."""

import re

from keras_classics.weights.mapping import Rules

_DEPTHS = {"vgg11": (1, 1, 2, 2, 2), "vgg13": (2, 2, 2, 2, 2), "vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}


def _torchvision(depths: tuple[int, ...], batch_norm: bool) -> Rules:
    """Its layers, activations and pools have their places in one sequence: conv2_1 is features.5 of VGG16."""
    places: dict[tuple[str, str], int] = {}
    place = 0
    for stage, count in enumerate(depths, 1):
        for layer in range(1, count + 1):
            places[str(stage), str(layer)] = place
            place += 3 if batch_norm else 2
        place += 1

    def features(m: re.Match) -> str:
        missing = (m[1], m[2]) not in places
        return "none" if missing else f"features.{places[m[1], m[2]] + (m[3] is not None)}"

    return [
        (r"conv(\d)_(\d)(_bn)?", features),
        (r"fc6", "classifier.0"),
        (r"fc7", "classifier.3"),
        (r"predictions", "classifier.6"),
    ]


SOURCES: dict[str, Rules] = {
    "keras": [
        (r"conv(\d)_(\d)", r"block\1_conv\2"),
        (r"fc6", "fc1"),
        (r"fc7", "fc2"),
        (r"predictions", "predictions"),
    ],
    "caffe": [(r"predictions", "fc8"), (r"(.*)", r"\1")],
    **{
        f"torchvision {name}{'_bn' if batch_norm else ''}": _torchvision(depths, batch_norm)
        for name, depths in _DEPTHS.items()
        for batch_norm in (False, True)
    },
    "pytorchcv": [
        (r"conv(\d)_(\d)", r"features.stage\1.unit\2.conv"),
        (r"conv(\d)_(\d)_bn", r"features.stage\1.unit\2.bn"),
        (r"fc6", "output.fc1.fc"),
        (r"fc7", "output.fc2.fc"),
        (r"predictions", "output.fc3"),
    ],
}
