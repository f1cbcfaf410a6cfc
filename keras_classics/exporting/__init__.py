"""Shipping a network as SavedModel, TFLite (LiteRT) or ONNX. Every export is checked against the Keras model."""

import pathlib
import warnings
from collections.abc import Sequence

import keras
import numpy as np

from keras_classics import datasets, exported, preprocessing
from keras_classics.choices import EXPORT_DTYPES, EXPORT_SUFFIXES, QUANTIZATIONS
from keras_classics.choices import EXPORT_FORMATS as FORMATS
from keras_classics.complexity import check_reads_images, has_named_outputs, is_functional, predictions
from keras_classics.copies import in_float32
from keras_classics.ensemble import are_probabilities
from keras_classics.errors import ClassicsError, ExportError, one_line, unknown
from keras_classics.exporting.agreement import Agreement, agreement
from keras_classics.exporting.contents import add, facts_of
from keras_classics.exporting.converting import Settings, convert
from keras_classics.exporting.report import Report, beside, costs, written
from keras_classics.exporting.tflite_metadata import add_metadata
from keras_classics.files import atomic_write
from keras_classics.fusion import fuse
from keras_classics.layers import channel_axis, data_format_of, leaves
from keras_classics.model_file import first_not_finite
from keras_classics.places import LABELS
from keras_classics.runtimes import check_installed
from keras_classics.scenes import scenes
from keras_classics.spec import PLUS_MINUS_ONE, UNCHANGED, Normalization

MOST_CHECKED = 100  # of the representative images
FEW_STEPS = 8  # with fewer steps of 1/256 between answers int8 can hardly tell pictures apart
# Endings of files, which a SavedModel's folder must not have.
OF_FILES = (".keras", ".h5", ".pb", *EXPORT_SUFFIXES.values())
AT_ONCE = 100  # images on which an export is run, at most
PIXEL = 16  # a larger number is a raw pixel, not a normalised one


def with_preprocessing(model: keras.Model, normalization: Normalization) -> keras.Model:
    """A model of the same name that takes pixels of 0..255, normalises them and calls `model`.

    A model that knows its own normalisation uses that in place of `normalization`. Auxiliary heads are left out.
    """
    model = _predictions(model)
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
    batch: int | None = None,
    input_dtype: str = "float32",
    class_names: Sequence[str] | None = None,
    include_preprocessing: bool = True,
    overwrite: bool = False,
) -> Report:
    """Writes the model for inference: images in, the model's predictions out.

    Batch norms are folded into the layers before them, grouped convolutions become one operation each, and auxiliary
    heads stay behind. A model that takes images of any size still does. One that computes in 16 bits, as in mixed
    precision, computes in float32, with the same weights. The class names go with it as labels.txt, a line each, and
    what `load_export` wants to know as network.json: a SavedModel has them in its folder assets.extra, a TFLite file as
    an archive behind the network, from which `unzip` takes them, and an ONNX file as its metadata.

    A SavedModel of a network that tells how its pictures are prepared has a second signature, "serving_bytes", which
    takes encoded pictures: see `exporting.serving`. A TFLite file also tells Android's tools how to prepare pictures.

    Beside the export stands a report, the same that is returned, with ".json" behind the export's name.

    Args:
        model: on any backend; jax and torch go through a TensorFlow process, which knows no layers of one's own: a
            model with such must be exported on tensorflow.
        path: of the folder (SavedModel, endpoint "serve") or the file (.tflite; .onnx, whose input is "image" and whose
            output is "predictions").
        format: "saved_model", "tflite" or "onnx"; by default what the path ends in, or else SavedModel.
        quantize: of TFLite: "float16" halves the weights, "dynamic" makes them 8 bits and computes so where it helps,
            "int8" makes all of it 8 bits, each channel of a kernel with a scale of its own, but for the input and the
            output.
        representative: images (N, ...) such as the export will see, in the form that it takes, for "int8" to choose
            its scales by; a hundred are many.
        batch: how many images the export takes at once; any number by default.
        input_dtype: "float32", or "uint8" for an export that takes pixels.
        class_names: in the order of the outputs; by default those that the model carries, or those of the data set
            whose weights it has, if they are as many. If no weights told a data set, they are of the one that the
            network was made for, and a warning says so.
        include_preprocessing: whether the export takes pixels of 0..255 and normalises them itself, as the model's
            weights want it; otherwise it takes what the model takes.
        overwrite: whether to replace what is at the path, once the export has been checked.

    Returns:
        How the export, run on a few pictures and the representative ones, agrees with the model, and what it costs.

    Raises:
        ClassicsError: if the format is unknown, the path cannot be written, something is there already, the model does
            not tell how pixels are normalised, the representative images are none, of another shape or range, a package
            is missing, or the export does not agree with the model, or it has another number of classes than there are
            names. There is then no export.
    """
    path = pathlib.Path(path)
    format = check_request(path, format, quantize, batch, overwrite)
    model = _predictions(model)
    if include_preprocessing and not preprocessing.normalizes(model):
        model = with_preprocessing(model, _normalization(model))
    model = in_float32(model)
    _check_dtype(model, input_dtype)
    labels = _labels(model, class_names)
    images = _natural_images(model)
    if representative is not None:
        representative = _checked(representative, model)
        images = np.concatenate([images, representative[:MOST_CHECKED]])
        if input_dtype == "uint8":
            representative = _spanning(representative)
    elif quantize == "int8":
        raise ClassicsError("int8 chooses its scales by pictures; give some as `representative`.")
    if input_dtype == "uint8":
        images = np.round(images)
    expected = _run(model, images)
    settings = Settings(format, quantize, batch, input_dtype, labels, are_probabilities(expected))
    facts = facts_of(model, settings.probabilities, class_names is not None)
    with (
        atomic_write(beside(path)) as report_file,
        atomic_write(path, replace_folder=overwrite) as temporary,
    ):
        convert(_widened(fuse(model)) if is_functional(model) else model, temporary, settings, representative)
        if format == "tflite" and facts:
            _tell_android(temporary, model, bool(labels))
        add(temporary, labels, facts, {layer.name for layer in leaves(model)})
        found = agreement(expected, run_exported(temporary, images), quantize)
        if not found.holds:
            raise ExportError(
                f"The export of {model.name} does not agree with it: the answers to {found.images} pictures differ "
                f"by {found.error:.2g}, of {found.allowed_error:.2g} allowed. Nothing was written; "
                + _remedy(quantize, expected),
                *(True, True, False),
                found,
            )
        report = Report(
            **vars(found),
            path=str(path),
            network=model.name,
            quantize=quantize,
            input_shape=(batch, *model.input_shape[1:]),
            input_dtype=input_dtype,
            **costs(temporary, np.repeat(images[:1], batch or 1, 0)),
        )
        report_file.write_text(written(report), "utf-8")
    return report


