"""A network that takes images of one size, turned into one that takes any (VGG, section 3.2)."""

import keras
from keras import layers

from keras_classics.complexity import computes_with_kernels, has_named_outputs, is_functional
from keras_classics.copies import clone, like_or_shared, take_weights
from keras_classics.errors import ClassicsError
from keras_classics.layers import Conv2D, UnitBias, channel_axis, data_format_of
from keras_classics.variant import settle


def to_fully_convolutional(model: keras.Model) -> keras.Model:
    """The same network with convolutions in the place of its dense layers, and copies of its weights.

    The first dense layer becomes a convolution as large as the map that it reads, those after it become 1x1. Images of
    the size that `model` takes give the same scores, (N, 1, 1, classes); larger ones give a map (N, h, w, classes).

    Raises:
        ClassicsError: if the network needs no such form, for none of its layers is bound to a size, or can have none.
    """
    flatten = _checked(model)
    axis = channel_axis(flatten.data_format)
    shape = list(flatten.input.shape)
    shape.pop(axis)
    kernel_size = shape[1:]
    first = next(layer for layer in model.layers if isinstance(layer, layers.Dense))

    def copy(layer):
        replaced = isinstance(layer, layers.Dense | layers.Flatten)
        return layer if replaced else like_or_shared(layer)

    def call(layer, x, *args, **kwargs):
        if isinstance(layer, layers.Flatten):
            return x
        if isinstance(layer, layers.Dense):
            return _convolution(layer, x, kernel_size if layer is first else 1, flatten.data_format)
        if _is_softmax(layer):
            return layers.Softmax(axis, dtype=layer.dtype_policy, name=layer.name)(x)
        return layer(x, *args, **kwargs)

    return _of_any_size(model, axis, copy=copy, call_function=call)


def _of_any_size(model, axis: int, **how) -> keras.Model:
    """A clone, made as `copies.clone` is told, with copies of the weights."""
    shape = [None] * 4
    (given,) = model.inputs
    shape[axis] = given.shape[axis]
    image = keras.Input(shape[1:], name=given.name, dtype=given.dtype)
    result = clone(model, keras.tree.pack_sequence_as(model.input, [image]), **how)
    for layer in result.layers:
        if layer.weights:
            take_weights(layer, model.get_layer(layer.name))
    settle(result)
    return result


def any_size(model: keras.Model) -> keras.Model:
    """The same network for images of any size, with copies of its weights: (N, h, w, channels) to (N, classes).

    Of a network with dense layers it is the fully-convolutional form, whose map of scores is averaged before the
    softmax. A network with global pooling takes larger images as it is: its maps are averaged, and so its scores are.
    Auxiliary heads go.

    Raises:
        ClassicsError: if the network has dense layers that cannot slide over an image, or is inside another model.
    """
    bound = next((m for m in model.layers if isinstance(m, keras.Model) and None not in m.input_shape[1:]), None)
    if not is_functional(model):
        raise ClassicsError(
            f"{model.name} has no graph of layers; build it with Keras' Functional API for dense views."
        )
    if bound is not None:
        raise ClassicsError(
            f"{model.name} has {bound.name} inside, which takes images of {bound.input_shape[1:]} alone, so it has no "
            "dense views; build that with input_shape=(None, None, 3), or take it alone."
        )
    if has_named_outputs(model):
        model = keras.Model(model.input, model.output["predictions"], name=model.name)
    if not any(isinstance(layer, layers.Flatten) for layer in model.layers):
        return _of_any_size(model, channel_axis(data_format_of(model)))
    turned = to_fully_convolutional(model)
    last = turned.layers[-1]
    softmax = last if isinstance(last, layers.Softmax) else None
    scores = softmax.input if softmax else turned.outputs[0]
    scores = layers.GlobalAveragePooling2D(data_format_of(turned), name="mean_score")(scores)
    if softmax:
        scores = layers.Softmax(dtype=softmax.dtype_policy, name="softmax")(scores)
    return keras.Model(turned.input, scores, name=model.name)


def _checked(model) -> layers.Flatten:
    """The layer that flattens, after which only dense layers and what works on each number alone may come."""
    kinds = layers.Dense | layers.Dropout | layers.Activation | layers.Softmax
    places = [i for i, layer in enumerate(model.layers) if isinstance(layer, layers.Flatten)]
    if not places:
        raise ClassicsError(
            f"{model.name} has no dense layers that are bound to one image size, and so needs no fully-convolutional "
            "form; build it with input_shape=(None, None, 3)."
        )
    bound = [layer.name for layer in model.layers if isinstance(layer, UnitBias)]
    bound += [layer.name for layer in model.layers[places[0] + 1 :] if not isinstance(layer, kinds)]
    if bound:
        raise ClassicsError(
            f"{model.name} has no fully-convolutional form: its layer {bound[0]} cannot slide over an image."
        )
    dense = (layer for layer in model.layers if isinstance(layer, layers.Dense))
    changed = [layer.name for layer in dense if not computes_with_kernels(layer)]
    if changed:
        raise ClassicsError(
            f"The layer {changed[0]} of {model.name} is quantised or has LoRA, and no convolution can take its place; "
            "turn the network before that is done."
        )
    return model.layers[places[0]]


def _convolution(dense, x, kernel_size, data_format):
    """A dense layer as a convolution. Softmax is a layer of its own, since the channels may be another axis."""
    softmax = dense.activation is keras.activations.softmax
    x = Conv2D(
        dense.units,
        kernel_size,
        data_format=data_format,
        activation=None if softmax else dense.activation,
        use_bias=dense.use_bias,
        kernel_initializer="zeros",
        dtype=dense.dtype_policy,
        name=dense.name,
    )(x)
    if not softmax:
        return x
    return layers.Softmax(channel_axis(data_format), dtype=dense.dtype_policy, name=f"{dense.name}_softmax")(x)


def _is_softmax(layer) -> bool:
    """Whether it is one, over the last axis of a vector."""
    is_activation = isinstance(layer, layers.Activation) and layer.activation is keras.activations.softmax
    return is_activation or isinstance(layer, layers.Softmax)
