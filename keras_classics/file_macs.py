"""Multiply-adds of the convolutions and dense layers in a TFLite or ONNX file, by whomever it was written, counted from
the shapes of its tensors. It imports no Keras.

It is what `complexity.count_macs` counts on the Keras model, as far as the file does what the network asks for: the 36
connections that LeNet-5's third layer does not have are zeros in its file's kernel, and count.
"""

import math
from typing import Any

TFLITE_KERNELS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
# What multiplies and adds as well: a file that has one of these has no count.
TFLITE_UNCOUNTED = {
    *("BATCH_MATMUL", "CONV_3D", "CONV_3D_TRANSPOSE", "TRANSPOSE_CONV", "SVDF", "RNN", "LSTM"),
    *("UNIDIRECTIONAL_SEQUENCE_RNN", "UNIDIRECTIONAL_SEQUENCE_LSTM", "BIDIRECTIONAL_SEQUENCE_LSTM"),
    *("IF", "WHILE", "CUSTOM", "DELEGATE"),
}
ONNX_UNCOUNTED = {
    *("Attention", "ConvTranspose", "DeformConv", "Einsum", "RNN", "LSTM", "GRU", "If", "Loop", "Scan"),
}
# Where the kernel stands among an operation's inputs.
ONNX_CONVOLUTIONS = {"Conv": 1, "ConvInteger": 1, "QLinearConv": 3}
ONNX_PRODUCTS = {"Gemm": 1, "MatMul": 1, "MatMulInteger": 1, "QLinearMatMul": 3}


def of_tflite(interpreter: Any) -> int | None:
    """For one image, of a LiteRT interpreter that has no delegate; None where the file cannot be counted."""

    def shape(tensor):
        return [int(side) for side in interpreter._get_tensor_details(tensor, 0)["shape"]]

    total = 0
    for operation in interpreter._get_ops_details():
        kind = operation["op_name"]
        if kind in TFLITE_UNCOUNTED or kind.startswith(("Flex", "STABLEHLO")):
            return None
        if kind in TFLITE_KERNELS:
            kernel, output = shape(operation["inputs"][1]), shape(operation["outputs"][0])
            # (filters, height, width, channels of a group), (1, height, width, filters), or (units, features)
            filters = kernel[-1] if kind == "DEPTHWISE_CONV_2D" else kernel[0]
            total += math.prod(kernel) * math.prod(output) // filters
    return total // shape(interpreter.get_input_details()[0]["index"])[0]


def of_onnx(network: Any) -> int | None:
    """For one image, of an `onnx.ModelProto`, whose input's first side becomes 1 where it is open; None where the file
    cannot be counted."""
    import onnx

    graph = network.graph
    weights = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    batch = next(value for value in graph.input if value.name not in weights).type.tensor_type.shape.dim[0]
    batch.dim_value = batch.dim_value or 1
    for value in graph.output:
        value.type.tensor_type.ClearField("shape")  # which has the open batch
    del graph.value_info[:]
    inferred = onnx.shape_inference.infer_shapes(network, data_prop=True).graph
    values = (*inferred.input, *inferred.value_info, *inferred.output)
    shapes = {value.name: [side.dim_value for side in value.type.tensor_type.shape.dim] for value in values} | weights
    total = 0
    for node in graph.node:
        if node.op_type in ONNX_UNCOUNTED:
            return None
        place = (ONNX_CONVOLUTIONS | ONNX_PRODUCTS).get(node.op_type)
        if place is None:
            continue
        kernel, output = shapes.get(node.input[place], [0]), shapes.get(node.output[0], [0])
        if 0 in (*kernel, *output):
            return None  # of open sides
        # (filters, channels of a group, height, width) of a convolution, (features, units) of a product
        filters = kernel[0] if node.op_type in ONNX_CONVOLUTIONS else output[-1]
        total += math.prod(kernel) * math.prod(output) // filters
    return total // batch.dim_value
