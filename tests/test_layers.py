"""The layers that Keras lacks, beside the papers' arithmetic written out."""

import keras
import numpy as np
import pytest

from keras_classics import blocks, layers
from keras_classics.errors import ClassicsError
from keras_classics.initializers import HeNormal, LeCunUniform

pytestmark = pytest.mark.every_backend
RNG = np.random.default_rng(3)


def run(layer, inputs):
    return keras.ops.convert_to_numpy(layer(inputs))


def run_again(layer, inputs):
    """The same by a layer made anew from the configuration, with the same weights."""
    copy = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
    copy(inputs)
    copy.set_weights(layer.get_weights())
    return run(copy, inputs)


@pytest.mark.parametrize("use_bias", [True, False])
def test_sparse_convolution_map_by_map(use_bias):
    connections = ((0, 2), (1,), (0, 1, 2), (2, 0))
    layer = layers.SparseConv2D(connections, 3, strides=2, use_bias=use_bias)
    images = RNG.standard_normal((2, 9, 7, 3)).astype("float32")
    layer(images)
    layer.set_weights([RNG.standard_normal(w.shape) for w in layer.weights])
    kernel, *bias = layer.get_weights()
    assert kernel.shape == (3, 3, 8)
    expected = np.zeros((2, 4, 3, 4))
    connection = 0
    for out, inputs in enumerate(connections):
        for channel in inputs:
            for row in range(4):
                for column in range(3):
                    patch = images[:, 2 * row : 2 * row + 3, 2 * column : 2 * column + 3, channel]
                    expected[:, row, column, out] += (patch * kernel[..., connection]).sum((1, 2))
            connection += 1
        expected[..., out] += bias[0][out] if bias else 0.0
    np.testing.assert_allclose(run(layer, images), expected, atol=1e-5)
    np.testing.assert_array_equal(run_again(layer, images), run(layer, images))


def test_sparse_convolution_starts_each_map_by_its_own_fan_in():
    layer = layers.SparseConv2D(((0,), tuple(range(50))), 5)
    layer.build((None, 9, 9, 50))
    kernel = layer.get_weights()[0]
    one, fifty = np.abs(kernel[..., :1]).max(), np.abs(kernel[..., 1:]).max()
    assert 0.8 * 2.4 / 25 < one <= 2.4 / 25
    assert 0.98 * 2.4 / 1250 < fifty <= 2.4 / 1250


def test_sparse_convolution_of_too_few_maps():
    with pytest.raises(ValueError, match="more than the 2 input maps"):
        layers.SparseConv2D(((0, 2),), 3).build((None, 9, 9, 2))


def test_subsampling_adds_four_and_scales():
    layer = layers.Subsampling2D()
    images = RNG.standard_normal((2, 6, 4, 3)).astype("float32")
    layer(images)
    coefficient, bias = (RNG.standard_normal(3).astype("float32") for _ in range(2))
    layer.set_weights([coefficient, bias])
    sums = images[:, ::2, ::2] + images[:, 1::2, ::2] + images[:, ::2, 1::2] + images[:, 1::2, 1::2]
    np.testing.assert_allclose(run(layer, images), sums * coefficient + bias, atol=1e-5)
    np.testing.assert_array_equal(run_again(layer, images), run(layer, images))


def test_radial_basis_is_the_squared_distance():
    codes = RNG.choice([-1, 1], (4, 6))
    layer = layers.RadialBasis(codes)
    states = RNG.standard_normal((5, 6)).astype("float32")
    expected = [[np.sum((state - code) ** 2) for code in codes] for state in states]
    np.testing.assert_allclose(run(layer, states), expected, rtol=1e-5)
    assert not layer.weights
    np.testing.assert_array_equal(run_again(layer, states), run(layer, states))


def test_constant_padding_and_unit_bias():
    images = RNG.standard_normal((1, 2, 3, 2)).astype("float32")
    padded = run(layers.ConstantPadding2D(1, -1.0), images)
    np.testing.assert_array_equal(padded, np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-1.0))
    layer = layers.UnitBias()
    layer(images)
    bias = RNG.standard_normal((2, 3, 2)).astype("float32")
    layer.set_weights([bias])
    np.testing.assert_allclose(run(layer, images), images + bias)
    np.testing.assert_array_equal(run_again(layers.ConstantPadding2D(1, -1.0), images), padded)


def test_scaled_tanh_has_its_fixed_points():
    """LeCun et al. 1998, appendix A: f(1) = 1, f(-1) = -1, and the second derivative is greatest there."""
    values = keras.ops.convert_to_numpy(layers.scaled_tanh(keras.ops.convert_to_tensor([1.0, -1.0, 0.0, 100.0])))
    np.testing.assert_allclose(values, [1.0, -1.0, 0.0, 1.7159], atol=1e-4)
    x = np.linspace(0.5, 1.5, 1001)
    second = np.gradient(np.gradient(1.7159 * np.tanh(2 * x / 3), x), x)
    assert abs(x[np.argmin(second)] - 1.0) < 0.02


def test_initialisers_have_the_papers_spread():
    he = keras.ops.convert_to_numpy(HeNormal(seed=0)((3, 3, 64, 256)))
    assert abs(he.std() / np.sqrt(2 / (9 * 64)) - 1) < 0.01
    assert np.abs(he).max() > 3.5 * he.std()  # not truncated
    lecun = keras.ops.convert_to_numpy(LeCunUniform(seed=0)((100, 300)))
    assert 0.999 * 2.4 / 100 < np.abs(lecun).max() <= 2.4 / 100


@pytest.mark.parametrize("groups", [1, 2, 3, 6])
def test_channel_shuffle_deals_labelled_channels_out(groups):
    """Channel i n + j goes to j g + i: of the labels 0 1 2 | 3 4 5, two groups, become 0 3 1 4 2 5."""
    n = 6 // groups
    labels = np.broadcast_to(np.arange(6, dtype="float32"), (2, 4, 5, 6))
    expected = [i * n + j for j in range(n) for i in range(groups)]
    layer = layers.ChannelShuffle(groups)
    np.testing.assert_array_equal(run(layer, labels), np.broadcast_to(expected, labels.shape))
    np.testing.assert_array_equal(run_again(layer, labels), run(layer, labels))


def test_channel_shuffle_with_channels_first(channels_first):
    labels = np.broadcast_to(np.arange(6, dtype="float32")[:, None, None], (2, 6, 4, 5))
    shuffled = run(layers.ChannelShuffle(2), labels)
    np.testing.assert_array_equal(shuffled[1, :, 2, 3], [0, 3, 1, 4, 2, 5])


def test_channel_shuffle_of_channels_that_do_not_divide():
    with pytest.raises(ClassicsError, match="10 channels in 3 equal groups"):
        layers.ChannelShuffle(3)(np.zeros((1, 2, 2, 10), "float32"))


@pytest.mark.parametrize("shape", [(2, 3, 3, 5), (1, 4, 2, 5)])
def test_channels_are_padded_and_cropped(shape):
    images = RNG.standard_normal(shape).astype("float32")
    padded = keras.ops.convert_to_numpy(blocks.pad_channels(images, 2, 1, "padded"))
    np.testing.assert_array_equal(padded, np.pad(images, ((0, 0), (0, 0), (0, 0), (2, 1))))
    cropped = keras.ops.convert_to_numpy(blocks.crop_channels(images, 2, 1, "cropped"))
    np.testing.assert_array_equal(cropped, images[..., 2:-1])
