"""The pieces that the families share, as functions from tensors to tensors. Shapes are written channels last."""

import keras
from keras import layers

from keras_classics.errors import ClassicsError
from keras_classics.initializers import HeNormal
from keras_classics.layers import (
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    MaxPooling2D,
    channel_axis,
    channels_of,
)

POOLED = {"avg": "avg_pool", "max": "max_pool"}  # the layers behind which a network without its top may end


def pad(x, size: int, name: str):
    """`size` zeros on each side of both image axes."""
    return layers.ZeroPadding2D(size, name=name)(x)


def _padded_alike(x, kernel_size, strides, name):
    """The input of a convolution that is padded alike on both sides, and Keras' word for what is left to pad."""
    if strides > 1 and isinstance(kernel_size, int) and kernel_size > 1:
        return pad(x, kernel_size // 2, f"{name}_pad"), "valid"
    return x, "same"


def conv(
    x,
    filters: int,
    kernel_size: int | tuple[int, int],
    strides: int = 1,
    *,
    padding: str | None = None,
    groups: int = 1,
    use_bias: bool = False,
    kernel_initializer=HeNormal,
    bias_initializer="zeros",
    name: str,
):
    """A convolution padded alike on both sides, as Caffe and Torch do, or with TensorFlow's "same" or "valid".

    Shapes: (N, H, W, C) to (N, ceil(H / strides), ceil(W / strides), filters), but for "valid".

    With stride 1 and an odd kernel Keras' "same" is the padding of Caffe; with larger strides it would be lopsided.
    Each of `groups` reads C / groups channels and writes filters / groups. `kernel_initializer` makes an initialiser,
    each time another: one made when a module is imported has drawn its seed.

    Raises:
        ClassicsError: if the channels or the filters cannot be divided by `groups`.
    """
    if groups < 1 or channels_of(x) % groups or filters % groups:
        raise ClassicsError(
            f"{name} cannot have {groups} groups: a group count must divide its {channels_of(x)} channels and its "
            f"{filters} filters."
        )
    if padding is None:
        x, padding = _padded_alike(x, kernel_size, strides, name)
    return Conv2D(
        filters,
        kernel_size,
        strides,
        padding,
        groups=groups,
        use_bias=use_bias,
        kernel_initializer=kernel_initializer(),
        bias_initializer=bias_initializer,
        name=name,
    )(x)


def batch_norm(x, name: str, momentum: float = 0.9, epsilon: float = 1e-5):
    """Batch normalisation over the channels, with Caffe's and Torch's constants by default."""
    return BatchNormalization(axis=channel_axis(), momentum=momentum, epsilon=epsilon, name=name)(x)


def depthwise_bn(x, strides: int = 1, *, name: str):
    """A 3x3 convolution of each channel for itself, padded alike on both sides, and batch normalisation."""
    x, padding = _padded_alike(x, 3, strides, name)
    x = DepthwiseConv2D(
        3,
        strides,
        padding,
        use_bias=False,
        depthwise_initializer=HeNormal(fan_in=3 * 3),
        name=f"{name}_conv",
    )(x)
    return batch_norm(x, f"{name}_bn")


def relu(x, name: str):
    return layers.Activation("relu", name=name)(x)


def conv_bn(x, filters: int, kernel_size, strides: int = 1, *, name: str, momentum=0.9, epsilon=1e-5, **options):
    """Convolution, by default without bias, then batch normalisation: layers `name`_conv and `name`_bn.

    `options` are those of `conv`.
    """
    x = conv(x, filters, kernel_size, strides, name=f"{name}_conv", **options)
    return batch_norm(x, f"{name}_bn", momentum, epsilon)


def conv_bn_relu(x, filters: int, kernel_size, strides: int = 1, *, name: str, **options):
    """`conv_bn`, then ReLU: layers `name`_conv, `name`_bn and `name`_relu."""
    return relu(conv_bn(x, filters, kernel_size, strides, name=name, **options), f"{name}_relu")


def conv_relu(x, filters: int, kernel_size, strides: int = 1, *, name: str, **options):
    """A convolution with bias, then ReLU: layers `name` and `name`_relu. `options` are those of `conv`."""
    return relu(conv(x, filters, kernel_size, strides, use_bias=True, name=name, **options), f"{name}_relu")


def max_pool(x, pool_size: int, strides: int, *, padding: int = 0, name: str):
    """Max pooling; the padding is of zeros, so what is padded must not be negative (it follows a ReLU)."""
    if padding:
        x = pad(x, padding, f"{name}_pad")
    return MaxPooling2D(pool_size, strides, name=name)(x)


def ceil_max_pool(x, pool_size: int, strides: int, *, name: str):
    """Caffe's max pooling: no padding, and a last window that may reach over the edge by a pixel.

    Shapes: (N, H, W, C) to (N, ceil((H - pool_size) / strides) + 1, ..., C). Follows a ReLU, as `max_pool` does.
    """
    x = layers.ZeroPadding2D(((0, 1), (0, 1)), name=f"{name}_pad")(x)
    return MaxPooling2D(pool_size, strides, name=name)(x)


def avg_pool(x, pool_size: int, strides: int = 1, *, counts_padding: bool, name: str):
    """Average pooling of a padded map: (N, H, W, C) to (N, ceil(H / strides), ceil(W / strides), C).

    Caffe and Torch count zeros around the map, TensorFlow not.
    """
    if not counts_padding:
        return AveragePooling2D(pool_size, strides, "same", name=name)(x)
    return AveragePooling2D(pool_size, strides, name=name)(pad(x, pool_size // 2, f"{name}_pad"))


def concat(branches, name: str):
    """Feature maps of one size side by side."""
    return layers.Concatenate(axis=channel_axis(), name=name)(branches)


def _channels_as_an_image_axis() -> str:
    """The data format in which a layer for the image's axes takes the last two, or first two, and so the channels."""
    return "channels_first" if channel_axis() == -1 else "channels_last"


def _widths(before: int, after: int):
    """The channels are the second of the two axes that such a layer takes for the image's, or the first of them."""
    return ((0, 0), (before, after)) if channel_axis() == -1 else ((before, after), (0, 0))


def pad_channels(x, before: int, after: int, name: str):
    """Maps of zeros before and after the others: (N, H, W, C) to (N, H, W, before + C + after)."""
    return layers.ZeroPadding2D(_widths(before, after), _channels_as_an_image_axis(), name=name)(x)


def crop_channels(x, before: int, after: int, name: str):
    """All maps but the first `before` and the last `after`: (N, H, W, C) to (N, H, W, C - before - after)."""
    return layers.Cropping2D(_widths(before, after), _channels_as_an_image_axis(), name=name)(x)


def pool(x, pooling: str | None):
    """Keras' `pooling`: None leaves (N, H, W, C) as it is, "avg" and "max" give (N, C)."""
    if pooling == "avg":
        return layers.GlobalAveragePooling2D(name=POOLED[pooling])(x)
    if pooling == "max":
        return layers.GlobalMaxPooling2D(name=POOLED[pooling])(x)
    return x


def predictions(x, classes: int, activation, kernel_initializer=HeNormal, name: str = "predictions"):
    """The last layer, float32 under mixed precision too: (N, F) to (N, classes); `kernel_initializer` as in `conv`."""
    return layers.Dense(
        classes,
        activation=activation,
        kernel_initializer=kernel_initializer(),
        dtype="float32",
        name=name,
    )(x)


def global_pool_head(x, classes: int, activation, dropout: float = 0.0, kernel_initializer=HeNormal):
    """Global average pooling, dropout if there is any, and one dense layer: (N, H, W, C) to (N, classes)."""
    x = pool(x, "avg")
    if dropout:
        x = layers.Dropout(dropout, name="dropout")(x)
    return predictions(x, classes, activation, kernel_initializer)


def hidden_dense_head(x, classes: int, activation, *, kernel_initializer, bias: float = 0.0):
    """Two hidden layers fc6 and fc7 of 4096 units, ReLU and half dropped out, then "predictions".

    (AlexNet, section 3.5, and VGG, section 2.1.) Shapes: (N, H, W, C) to (N, classes), for one H and W.
    """
    x = layers.Flatten(name="flatten")(x)
    for name in ("fc6", "fc7"):
        x = layers.Dense(
            4096,
            kernel_initializer=kernel_initializer(),
            bias_initializer=keras.initializers.Constant(bias),
            name=name,
        )(x)
        x = layers.Dropout(0.5, name=f"{name}_dropout")(relu(x, f"{name}_relu"))
    return predictions(x, classes, activation, kernel_initializer)
