"""VGG, with and without batch normalisation."""

import re

from keras_classics.weights.mapping import Rules

_DEPTHS = {"vgg11": (1, 1, 2, 2, 2), "vgg13": (2, 2, 2, 2, 2), "vgg16": (2, 2, 3, 3, 3), "vgg19": (2, 2, 4, 4, 4)}


def _sequence(depths: tuple[int, ...], batch_norm: bool, dense: tuple[str, str, str]) -> Rules:
    """torchvision's layers, activations and pools have their places in one sequence: conv2_1 is features.5 of VGG16. So
    have timm's, but for the `dense` layers, the first of which it makes convolutions."""
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
        *zip(("fc6", "fc7", "predictions"), dense, strict=True),
    ]


_DENSE = {
    "torchvision": ("classifier.0", "classifier.3", "classifier.6"),
    "timm": ("pre_logits.fc1", "pre_logits.fc2", "head.fc"),
}

SOURCES: dict[str, Rules] = {
    "keras": [
        (r"conv(\d)_(\d)", r"block\1_conv\2"),
        (r"fc6", "fc1"),
        (r"fc7", "fc2"),
        (r"predictions", "predictions"),
    ],
    "caffe": [(r"predictions", "fc8"), (r"(.*)", r"\1")],
    **{
        f"{source} {name}{'_bn' if batch_norm else ''}": _sequence(depths, batch_norm, dense)
        for source, dense in _DENSE.items()
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
