"""Shipping a network as SavedModel, TFLite (LiteRT) or ONNX. Every export is checked against the Keras model."""

import errno
import os
import pathlib
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np

from keras_classics import datasets, exported, preprocessing
from keras_classics.choices import EXPORT_FORMATS as FORMATS
from keras_classics.choices import EXPORT_SUFFIXES, QUANTIZATIONS
from keras_classics.errors import ClassicsError, unknown
from keras_classics.exported import first_line
from keras_classics.files import atomic_write
from keras_classics.layers import channel_axis, data_format_of, single_operation
from keras_classics.quiet import without_notices
from keras_classics.scenes import scenes
from keras_classics.spec import PLUS_MINUS_ONE, Normalization

NO_SPACE = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)

OPSET = 17  # of ONNX
MOST_CHECKED = 100  # of the representative images
PIXEL = 16  # above which a number is no normalised pixel's

# What the logits of an export may be off: a part of how much they differ between pictures, and what the bits may lose.
FULL = (1e-3, 1e-5)
HALF = (2e-2, 2e-3)
# What the outputs may be off with weights or all of 8 bits, in parts of how much they differ, and in their 255 steps.
EIGHT_BITS = {"dynamic": 0.1, "int8": 0.1}
STEPS = 2


@dataclass(frozen=True)
class Agreement:
    """How far an exported network is from the Keras model.

    Attributes:
        images: how many both were run on.
        max_abs_error: the greatest difference of an output.
        error: the greatest difference of a logit; where the outputs are probabilities, of their logarithms. Of 8 bits,
            which leave no digits for that: the greatest difference of an output, the images' mean.
        allowed_error: the most that it may be.
        same_answers: percent of the images on which both have the same likeliest class.
    """

    images: int
    max_abs_error: float
    error: float
    allowed_error: float
    same_answers: float

    @property
    def holds(self) -> bool:
        """Whether the answers are as near as they must be; numbers that are none are not."""
        return self.error <= self.allowed_error


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
    model: keras.Model,
    path: str | pathlib.Path,
    format: str | None = None,
    *,
    quantize: str | None = None,
    representative: np.ndarray | None = None,
    class_names: Sequence[str] | None = None,
    include_preprocessing: bool = True,
    overwrite: bool = False,
) -> Agreement:
    """Writes the model for inference: float32 images of any batch size in, the model's predictions out.

    Auxiliary heads stay behind. A model that takes images of any size still does. The class names go with it as
    labels.txt, a line each, and what `load_export` wants to know as network.json: a SavedModel has them in its folder
    assets.extra, a TFLite file as an archive behind the network, from which `unzip` takes them, and an ONNX file as
    its metadata.

    Args:
        model: on any backend; jax and torch go through a TensorFlow process.
        path: of the folder (SavedModel, endpoint "serve") or the file (.tflite; .onnx, whose input is "image" and whose
            output is "predictions").
        format: "saved_model", "tflite" or "onnx"; by default what the path ends in, or else SavedModel.
        quantize: of TFLite: "float16" halves the weights, "dynamic" makes them 8 bits and computes so where it helps,
            "int8" makes all of it 8 bits, each channel of a kernel with a scale of its own, but for the input and the
            output.
        representative: images (N, ...) such as the export will see, in the form that it takes, for "int8" to choose
            its scales by; a hundred are many.
        class_names: in the order of the outputs; by default those that the model carries, if any.
        include_preprocessing: whether the export takes pixels of 0..255 and normalises them itself, as the model's
            weights want it; otherwise it takes what the model takes.
        overwrite: whether to replace what is at the path, once the export has been checked.

    Returns:
        How the export, run on a few pictures and the representative ones, agrees with the model.

    Raises:
        ClassicsError: if the format is unknown, the path cannot be written, something is there already, the model does
            not tell how pixels are normalised, the representative images are none, of another shape or range, a package
            is missing, or the export does not agree with the model, or it has another number of classes than there are
            names. There is then no export.
    """
    path = pathlib.Path(path)
    format = _format(path, format, quantize)
    if path.exists() and not overwrite:
        raise ClassicsError(f"'{path}' exists and is not overwritten; choose another path, remove it, or `overwrite`.")
    if path.is_dir() and not exported.is_export(path):
        raise ClassicsError(f"'{path}' is a folder and no export, so it is not replaced; choose another path.")
    model = _predictions(model)
    if include_preprocessing and not preprocessing.normalizes(model):
        model = with_preprocessing(model, _normalization(model))
    labels = _labels(model, class_names)
    images = _natural_images(model)
    if representative is not None:
        representative = _checked(representative, model)
        images = np.concatenate([images, representative[:MOST_CHECKED]])
    elif quantize == "int8":
        raise ClassicsError("int8 chooses its scales by pictures; give some as `representative`.")
    expected = _run(model, images)
    with atomic_write(path, replace_folder=overwrite) as temporary:
        _write(model, temporary, format, quantize, representative)
        exported.add(temporary, labels, exported.facts_of(model, _are_probabilities(expected)))
        agreement = _agreement(expected, run_exported(temporary, images), quantize)
        if not agreement.holds:
            raise ClassicsError(
                f"The export of {model.name} does not agree with it: the answers to {agreement.images} pictures differ "
                f"by {agreement.error:.2g}, of {agreement.allowed_error:.2g} allowed. Nothing was written"
                + (f"; {quantize} may not suit the network." if quantize else "; please report this.")
            )
    return agreement


