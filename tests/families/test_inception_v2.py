"""Ioffe & Szegedy 2015 (BN-Inception), sentence by sentence, and beside independent code."""

import keras
import peers
import pytest

import keras_classics as kc
from keras_classics import complexity


@pytest.mark.structure
def test_feature_maps_have_the_sizes_of_figure_5():
    model = kc.InceptionV2(as_printed=True)
    sizes = {
        "conv1_relu": (112, 112, 64),
        "pool1": (56, 56, 64),
        "conv2_relu": (56, 56, 192),
        "pool2": (28, 28, 192),
        "inception_3a_output": (28, 28, 256),
        "inception_3b_output": (28, 28, 320),
        "inception_3c_output": (14, 14, 576),
        "inception_4a_output": (14, 14, 576),
        "inception_4b_output": (14, 14, 576),
        "inception_4c_output": (14, 14, 576),
        "inception_4d_output": (14, 14, 576),
        "inception_4e_output": (7, 7, 1024),
        "inception_5a_output": (7, 7, 1024),
        "inception_5b_output": (7, 7, 1024),
    }
    assert {name: model.get_layer(name).output.shape[1:] for name in sizes} == sizes


@pytest.mark.structure
def test_the_published_network_is_wider_in_two_modules_and_has_biases():
    model = kc.InceptionV2()
    widths = [model.get_layer(f"inception_{module}_output").output.shape[-1] for module in ("4c", "4d")]
    assert widths == [608, 608]
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert sum(layer.filters for layer in convolutions if layer.use_bias) == 10_016
    printed = kc.InceptionV2(as_printed=True)
    record = kc.InceptionV2.with_options(as_printed=True)
    assert (complexity.count_params(printed), complexity.count_macs(printed)) == (record.params, record.macs)
    assert not any(layer.use_bias for layer in printed.layers if isinstance(layer, keras.layers.Conv2D))


@pytest.mark.structure
@pytest.mark.parametrize("side", [7, 225, 232, 299])
def test_takes_sizes_that_do_not_halve_evenly(side):
    model = kc.InceptionV2(include_top=False, input_shape=(side, side, 3))
    assert model.output_shape[3] == 1024
    with pytest.raises(kc.ClassicsError, match="at least 7x7"):
        kc.InceptionV2(input_shape=(6, 6, 3))


@pytest.mark.every_backend
def test_equals_pytorchcv():
    net, tensors = peers.pytorchcv("bninception", "bninception")
    batch = peers.images(2, 224, 224, 3)
    model = kc.InceptionV2(classifier_activation=None)
    assert peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5


def test_as_printed_equals_the_graph_that_the_onnx_package_ships():
    """Caffe's replication as ONNX: its filters, kernels, strides and order, computed by torch."""
    graph, tensors = peers.onnx_light("inception_v2")
    batch = peers.images(1, 224, 224, 3)
    model = kc.InceptionV2(as_printed=True, classifier_activation=None)
    assert peers.error(model, "caffe", tensors, batch, peers.onnx_outputs(graph, batch)) < 1e-5
