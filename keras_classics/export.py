"""Shipping a network as SavedModel or TFLite (LiteRT). Every export is checked against the Keras model."""

import errno
import os
import pathlib
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

import keras
import numpy as np

from keras_classics import datasets, exported, preprocessing
from keras_classics.choices import EXPORT_FORMATS as FORMATS
from keras_classics.errors import ClassicsError, unknown
from keras_classics.exported import first_line
from keras_classics.files import atomic_write
from keras_classics.layers import channel_axis, data_format_of, single_operation
from keras_classics.quiet import without_notices
from keras_classics.scenes import scenes
from keras_classics.spec import PLUS_MINUS_ONE, Normalization

NO_SPACE = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)

# What the logits of an export may be off: a part of how much they differ between pictures, and what float32 may lose.
OF_THE_SPREAD, OF_THE_SIZE = 1e-3, 1e-5


@dataclass(frozen=True)
class Agreement:
    """How far an exported network is from the Keras model.

    Attributes:
        images: how many both were run on.
        max_abs_error: the greatest difference of an output.
        max_logit_error: the greatest difference of a logit; where the outputs are probabilities, of their logarithms.
        allowed_logit_error: the most that it may be.
        same_answers: percent of the images on which both have the same likeliest class.
    """

    images: int
    max_abs_error: float
    max_logit_error: float
    allowed_logit_error: float
    same_answers: float

    @property
    def holds(self) -> bool:
        """Whether the logits are as near as they must be; numbers that are none are not."""
        return self.max_logit_error <= self.allowed_logit_error


def with_preprocessing(model: keras.Model, normalization: Normalization) -> keras.Model:
    """A model of the same name that takes pixels of 0..255, normalises them and calls `model`.

    A model that knows its own normalisation uses that in place of `normalization`.
    """
    if preprocessing.normalizes(model):
        return model
    carried = preprocessing.carried_protocol(model)
    normalization = carried.normalization if carried else normalization
    inputs = keras.Input(model.input_shape[1:], name="image")
    outputs = model(preprocessing.normalization_layer(normalization, inputs, data_format_of(model)))
    return keras.Model(inputs, outputs, name=model.name)


def export(
    model: keras.Model, path: str | pathlib.Path, to: str, class_names: Sequence[str] | None = None
) -> Agreement:
    """Writes the model for inference: float32 images of any batch size in, the model's predictions out.

    Auxiliary heads stay behind. A model that takes images of any size still does. The class names go with it as
    labels.txt, a line each, and what `load_export` wants to know as network.json: a SavedModel has them in its folder
    assets.extra, a TFLite file as an archive behind the network, from which `unzip` takes them.

    Args:
        model: on any backend; jax and torch go through a TensorFlow process.
        path: of the folder (SavedModel, endpoint "serve") or the file (TFLite; its name must end in .tflite).
        to: "saved_model" or "tflite".
        class_names: in the order of the outputs; by default those that the model carries, if any.

    Returns:
        How the export, run on a few pictures, agrees with the model.

    Raises:
        ClassicsError: if the format is unknown, the path cannot be written, something is there already, or the export
            does not agree with the model, or it has another number of classes than there are names. There is then no
            export.
    """
    path = pathlib.Path(path)
    if to not in FORMATS:
        raise unknown("export format", to, FORMATS)
    if to == "tflite" and path.suffix != ".tflite":
        raise ClassicsError(f"A TFLite file must be named *.tflite, not '{path.name}'.")
    if path.exists():
        raise ClassicsError(f"'{path}' exists and is not overwritten; choose another path or remove it.")
    model = _predictions(model)
    labels = _labels(model, class_names)
    images = _natural_images(model)
    expected = _run(model, images)
    with atomic_write(path) as temporary:
        _write(model, temporary, to)
        exported.add(temporary, labels, exported.facts_of(model))
        agreement = _agreement(expected, run_exported(temporary, images))
        if not agreement.holds:
            raise ClassicsError(
                f"The export of {model.name} does not agree with it: the logits of {agreement.images} pictures differ "
                f"by up to {agreement.max_logit_error:.2g}, of {agreement.allowed_logit_error:.2g} allowed. Nothing "
                "was written; please report this."
            )
    return agreement


def compare(model: keras.Model, path: str | pathlib.Path, images: np.ndarray) -> Agreement:
    """Runs the model and its export on the same images (N, ...), in the form that the model takes.

    Raises:
        ClassicsError: if the model puts out what is no number, or the export cannot be run.
    """
    images = np.asarray(images, "float32")
    return _agreement(_run(_predictions(model), images), run_exported(path, images))


def run_exported(path: str | pathlib.Path, images: np.ndarray, batch_size: int = 100) -> np.ndarray:
    """The outputs of an exported network, SavedModel folder or TFLite file, for float32 images (N, ...).

    Raises:
        ClassicsError: if it cannot be read, or not be run on such images here.
    """
    run = exported.runner(path)
    return np.concatenate([run(images[i : i + batch_size]) for i in range(0, len(images), batch_size)])


