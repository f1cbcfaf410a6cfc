"""Krizhevsky et al. 2012, sentence by sentence, and beside independent code."""

import dataclasses
import functools
import math
from functools import partial

import keras
import numpy as np
import peers
import pytest

import keras_classics as kc
from keras_classics.models import alexnet

HIDDEN = ("fc6", "fc7")


@functools.cache
def built(name):
    return kc.create_model(name)


def shape(model, layer):
    return model.get_layer(layer).output.shape[1:]


@pytest.mark.structure
def test_figure_2():
    """ "253,440-186,624-64,896-64,896-43,264-4096-4096-1000" neurons, of which the first is a slip: 55 x 55 x 96."""
    model = built("alexnet")
    convolutions = [f"conv{i}" for i in range(1, 6)]
    neurons = [math.prod(shape(model, name)) for name in convolutions]
    assert neurons == [55 * 55 * 96, 186_624, 64_896, 64_896, 43_264]
    assert round(sum(neurons) + 4096 + 4096 + 1000, -4) == 660_000  # "650,000 neurons"
    pools = [shape(model, name) for name in ("pool1", "pool2", "pool5")]
    assert pools == [(27, 27, 96), (13, 13, 256), (6, 6, 256)]


@pytest.mark.structure
def test_kernels_of_section_3_5():
    model = built("alexnet")
    kernels = [tuple(model.get_layer(f"conv{i}").kernel.shape) for i in range(1, 6)]
    assert kernels == [(11, 11, 3, 96), (5, 5, 48, 256), (3, 3, 256, 384), (3, 3, 192, 384), (3, 3, 192, 256)]


@pytest.mark.structure
def test_initialisation_of_section_5():
    model = built("alexnet")
    weighted = [layer for layer in model.layers if layer.weights]
    for layer in weighted:
        expected = 1.0 if layer.name in ("conv2", "conv4", "conv5", *HIDDEN) else 0.0
        assert np.all(np.asarray(layer.bias) == expected), layer.name
        assert np.std(np.asarray(layer.kernel)) == pytest.approx(0.01, rel=0.02), layer.name
    assert len(weighted) == 8  # "eight layers with weights"


@pytest.mark.structure
@pytest.mark.parametrize("name", ["alexnet", "alexnet_owt"])
def test_the_smallest_input_is_the_smallest_that_fits(name):
    record = kc.get_model(name)
    size = record.min_size
    assert shape(record(input_shape=(size, size, 3), classes=2), "pool5") == (1, 1, 256)
    with pytest.raises(kc.ClassicsError, match=f"at least {size}x{size}"):
        record(input_shape=(size - 1, size - 1, 3))
    with pytest.raises(ValueError, match="output size would be zero or negative"):
        record.features(keras.Input((size - 1, size - 1, 3)))


@pytest.mark.structure
def test_the_single_tower():
    """Section 6 of the paper of 2014, but for the fourth layer's 384; see the record's departures."""
    model = built("alexnet_owt")
    assert [shape(model, f"conv{i}")[-1] for i in range(1, 6)] == [64, 192, 384, 256, 256]
    assert [shape(model, f"pool{i}")[0] for i in (1, 2, 5)] == [27, 13, 6]


def bvlc_alexnet():
    """Caffe's AlexNet, and its response normalisation with the paper's constants: ONNX divides alpha by the window."""
    net, tensors = peers.onnx_light("bvlc_alexnet")
    for node in net.graph.node:
        for attribute in node.attribute:
            if node.op_type == "LRN" and attribute.name in ("alpha", "bias"):
                attribute.f = {"alpha": 5e-4, "bias": 2.0}[attribute.name]
    return net, tensors


@pytest.mark.every_backend
def test_equals_caffes_topology_in_onnx():
    net, tensors = bvlc_alexnet()
    batch = peers.images(1, 227, 227, 3)
    model = kc.AlexNet(classifier_activation=None)
    assert peers.error(model, "caffe", tensors, batch, peers.onnx_outputs(net, batch)) < 1e-5


@pytest.mark.every_backend
def test_ungrouped_equals_pytorchcv(monkeypatch):
    from pytorchcv.models import alexnet as peer

    lrn = peer.F.local_response_norm
    monkeypatch.setattr(peer.F, "local_response_norm", partial(lrn, alpha=5e-4))  # 1e-4 times the window of 5
    net, tensors = peers.pytorchcv("alexnet", "alexnet")
    batch = peers.images(2, 227, 227, 3)
    ungrouped = dataclasses.replace(kc.AlexNet, features=partial(alexnet.features, groups=1))
    model = ungrouped(classifier_activation=None)
    assert peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5


@pytest.mark.every_backend
def test_single_tower_equals_pytorchcv():
    net, tensors = peers.pytorchcv("alexnet", "alexnetb")
    batch = peers.images(2, 224, 224, 3)
    model = kc.AlexNetOWT(classifier_activation=None)
    assert peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5


@pytest.mark.every_backend
def test_channels_first_equals_pytorchcv(channels_first):
    net, tensors = peers.pytorchcv("alexnet", "alexnetb")
    batch = peers.images(1, 224, 224, 3)
    model = kc.AlexNetOWT(classifier_activation=None)
    expected = peers.torch_outputs(net, batch)
    assert peers.error(model, "pytorchcv", tensors, batch.transpose(0, 3, 1, 2), expected) < 1e-5


@pytest.mark.every_backend
def test_a_step_moves_every_weight():
    """Through groups and response normalisation, at the smallest size."""
    model = kc.AlexNet(input_shape=(67, 67, 3), classes=3, seed=0)
    model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy")
    before = model.get_weights()
    model.train_on_batch(100.0 * peers.images(4, 67, 67, 3), np.array([0, 1, 2, 0]))
    for old, new, weight in zip(before, model.get_weights(), model.weights, strict=True):
        assert np.any(old != new), weight.path
        assert np.all(np.isfinite(new)), weight.path
