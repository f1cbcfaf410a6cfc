"""Opening a `.keras` file: nothing in it is run, and what is wrong with it is said in one line."""

import json
import math
import pathlib
import re
import threading
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np

from keras_classics.errors import ClassicsError
from keras_classics.variant import deep_graph
from keras_classics.weights.archive import LIMIT, RATIO, open_hdf5, open_zip
from keras_classics.weights.keras_file import WEIGHTS

_OPENING = threading.RLock()  # one model at a time


def open_model(path: str | pathlib.Path) -> keras.Model:
    """The model in a `.keras` file, not compiled.

    Raises:
        ClassicsError: if there is no such file, it is damaged or would unpack to too much, holds code or layers that
            are not known here, or its weights are not finite.
    """
    path = pathlib.Path(path)
    if not zipfile.is_zipfile(path):
        reason = "it is no .keras file" if path.exists() else "there is no such file"
        raise ClassicsError(f"'{path}' is not a Keras model that can be read: {reason}.")
    try:
        with open(path, "rb") as file, open_zip(file, path.stat().st_size) as archive:
            if damaged := archive.testzip():
                raise ClassicsError(f"Its part {damaged} is damaged.")
            config = json.loads(archive.read("config.json")) | {"compile_config": None}  # which is not read
            if code := next(_code(config), None):
                raise ClassicsError(f"Its {code} holds code, which is not run; save the network without it.")
            with archive.open(WEIGHTS) as weights, open_hdf5(weights, path.stat().st_size):
                pass
        most = min(LIMIT, RATIO * path.stat().st_size)
        with _variables_within(most), deep_graph(), warnings.catch_warnings(record=True) as warned:
            warnings.simplefilter("always")
            model = keras.saving.load_model(path, compile=False)
        check_finite(model)
    except Exception as error:  # damaged bytes raise anything in zipfile, json, h5py and Keras
        raise ClassicsError(f"'{path}' cannot be opened. {reason_of(error)}") from error
    for warning in warned:  # of a file that cannot be opened, the error says enough
        warnings.warn(warning.message, stacklevel=2)
    return model


@contextmanager
def _variables_within(most: int) -> Iterator[None]:
    """Refuses layers that this thread builds inside and that would take more than `most` bytes, before the memory is
    taken: a small file may ask for layers of any size.

    Raises:
        ClassicsError: for the first that is too much.
    """
    builder, total = threading.get_ident(), 0

    def counted(self, shape=None, *args, **kwargs):
        nonlocal total
        if threading.get_ident() == builder:
            total += 4 * math.prod(shape or ())
            if total > most:
                raise ClassicsError(f"Its layers would take {total:,} bytes, which is too much.")
        return add_weight(self, shape, *args, **kwargs)

    with _OPENING:
        add_weight = keras.layers.Layer.add_weight  # Keras' own, once no other thread has changed it
        keras.layers.Layer.add_weight = counted
        try:
            yield
        finally:
            keras.layers.Layer.add_weight = add_weight


def check_finite(model: keras.Model) -> None:
    """Raises a ClassicsError that names the first layer with weights that are not finite."""
    if layer := first_not_finite(model):
        raise ClassicsError(
            f"The weights of {model.name} are not finite, first those of its layer {layer}; train it anew, or take "
            "an earlier file."
        )


def first_not_finite(model: keras.Model) -> str | None:
    """The path of the first layer with weights that are not finite; None where all are."""
    for weight in model.weights:
        if not np.isfinite(keras.ops.convert_to_numpy(weight)).all():
            return weight.path.rsplit("/", 1)[0]
    return None


def _code(config: Any) -> Iterator[str]:
    """The parts of a model's config that hold Python code."""
    if isinstance(config, dict):
        if config.get("class_name") == "Lambda":
            yield f"Lambda layer '{config['config']['name']}'"
        if config.get("class_name") == "__lambda__":
            yield "config"
        config = list(config.values())
    if isinstance(config, list):
        for part in config:
            yield from _code(part)


def reason_of(error: Exception) -> str:
    """Of an error of Keras, whose messages run to pages: the layer that it is about, and the reason."""
    text = str(error).strip() or type(error).__name__
    if isinstance(error, ClassicsError):
        return text
    layer = re.search(r"error message for object <\w+ name=([^,>]+)", text)
    shapes = re.search(r"variable\.shape=(\([\d, ]*\)), Received: value\.shape=(\([\d, ]*\))", text)
    unknown = re.search(r"Could not locate (?:class|function) '([^']+)'", text)
    if shapes:
        reason = f"The weights have the shape {shapes[2]} where {shapes[1]} is expected"
    elif unknown:
        reason = f"It needs {unknown[1]}, which is not known here"
    else:
        text = re.split(r"error message for object [^\n]+\n+|encountered[^:\n]*: ", text)[-1]
        reason = " ".join(re.split(r"\.\s|\n|=\{", text)[0].split()).removesuffix(".")[:160]
    where = f" in its layer '{layer[1]}'" if layer and f"'{layer[1]}'" not in reason else ""
    return f"{reason}{where}."
