"""The tensors of a network in an ONNX file, by the names of its layers."""

import math
import pathlib
import re

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
    stored = {i.name: i for i in graph.initializer}
    makers = {output: node for node in graph.node for output in node.output}
    readers = {name: node for node in graph.node for name in node.input}

    def attributes(node):
        return {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}

    def constant(name) -> np.ndarray | None:
        """The value of a name, if it is known without running the network."""
        if name in stored:
            return onnx.numpy_helper.to_array(stored[name])
        node = makers.get(name)
        if node is None or node.op_type not in ("ConstantOfShape", "Reshape", "Unsqueeze"):
            return None
        value = constant(node.input[0])
        if value is None:
            return None
        if node.op_type == "ConstantOfShape":
            fill = attributes(node).get("value")
            fill = np.zeros(1, "float32") if fill is None else onnx.numpy_helper.to_array(fill)
            if math.prod(value.tolist()) * fill.itemsize > LIMIT:
                raise ClassicsError(f"Its constant {name} is too large.")
            return np.broadcast_to(fill[0], tuple(value.tolist()))  # which takes no room
        if node.op_type == "Reshape":
            shape = constant(node.input[1])
            return None if shape is None else value.reshape(shape.tolist())
        return value  # of Caffe's scales: a vector over the channels, with or without more axes

    def layer_of(name) -> str:
        """A layer has the name of the weights that are stored."""
        while name in makers and makers[name].op_type == "Reshape":
            name = makers[name].input[0]
        return ENDING.sub("", name)

    tensors: dict[str, np.ndarray] = {}

    def keep(layer, values):
        for name, value in zip(NAMES, values, strict=False):
            if value is None:
                raise ClassicsError(f"The {name} of its layer {layer} is not constant.")
            tensors[f"{layer}.{name}"] = value

    for node in graph.node:
        if node.op_type in ("Conv", "Gemm"):
            layer, told = layer_of(node.input[1]), attributes(node)
            weight, *bias = (constant(name) for name in node.input[1:])
            if node.op_type == "Gemm":
                if (told.get("alpha", 1), told.get("beta", 1), told.get("transA", 0)) != (1, 1, 0):
                    raise ClassicsError(
                        f"Its layer {layer} scales or turns what it multiplies (alpha, beta, transA), which is not "
                        "read; write the file with a plain Gemm there."
                    )
                if weight is not None and not told.get("transB"):
                    weight = weight.T
            keep(layer, (weight, *bias))
        elif node.op_type == "BatchNormalization":
            scale, shift, *moments = (constant(name) for name in node.input[1:])
            after = node.output[0]
            while (then := readers.get(after)) is not None and then.op_type in ("Mul", "Add"):
                factor = next((value for name in then.input if (value := constant(name)) is not None), None)
                if factor is None:
                    break
                if then.op_type == "Mul":
                    scale, shift = scale * factor.ravel(), shift * factor.ravel()
                else:
                    shift = shift + factor.ravel()
                after = then.output[0]
            keep(layer_of(node.input[1]), (scale, shift, *moments))
    if not tensors:
        raise ClassicsError("It holds no layers with weights.")
    return tensors
