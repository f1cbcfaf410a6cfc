"""Where crops are cut out, and that their windows hold all the pixels they are made of."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from training.augment import CentralSquareCrop, RandomAreaCrop, ScaleJitterCrop
from training.augment.crops import cut

GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "torchvision_random_resized_crop.npz"
CROPS = [
    RandomAreaCrop(224),
    RandomAreaCrop(224, smallest=0.25),
    ScaleJitterCrop(256, 480, 224),
    ScaleJitterCrop(256, 512, 224),
    CentralSquareCrop(256, 227),
]


def draws(crop, count, *shape):
    """What a crop draws for pictures (H, W) of a shape, as arrays by name."""
    shape = tf.constant((*shape, 3))
    stream = tf.data.Dataset.range(count).map(lambda i: crop.draw(shape, tf.stack([7, i])), tf.data.AUTOTUNE)
    return next(stream.batch(count).as_numpy_iterator())


@pytest.mark.parametrize("crop", CROPS, ids=str)
def test_draws_stay_inside(crop):
    for height, width in ((375, 500), (90, 61), (300, 1900), (1, 4)):
        drawn = draws(crop, 500, height, width)
        top, left, high, wide = drawn["window"].T
        assert min(top.min(), left.min()) >= 0
        assert min(high.min(), wide.min()) >= 1
        assert (top + high).max() <= height
        assert (left + wide).max() <= width
        if "corner" in drawn:  # the square lies in the resized picture
            resized = np.round(drawn["scale"] * (height, width))
            assert drawn["corner"].min() >= 0
            assert (drawn["corner"] + crop.size <= resized).all()
        if (height, width) == (375, 500):
            assert len(np.unique(drawn["window"], axis=0)) > 300


def test_every_place_and_scale_is_drawn():
    drawn = draws(ScaleJitterCrop(256, 480, 224), 4000, 300, 400)
    sides = np.round(drawn["scale"][:, 0] * 300)
    assert set(sides) == set(range(256, 481))
    assert set(drawn["corner"][sides < 280].ravel()) >= set(range(33))
    drawn = draws(CentralSquareCrop(256, 224), 4000, 300, 400)
    assert set(drawn["corner"][:, 0]) == set(range(33))
    assert set(drawn["corner"][:, 1]) == {(341 - 256) // 2 + i for i in range(33)}  # of the central square


def largest_gap(a, b):
    """The Kolmogorov-Smirnov statistic: the most that two samples' distribution functions differ by."""
    values = np.concatenate([a, b])
    below = [np.searchsorted(np.sort(sample), values, "right") / len(sample) for sample in (a, b)]
    return np.abs(below[0] - below[1]).max()


@pytest.mark.parametrize("which", range(4))
def test_area_and_aspect_are_those_of_torchvision(which):
    """By a two-sample Kolmogorov-Smirnov test: the gap is below what one pair of samples in a thousand exceeds."""
    with np.load(GOLDEN) as golden:
        height, width = (int(side) for side in golden["sizes"][which])
        theirs = np.stack([golden[name][which] for name in ("top", "left", "height", "width")], 1).astype(float)
    ours = draws(RandomAreaCrop(224), 4000, height, width)["window"].astype(float)
    critical = np.sqrt(-np.log(0.001 / 2) / 2 * (len(ours) + len(theirs)) / (len(ours) * len(theirs)))
    assert critical < 0.06
    for measure in (
        lambda window: window[:, 2] * window[:, 3] / (height * width),  # area
        lambda window: window[:, 3] / window[:, 2],  # aspect
        lambda window: window[:, 0] + window[:, 2] / 2,  # the middle
        lambda window: window[:, 1] + window[:, 3] / 2,
    ):
        assert largest_gap(measure(ours), measure(theirs)) < critical
        assert largest_gap(measure(ours), 1.2 * measure(theirs)) > critical


def test_where_nothing_fits_the_largest_rectangle_in_the_middle_is_taken():
    window = draws(RandomAreaCrop(224, smallest=0.99), 10, 30, 301)["window"]
    assert (window == (0, 130, 30, 40)).all()
    window = draws(RandomAreaCrop(224, smallest=0.99), 10, 301, 30)["window"]
    assert (window == (130, 0, 40, 30)).all()


@pytest.mark.parametrize("size", [(60, 83), (200, 131), (29, 40)], ids=str)
@pytest.mark.parametrize("crop", [ScaleJitterCrop(48, 96, 40), CentralSquareCrop(52, 40)], ids=str)
def test_the_window_alone_gives_what_resizing_the_whole_picture_does(crop, size):
    """Within 0.02 of 255 levels: float32 places the kernel's weights to some 1e-5 of a pixel."""
    picture = np.random.default_rng(0).integers(0, 256, (*size, 3)).astype("uint8")
    for i in range(20):
        drawn = crop.draw(tf.constant(picture.shape), (1, i))
        resized = np.round(drawn["scale"].numpy() * size).astype("int32")
        top, left = drawn["corner"].numpy()
        whole = tf.image.resize(picture, resized, antialias=True)[top : top + 40, left : left + 40]
        window = cut(tf.constant(picture), drawn["window"])
        np.testing.assert_allclose(crop.resample(window, drawn), whole, atol=0.02)
        np.testing.assert_array_equal(crop(picture, (1, i)), crop.resample(window, drawn))
        if min(size) == 200:
            assert window.shape[0] < 200


def test_random_interpolation_draws_each_method_alike():
    methods = ("bilinear", "area", "nearest", "bicubic")
    crop = RandomAreaCrop(32, interpolations=methods)
    counts = np.bincount(draws(crop, 2000, 40, 50)["interpolation"], minlength=4)
    assert len(counts) == 4
    assert 400 < counts.min() < counts.max() < 600
    picture = np.random.default_rng(0).integers(0, 256, (40, 50, 3)).astype("uint8")
    seen = set()
    for i in range(20):
        drawn = crop.draw(tf.constant(picture.shape), (0, i))
        method = methods[drawn["interpolation"]]
        seen.add(method)
        result = crop.apply(tf.constant(picture), drawn).numpy()
        expected = tf.image.resize(cut(tf.constant(picture), drawn["window"]), (32, 32), method, antialias=True)
        np.testing.assert_allclose(result, np.clip(expected, 0, 255), atol=1e-3)
        assert result.dtype == "float32"
    assert seen == set(methods)
