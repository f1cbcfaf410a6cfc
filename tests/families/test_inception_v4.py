"""Szegedy et al. 2016, Inception-v4, figure by figure, and beside independent code."""

import dataclasses

import peers
import pytest

import keras_classics as kc
from keras_classics import complexity


@pytest.mark.structure
def test_figures_3_and_9_give_the_output_sizes():
    model = kc.InceptionV4()
    sizes = {
        "stem_1_1_relu": (149, 149, 32),
        "stem_1_2_relu": (147, 147, 32),
        "stem_1_3_relu": (147, 147, 64),
        "stem_2": (73, 73, 160),
        "stem_3": (71, 71, 192),
        "stem_4": (35, 35, 384),
        "inception_a4": (35, 35, 384),
        "reduction_a": (17, 17, 1024),
        "inception_b7": (17, 17, 1024),
        "reduction_b": (8, 8, 1536),
        "inception_c3": (8, 8, 1536),
        "avg_pool": (1536,),
    }
    assert {name: model.get_layer(name).output.shape[1:] for name in sizes} == sizes
    assert model.get_layer("dropout").rate == pytest.approx(1 - 0.8)


@pytest.mark.structure
def test_figure_9_gives_the_number_of_modules():
    names = [layer.name for layer in kc.InceptionV4().layers]
    assert [sum(name in names for name in (f"inception_{kind}{i}" for i in range(20))) for kind in "abc"] == [4, 7, 3]


@pytest.mark.structure
def test_the_smallest_image():
    """Every strided window must find a whole field: 1, 3, 7, 15 + 2, 35 + 2, 75 pixels from the last map back."""
    assert kc.InceptionV4(input_shape=(75, 75, 3)).get_layer("inception_c3").output.shape == (None, 1, 1, 1536)
    with pytest.raises(kc.ClassicsError, match="at least 75x75"):
        kc.InceptionV4(input_shape=(75, 74, 3))
    with pytest.raises(ValueError, match="zero or negative"):
        dataclasses.replace(kc.InceptionV4, min_size=1)(input_shape=(75, 74, 3))


@pytest.mark.structure
def test_channels_first(channels_first):
    model = kc.InceptionV4()
    assert model.get_layer("inception_c3").output.shape == (None, 1536, 8, 8)
    assert complexity.count_macs(model) == kc.InceptionV4.macs


@pytest.mark.every_backend
def test_equals_pytorchcv():
    net, tensors = peers.pytorchcv("inceptionv4", "inceptionv4")
    batch = peers.images(1, 299, 299, 3)
    model = kc.InceptionV4(classifier_activation=None)
    assert peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5
