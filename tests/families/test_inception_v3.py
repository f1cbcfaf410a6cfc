"""Szegedy et al. 2015 (Inception v3), sentence by sentence, and beside independent code."""

import re

import keras
import numpy as np
import peers
import pytest
from answers import answers

import keras_classics as kc
from keras_classics import complexity


@pytest.mark.structure
def test_feature_maps_have_the_sizes_of_table_1():
    model = kc.InceptionV3(aux_heads=True)
    sizes = {
        "conv_1a_relu": (149, 149, 32),
        "conv_2a_relu": (147, 147, 32),
        "conv_2b_relu": (147, 147, 64),
        "pool_3a": (73, 73, 64),
        "conv_3b_relu": (73, 73, 80),
        "conv_4a_relu": (71, 71, 192),
        "pool_5a": (35, 35, 192),
        "mixed_5b_output": (35, 35, 256),
        "mixed_5d_output": (35, 35, 288),
        "mixed_6a_output": (17, 17, 768),
        "mixed_6e_output": (17, 17, 768),
        "aux_1_pool": (5, 5, 768),
        "aux_1_5x5_relu": (1, 1, 768),
        "mixed_7a_output": (8, 8, 1280),
        "mixed_7b_output": (8, 8, 2048),
        "mixed_7c_output": (8, 8, 2048),
    }
    assert {name: model.get_layer(name).output.shape[1:] for name in sizes} == sizes


@pytest.mark.structure
def test_parameters_with_the_auxiliary_head():
    """3,326,696 more; the abstract: "less than 25 million parameters", "5 billion multiply-adds"."""
    assert complexity.count_params(kc.InceptionV3(aux_heads=True)) == 27_161_264
    assert kc.InceptionV3.params < 25e6
    assert 5e9 < kc.InceptionV3.macs < 6e9
    assert kc.InceptionV3.loss_weights == {"predictions": 1.0, "aux_1": 0.4}


@pytest.mark.structure
def test_the_smallest_inputs():
    assert kc.InceptionV3(include_top=False, input_shape=(75, 75, 3)).output_shape == (None, 1, 1, 2048)
    with pytest.raises(kc.ClassicsError, match="at least 75x75"):
        kc.InceptionV3(input_shape=(74, 75, 3))
    with pytest.raises(kc.ClassicsError, match="at least 299x299"):
        kc.InceptionV3(input_shape=(298, 299, 3), aux_heads=True)
    fits = kc.InceptionV3(input_shape=(299, 299, 3), aux_heads=True)
    assert fits.get_layer("aux_1_5x5_relu").output.shape[1:3] == (1, 1)


def test_equals_pytorchcv():
    net, tensors = peers.pytorchcv("inceptionv3", "inceptionv3")
    batch = peers.images(1, 299, 299, 3)
    model = kc.InceptionV3(classifier_activation=None, counts_padding=True)
    assert peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5


@pytest.mark.every_backend
def test_equals_torchvision_with_its_auxiliary_head():
    tensors, outputs = peers.golden("torchvision", "inception_v3")
    expected = {"predictions": outputs["output_logits"], "aux_1": outputs["output_aux_logits"]}
    model = kc.InceptionV3(classifier_activation=None, counts_padding=True, aux_heads=True)
    assert peers.error(model, "torchvision", tensors, peers.images(2, 299, 299, 3), expected) < 1e-5


def test_equals_keras_applications():
    keras.utils.clear_session()  # Keras numbers its layers on from what was built before
    net = keras.applications.InceptionV3(weights=None, classifier_activation=None)
    # "conv2d", "conv2d_1" and on are "conv2d_1", "conv2d_2" in the published file.
    tensors = {
        re.sub(r"^(conv2d|batch_normalization)(?:_(\d+))?", lambda m: f"{m[1]}_{int(m[2] or 0) + 1}", name): value
        for name, value in peers.keras_applications(net).items()
    }
    batch = peers.images(1, 299, 299, 3)
    expected = answers(net, batch)
    assert peers.error(kc.InceptionV3(classifier_activation=None), "keras", tensors, batch, expected) < 1e-5


@pytest.mark.every_backend
def test_average_pools_leave_out_the_border_unless_told():
    batch = np.ones((1, 75, 75, 3), "float32")
    edges = {}
    for counts in (False, True):
        model = kc.InceptionV3(include_top=False, input_shape=(75, 75, 3), counts_padding=counts, seed=0)
        pooled = keras.Model(model.input, [model.get_layer("pool_5a").output, model.get_layer("mixed_5b_pool").output])
        below, averages = (keras.ops.convert_to_numpy(t) for t in pooled(batch))
        corner = below[0, :2, :2].sum(axis=(0, 1))
        edges[counts] = averages[0, 0, 0, corner > 0] / corner[corner > 0]
    np.testing.assert_allclose(edges[False], 1 / 4, rtol=1e-5)
    np.testing.assert_allclose(edges[True], 1 / 9, rtol=1e-5)


@pytest.mark.structure
@pytest.mark.parametrize("name", ["inception_v1", "inception_v2", "inception_v3"])
def test_the_other_data_format_gives_the_same_sizes(name, channels_first):
    variant = kc.get_model(name)
    model = variant(aux_heads=variant.aux_head is not None)
    maps = {"inception_v3": (2048, 8, 8)}.get(name, (1024, 7, 7))
    assert model.get_layer("avg_pool").input.shape[1:] == maps
    assert complexity.count_macs(kc.create_model(name)) == variant.macs
