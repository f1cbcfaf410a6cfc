"""Weights and images that names and shapes determine. Imports nothing but NumPy: the golden scripts use it too."""

import zlib

import numpy as np


def tensor(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A tensor that its name and shape determine, of a size that keeps the activations of a deep network in range."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if len(shape) >= 2:
        return (rng.standard_normal(shape) * np.sqrt(2 / np.prod(shape[1:]))).astype("float32")  # (out, in, ...)
    if "running_var" in name or "moving_variance" in name:
        return rng.uniform(0.8, 1.2, shape).astype("float32")
    if "running_mean" in name or "moving_mean" in name or "bias" in name or "beta" in name:
        return (0.1 * rng.standard_normal(shape)).astype("float32")
    return rng.uniform(0.5, 1.0, shape).astype("float32")


def images(*shape: int) -> np.ndarray:
    """The same pseudo-random images at every call, channels last."""
    return np.random.default_rng(7).standard_normal(shape).astype("float32")


def pixels(*shape: int) -> np.ndarray:
    """The same pseudo-random pixels of 0..255 at every call, channels last."""
    return np.random.default_rng(7).integers(0, 256, shape).astype("uint8")