def check_request(
    path: pathlib.Path | None, format: str | None, quantize: str | None, batch: int | None, overwrite: bool
) -> str:
    """The format of an export, to a path as far as that is known.

    Raises:
        ClassicsError: if it cannot be made as the arguments of `export` have it, whatever the model.
    """
    format = _format(path, format, quantize)
    if batch is not None and batch < 1:
        raise ClassicsError(f"An export takes at least 1 image at once, not {batch}; None is for any number.")
    if path is None:
        return format
    for there in (path, beside(path)):
        if there.exists() and not overwrite:
            raise ClassicsError(
                f"'{there}' exists and is not overwritten; choose another path, remove it, or `overwrite`."
            )
    if path.exists() and not (exported.is_export(path) and path.is_dir() == (format == "saved_model")):
        kind = "folder" if path.is_dir() else "file"
        raise ClassicsError(f"'{path}' is a {kind} and no such export, so it is not replaced; choose another path.")
    return format


def _remedy(quantize: str | None, expected: np.ndarray) -> str:
    """What is to be said of an export that does not agree."""
    if quantize is None:
        return "please report this."
    spread = float(np.max(np.ptp(expected, 0)))
    if quantize == "int8" and are_probabilities(expected) and spread < FEW_STEPS / 256:
        return f"int8 counts probabilities in 256ths, and these differ by {spread:.2g} at most. Is the network trained?"
    return f"{quantize} may not suit the network."


def _widened(model: keras.Model) -> keras.Model:
    """A fused model, changed in place: its pixels are scaled by the numbers of a whole row, the same for each pixel in
    it. What `fuse` shares with the user's model stays as it is.

    With one number a channel, runtimes scale three values at a time: on LiteRT that takes 15 times as long.
    """
    for layer in model.layers:
        if is_functional(layer):
            _widened(layer)
        elif isinstance(layer, keras.layers.Rescaling) and len(layer._inbound_nodes) == 1:
            *_, width, channels = layer.output.shape
            if width and 1 < channels == np.size(layer.scale) == np.shape(layer.scale)[-1]:
                layer.scale, layer.offset = (np.tile(of, (1, width, 1)).tolist() for of in (layer.scale, layer.offset))
    return model


