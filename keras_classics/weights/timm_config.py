"""The config.json of a repository of timm on the Hugging Face hub: read as data that may be wrong, checked, and turned
into our words. Its fields are those that timm/models/_hub.py of timm 1.0.31 writes and reads."""

import json
import math
import pathlib
from dataclasses import dataclass
from typing import Any

from keras_classics.errors import ClassicsError
from keras_classics.spec import InputProtocol, Normalization

LIMIT = 8 << 20  # bytes, room for the names of as many classes as there may be
SIDES = range(1, 4097)  # pixels
CLASSES = range(100_001)
LONGEST_NAME = 1000  # letters

# How timm resizes and crops where a configuration does not tell (timm/data/config.py).
PART, INTERPOLATION, MODE = 0.875, "bicubic", "center"
# What of `model_args` leaves the network as it is; whatever else is there may make another of it.
HARMLESS = ("num_classes", "in_chans", "drop_rate", "drop_path_rate", "global_pool")
# What stands beside `pretrained_cfg`, and counts where both have it.
_AT_THE_TOP = ("architecture", "num_classes", "label_names", "model_args", "global_pool")


@dataclass(frozen=True)
class Config:
    """What a configuration tells.

    Attributes:
        architecture: timm's name of the network.
        classes: how many the weights are of; 0 where they have no classifier.
        protocol: how its pictures are prepared when it is tested, and the names of its classes. The data set is
            ImageNet where there are 1000 classes without names, as timm takes it; else the repository.
    """

    architecture: str
    classes: int
    protocol: InputProtocol


def read_config(path: pathlib.Path, repository: str) -> Config:
    """The configuration in a file.

    Raises:
        ClassicsError: if it is too large, no JSON, or a field is missing, of another type or out of range, or says what
            no network of ours does: other images than square ones of three channels, another crop, an offset of the
            labels, arguments that change the network.
    """
    try:
        return _config(_json(path), repository)
    except ClassicsError as error:
        raise ClassicsError(
            f"The config.json of {repository} cannot be used: {error} To do without it, download the repository's "
            "model.safetensors and give its path."
        ) from None


def _json(path: pathlib.Path) -> dict[str, Any]:
    size = path.stat().st_size
    if size > LIMIT:
        raise ClassicsError(f"it has {size:,} bytes, and at most {LIMIT:,} are read.")
    try:
        fields = json.loads(path.read_text("utf-8"))
    except (ValueError, RecursionError):  # no UTF-8, no JSON, numbers of thousands of digits; lists of lists of ...
        raise ClassicsError("it is no JSON.") from None
    if not isinstance(fields, dict):
        raise ClassicsError("it is no JSON object.")
    return fields


def _config(fields: dict[str, Any], repository: str) -> Config:
    known = fields.get("pretrained_cfg", fields)  # older ones have all in one
    if not isinstance(known, dict):
        raise _wrong("pretrained_cfg", known, "an object")
    known = {**known, **{name: fields[name] for name in _AT_THE_TOP if name in fields}}
    fields = {name: value for name, value in known.items() if value is not None}
    architecture = fields.get("architecture")
    if not isinstance(architecture, str) or not 0 < len(architecture) < 100:
        raise _wrong("architecture", architecture, "a name")
    classes = fields.get("num_classes", 1000)
    if not _is_integer(classes) or classes not in CLASSES:
        raise _wrong("num_classes", classes, f"an integer up to {CLASSES[-1]}")
    _check_network(fields)
    names = _names(fields.get("label_names", fields.get("labels")), classes)
    side = _side(fields.get("test_input_size", fields.get("input_size")))
    part = fields.get("test_crop_pct", fields.get("crop_pct", PART))
    if not _is_number(part) or not 0.1 <= part <= 2:
        raise _wrong("crop_pct", part, "a number from 0.1 to 2")
    interpolation = fields.get("interpolation", INTERPOLATION)
    if interpolation not in ("bilinear", "bicubic"):
        raise _wrong("interpolation", interpolation, "'bilinear' or 'bicubic'")
    mode = fields.get("crop_mode", MODE)
    if mode not in ("center", "squash"):
        raise _wrong("crop_mode", mode, "'center' or 'squash'")
    return Config(
        architecture,
        classes,
        InputProtocol(
            dataset="imagenet2012" if classes == 1000 and not names else repository,
            normalization=Normalization(_colour(fields, "mean", 0, 1), _colour(fields, "std", 1e-3, 1)),
            image_size=side,
            resize_size=math.floor(side / part),
            interpolation=interpolation,
            squash=mode == "squash",
            class_names=names,
        ),
    )


def _check_network(fields: dict[str, Any]) -> None:
    """That it is the network that its architecture names, and its classes start at the first output."""
    if fields.get("label_offset", 0) != 0:
        raise _wrong("label_offset", fields["label_offset"], "0")
    arguments = fields.get("model_args", {})
    if not isinstance(arguments, dict):
        raise _wrong("model_args", arguments, "an object")
    for pool in (fields.get("global_pool"), arguments.get("global_pool")):
        if pool not in (None, "avg", ""):
            raise _wrong("global_pool", pool, "'avg'")
    others = sorted(name for name, value in arguments.items() if name not in HARMLESS and value is not None)
    if others:
        raise ClassicsError(f"its model_args make another network of it by {_shortened(', '.join(others))}.")


def _side(size: Any) -> int:
    if not isinstance(size, list) or len(size) != 3 or not all(map(_is_integer, size)):
        raise _wrong("input_size", size, "[3, height, width]")
    channels, height, width = size
    if channels != 3 or height != width or height not in SIDES:
        raise _wrong("input_size", size, f"[3, side, side] with a side of up to {SIDES[-1]}")
    return height


def _colour(fields: dict[str, Any], name: str, least: float, most: float) -> tuple[float, ...]:
    """A value per channel of pixels of 0..1, as that of pixels of 0..255."""
    values = fields.get(name)
    if not isinstance(values, list) or len(values) != 3 or not all(map(_is_number, values)):
        raise _wrong(name, values, "three numbers")
    if not all(least <= value <= most for value in values):
        raise _wrong(name, values, f"three numbers from {least} to {most}")
    return tuple(round(255 * value, 6) for value in values)


def _names(names: Any, classes: int) -> tuple[str, ...]:
    """A name for each class, from a list or from an object of names by the classes' numbers; none if they are not
    told."""
    if names is None:
        return ()
    if isinstance(names, dict):
        names = [names.get(str(i)) for i in range(classes)] if len(names) == classes else None
    if not isinstance(names, list) or len(names) != classes:
        raise ClassicsError(f"label_names are not those of its {classes} classes.")
    if not all(isinstance(name, str) and 0 < len(name) <= LONGEST_NAME for name in names):
        raise ClassicsError(f"its label_names are not all text of up to {LONGEST_NAME} letters.")
    return tuple(names)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return _is_integer(value) or (isinstance(value, float) and math.isfinite(value))


def _wrong(name: str, value: Any, must_be: str) -> ClassicsError:
    return ClassicsError(f"its {name} must be {must_be}, not {_shortened(repr(value))}.")


def _shortened(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:57]}..."
