"""Gradients, which Keras leaves to its backends."""

from collections.abc import Callable

import keras
import numpy as np

from keras_classics.choices import BACKENDS
from keras_classics.errors import ClassicsError


def check_gradients() -> None:
    """Raises a ClassicsError if the backend takes no gradients."""
    backend = keras.config.backend()
    if backend not in BACKENDS:
        raise ClassicsError(
            f"The backend {backend} takes no gradients; set KERAS_BACKEND to one of {', '.join(BACKENDS)}."
        )


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


def recomputed(function: Callable) -> Callable:
    """A function of tensors that keeps these alone for its gradient, and computes the rest again. It gives a tuple, of
    which the first tensor is of floating point.

    It is `keras.remat`, but on jax's CPU, where XLA finds that all is there already and keeps it. There what is
    computed again begins with a sum with zero, of which nobody knows that it is zero before the gradient comes.
    """
    if keras.config.backend() != "jax":
        return keras.remat(function)
    import jax
    import jax.numpy as jnp

    if jax.default_backend() != "cpu":
        return keras.remat(function)

    def backward(tensors, slopes):
        first = jnp.ravel(slopes[0])[0]
        zero = jnp.where(first == first, 0.0, jnp.nan)  # no constant, for the number may be none
        _, back = jax.vjp(function, *(x + zero.astype(x.dtype) for x in tensors))
        return back(slopes)

    again = jax.custom_vjp(lambda *tensors: function(*tensors))
    again.defvjp(lambda *tensors: (function(*tensors), tensors), backward)
    return again