def _format(path: pathlib.Path | None, format: str | None, quantize: str | None) -> str:
    """The format, checked against the path and what is to be quantised."""
    by_ending = {suffix: name for name, suffix in EXPORT_SUFFIXES.items()}
    format = format or by_ending.get(path.suffix.lower() if path else "", "saved_model")
    if format not in FORMATS:
        raise unknown("export format", format, FORMATS)
    suffix = EXPORT_SUFFIXES.get(format, "")
    if path and suffix and path.suffix != suffix:
        raise ClassicsError(f"An export as {format} must be named *{suffix}, not '{path.name}'.")
    if path and not suffix and path.suffix.lower() in OF_FILES:
        raise ClassicsError(f"An export as {format} is a folder, and no {path.suffix} file as '{path.name}' says.")
    if quantize is not None and quantize not in QUANTIZATIONS:
        raise unknown("quantization", quantize, QUANTIZATIONS)
    if quantize is not None and format != "tflite":
        raise ClassicsError(f"{quantize} is for tflite; an export as {format} keeps its 32 bits.")
    check_installed(format, "make")
    return format


def _check_dtype(model: keras.Model, dtype: str) -> None:
    if dtype not in EXPORT_DTYPES:
        raise unknown("input type", dtype, EXPORT_DTYPES)
    if dtype == "uint8" and not preprocessing.normalizes(model):
        raise ClassicsError("Images of uint8 are pixels, and this export takes normalised ones; include_preprocessing.")


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
        preprocessing.check_pixels(np.moveaxis(images, channel_axis(data_format_of(model)), -1))
    elif images.min() >= 0 and images.max() > PIXEL:
        raise ClassicsError(
            f"The representative images go up to {images.max():g}, as pixels do, and this export takes normalised "
            "ones; normalise them, or include the preprocessing."
        )
    return images


def _spanning(pixels: np.ndarray) -> np.ndarray:
    """The images with a black and a white number in a corner of the first, so that 8 bits count in whole pixels."""
    pixels = np.clip(pixels, 0, 255)
    pixels[0].flat[:2] = 0, 255
    return pixels


def compare(model: keras.Model, path: str | pathlib.Path, images: np.ndarray) -> Agreement:
    """Runs the model, in float32, and its export on the same images (N, ...), in the form that the model takes.

    Raises:
        ClassicsError: if the model puts out what is no number, or the export cannot be run.
    """
    images = np.asarray(images, "float32")
    return agreement(_run(in_float32(_predictions(model)), images), run_exported(path, images))


def run_exported(path: str | pathlib.Path, images: np.ndarray) -> np.ndarray:
    """The outputs of an exported network, SavedModel folder, TFLite or ONNX file, for images (N, ...).

    Raises:
        ClassicsError: if it cannot be read, or not be run on such images here.
    """
    run = exported.runner(path)
    return np.concatenate([run(images[i : i + AT_ONCE]) for i in range(0, len(images), AT_ONCE)])


def _predictions(model: keras.Model) -> keras.Model:
    """The model without auxiliary heads."""
    check_reads_images(model)
    output = predictions(model)
    return keras.Model(model.input, output, name=model.name) if has_named_outputs(model) else model


def _labels(model: keras.Model, class_names: Sequence[str] | None) -> tuple[str, ...]:
    """The class names in the order of the outputs, each in one line; none where they are not told."""
    names = exported.class_names_of(model) if class_names is None else tuple(class_names)
    protocol = preprocessing.protocol_of_answers(model)
    if class_names is None and names and protocol and not datasets.own_class_names(protocol, len(names)):
        warnings.warn(datasets.assumption(f"The export of {model.name} has", protocol, names), stacklevel=3)
    if class_names is not None and len(names) != model.output_shape[-1]:
        raise ClassicsError(f"{model.name} has {model.output_shape[-1]} classes, and {len(names)} names were given.")
    if not all(isinstance(name, str) for name in names):
        raise ClassicsError(f"Class names are words, not {next(n for n in names if not isinstance(n, str))!r}.")
    return tuple(map(one_line, names))


def _tell_android(path: pathlib.Path, model: keras.Model, labelled: bool) -> None:
    """Writes a TFLite file's own metadata, which know grey and RGB pictures with the channels last."""
    channels = model.input_shape[-1]
    if data_format_of(model) == "channels_last" and channels in (1, 3):
        done = preprocessing.normalizes(model)
        left = UNCHANGED if done else _normalization(model)
        add_metadata(path, model.name, left.for_channels(channels), LABELS if labelled else None)


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
    if not np.isfinite(outputs).all() or first_not_finite(model):
        raise ClassicsError(f"{model.name} has weights or outputs that are not finite numbers; train or load it anew.")
    return outputs
