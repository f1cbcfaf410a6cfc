"""Gradients, which Keras leaves to its backends."""

from collections.abc import Callable

import keras
import numpy as np

from keras_classics.errors import ClassicsError


def check_gradients() -> None:
    """Raises a ClassicsError if the backend takes no gradients."""
    backend = keras.config.backend()
    if backend not in ("tensorflow", "jax", "torch"):
        raise ClassicsError(f"The backend {backend} takes no gradients; set KERAS_BACKEND to tensorflow, jax or torch.")


def gradient(function: Callable, x: np.ndarray) -> np.ndarray:
    """The gradient at `x`, of its shape, of a function that maps a tensor to a number by Keras' operations.

    Raises:
        ClassicsError: if the backend takes no gradients.
    """
    check_gradients()
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        tensor = tf.convert_to_tensor(x)
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(tensor)
            y = function(tensor)
        slope = tape.gradient(y, tensor)
    elif backend == "jax":
        import jax

        slope = jax.grad(function)(jax.numpy.asarray(x))
    else:
        import torch

        tensor = keras.ops.convert_to_tensor(x).requires_grad_()
        with torch.enable_grad():
            (slope,) = torch.autograd.grad(function(tensor), tensor)
    return keras.ops.convert_to_numpy(slope)
