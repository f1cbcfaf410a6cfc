"""What is drawn, before it is drawn."""

import numpy as np

from keras_classics.plots import filters, gradcam


def test_a_heat_map_lies_where_its_places_look():
    """The middles of a map of 3x2 places, 4 pixels apart from pixel 2 on, have its values."""
    heat = np.array([[0.0, 1], [2, 3], [4, 9]])
    spread = gradcam.upsampled(heat, (16, 10), 4, 2.0)
    assert spread.shape == (16, 10)
    np.testing.assert_allclose(spread[2:11:4, 2:7:4], heat)
    np.testing.assert_allclose(spread[4, 4], 1.5)  # between four of them
    np.testing.assert_allclose(spread[0, 0], 0)  # level beyond the outermost
    np.testing.assert_allclose(spread[14, 9], 9)
    assert np.isnan(spread[15]).all()  # more than a stride beyond
    assert not np.isnan(spread[:15]).any()


def test_kernels_are_scaled_each_by_all_of_its_values():
    kernel = np.random.default_rng(0).normal(size=(11, 11, 3, 96)) * np.arange(1, 97)
    tiles, said = filters.arranged(kernel)
    assert (tiles.shape, said) == ((6, 16, 11, 11, 3), "all 96 kernels, in colour")
    np.testing.assert_array_equal(tiles.min((2, 3, 4)), 0)
    np.testing.assert_array_equal(tiles.max((2, 3, 4)), 1)
    np.testing.assert_allclose(np.corrcoef(tiles[1, 2].ravel(), kernel[..., 18].ravel())[0, 1], 1)
    tiles, said = filters.arranged(kernel[..., :18])
    assert said == "all 18 kernels, in colour"
    assert np.isnan(tiles[1, 2:]).all()
    assert not np.isnan(tiles[1, :2]).any()


def test_kernels_of_many_channels_are_bounded_and_counted():
    kernel = np.random.default_rng(0).normal(size=(3, 3, 64, 20))
    tiles, said = filters.arranged(kernel)
    assert tiles.shape == (16, 16, 3, 3, 1)
    assert said == "the first 16 of 20 kernels, one a row, by the first 16 of 64 input channels"
    least, most = kernel[..., 5].min(), kernel[..., 5].max()
    np.testing.assert_allclose(tiles[5, 7, ..., 0], (kernel[:, :, 7, 5] - least) / (most - least))
    constant, _ = filters.arranged(np.full((3, 3, 1, 2), 0.5))
    assert (constant == 0).all()