def _format(path: pathlib.Path, format: str | None, quantize: str | None) -> str:
    """The format, checked against the path and what is to be quantised."""
    by_ending = {suffix: name for name, suffix in EXPORT_SUFFIXES.items()}
    format = format or by_ending.get(path.suffix, "saved_model")
    if format not in FORMATS:
        raise unknown("export format", format, FORMATS)
    suffix = EXPORT_SUFFIXES.get(format, "")
    if suffix and path.suffix != suffix:
        raise ClassicsError(f"An export as {format} must be named *{suffix}, not '{path.name}'.")
    if quantize is not None and quantize not in QUANTIZATIONS:
        raise unknown("quantization", quantize, QUANTIZATIONS)
    if quantize is not None and format != "tflite":
        raise ClassicsError(f"{quantize} is for tflite; an export as {format} keeps its 32 bits.")
    if format == "onnx":
        exported.check_onnx_installed()
    return format


def _normalization(model: keras.Model) -> Normalization:
    protocol = preprocessing.carried_protocol(model)
    if protocol is None:
        raise ClassicsError(
            f"{model.name} does not tell how its pixels are normalised, so the export cannot do it; pass "
            "include_preprocessing=False for one that takes what the model takes."
        )
    return protocol.normalization


def _checked(representative, model: keras.Model) -> np.ndarray:
    """The representative images as float32, of the shape and, as far as can be told, the range that the model takes."""
    images = np.asarray(representative, "float32")
    fitting = images.ndim == 4 and all(
        wanted in (None, side) for wanted, side in zip(model.input_shape[1:], images.shape[1:], strict=True)
    )
    if not fitting or not len(images):
        raise ClassicsError(f"Representative images are arrays {model.input_shape}, not {images.shape}.")
    if preprocessing.normalizes(model):
        preprocessing.check_pixels(images)
    elif images.min() >= 0 and images.max() > PIXEL:
        raise ClassicsError(
            f"The representative images go up to {images.max():g}, as pixels do, and this export takes normalised "
            "ones; normalise them, or include the preprocessing."
        )
    return images


def compare(model: keras.Model, path: str | pathlib.Path, images: np.ndarray) -> Agreement:
    """Runs the model and its export on the same images (N, ...), in the form that the model takes.

    Raises:
        ClassicsError: if the model puts out what is no number, or the export cannot be run.
    """
    images = np.asarray(images, "float32")
    return _agreement(_run(_predictions(model), images), run_exported(path, images))


