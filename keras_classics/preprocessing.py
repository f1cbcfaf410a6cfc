"""From a picture to what a network reads: geometry and normalisation; and from its output back to names.

The pixels' convention everywhere: 0..255, (H, W, C), RGB.
"""

import functools
import importlib.resources
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace

import keras
import numpy as np

from keras_classics.errors import ClassicsError
from keras_classics.layers import Provenance, channel_axis, channels_of
from keras_classics.resampling import window_of_resized
from keras_classics.spec import SCALING, InputProtocol, Normalization


def normalize(images, normalization: Normalization):
    """(pixel - mean) / std of shape (..., C) as float32: a TensorFlow tensor gives one, anything else a NumPy array."""
    if type(images).__module__.startswith("tensorflow"):
        import tensorflow as tf

        images = tf.cast(images, tf.float32)
    else:
        images = np.asarray(images, "float32")
    normalization = normalization.for_channels(images.shape[-1])
    mean, std = (np.asarray(v, "float32") for v in (normalization.mean, normalization.std))
    if isinstance(images, np.ndarray) or len(images.shape) < 2 or images.shape[-2] is None:
        return (images - mean) / std
    # A row is one pixel of many channels here: TensorFlow repeats a few numbers slowly.
    mean, std = (np.tile(v, images.shape[-2]) for v in (mean, std))
    rows = tf.reshape(images, (-1, len(mean)))
    return tf.reshape((rows - mean) / std, tf.shape(images))


def check_pixels(images) -> None:
    """Makes sure that images are what `normalize` takes, as far as can be told from their shape and numbers.

    Raises:
        ClassicsError: if they are not (..., H, W, C) with 1 to 4 channels, or certainly no pixels of 0..255: those of
            16 bits, of 0..1, normalised ones. A little beyond 0..255, as a bicubic resize goes, is let through.
    """
    shape = tuple(np.shape(images))
    if len(shape) < 3 or (shape[-1] or 0) > 4:
        hint = "; put the channels last" if len(shape) > 2 and (shape[-3] or 0) in (1, 3, 4) else ""
        raise ClassicsError(f"Images of shape {shape} are not (..., height, width, channels){hint}.")
    if type(images).__module__.startswith("tensorflow"):
        import tensorflow as tf

        if tf.is_symbolic_tensor(images):
            return
    values = np.asarray(images)
    if values.dtype == "uint8" or not values.size:
        return
    low, high = float(values.min()), float(values.max())
    whole = values.dtype.kind in "iu"
    if not whole and low >= 0 and 0 < high < 2:  # a bicubic resize goes a little beyond 1
        mistake = "multiply those of 0..1 by 255"
    elif low < 0 and high < 16:
        mistake = "these look normalised already"
    elif not (low >= -64 and high <= 320):  # nor if they are no numbers
        mistake = "bring them to that range"
    else:
        return
    raise ClassicsError(f"Pixels must be 0..255, and these go from {low:g} to {high:g}: {mistake}.")


def normalization_layer(normalization: Normalization, x, data_format: str | None = None):
    """`normalize` inside a model: a `Rescaling` layer named "normalization", applied to the tensor `x`.

    Its numbers have three axes, for of fewer Keras guesses, by the current data format, which axis they are.
    """
    normalization = normalization.for_channels(channels_of(x, data_format))
    shape = (1, 1, -1) if channel_axis(data_format) == -1 else (-1, 1, 1)
    mean, std = (np.asarray(v, "float32").reshape(shape) for v in (normalization.mean, normalization.std))
    return keras.layers.Rescaling((1 / std).tolist(), (-mean / std).tolist(), name="normalization")(x)


def normalizes(model: keras.Model) -> bool:
    """Whether the model takes pixels of 0..255: it, or the network inside it, was built with
    `include_preprocessing=True`, or a model of one's own scales them before it calls the network.

    Raises:
        ClassicsError: if it holds several networks that read other pixels.
    """
    return _scales(model) or any(network.normalizes for network in _networks(model))


