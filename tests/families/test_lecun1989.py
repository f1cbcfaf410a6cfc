"""LeCun et al. 1989, beside torch's own convolutions."""

import keras
import numpy as np
import peers
import pytest

import keras_classics as kc


@pytest.mark.every_backend
def test_equals_torch():
    """Dense convolutions by torch, with zeros where there is no connection, on images padded with -1."""
    import torch
    from torch.nn.functional import conv2d, pad

    model = kc.LeCun1989(seed=0)
    rng = np.random.default_rng(0)
    for layer in model.layers:
        layer.set_weights(
            [w + 0.3 * rng.standard_normal(w.shape) / np.sqrt(w.size) ** 0.5 for w in layer.get_weights()]
        )
    images = peers.images(4, 16, 16, 1)
    w = {layer.name: [torch.from_numpy(v) for v in layer.get_weights()] for layer in model.layers}

    def squash(x):
        return 1.7159 * torch.tanh(2 * x / 3)

    h2 = torch.zeros(12, 12, 5, 5)
    for out in range(12):
        reads = [range(8), range(4, 12), [0, 1, 2, 3, 8, 9, 10, 11]][out // 4]
        for k, channel in enumerate(reads):
            h2[out, channel] = w["h2_conv"][0][:, :, 8 * out + k]
    x = torch.from_numpy(images.transpose(0, 3, 1, 2))
    x = conv2d(pad(x, (2, 2, 2, 2), value=-1.0), w["h1_conv"][0].permute(2, 0, 1)[:, None], stride=2)
    x = squash(x + w["h1_bias"][0].permute(2, 0, 1))
    x = conv2d(pad(x, (2, 2, 2, 2), value=-1.0), h2, stride=2)
    x = squash(x + w["h2_bias"][0].permute(2, 0, 1))
    x = squash(x.permute(0, 2, 3, 1).reshape(4, -1) @ w["h3"][0] + w["h3"][1])
    expected = squash(x @ w["predictions"][0] + w["predictions"][1]).numpy()
    np.testing.assert_allclose(keras.ops.convert_to_numpy(model(images)), expected, atol=1e-5)


@pytest.mark.structure
def test_the_outputs_are_scaled_tanh_units():
    assert kc.LeCun1989().layers[-1].activation.__name__ == "scaled_tanh"
    assert kc.LeCun1989(classifier_activation="softmax").layers[-1].activation.__name__ == "softmax"


@pytest.mark.structure
def test_of_a_colour_image_all_channels_are_read():
    model = kc.LeCun1989(input_shape=(16, 16, 3))
    assert model.get_layer("h1_conv").kernel.shape == (5, 5, 3 * 12)
    assert kc.LeCun1989().get_layer("h1_conv").kernel.shape == (5, 5, 12)
