"""Gradients on whichever backend runs."""

from collections.abc import Callable, Sequence

import keras
import numpy as np


def pulled_back(function: Callable, arguments: Sequence[np.ndarray], up: np.ndarray) -> list[np.ndarray]:
    """The function's output, then its gradient for each argument, from the gradient `up` of the output."""
    backend = keras.config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        tensors = [tf.constant(a) for a in arguments]
        with tf.GradientTape() as tape:
            tape.watch(tensors)
            y = function(*tensors)
        gradients = tape.gradient(y, tensors, output_gradients=tf.constant(up))
    elif backend == "jax":
        import jax

        y, pull = jax.vjp(function, *map(jax.numpy.asarray, arguments))
        gradients = pull(jax.numpy.asarray(up))
    else:
        import torch

        tensors = [torch.tensor(a, requires_grad=True) for a in arguments]
        y = function(*tensors)
        gradients = torch.autograd.grad(y, tensors, torch.tensor(up))
    return [keras.ops.convert_to_numpy(v) for v in (y, *gradients)]
