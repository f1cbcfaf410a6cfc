"""Chollet 2016, figure by figure, and beside independent code."""

import dataclasses

import keras
import peers
import pytest
from answers import answers
from keras.layers import SeparableConv2D

import keras_classics as kc


@pytest.mark.structure
def test_figure_5_gives_the_output_sizes():
    model = kc.Xception()
    sizes = {
        "block1_conv1_relu": (149, 149, 32),
        "block1_conv2_relu": (147, 147, 64),
        "block2_add": (74, 74, 128),
        "block3_add": (37, 37, 256),
        "block4_add": (19, 19, 728),
        "block12_add": (19, 19, 728),
        "block13_add": (10, 10, 1024),
        "block14_sepconv2_relu": (10, 10, 2048),
        "avg_pool": (2048,),
    }
    assert {name: model.get_layer(name).output.shape[1:] for name in sizes} == sizes


@pytest.mark.structure
def test_36_convolutional_layers_in_14_modules():
    """Section 4: 36 layers, and all but the first and the last module have linear residual connections."""
    layers = kc.Xception().layers
    convolutions = [layer for layer in layers if isinstance(layer, keras.layers.Conv2D | SeparableConv2D)]
    main = [layer.name for layer in convolutions if "residual" not in layer.name]
    assert len(main) == 36
    assert len({name.split("_")[0] for name in main}) == 14
    assert sum(isinstance(layer, keras.layers.Add) for layer in layers) == 12


@pytest.mark.structure
def test_the_smallest_image():
    assert kc.Xception(input_shape=(7, 7, 3)).get_layer("block13_add").output.shape == (None, 1, 1, 1024)
    with pytest.raises(kc.ClassicsError, match="at least 7x7"):
        kc.Xception(input_shape=(7, 6, 3))
    with pytest.raises(ValueError, match="zero or negative"):
        dataclasses.replace(kc.Xception, min_size=1)(input_shape=(7, 6, 3))


@pytest.mark.every_backend
def test_equals_keras_applications():
    net = keras.applications.Xception(weights=None, classifier_activation=None)
    tensors = peers.keras_applications(net)
    batch = peers.images(1, 299, 299, 3)
    model = kc.Xception(classifier_activation=None)
    expected = answers(net, batch)
    assert peers.error(model, "keras", tensors, batch, expected) < 1e-5


@pytest.mark.every_backend
def test_equals_pytorchcv():
    """At 295 pixels, where all maps are odd: on even ones it pads alike on both sides, and TensorFlow does not."""
    import torch

    net, tensors = peers.pytorchcv("xception", "xception")
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.eps = 1e-3  # it has 1e-5
    batch = peers.images(1, 295, 295, 3)
    model = kc.Xception(classifier_activation=None, input_shape=(295, 295, 3))
    assert peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5
