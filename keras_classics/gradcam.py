"""Where a network looks: Grad-CAM (Selvaraju et al. 2017, section 3)."""

from collections.abc import Callable, Sequence

import keras
import numpy as np
from keras import layers, ops

from keras_classics import complexity, feed
from keras_classics.copies import like, take_weights
from keras_classics.errors import ClassicsError, unknown
from keras_classics.gradients import check_gradients, gradient
from keras_classics.layers import data_format_of
from keras_classics.variant import deep_graph


def grad_cam(
    model: keras.Model, images: np.ndarray, classes: int | Sequence[int] | None = None, layer: str | None = None
) -> np.ndarray:
    """How much each place of a layer's maps speaks for a class, and never how much against it.

    Each map weighs as much as the class's score grows with it, by the mean over its places (equation 1); the places
    have the weighted sum of the maps, and 0 where that is negative (equation 2). The score is what a softmax at the
    end reads, and else what the model puts out; batch norms and dropout are those of inference.

    Args:
        model: a functional model, with its top; with auxiliary heads or without.
        images: as the model reads them, (N, H, W, C) or (N, C, H, W); `preprocess_input` makes them of pixels.
        classes: the number of the class to ask about, one for all images or one for each; by default the likeliest.
        layer: the name of the layer whose maps are taken; by default what `complexity.last_maps` tells: the last
            convolution with what follows it at the same stride. (The paper takes VGG's before its last pooling, too.)

    Returns:
        float32 (N, h, w), at least 0, of the size of the layer's maps.

    Raises:
        ClassicsError: if the model has no graph of layers or no classes; there is no such class or layer, or the layer
            puts out no maps that the predictions are computed from; or the backend takes no gradients.
    """
    check_gradients()
    chosen = model.get_layer(_checked_layer(model, layer))
    feed.check_has_classes(model)
    answers_to = complexity.predictions(model)
    images = np.asarray(images, "float32")
    if images.ndim != 4:
        raise ClassicsError(f"Images are a batch of four axes, as {model.name} reads them, not {images.shape}.")
    numbers = None if classes is None else _checked_classes(classes, len(images), answers_to.shape[1])
    beside = [model.get_layer(name).output for name in _beside(model, chosen.name)]
    with deep_graph():
        below = keras.Model(model.input, [chosen.output, answers_to, *beside])
        score = _score(model, [chosen.output, *beside])
    below.compile(run_eagerly=True)  # for it runs once
    maps, answers, *others = (np.asarray(part, "float32") for part in below.predict_on_batch(images))
    asked = np.eye(answers.shape[1], dtype="float32")[answers.argmax(1) if numbers is None else numbers]
    slope = gradient(lambda x: ops.sum(ops.multiply(score([x, *others]), asked)), maps)
    places, channels = ((1, 2), 3) if data_format_of(model) == "channels_last" else ((2, 3), 1)
    weights = slope.mean(places, keepdims=True)
    return np.maximum((weights * maps).sum(channels), 0)


def _checked_layer(model, name) -> str:
    """The layer to take maps of, by default the last that has any."""
    default = complexity.last_maps(model)  # which raises an error for a model without a graph
    if name is None:
        return default
    on_trunk = complexity.trunk(model)
    known = [layer.name for layer in model.layers if layer.name in on_trunk and layer.output.ndim == 4]
    if name not in known:
        raise unknown(f"layer with maps of {model.name}", name, known)
    return name


def _checked_classes(classes, images, known) -> np.ndarray:
    numbers = np.asarray(classes)
    if numbers.dtype.kind not in "iu" or numbers.shape not in ((), (images,)):
        raise ClassicsError(f"`classes` must be a class's number, or one for each of {images} images, not {classes!r}.")
    if ((numbers < 0) | (numbers >= known)).any():
        raise ClassicsError(f"`classes` must be numbers of 0 to {known - 1}, not {classes!r}.")
    return np.broadcast_to(numbers, images)


def _beside(model, chosen: str) -> list[str]:
    """The layers that those after the chosen one read and that do not read it, such as a shortcut past it."""
    on_trunk, after, read = complexity.trunk(model), {chosen}, set()
    names_below = complexity.layers_below(model)
    for layer in model.layers:
        below = names_below[layer.name]
        if layer.name in on_trunk and after.intersection(below):
            after.add(layer.name)
            read.update(below)
    return sorted(read - after)


def _score(model, inputs) -> Callable:
    """From these tensors of the model to its scores (N, classes), without the softmax if they end in one."""
    last = complexity.predictions(model)._keras_history.operation
    softmax = isinstance(last, layers.Softmax) or getattr(last, "activation", None) is keras.activations.softmax
    if not softmax:
        return keras.Function(inputs, last.output)
    before = keras.Function(inputs, last.input)
    if not last.weights:
        return before
    linear = like(last, activation=None)
    linear.build(last.input.shape)
    take_weights(linear, last)
    return lambda tensors: linear(before(tensors))