def _scales(model) -> bool:
    """Whether a model does so itself, before its first network or kernel, behind which what is scaled is no pixel."""

    def is_pixels(operation):
        return not (isinstance(operation, Provenance | keras.layers.Dense) or hasattr(operation, "kernel_size"))

    return any(map(_is_scaling, itertools.takewhile(is_pixels, _operations(model))))


def _is_scaling(operation) -> bool:
    """By its class; a Lambda, which may as well choose channels, resize or pad, by what becomes of white."""
    if not isinstance(operation, keras.layers.Lambda):
        return type(operation).__name__ in SCALING
    if not isinstance(operation.input, keras.KerasTensor):  # but several
        return False
    white = keras.ops.full([side or 32 for side in (1, *operation.input.shape[1:])], 255.0)
    return bool(abs(keras.ops.max(keras.ops.cast(operation(white), "float32")) - 255.0) > 1)


def _networks(model) -> list[Provenance]:
    """What the zoo's networks in a model remember, which is given one kind of pixels."""
    networks = provenances(model)
    pixels = {None if network.normalizes else network.protocol.normalization for network in networks}
    if len(pixels) > 1 and not _scales(model):
        names = " and ".join(network.network for network in networks)
        raise ClassicsError(
            f"{model.name} holds {names}, which read pixels normalised in other ways; build each of them with "
            "include_preprocessing=True, so that it takes pixels of 0..255."
        )
    return networks


def _operations(model) -> Iterator[keras.Operation]:
    """Layers and Keras' operations, in order, and those of the models inside."""
    for operation in getattr(model, "operations", model.layers):
        yield from _operations(operation) if isinstance(operation, keras.Model) else (operation,)


def provenances(model: keras.Model) -> list[Provenance]:
    """What each of the zoo's networks in a model remembers, in order; that of a model of the zoo is one."""
    return [operation for operation in _operations(model) if isinstance(operation, Provenance)]


def provenance(model: keras.Model) -> Provenance | None:
    """What a model of the zoo, or the first network inside a model, remembers; None where there is none."""
    return next(iter(provenances(model)), None)


def carried_protocol(model: keras.Model) -> InputProtocol | None:
    """How the pictures of a model's weights are prepared; None where the model does not tell. Of several networks in
    it, the first tells how pictures are resized.

    Raises:
        ClassicsError: if these read other pixels.
    """
    return next((network.protocol for network in _networks(model)), None)


def protocol_of_answers(model: keras.Model) -> InputProtocol | None:
    """The same, without a data set ("") where another classifier stands in the place of the network's, which is called
    "predictions", or of several networks that have others, and without the names of another's classes: its answers
    mean something else, even if they are as many."""
    protocol = carried_protocol(model)
    if protocol is None:
        return None
    classifier = classifier_of(model)
    alike = len({(of.protocol.dataset, of.protocol.class_names) for of in provenances(model)}) == 1
    return replace(
        protocol,
        dataset=protocol.dataset if alike and classifier == "predictions" else "",
        class_names=protocol.class_names if alike and protocol.classifier in ("", classifier) else (),
    )


def classifier_of(model: keras.Model) -> str:
    """The name of the network's classifier, or of what has weights behind it, such as a model without a graph."""
    if "predictions" in getattr(model, "output_names", ()):  # of an output that is a dict
        return "predictions"
    operation = model.outputs[0]._keras_history.operation
    while not hasattr(operation, "outputs"):  # as a model with a graph has
        parents = operation._inbound_nodes[0].parent_nodes
        if operation.name == "predictions" or getattr(operation, "weights", ()) or not parents:
            return operation.name
        operation = parents[0].operation
    return classifier_of(operation)


def with_channels(image, channels: int):
    """An image (H, W, C) as a tensor with that many channels: grey becomes RGB, and RGB grey, as float32.

    Raises:
        ClassicsError: if the image has other channels, and they are not grey or RGB on both sides.
    """
    import tensorflow as tf

    image = tf.convert_to_tensor(image)
    if image.shape[-1] != channels:
        if {image.shape[-1], channels} != {1, 3}:
            raise ClassicsError(
                f"The network reads {channels} channels and the pictures have {image.shape[-1]}; convert them."
            )
        image = tf.cast(image, tf.float32)
        image = tf.image.rgb_to_grayscale(image) if channels == 1 else tf.image.grayscale_to_rgb(image)
    return image


