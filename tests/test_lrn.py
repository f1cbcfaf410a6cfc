"""`LocalResponseNormalization` beside what Torch and TensorFlow have of it."""

import keras
import numpy as np
import pytest
from gradients import pulled_back
from keras import ops

from keras_classics.errors import ClassicsError
from keras_classics.layers import LocalResponseNormalization

X = (4.0 * np.random.default_rng(3).standard_normal((2, 5, 6, 9))).astype("float32")
UP = np.random.default_rng(4).standard_normal(X.shape).astype("float32")  # the gradient that comes from above


def by_torch(k, n, alpha, beta):
    import torch

    x = torch.tensor(X.transpose(0, 3, 1, 2), requires_grad=True)
    y = torch.nn.functional.local_response_norm(x, size=n, alpha=alpha * n, beta=beta, k=k)
    y.backward(torch.from_numpy(np.ascontiguousarray(UP.transpose(0, 3, 1, 2))))
    return y.detach().numpy().transpose(0, 2, 3, 1), x.grad.numpy().transpose(0, 2, 3, 1)


def by_tensorflow(k, n, alpha, beta):
    import tensorflow as tf

    x = tf.constant(X)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.nn.local_response_normalization(x, depth_radius=(n - 1) // 2, bias=k, alpha=alpha, beta=beta)
    return y.numpy(), tape.gradient(y, x, output_gradients=UP).numpy()


# AlexNet's values, others with a wide window, a window of one map, and a window wider than the maps are many.
@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("k", "n", "alpha", "beta"), [(2.0, 5, 1e-4, 0.75), (1.0, 7, 0.3, 0.5), (1.0, 1, 0.2, 1.0), (1.5, 21, 0.1, 0.75)]
)
@pytest.mark.parametrize("peer", [by_torch, by_tensorflow])
def test_equals_the_peer_forward_and_gradient(k, n, alpha, beta, peer):
    expected = peer(k, n, alpha, beta)
    got = pulled_back(LocalResponseNormalization(k, n, alpha, beta), [X], UP)
    for ours, theirs in zip(got, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.every_backend
def test_channels_first(channels_first):
    expected = by_torch(1.0, 7, 0.3, 0.5)
    x, up = (np.ascontiguousarray(v.transpose(0, 3, 1, 2)) for v in (X, UP))
    for ours, theirs in zip(pulled_back(LocalResponseNormalization(1.0, 7, 0.3, 0.5), [x], up), expected, strict=True):
        np.testing.assert_allclose(ours.transpose(0, 2, 3, 1), theirs, rtol=1e-5, atol=1e-6)


@pytest.mark.every_backend
def test_half_precision_does_not_overflow():
    """The square of 500 is beyond float16."""
    layer = LocalResponseNormalization(dtype="float16")
    y = layer(ops.full((1, 1, 1, 9), 500.0, dtype="float16"))
    assert keras.backend.standardize_dtype(y.dtype) == "float16"
    middle = 500 / (2 + 1e-4 * 5 * 500**2) ** 0.75
    np.testing.assert_allclose(ops.convert_to_numpy(y)[0, 0, 0, 4], middle, rtol=1e-3)


@pytest.mark.structure
def test_an_even_window_has_no_middle():
    with pytest.raises(ClassicsError, match="n must be odd, not 4"):
        LocalResponseNormalization(n=4)