def _predictions(model: keras.Model) -> keras.Model:
    """The model without auxiliary heads."""
    if not isinstance(model.output, dict | list | tuple):
        return model
    if not isinstance(model.output, dict) or "predictions" not in model.output:
        raise ClassicsError(f"{model.name} has several outputs and none of them is named 'predictions'; export one.")
    return keras.Model(model.input, model.output["predictions"], name=model.name)


def _labels(model: keras.Model, class_names: Sequence[str] | None) -> tuple[str, ...]:
    """The class names in the order of the outputs, each in one line; none where they are not told."""
    classes = model.output_shape[-1]
    if class_names is None:
        protocol = preprocessing.carried_protocol(model)
        names = protocol.class_names if protocol and len(protocol.class_names) == classes else ()
    elif len(class_names) == classes:
        names = tuple(class_names)
    else:
        raise ClassicsError(f"{model.name} has {classes} classes, and {len(class_names)} names were given.")
    return tuple(" ".join(name.split()) for name in names)


def _natural_images(model: keras.Model) -> np.ndarray:
    """A few pictures as the model takes them: digits for a small grey image, else rendered photographs."""
    protocol = preprocessing.carried_protocol(model)
    axis = channel_axis(data_format_of(model))
    shape = list(model.input_shape[1:])
    channels = shape.pop(axis if axis == -1 else 0)
    height, width = (side or (protocol.image_size if protocol else 224) for side in shape)
    if channels == 1 and max(height, width) <= 64:
        digits = datasets.load("mnist_sample").split("test").take(16)
        images = np.stack([preprocessing.fit(image, height, height, 1).numpy() for image, _ in digits])
        images = images[:, :, np.arange(width) * height // width]
    else:
        images = scenes(8, height, width, channels).astype("float32")
    if not preprocessing.normalizes(model):
        images = preprocessing.normalize(images, protocol.normalization if protocol else PLUS_MINUS_ONE)
    return images if axis == -1 else np.moveaxis(images, -1, 1)


def _run(model: keras.Model, images: np.ndarray) -> np.ndarray:
    outputs = np.asarray(model.predict(images, verbose=0), "float32")
    # A rectifier may make 0 of what is no number, so the outputs alone do not tell.
    if not np.isfinite(outputs).all() or not all(np.isfinite(weights).all() for weights in model.get_weights()):
        raise ClassicsError(f"{model.name} has weights or outputs that are not finite numbers; train or load it anew.")
    return outputs


def _write(model: keras.Model, path: pathlib.Path, to: str) -> None:
    """Exports the model without a check."""
    with tempfile.TemporaryDirectory() as folder:
        if keras.config.backend() == "tensorflow":
            failure = _through_keras(model, path, to)
        else:
            file = pathlib.Path(folder, "model.keras")
            model.save(file)
            done = subprocess.run(
                [sys.executable, "-m", "keras_classics.export", file, path, to],
                env={**os.environ, "KERAS_BACKEND": "tensorflow"},
                capture_output=True,
            )
            told = without_notices(done.stderr).decode(errors="replace").strip()
            failure = (told or "no reason told").splitlines()[-1] if done.returncode else ""
    if failure:
        for code in NO_SPACE:
            if os.strerror(code) in failure:
                raise OSError(code, os.strerror(code))
        raise ClassicsError(f"{model.name} cannot be exported as {to} ({failure[-300:]}).")


def _through_keras(model, path, to) -> str:
    """Exports on TensorFlow; the reason in one line if it fails."""
    try:
        with single_operation():
            model.export(str(path), format=FORMATS[to], verbose=False)
    except Exception as error:  # whatever TensorFlow raises
        return first_line(error)
    return ""


def _agreement(expected: np.ndarray, got: np.ndarray) -> Agreement:
    """How outputs (N, ..., classes) of an export agree with those expected."""
    if got.shape != expected.shape:
        raise ClassicsError(
            f"The export puts out {got.shape} where the model has {expected.shape}; please report this."
        )
    wanted, found = _logits(expected), _logits(got)
    return Agreement(
        images=len(expected),
        max_abs_error=float(np.max(np.abs(got - expected))),
        max_logit_error=float(np.max(np.abs(found - wanted))),
        allowed_logit_error=float(OF_THE_SPREAD * np.max(np.ptp(wanted, 0)) + OF_THE_SIZE * np.max(np.abs(wanted))),
        same_answers=100.0 * float(np.mean(got.argmax(-1) == expected.argmax(-1))),
    )


def _logits(outputs: np.ndarray) -> np.ndarray:
    """The outputs, or the logarithms of probabilities: a difference shows there even if one class has all of them."""
    if outputs.min() >= 0 and np.allclose(outputs.sum(-1), 1, atol=1e-3):
        return np.log(np.maximum(outputs, 1e-30))
    return outputs


if __name__ == "__main__":
    source, target, kind = sys.argv[1:]
    sys.exit(_through_keras(keras.saving.load_model(source, compile=False), target, kind) or 0)
