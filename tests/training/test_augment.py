"""What is done to a training image, measured on many of them."""

import numpy as np
import pytest

from training.augment import (
    PCA_COMPONENTS,
    PCA_DEVIATIONS,
    Cutout,
    Flip,
    PadAndCrop,
    PCAColour,
    RandomAreaCrop,
    ScaleJitterCrop,
)

OPERATIONS = [PadAndCrop(4, (10.0, 20.0, 30.0)), Flip(), ScaleJitterCrop(20, 30, 16), RandomAreaCrop(16), PCAColour()]


def image(height=16, width=16):
    return np.random.default_rng(0).uniform(0, 255, (height, width, 3)).astype("float32")


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda o: type(o).__name__)
def test_the_seed_decides(operation):
    results = [operation(image(), (3, i)).numpy() for i in (0, 0, *range(1, 10))]
    assert results[0].shape == (16, 16, 3)
    np.testing.assert_array_equal(results[0], results[1])
    assert any(not np.array_equal(results[0], other) for other in results[2:])


def test_pad_and_crop_shifts_by_up_to_the_padding():
    fill = np.array([10.0, 20.0, 30.0], "float32")
    original = image()
    padded = np.full((24, 24, 3), fill)
    padded[4:20, 4:20] = original
    windows = {(y, x): padded[y : y + 16, x : x + 16] for y in range(9) for x in range(9)}
    seen = set()
    for i in range(300):
        crop = PadAndCrop(4, tuple(fill))(original, (0, i)).numpy()
        (place,) = [place for place, window in windows.items() if np.allclose(window, crop, atol=1e-4)]
        seen.add(place)
    assert {y for y, _ in seen} == {x for _, x in seen} == set(range(9))


@pytest.mark.parametrize("operation", [PadAndCrop(16, (10.0, 20.0, 60.0)), Cutout(8, (10.0, 20.0, 60.0))])
def test_a_grey_image_is_filled_with_the_mean_of_the_colours(operation):
    filled = np.stack([operation(np.zeros((16, 16, 1), "float32"), (0, i)).numpy() for i in range(10)])
    assert filled.shape[1:] == (16, 16, 1)
    assert {*filled.ravel().tolist()} == {0.0, 30.0}


def test_flip_mirrors_half_of_them():
    original = image()
    flipped = [np.array_equal(Flip()(original, (0, i)).numpy(), original[:, ::-1]) for i in range(200)]
    kept = [np.array_equal(Flip()(original, (0, i)).numpy(), original) for i in range(200)]
    assert sum(flipped) + sum(kept) == 200
    assert 70 < sum(flipped) < 130


def test_scale_jitter_crops_within_the_scales():
    """Of an image that is a horizontal ramp, the slope of a crop tells the scale."""
    ramp = np.broadcast_to(np.linspace(0, 100, 60, dtype="float32")[None, :, None], (40, 60, 3))
    slopes = []
    for i in range(100):
        crop = ScaleJitterCrop(20, 30, 16)(ramp, (0, i)).numpy()
        assert crop.shape == (16, 16, 3)
        slopes.append(np.diff(crop[8, 4:12, 0]).mean())
    scales = (100 / 59) / np.array(slopes) * 40  # the length of the shorter side
    assert 19 < scales.min() < 21.5
    assert 28.5 < scales.max() < 31.5


def test_pca_colour_moves_all_pixels_alike_along_the_components():
    original = image()
    shifts = []
    for i in range(400):
        difference = PCAColour(0.1)(original, (0, i)).numpy() - original
        assert difference.std((0, 1)).max() < 1e-4
        shifts.append(difference.mean((0, 1)) / 255)
    along = np.array(shifts) @ np.array(PCA_COMPONENTS)
    np.testing.assert_allclose(along.std(0), 0.1 * np.array(PCA_DEVIATIONS), rtol=0.15)
    components = np.array(PCA_COMPONENTS)
    np.testing.assert_allclose(components.T @ components, np.eye(3), atol=2e-3)
