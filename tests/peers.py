"""Peers' networks with the same pseudo-random weights as ours."""

import importlib
import json
import pathlib
import struct
from collections.abc import Mapping

import keras
import numpy as np
import pytest
from answers import answers
from pseudo_random import images as images
from pseudo_random import pixels as pixels
from pseudo_random import tensor

from keras_classics.weights import NAMES, assign
from keras_classics.zoo import variant_of


def pytorchcv(module: str, name: str):
    """A network of pytorchcv in evaluation mode with pseudo-random weights, and its tensors.

    `module` is named because pytorchcv's own list of models imports torchvision, which the CPU build of torch cannot.
    """
    net = getattr(importlib.import_module(f"pytorchcv.models.{module}"), name)()
    return net, torch_tensors(net)


def torch_tensors(net) -> dict[str, np.ndarray]:
    """Gives a network of torch pseudo-random weights, puts it in evaluation mode, and returns its tensors."""
    import torch

    tensors = {k: tensor(k, tuple(v.shape)) for k, v in net.state_dict().items() if v.is_floating_point()}
    net.load_state_dict({k: torch.from_numpy(v) for k, v in tensors.items()}, strict=False)
    net.eval()
    return tensors


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


CAFFE = {"w": "weight", "b": "bias", "scale": "weight", "bias": "bias", "mean": "running_mean", "var": "running_var"}


def onnx_topology(name: str):
    """One of the onnx package's light models: a public network's graph, made from Caffe's, without its weights."""
    import onnx

    return onnx.load(pathlib.Path(onnx.__file__).parent / "backend/test/data/light" / f"light_{name}.onnx")


def onnx_light(name: str):
    """The graph of a light model with pseudo-random weights, and its tensors by the names of Caffe's layers.

    The scaling that follows each batch norm in Caffe is set to one, for the batch norm here has its own.
    """
    import onnx

    model = onnx_topology(name)
    graph = model.graph
    shapes = {i.name: tuple(i.dims) for i in graph.initializer if i.data_type == onnx.TensorProto.FLOAT}
    stored = {i.name: onnx.numpy_helper.to_array(i) for i in graph.initializer}
    for node in [n for n in graph.node if n.op_type == "ConstantOfShape"]:
        shapes[node.output[0]] = tuple(stored[node.input[0]])
        graph.node.remove(node)
    for initializer in [i for i in graph.initializer if i.name in shapes]:
        graph.initializer.remove(initializer)
    tensors = {}
    for key, shape in shapes.items():
        layer, kind, _ = key.rsplit("_", 2)
        if layer.endswith("/sc"):
            value = np.full(shape, kind == "w", "float32")
        else:
            caffe = f"{layer}.{CAFFE[kind]}"
            old_caffe = shape[:2] == (1, 1)  # which wrote a matrix with four axes
            value = tensors[caffe] = tensor(caffe, shape[2:] if old_caffe else shape)
        graph.initializer.append(onnx.numpy_helper.from_array(value.reshape(shape), key))
    return model, tensors


def onnx_outputs(model, batch: np.ndarray) -> np.ndarray:
    """What the softmax at the end of such a graph reads, for images given channels last, computed by torch's functions.

    Pooling is Caffe's, which the conversion to ONNX lost in places: a last window may reach over the edge, and averages
    count the padding.
    """
    import onnx
    import torch
    import torch.nn.functional as F

    def padded(x, pads, value):
        return F.pad(x, (pads[1], pads[3], pads[0], pads[2]), value=value)

    def pool(function, value):
        def run(x, kernel_shape, strides, pads):
            if strides == [2, 2]:
                pads = [0, 0, 1, 1]
            elif kernel_shape == [7, 7]:
                pads = [0, 0, 0, 0]
            return function(padded(x, pads, value), kernel_shape, strides)

        return run

    operations = {
        "Conv": lambda x, w, b=None, *, strides, pads, kernel_shape, group=1: F.conv2d(
            padded(x, pads, 0.0), w, b, strides, groups=group
        ),
        "BatchNormalization": lambda x, scale, b, mean, var, epsilon: F.batch_norm(x, mean, var, scale, b, eps=epsilon),
        "LRN": lambda x, size, alpha, beta, bias: F.local_response_norm(x, size, alpha, beta, bias),
        "Relu": F.relu,
        "MaxPool": pool(F.max_pool2d, -torch.inf),
        "AveragePool": pool(F.avg_pool2d, 0.0),
        "Concat": lambda *xs, axis: torch.cat(xs, axis),
        "Unsqueeze": lambda x, axes: x[:, None, None],
        "Mul": torch.mul,
        "Add": torch.add,
        "Dropout": lambda x, ratio: x,
        "Reshape": lambda x, shape: x.reshape(tuple(shape.tolist())),
        "Gemm": lambda x, w, b, transB: F.linear(x, w, b),
    }
    values = {i.name: torch.from_numpy(onnx.numpy_helper.to_array(i).copy()) for i in model.graph.initializer}
    values["data_0"] = torch.from_numpy(np.ascontiguousarray(batch.transpose(0, 3, 1, 2)))
    *nodes, softmax = model.graph.node
    for node in nodes:
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        values[node.output[0]] = operations[node.op_type](*(values[i] for i in node.input), **attributes)
    return values[softmax.input[0]].numpy()


def golden(source: str, name: str) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """The tensors of a network of torchvision or timm, and its outputs for `images`: tests/golden/make_peers.py."""
    with np.load(pathlib.Path(__file__).parent / "golden" / f"{source}_{name}.npz") as archive:
        shapes = [tuple(map(int, shape.split())) for shape in archive["shapes"]]
        tensors = {str(n): tensor(str(n), shape) for n, shape in zip(archive["names"], shapes, strict=True)}
        return tensors, {k: archive[k] for k in archive.files if k.startswith("output_")}


def write_safetensors(path, tensors, **changes):
    """The format, written by hand: an eight-byte length, a JSON table, the numbers in the order of their names."""
    table, data = {"__metadata__": {"format": "pt"}}, b""
    for name, array in sorted(tensors.items()):
        table[name] = {"dtype": "F32", "shape": array.shape, "data_offsets": [len(data), len(data) + array.nbytes]}
        data += array.astype("<f4").tobytes()
        table[name].update(changes)
    text = json.dumps(table).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data)
    return path


# Marks of what runs by default on tensorflow alone, for time, and elsewhere with `-m heavy`.
LONG = () if keras.config.backend() == "tensorflow" else (pytest.mark.heavy,)


def error(model: keras.Model, source: str, tensors: Mapping[str, np.ndarray], batch, expected) -> float:
    """Gives our model the peer's tensors: the greatest difference of the outputs, in units of their own scale.

    `expected` is an array; or a dict of them, by the names of our outputs. The difference is printed, for `-rP`.
    """
    layout = "keras" if source == "keras" else "torch"
    assign(model, tensors, NAMES[variant_of(model).family, source], layout)
    outputs = answers(model, batch)
    pairs = [(outputs[k], e) for k, e in expected.items()] if isinstance(expected, dict) else [(outputs, expected)]
    greatest = max(_difference(got, expected) for got, expected in pairs)
    print(f"{keras.config.backend()}: {model.name} differs from {source} by {greatest:.1e} of the outputs' scale")
    return greatest


def _difference(got: np.ndarray, expected: np.ndarray) -> float:
    assert got.shape == expected.shape
    return float(np.max(np.abs(got - expected)) / np.max(np.abs(expected)))
