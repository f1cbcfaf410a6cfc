"""Shipping a network as SavedModel or TFLite (LiteRT). Every export is checked against the Keras model."""

import os
import pathlib
import subprocess
import sys
import tempfile
import warnings
from dataclasses import dataclass

import keras
import numpy as np

from keras_classics import preprocessing
from keras_classics.choices import EXPORT_FORMATS as FORMATS
from keras_classics.errors import ClassicsError, unknown
from keras_classics.files import atomic_write
from keras_classics.layers import single_operation
from keras_classics.spec import Normalization


@dataclass(frozen=True)
class Agreement:
    """How far an exported network is from the Keras model.

    Attributes:
        images: how many both were run on.
        max_abs_error: the greatest difference of an output.
        same_answers: percent of the images on which both have the same likeliest class.
    """

    images: int
    max_abs_error: float
    same_answers: float


def with_preprocessing(model: keras.Model, normalization: Normalization) -> keras.Model:
    """A model of the same name that takes pixels of 0..255, normalises them and calls `model`.

    A model with published weights knows its own normalisation, which then stands for `normalization`.
    """
    if preprocessing.normalizes(model):
        return model
    carried = preprocessing.carried_protocol(model)
    normalization = carried.normalization if carried else normalization
    inputs = keras.Input(model.input_shape[1:], name="image")
    outputs = model(preprocessing.normalization_layer(normalization, inputs))
    return keras.Model(inputs, outputs, name=model.name)


def export(model: keras.Model, path: str | pathlib.Path, to: str) -> pathlib.Path:
    """Writes the model for inference: float32 images of any batch size in, the model's outputs out.

    Args:
        model: on any backend; jax and torch go through a TensorFlow process.
        path: of the folder (SavedModel, endpoint "serve") or the file (TFLite; its name must end in .tflite).
        to: "saved_model" or "tflite".

    Raises:
        ClassicsError: if the format is unknown, the path cannot be written, or something is there already.
    """
    path = pathlib.Path(path)
    if to not in FORMATS:
        raise unknown("export format", to, FORMATS)
    if to == "tflite" and path.suffix != ".tflite":
        raise ClassicsError(f"A TFLite file must be named *.tflite, not '{path.name}'.")
    if path.exists():
        raise ClassicsError(f"'{path}' exists and is not overwritten; choose another path or remove it.")
    with atomic_write(path) as temporary:
        if keras.config.backend() == "tensorflow":
            _through_keras(model, temporary, to)
        else:
            _through_tensorflow(model, temporary, to)
    return path


def _through_keras(model, path, to):
    with single_operation():
        model.export(str(path), format=FORMATS[to], verbose=False)


def _through_tensorflow(model, path, to):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder, "model.keras")
        model.save(file)
        done = subprocess.run(
            [sys.executable, "-m", "keras_classics.export", file, path, to],
            env={**os.environ, "KERAS_BACKEND": "tensorflow"},
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise ClassicsError(f"The TensorFlow process could not export {model.name}: {done.stderr.strip()[-500:]}")


def run_exported(path: str | pathlib.Path, images: np.ndarray, batch_size: int = 100) -> np.ndarray:
    """The outputs of an exported network, SavedModel folder or TFLite file, for float32 images (N, ...)."""
    import tensorflow as tf

    if pathlib.Path(path).is_dir():
        loaded = tf.saved_model.load(str(path))  # its variables live as long as this does

        def run(batch):
            return loaded.serve(tf.constant(batch)).numpy()
    else:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*LiteRT", category=UserWarning)
            warnings.filterwarnings("ignore", message=".*tf.lite.Interpreter", category=UserWarning)
            interpreter = tf.lite.Interpreter(str(path))
        into, out = interpreter.get_input_details()[0]["index"], interpreter.get_output_details()[0]["index"]

        def run(batch):
            interpreter.resize_tensor_input(into, batch.shape)
            interpreter.allocate_tensors()
            interpreter.set_tensor(into, batch)
            interpreter.invoke()
            return interpreter.get_tensor(out)

    return np.concatenate([run(images[i : i + batch_size]) for i in range(0, len(images), batch_size)])


def compare(model: keras.Model, path: str | pathlib.Path, images: np.ndarray) -> Agreement:
    """Runs the model and its export on the same images (N, ...), in the form that the model takes."""
    images = np.asarray(images, "float32")
    expected = np.asarray(model.predict(images, verbose=0))
    got = run_exported(path, images)
    return Agreement(
        len(images),
        float(np.max(np.abs(got - expected))),
        100.0 * float(np.mean(got.argmax(-1) == expected.argmax(-1))),
    )


if __name__ == "__main__":
    source, target, kind = sys.argv[1:]
    _through_keras(keras.saving.load_model(source, compile=False), target, kind)
