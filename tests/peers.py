"""Peers' networks with the same pseudo-random weights as ours."""

import importlib
import importlib.resources
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


def onnx_topology(name: str):
    """One of the onnx package's light models: a public network's graph without its weights."""
    import onnx

    folder = importlib.resources.files("onnx") / "backend" / "test" / "data" / "light"
    return onnx.load(str(folder / f"light_{name}.onnx"))


def onnx_light(name: str):
    """A light model with pseudo-random weights, and these by "<layer>.weight" and "<layer>.bias".

    The package's own have one constant for all the weights of a layer, so that every class gets the same score.
    """
    import onnx

    model = onnx_topology(name)
    graph = model.graph
    shapes = {i.name: tuple(onnx.numpy_helper.to_array(i)) for i in graph.initializer if i.name.endswith("__SHAPE")}
    shapes = {name.removesuffix("__SHAPE"): tuple(map(int, shape)) for name, shape in shapes.items()}
    shapes |= {i.name: tuple(i.dims) for i in graph.initializer if i.name.endswith("_b_0")}
    kept = [i for i in graph.initializer if i.name not in shapes and not i.name.endswith("__SHAPE")]
    names = {key: key.replace("_w_0", ".weight").replace("_b_0", ".bias") for key in shapes}
    tensors = {names[key]: tensor(names[key], shape) for key, shape in shapes.items()}
    made = [onnx.numpy_helper.from_array(tensors[names[key]], key) for key in shapes]
    nodes = [node for node in graph.node if node.op_type != "ConstantOfShape"]
    for field, values in ((graph.initializer, kept + made), (graph.node, nodes)):
        del field[:]
        field.extend(values)
    return model, tensors


def onnx_outputs(model, batch: np.ndarray) -> np.ndarray:
    """What the onnx package's reference implementation gives for images that are given channels last.

    Its LRN counts images where it should count maps (onnx 1.23.2, op_lrn.py), so Torch's stands in for it.
    """
    import torch
    from onnx.reference import ReferenceEvaluator, op_run

    class LRN(op_run.OpRun):
        def _run(self, x, alpha, beta, bias, size):
            return (torch.nn.functional.local_response_norm(torch.from_numpy(x), size, alpha, beta, bias).numpy(),)

    evaluator = ReferenceEvaluator(model, new_ops=[LRN])
    return evaluator.run(None, {model.graph.input[0].name: batch.transpose(0, 3, 1, 2)})[0]
