"""Lin et al. 2013, and beside independent code."""

import keras
import peers
import pytest

import keras_classics as kc
from keras_classics import complexity


@pytest.mark.structure
def test_figure_2():
    """Three blocks of three layers; half the map after each of the first two; a map for each class to average."""
    model = kc.NiN()
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.kernel_size[0] for layer in convolutions] == [5, 1, 1, 5, 1, 1, 3, 1, 1]
    sides = [layer.output.shape[1:] for layer in convolutions[2::3]]
    assert sides == [(32, 32, 96), (16, 16, 192), (8, 8, 10)]
    assert not any(isinstance(layer, keras.layers.Dense) for layer in model.layers)


@pytest.mark.structure
@pytest.mark.parametrize("size", [1, 31, 48])
def test_any_input_size(size):
    model = kc.NiN(input_shape=(size, size, 3), classes=7)
    assert model.output_shape == (None, 7)
    assert complexity.count_params(model) == kc.NiN.params - 3 * 193


@pytest.mark.every_backend
@pytest.mark.parametrize("size", [32, None])
def test_equals_pytorchcv(size):
    net, tensors = peers.pytorchcv("nin_cifar", "nin_cifar10")
    batch = peers.images(2, 32, 32, 3)
    model = kc.NiN(classifier_activation=None, input_shape=(size, size, 3))
    assert peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5


@pytest.mark.every_backend
def test_channels_first_equals_pytorchcv(channels_first):
    net, tensors = peers.pytorchcv("nin_cifar", "nin_cifar10")
    batch = peers.images(2, 32, 32, 3)
    model = kc.NiN(classifier_activation=None)
    expected = peers.torch_outputs(net, batch)
    assert peers.error(model, "pytorchcv", tensors, batch.transpose(0, 3, 1, 2), expected) < 1e-5
