"""Peers' networks with the same pseudo-random weights as ours."""

import importlib
import zlib
from collections.abc import Mapping

import keras
import numpy as np

from keras_classics.weights import NAMES, assign
from keras_classics.zoo import variant_of


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


def pytorchcv(module: str, name: str):
    """A network of pytorchcv in evaluation mode with pseudo-random weights, and its tensors.

    `module` is named because pytorchcv's own list of models imports torchvision, which the CPU build of torch cannot.
    """
    import torch

    net = getattr(importlib.import_module(f"pytorchcv.models.{module}"), name)().eval()
    tensors = {k: tensor(k, tuple(v.shape)) for k, v in net.state_dict().items() if v.is_floating_point()}
    net.load_state_dict({k: torch.from_numpy(v) for k, v in tensors.items()}, strict=False)
    return net, tensors


def torch_outputs(net, batch: np.ndarray) -> np.ndarray:
    """A torch network's output for a batch of images that is given channels last."""
    import torch

    with torch.no_grad():
        return net(torch.from_numpy(np.ascontiguousarray(batch.transpose(0, 3, 1, 2)))).numpy()


def keras_applications(net: keras.Model) -> dict[str, np.ndarray]:
    """Gives a model of keras.applications pseudo-random weights, and returns them by "<layer>.<variable>"."""
    tensors = {}
    for layer in net.layers:
        for variable in layer.weights:
            name = f"{layer.name}.{variable.path.rsplit('/', 1)[-1]}"
            shape = tuple(variable.shape)
            value = tensor(name, (shape[-1], *shape[:-1]))  # (out, in, ...), as `tensor` counts the fan-in
            tensors[name] = np.moveaxis(value, 0, -1)
            variable.assign(tensors[name])
    return tensors


def error(model: keras.Model, source: str, tensors: Mapping[str, np.ndarray], batch, expected: np.ndarray) -> float:
    """Gives our model the peer's tensors: the greatest difference of the outputs, in units of their own scale."""
    layout = "keras" if source == "keras" else "torch"
    assign(model, tensors, NAMES[variant_of(model).family, source], layout)
    got = keras.ops.convert_to_numpy(model(batch, training=False))
    assert got.shape == expected.shape
    return float(np.max(np.abs(got - expected)) / np.max(np.abs(expected)))
