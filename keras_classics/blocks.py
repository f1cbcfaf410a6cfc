"""The pieces that the families share, as functions from tensors to tensors. Shapes are written channels last."""

import keras
from keras import layers

from keras_classics.initializers import HeNormal


def channel_axis() -> int:
    """The axis of the channels in the current image data format."""
    return -1 if keras.config.image_data_format() == "channels_last" else 1


def channels_of(x) -> int:
    return x.shape[channel_axis()]


def pad(x, size: int, name: str):
    """`size` zeros on each side of both image axes."""
    return layers.ZeroPadding2D(size, name=name)(x)


def conv(x, filters: int, kernel_size: int, strides: int = 1, *, use_bias: bool = False, kernel_initializer=None, name):
    """A convolution padded alike on both sides, as Caffe and Torch do.

    Shapes: (N, H, W, C) to (N, ceil(H / strides), ceil(W / strides), filters).

    With stride 1 and an odd kernel Keras' "same" is that padding; with larger strides it would be lopsided.
    """
    padding = "same"
    if strides > 1 and kernel_size > 1:
        x, padding = pad(x, kernel_size // 2, f"{name}_pad"), "valid"
    kernel_initializer = HeNormal() if kernel_initializer is None else kernel_initializer
    return layers.Conv2D(
        filters, kernel_size, strides, padding, use_bias=use_bias, kernel_initializer=kernel_initializer, name=name
    )(x)


def batch_norm(x, name: str, momentum: float = 0.9, epsilon: float = 1e-5):
    """Batch normalisation over the channels, with Caffe's and Torch's constants by default."""
    return layers.BatchNormalization(axis=channel_axis(), momentum=momentum, epsilon=epsilon, name=name)(x)


def relu(x, name: str):
    return layers.Activation("relu", name=name)(x)


def conv_bn(x, filters: int, kernel_size: int, strides: int = 1, *, name: str):
    """Convolution without bias, then batch normalisation: layers `name`_conv and `name`_bn."""
    return batch_norm(conv(x, filters, kernel_size, strides, name=f"{name}_conv"), f"{name}_bn")


def conv_bn_relu(x, filters: int, kernel_size: int, strides: int = 1, *, name: str):
    """`conv_bn`, then ReLU: layers `name`_conv, `name`_bn and `name`_relu."""
    return relu(conv_bn(x, filters, kernel_size, strides, name=name), f"{name}_relu")


def max_pool(x, pool_size: int, strides: int, *, padding: int = 0, name: str):
    """Max pooling; the padding is of zeros, so what is padded must not be negative (it follows a ReLU)."""
    if padding:
        x = pad(x, padding, f"{name}_pad")
    return layers.MaxPooling2D(pool_size, strides, name=name)(x)


def concat(branches, name: str):
    """Branches side by side: (N, H, W, C1), (N, H, W, C2) ... to (N, H, W, C1 + C2 + ...)."""
    return layers.Concatenate(axis=channel_axis(), name=name)(branches)


def pool(x, pooling: str | None):
    """Keras' `pooling`: None leaves (N, H, W, C) as it is, "avg" and "max" give (N, C)."""
    if pooling == "avg":
        return layers.GlobalAveragePooling2D(name="avg_pool")(x)
    if pooling == "max":
        return layers.GlobalMaxPooling2D(name="max_pool")(x)
    return x


def predictions(x, classes: int, activation, kernel_initializer=None):
    """The last layer, "predictions": (N, F) to (N, classes). It stays float32 under mixed precision."""
    return layers.Dense(
        classes,
        activation=activation,
        kernel_initializer=HeNormal() if kernel_initializer is None else kernel_initializer,
        dtype="float32",
        name="predictions",
    )(x)


def global_pool_head(x, classes: int, activation):
    """Global average pooling and one dense layer: (N, H, W, C) to (N, classes)."""
    return predictions(pool(x, "avg"), classes, activation)
