"""The tensors of a network in an ONNX file, by the names of its layers."""

import math
import pathlib
import re
from typing import Any

import numpy as np

from keras_classics.errors import ClassicsError

LIMIT = 2 << 30  # bytes that a constant may take

# Caffe2 ends the names of weights so; what stands before is the layer.
ENDING = re.compile(r"_(?:w|scale|s)_0$")
NAMES = ("weight", "bias", "running_mean", "running_var")


def read_onnx(path: pathlib.Path) -> dict[str, np.ndarray]:
    """What Conv, Gemm and BatchNormalization nodes read, as "<layer>.<variable>" in torch's words and shapes.

    A layer has the name of its weights. A product and a sum with constants after a batch norm, Caffe's "Scale", go into
    its scale and shift.

    Raises:
        ClassicsError: if the onnx package is not installed, or the file holds no such network.
    """
    graph = _Graph(_opened(path))
    tensors: dict[str, np.ndarray] = {}
    for node in graph.nodes:
        if node.op_type not in READ:
            continue
        layer = graph.layer_of(node)
        for name, value in zip(NAMES, READ[node.op_type](graph, node), strict=False):
            if value is None:
                raise ClassicsError(f"The {name} of its layer {layer} is not constant.")
            tensors[f"{layer}.{name}"] = value
    if not tensors:
        raise ClassicsError("It holds no layers with weights.")
    return tensors


def _opened(path: pathlib.Path):
    try:
        import onnx
    except ImportError:
        raise ClassicsError("To read an ONNX file, install the onnx package: pip install onnx.") from None
    try:
        graph = onnx.load(path, load_external_data=False).graph
    except Exception as error:  # protobuf's own errors
        raise ClassicsError(f"It is no ONNX model ({type(error).__name__}).") from None
    if any(i.data_location == onnx.TensorProto.EXTERNAL for i in graph.initializer):
        raise ClassicsError("Its tensors are in other files, which are not read.")
    return graph


class _Graph:
    """The nodes of a file, and what is known of its names without running it."""

    def __init__(self, graph):
        self.nodes = graph.node
        self.stored = {i.name: i for i in graph.initializer}
        self.makers = {output: node for node in graph.node for output in node.output}
        self.readers = {name: node for node in graph.node for name in node.input}

    def constant(self, name: str) -> np.ndarray | None:
        """The value of a name, if it is known."""
        import onnx

        if name in self.stored:
            return onnx.numpy_helper.to_array(self.stored[name])
        node = self.makers.get(name)
        if node is None or node.op_type not in ("ConstantOfShape", "Reshape", "Unsqueeze"):
            return None
        value = self.constant(node.input[0])
        if value is None:
            return None
        if node.op_type == "ConstantOfShape":
            fill = _attributes(node).get("value")
            fill = np.zeros(1, "float32") if fill is None else onnx.numpy_helper.to_array(fill)
            if math.prod(value.tolist()) * fill.itemsize > LIMIT:
                raise ClassicsError(f"Its constant {name} is too large.")
            return np.broadcast_to(fill[0], tuple(value.tolist()))  # which takes no room
        if node.op_type == "Reshape":
            shape = self.constant(node.input[1])
            return None if shape is None else value.reshape(shape.tolist())
        return value  # of Caffe's scales: a vector over the channels, with or without more axes

    def layer_of(self, node) -> str:
        """The name of the weights that a node reads, as they are stored."""
        name = node.input[1]
        while name in self.makers and self.makers[name].op_type == "Reshape":
            name = self.makers[name].input[0]
        return ENDING.sub("", name)


def _attributes(node) -> dict[str, Any]:
    import onnx

    return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}


def _constants(graph: _Graph, node) -> list[np.ndarray | None]:
    """All that a node reads beside its maps."""
    return [graph.constant(name) for name in node.input[1:]]


def _gemm(graph: _Graph, node) -> list[np.ndarray | None]:
    told = _attributes(node)
    if (told.get("alpha", 1), told.get("beta", 1), told.get("transA", 0)) != (1, 1, 0):
        raise ClassicsError(
            f"Its layer {graph.layer_of(node)} scales or turns what it multiplies (alpha, beta, transA), which is not "
            "read; write the file with a plain Gemm there."
        )
    weight, *bias = _constants(graph, node)
    return [weight if weight is None or told.get("transB") else weight.T, *bias]


def _batch_norm(graph: _Graph, node) -> list[np.ndarray | None]:
    """With the products and sums behind it in its scale and shift."""
    scale, shift, *moments = _constants(graph, node)
    after = node.output[0]
    while (then := graph.readers.get(after)) is not None and then.op_type in ("Mul", "Add"):
        factor = next((value for name in then.input if (value := graph.constant(name)) is not None), None)
        if factor is None or scale is None or shift is None:
            break
        if then.op_type == "Mul":
            scale, shift = scale * factor.ravel(), shift * factor.ravel()
        else:
            shift = shift + factor.ravel()
        after = then.output[0]
    return [scale, shift, *moments]


READ = {"Conv": _constants, "Gemm": _gemm, "BatchNormalization": _batch_norm}
