"""Szegedy et al. 2016, Inception-ResNet, figure by figure, and beside independent code."""

import dataclasses

import keras
import numpy as np
import peers
import pytest
from answers import answers

import keras_classics as kc
from keras_classics import complexity

NAMES = kc.list_models(family="inception_resnet")


@pytest.mark.structure
def test_figures_14_and_15_give_the_output_sizes():
    model = kc.InceptionResNetV1()
    sizes = {
        "stem_1_1_relu": (149, 149, 32),
        "stem_1_2_relu": (147, 147, 32),
        "stem_1_3_relu": (147, 147, 64),
        "stem_pool": (73, 73, 64),
        "stem_2_1_relu": (73, 73, 80),
        "stem_2_2_relu": (71, 71, 192),
        "stem_3_1_relu": (35, 35, 256),
        "inception_resnet_a5": (35, 35, 256),
        "reduction_a": (17, 17, 896),
        "inception_resnet_b10": (17, 17, 896),
        "reduction_b": (8, 8, 1792),
        "inception_resnet_c5": (8, 8, 1792),
        "avg_pool": (1792,),
    }
    assert {name: model.get_layer(name).output.shape[1:] for name in sizes} == sizes
    assert model.get_layer("dropout").rate == pytest.approx(1 - 0.8)


@pytest.mark.structure
def test_the_published_v2_has_other_channels_than_its_figures():
    model = kc.InceptionResNetV2()
    sizes = {
        "stem_3": (35, 35, 320),
        "inception_resnet_a10": (35, 35, 320),
        "inception_resnet_b20": (17, 17, 1088),
        "inception_resnet_c9": (8, 8, 2080),
        "conv_7b_relu": (8, 8, 1536),
    }
    assert {name: model.get_layer(name).output.shape[1:] for name in sizes} == sizes
    assert "1154" in " ".join(kc.InceptionResNetV2.departures)


@pytest.mark.structure
@pytest.mark.parametrize(
    ("name", "blocks"), [("inception_resnet_v1", (5, 10, 5)), ("inception_resnet_v2", (10, 20, 9))]
)
def test_residuals_are_scaled(name, blocks):
    """Section 3.3: by factors between 0.1 and 0.3; the last block, which the figures do not have, is not scaled."""
    model = kc.create_model(name)
    scales = [layer.scale for layer in model.layers if isinstance(layer, keras.layers.Rescaling)]
    assert scales == [0.17] * blocks[0] + [0.10] * blocks[1] + [0.20] * blocks[2] + [1.0]


@pytest.mark.every_backend
def test_a_block_adds_the_scaled_residual():
    model = kc.InceptionResNetV1(input_shape=(75, 75, 3), seed=0)
    name = "inception_resnet_a1"
    taps = [model.get_layer(n).output for n in ("stem_3_1_relu", f"{name}_linear", name)]
    x, y, out = (keras.ops.convert_to_numpy(t) for t in keras.Model(model.input, taps)(peers.images(1, 75, 75, 3)))
    assert y.min() < 0 < y.max()  # without activation
    np.testing.assert_allclose(out, np.maximum(x + 0.17 * y, 0), rtol=1e-5, atol=1e-6)


@pytest.mark.structure
@pytest.mark.parametrize("name", NAMES)
def test_the_smallest_image(name):
    variant = kc.get_model(name)
    assert variant(input_shape=(75, 75, 3), include_top=False).output.shape[1:3] == (1, 1)
    with pytest.raises(kc.ClassicsError, match="at least 75x75"):
        variant(input_shape=(75, 74, 3))
    with pytest.raises(ValueError, match="zero or negative"):
        dataclasses.replace(variant, min_size=1)(input_shape=(75, 74, 3))


@pytest.mark.structure
@pytest.mark.parametrize("name", NAMES)
def test_channels_first(name, channels_first):
    variant = kc.get_model(name)
    model = variant()
    assert model.get_layer("reduction_b").output.shape[2:] == (8, 8)
    assert complexity.count_macs(model) == variant.macs


@pytest.mark.structure
@pytest.mark.parametrize("name", NAMES)
def test_all_layers_are_those_of_keras(name):
    """But for the first, which only remembers, and the faster forms that ours have of some, of the same name."""
    _, remembers, *layers = kc.create_model(name).layers
    assert remembers.name == "provenance"
    for layer in layers:
        assert type(layer).__module__.split(".")[0] == "keras" or type(layer).__bases__ == (
            getattr(keras.layers, type(layer).__name__),
        )


def equals_pytorchcv(name):
    module = name.replace("_", "")
    net, tensors = peers.pytorchcv(module, module)
    batch = peers.images(1, 299, 299, 3)
    model = kc.create_model(name, classifier_activation=None)
    return peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5


@pytest.mark.every_backend
def test_v1_equals_pytorchcv():
    assert equals_pytorchcv("inception_resnet_v1")


def test_v2_equals_pytorchcv():
    assert equals_pytorchcv("inception_resnet_v2")


def test_v2_equals_keras_applications():
    net = keras.applications.InceptionResNetV2(weights=None, classifier_activation=None)
    tensors = peers.keras_applications(net)
    batch = peers.images(1, 299, 299, 3)
    model = kc.InceptionResNetV2(classifier_activation=None)
    expected = answers(net, batch)
    assert peers.error(model, "keras", tensors, batch, expected) < 1e-5
