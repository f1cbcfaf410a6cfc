"""The layers that Keras lacks, beside the papers' arithmetic written out."""

import keras
import numpy as np
import pytest

from keras_classics import blocks, layers
from keras_classics.errors import ClassicsError
from keras_classics.initializers import HeNormal, LeCunUniform
from keras_classics.layers import HalvingAveragePooling2D

pytestmark = pytest.mark.every_backend
RNG = np.random.default_rng(3)


def run(layer, inputs):
    return keras.ops.convert_to_numpy(layer(inputs))


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


def test_radial_basis_is_the_squared_distance():
    codes = RNG.choice([-1, 1], (4, 6))
    layer = layers.RadialBasis(codes)
    states = RNG.standard_normal((5, 6)).astype("float32")
    expected = [[np.sum((state - code) ** 2) for code in codes] for state in states]
    np.testing.assert_allclose(run(layer, states), expected, rtol=1e-5)
    assert not layer.weights


def test_constant_padding_and_unit_bias():
    images = RNG.standard_normal((1, 2, 3, 2)).astype("float32")
    padded = run(layers.ConstantPadding2D(1, -1.0), images)
    np.testing.assert_array_equal(padded, np.pad(images, ((0, 0), (1, 1), (1, 1), (0, 0)), constant_values=-1.0))
    layer = layers.UnitBias()
    layer(images)
    bias = RNG.standard_normal((2, 3, 2)).astype("float32")
    layer.set_weights([bias])
    np.testing.assert_allclose(run(layer, images), images + bias)


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
    z = he / np.sqrt(2 / (9 * 64))
    assert abs(z.mean()) < 0.01
    for bound, beyond in ((1.0, 0.31731), (2.0, 0.04550), (3.0, 0.00270), (4.0, 0.00006)):  # not truncated
        assert abs((np.abs(z) > bound).mean() - beyond) < 0.1 * beyond + 4e-5
    assert len(np.unique(he)) > 50_000
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
    with layers.exporting():
        np.testing.assert_array_equal(run(layer, labels), np.broadcast_to(expected, labels.shape))


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


@pytest.mark.parametrize("sides", [(6, 8), (7, 5), (6, 7), (2, 1)])
def test_halving_average_pooling_leaves_out_what_is_beyond_the_edge(sides):
    """TensorFlow's "same": an even side is padded at its end, an odd one at both."""
    images = RNG.standard_normal((2, *sides, 3)).astype("float32")
    rows, columns = (range(1 - side % 2, side, 2) for side in sides)  # the middles of the windows
    expected = np.stack(
        [
            np.stack([images[:, max(r - 1, 0) : r + 2, max(c - 1, 0) : c + 2].mean((1, 2)) for c in columns], axis=1)
            for r in rows
        ],
        axis=1,
    )
    layer = HalvingAveragePooling2D()
    assert layer.compute_output_shape((2, *sides, 3)) == expected.shape
    np.testing.assert_allclose(run(layer, images), expected, atol=1e-6)
    first = HalvingAveragePooling2D(data_format="channels_first")
    np.testing.assert_allclose(run(first, images.transpose(0, 3, 1, 2)), expected.transpose(0, 3, 1, 2), atol=1e-6)


def dropped(layer, examples=4000):
    """For a path of ones, beside one of tens that is always there: the share of examples that are left out, and the
    value of the others."""
    ones = np.ones((examples, 2, 3, 1), "float32")
    values = keras.ops.convert_to_numpy(layer([ones, 10 * ones], training=True)).reshape(examples, -1) - 10
    assert (values == values[:, :1]).all()  # whole examples
    kept = values[values > 0]
    assert np.ptp(kept) == 0
    return float(np.mean(values == 0)), kept[0]


def test_drop_path_drops_more_as_the_training_goes_on():
    layer = layers.ScheduledDropPath((0.4, 0.0), seed=0)
    layer.build([(None, 2, 3, 1)] * 2)
    for progress, rate in [(0.0, 0.0), (0.5, 0.2), (1.0, 0.4)]:
        layer.progress.assign(progress)
        share, value = dropped(layer)
        assert share == pytest.approx(rate, abs=0.03)
        assert value == pytest.approx(1 / (1 - rate), rel=1e-5)  # so that the expectation is kept
    assert dropped(layer)[0] != dropped(layer)[0]  # other examples each time
    ones = np.ones((8, 2, 3, 1), "float32")
    np.testing.assert_array_equal(run(layer, [ones, ones]), 2.0)


def test_drop_path_is_saved_with_its_progress(tmp_path):
    x = keras.Input((2, 2, 1))
    model = keras.Model(x, layers.ScheduledDropPath((0.3, 0.0), name="drop")([x, x]))
    model.get_layer("drop").progress.assign(0.25)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras").get_layer("drop")
    assert tuple(again.rates) == (0.3, 0.0)
    assert float(keras.ops.convert_to_numpy(again.progress)) == 0.25
    assert not again.trainable_weights


def test_drop_path_in_half_precision():
    layer = layers.ScheduledDropPath((0.5, 0.5), seed=0, dtype="mixed_bfloat16")
    outputs = layer([np.ones((4000, 1), "float32")] * 2, training=True)
    assert keras.backend.standardize_dtype(outputs.dtype) == "bfloat16"
    values = keras.ops.convert_to_numpy(keras.ops.cast(outputs, "float32"))
    assert set(np.unique(values)) == {0.0, 2.0, 4.0}  # either path without the other
    assert values.mean() == pytest.approx(2.0, abs=0.1)
