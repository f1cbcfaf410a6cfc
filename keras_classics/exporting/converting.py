"""From a Keras model to a file of another runtime, unchecked. From jax and torch it takes a process of TensorFlow's."""

import contextlib
import errno
import functools
import gc
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

import keras
import numpy as np

from keras_classics.errors import ExportError, first_line
from keras_classics.layers import exporting
from keras_classics.quiet import last_line
from keras_classics.variant import deep_graph

NO_SPACE = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
OPSET = 17  # of ONNX
COLLECT_EACH = 0.5  # seconds
# In the folder that TensorFlow's process is given; class names may be more than a command line takes.
MODEL, SETTINGS, PICTURES = "model.keras", "settings.json", "representative.npy"


@dataclass(frozen=True)
class Settings:
    """What is wanted of the file.

    Attributes:
        format: one of `choices.EXPORT_FORMATS`.
        quantize: one of `choices.QUANTIZATIONS`, or None.
        batch: how many images it takes at once; None for any number.
        input_dtype: of the images.
        labels: the class names, for a signature that tells them.
        probabilities: whether the model's outputs are.
    """

    format: str
    quantize: str | None = None
    batch: int | None = None
    input_dtype: str = "float32"
    labels: tuple[str, ...] = ()
    probabilities: bool = True


def convert(
    model: keras.Model, path: pathlib.Path, settings: Settings, representative: np.ndarray | None = None
) -> None:
    """Writes the model to `path`.

    Raises:
        OSError: if there is no space left.
        ClassicsError: if TensorFlow cannot do it, with its reason.
    """
    with tempfile.TemporaryDirectory() as folder:
        if keras.config.backend() == "tensorflow":
            failure = _on_tensorflow(model, path, settings, representative)
        else:
            with deep_graph():
                model.save(pathlib.Path(folder, MODEL))
            pathlib.Path(folder, SETTINGS).write_text(json.dumps(asdict(settings)), "utf-8")
            if representative is not None:
                np.save(pathlib.Path(folder, PICTURES), representative)
            done = subprocess.run(
                [sys.executable, "-m", __name__, folder, path],
                env={**os.environ, "KERAS_BACKEND": "tensorflow"},
                capture_output=True,
            )
            failure = (last_line(done.stderr) or "no reason told") if done.returncode else ""
    if failure:
        for code in NO_SPACE:
            if os.strerror(code) in failure:
                raise OSError(code, os.strerror(code))
        raise ExportError(f"{model.name} cannot be exported as {settings.format} ({failure[-300:]}).", converts=False)


def _on_tensorflow(model, path, settings: Settings, representative) -> str:
    """Writes it; the reason in one line if that fails."""
    writers: dict[str, Callable] = {"saved_model": _saved_model, "tflite": _tflite, "onnx": _onnx}
    spec = keras.InputSpec(shape=(settings.batch, *model.input_shape[1:]), dtype=settings.input_dtype)
    try:
        with exporting(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # Keras' own, of NumPy's names
            writers[settings.format](model, str(path), spec, settings, representative)
    except Exception as error:  # whatever TensorFlow raises
        return first_line(error)
    return ""


def _saved_model(model, path: str, spec, settings: Settings, _) -> None:
    from keras_classics.exporting.serving import serving_bytes

    archive = keras.export.ExportArchive()  # told to `track` the model, it would write each weight twice
    archive.add_endpoint("serve", functools.partial(model.__call__, training=False), input_signature=[spec])
    served = serving_bytes(model, settings.labels, settings.probabilities)
    if served is not None and settings.batch is None:
        archive.add_endpoint("serving_bytes", *served)
    archive.write_out(path, verbose=False)


def _tflite(model, path: str, spec, settings: Settings, representative) -> None:
    import tensorflow as tf

    options: dict[str, Any] = {}
    if settings.quantize:
        options["optimizations"] = [tf.lite.Optimize.DEFAULT]
    if settings.quantize == "float16":
        options["target_spec"] = {"supported_types": [tf.float16]}
    if settings.quantize == "int8":
        # As many at once as the graph takes, in which a fixed batch is a number.
        options["representative_dataset"] = lambda: (
            [np.repeat(image[None], settings.batch or 1, 0)] for image in representative
        )
        options["target_spec"] = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]}
        options["inference_input_type"] = tf.as_dtype(settings.input_dtype)
        spec = keras.InputSpec(shape=spec.shape, dtype="float32")  # the converter changes it
    model.export(path, format="litert", verbose=False, input_signature=[spec], **options)


def _onnx(model, path: str, spec, settings: Settings, _) -> None:
    model(keras.ops.zeros([side or 64 for side in (1, *model.input_shape[1:])]))  # or Keras refuses it
    with _collecting():
        model.export(path, format="onnx", verbose=False, input_signature=[spec], opset_version=OPSET)


@contextlib.contextmanager
def _collecting() -> Iterator[None]:
    """Runs Python's collector all the while.

    tf2onnx copies its graph, with all weights, before each of some forty passes. The copies refer to themselves, so
    they stay until they are collected, which Python does by itself for many objects, not for large ones.
    """
    done = threading.Event()

    def collect():
        while not done.wait(COLLECT_EACH):
            gc.collect()

    collector = threading.Thread(target=collect, daemon=True)
    collector.start()
    try:
        yield
    finally:
        done.set()
        collector.join()
        gc.collect()


def main(folder: str, target: str) -> str:
    """What TensorFlow's process does with a model and its settings in a folder; the reason in one line if that
    fails."""
    source = pathlib.Path(folder)
    settings = Settings(**json.loads((source / SETTINGS).read_text("utf-8")))
    representative = np.load(source / PICTURES) if (source / PICTURES).exists() else None
    with deep_graph():
        loaded = keras.saving.load_model(source / MODEL, compile=False)
        return _on_tensorflow(loaded, target, settings, representative)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) or 0)