def fit(image, resize_size: int, image_size: int, channels: int, interpolation="bilinear", squash=False):
    """Resizes the shorter side of an image (H, W, C) to `resize_size`, then takes the centre square of `image_size`.

    With `squash`, both sides are resized to `resize_size`, whatever the image's shape.

    It does so as torchvision's and timm's transforms of Pillow's images, to the pixel: the longer side is rounded down,
    the place of the square to the nearest even number, the resized pixels to whole ones. Where the image is smaller
    than the square, zeros surround it. An image that has the size keeps its pixels. Grey becomes RGB, and RGB grey,
    where `channels` asks for it. Returns a float32 TensorFlow tensor, 0..255.

    Raises:
        ClassicsError: if the image has other channels, and they are not grey or RGB on both sides.
    """
    import tensorflow as tf

    image = with_channels(image, channels)
    size = tf.shape(image, tf.int64)[:2]
    resized = tf.constant([resize_size] * 2, tf.int64) if squash else resize_size * size // tf.reduce_min(size)
    window = tf.minimum(resized, image_size)
    corner = tf.cast(tf.round((resized - window) / 2), tf.int64)  # of two nearest, to the even one

    def cropped():
        return image[corner[0] : corner[0] + window[0], corner[1] : corner[1] + window[1]]

    def cropped_of_resized():
        return window_of_resized(image, resized, corner, window, interpolation)

    image = tf.cond(
        tf.reduce_all(resized == size),
        lambda: tf.cast(cropped(), tf.float32),
        lambda: tf.cast(cropped_of_resized(), tf.float32),
    )
    before = (image_size - window) // 2
    image = tf.pad(image, tf.concat([tf.stack([before, image_size - window - before], 1), [[0, 0]]], 0))
    return tf.ensure_shape(image, (image_size, image_size, channels))


def model_input(images, normalization: Normalization | None, data_format: str):
    """Fitted images, one or a batch, as a model reads them: normalised, unless it does that itself (None), and in its
    data format."""
    import tensorflow as tf

    if normalization is not None:
        images = normalize(images, normalization)
    if data_format == "channels_first":
        rank = len(images.shape)
        images = tf.transpose(images, (*range(rank - 3), rank - 1, rank - 3, rank - 2))
    return images


def decode_predictions(preds, top: int = 5, class_names: Sequence[str] | None = None) -> list[list[tuple]]:
    """The `top` likeliest classes of each row of `preds`, shape (N, classes), best first.

    Args:
        preds: probabilities or any scores that grow with them.
        top: how many to return.
        class_names: by default ImageNet's, which needs 1000 columns.

    Returns:
        For each row a list of (identifier, name, score); the identifier is WordNet's for ImageNet, else the index.

    Raises:
        ClassicsError: if the class names do not match the columns, or `top` is below 1.
    """
    if top < 1:
        raise ClassicsError(f"`top` must be at least 1, not {top}.")
    preds = np.asarray(preds)
    if class_names is None and preds.ndim == 2 and preds.shape[1] == 1000:
        identifiers, class_names = imagenet_classes()
    else:
        identifiers = tuple(str(i) for i in range(len(class_names or ())))
    if preds.ndim != 2 or class_names is None or preds.shape[1] != len(class_names):
        raise ClassicsError(
            f"Predictions of shape {preds.shape} do not match {len(class_names or ())} class names; pass (N, classes) "
            "and `class_names` of that length."
        )
    order = np.argsort(-preds, axis=1, kind="stable")[:, :top]
    return [
        [(identifiers[i], class_names[i], float(row[i])) for i in best] for row, best in zip(preds, order, strict=True)
    ]


@functools.cache
def imagenet_classes() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """WordNet identifiers and names of the 1000 classes, in index order."""
    text = importlib.resources.files("keras_classics").joinpath("data/imagenet_classes.tsv").read_text("utf-8")
    identifiers, names = zip(*(line.split("\t") for line in text.splitlines()), strict=True)
    return identifiers, names