def run_exported(path: str | pathlib.Path, images: np.ndarray, batch_size: int = 100) -> np.ndarray:
    """The outputs of an exported network, SavedModel folder, TFLite or ONNX file, for float32 images (N, ...).

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


def _write(
    model: keras.Model,
    path: pathlib.Path,
    format: str,
    quantize: str | None = None,
    representative: np.ndarray | None = None,
) -> None:
    """Exports the model without a check."""
    with tempfile.TemporaryDirectory() as folder:
        if keras.config.backend() == "tensorflow":
            failure = _through_keras(model, path, format, quantize, representative)
        else:
            file, pictures = pathlib.Path(folder, "model.keras"), pathlib.Path(folder, "representative.npy")
            model.save(file)
            if representative is not None:
                np.save(pictures, representative)
            done = subprocess.run(
                [sys.executable, "-m", "keras_classics.exporting", file, path, format, quantize or "", pictures],
                env={**os.environ, "KERAS_BACKEND": "tensorflow"},
                capture_output=True,
            )
            told = without_notices(done.stderr).decode(errors="replace").strip()
            failure = (told or "no reason told").splitlines()[-1] if done.returncode else ""
    if failure:
        for code in NO_SPACE:
            if os.strerror(code) in failure:
                raise OSError(code, os.strerror(code))
        raise ClassicsError(f"{model.name} cannot be exported as {format} ({failure[-300:]}).")


def _through_keras(model, path, format, quantize, representative) -> str:
    """Exports on TensorFlow; the reason in one line if it fails."""
    try:
        with single_operation(), warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)  # Keras' own, of NumPy's names
            options = _quantization(quantize, representative) if quantize else {}
            if format == "onnx":
                model(keras.ops.zeros([side or 64 for side in (1, *model.input_shape[1:])]))  # or Keras refuses it
                options = {"opset_version": OPSET}
            model.export(str(path), format=FORMATS[format], verbose=False, **options)
    except Exception as error:  # whatever TensorFlow raises
        return first_line(error)
    return ""


def _quantization(quantize: str, representative: np.ndarray | None) -> dict[str, Any]:
    """What TFLite's converter has to be told."""
    import tensorflow as tf

    options: dict[str, Any] = {"optimizations": [tf.lite.Optimize.DEFAULT]}
    if quantize == "float16":
        options["target_spec"] = {"supported_types": [tf.float16]}
    if quantize == "int8":
        assert representative is not None
        options["representative_dataset"] = lambda: ([image[None]] for image in representative)
        options["target_spec"] = {"supported_ops": [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]}
    return options


def _agreement(expected: np.ndarray, got: np.ndarray, quantize: str | None = None) -> Agreement:
    """How outputs (N, ..., classes) of an export agree with those expected."""
    if got.shape != expected.shape:
        raise ClassicsError(
            f"The export puts out {got.shape} where the model has {expected.shape}; please report this."
        )
    off = np.abs(got - expected)
    if quantize in EIGHT_BITS:
        error = np.mean(np.max(off.reshape(len(off), -1), 1))
        allowed = EIGHT_BITS[quantize] * np.max(np.ptp(expected, 0)) + STEPS * np.ptp(expected) / 255
    else:
        wanted, found = _logits(expected), _logits(got)
        error = np.max(np.abs(found - wanted))
        of_the_spread, of_the_size = HALF if quantize else FULL
        allowed = of_the_spread * np.max(np.ptp(wanted, 0)) + of_the_size * np.max(np.abs(wanted))
    return Agreement(
        images=len(expected),
        max_abs_error=float(np.max(off)),
        error=float(error),
        allowed_error=float(allowed),
        same_answers=100.0 * float(np.mean(got.argmax(-1) == expected.argmax(-1))),
    )


def _logits(outputs: np.ndarray) -> np.ndarray:
    """The outputs, or the logarithms of probabilities: a difference shows there even if one class has all of them."""
    return np.log(np.maximum(outputs, 1e-30)) if _are_probabilities(outputs) else outputs


def _are_probabilities(outputs: np.ndarray) -> bool:
    return bool(outputs.min() >= 0 and np.allclose(outputs.sum(-1), 1, atol=1e-3))


if __name__ == "__main__":
    source, target, form, quantized, pictures = sys.argv[1:]
    shown = np.load(pictures) if pathlib.Path(pictures).exists() else None
    sys.exit(
        _through_keras(keras.saving.load_model(source, compile=False), target, form, quantized or None, shown) or 0
    )
