"""The younger augmentations, beside Pillow's operations and their papers' laws."""

import math
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image, ImageEnhance, ImageOps

import keras_classics as kc
from keras_classics import datasets
from training import get_recipe, train_batches
from training.augment import AugMix, RandAugment, RandomErasing, today

SIDE = 32


def picture(height=SIDE, width=SIDE):
    """Smooth, coloured and without a symmetry."""
    rows, columns = np.mgrid[:height, :width] / SIDE
    channels = [rows * 200, columns**2 * 180 + 40, 60 + 120 * np.abs(np.sin(3 * rows + 5 * columns))]
    return np.stack(channels, -1).astype("uint8")


def affine(image, *matrix):
    """Output pixel (x, y) is input pixel (ax + by + c, dx + ey + f), counted from the centre of the first pixel."""
    a, b, c, d, e, f = matrix
    corner = (a, b, c + 0.5 - (a + b) / 2, d, e, f + 0.5 - (d + e) / 2)
    return image.transform(image.size, Image.Transform.AFFINE, corner, Image.Resampling.BILINEAR, fillcolor=(0, 0, 0))


# A change's strength, and what Pillow makes of the same image.
PILLOW = {
    "identity": (0.5, lambda image: image),
    "auto_contrast": (0.5, ImageOps.autocontrast),
    "equalize": (-0.5, ImageOps.equalize),
    "posterize": (-0.5, lambda image: ImageOps.posterize(image, 6)),
    "solarize": (0.5, lambda image: ImageOps.solarize(image, 127.5)),
    "rotate": (0.5, lambda image: image.rotate(15, Image.Resampling.BILINEAR)),
    "shear_x": (0.5, lambda image: affine(image, 1, 0.15, 0, 0, 1, 0)),
    "shear_y": (-0.5, lambda image: affine(image, 1, 0, 0, -0.15, 1, 0)),
    "translate_x": (0.5, lambda image: affine(image, 1, 0, -0.225 * SIDE, 0, 1, 0)),
    "translate_y": (-0.5, lambda image: affine(image, 1, 0, 0, 0, 1, 0.225 * SIDE)),
    "colour": (0.5, lambda image: ImageEnhance.Color(image).enhance(1.45)),
    "contrast": (-0.5, lambda image: ImageEnhance.Contrast(image).enhance(0.55)),
    "brightness": (0.5, lambda image: ImageEnhance.Brightness(image).enhance(1.45)),
    "sharpness": (0.5, lambda image: ImageEnhance.Sharpness(image).enhance(1.45)),
}


@pytest.mark.parametrize("name", today.ALL)
def test_a_change_is_pillows(name):
    """But for Pillow's rounding to whole levels, where it has a pixel of the image: it fills the rest with black."""
    strength, theirs = PILLOW[name]
    expected = np.asarray(theirs(Image.fromarray(picture())), "float32")
    got = today._change(picture().astype("float32"), name, np.float32(strength), today.ALL, bits=8, translation=0.45)
    known = expected.sum(-1) > 0
    assert known.mean() > 0.6
    np.testing.assert_allclose(got.numpy()[known], expected[known], atol=1.25)
    if name != "identity":
        assert np.abs(expected[known] - picture()[known]).max() > 2


@pytest.mark.parametrize(
    ("operation", "channels"),
    [(RandAugment(3, 15.0), 3), (RandAugment(3, 15.0), 1), (AugMix(), 3), (RandomErasing(1.0), 1)],
    ids=["RandAugment", "RandAugment-grey", "AugMix", "RandomErasing-grey"],
)
def test_the_seed_decides_in_a_pipeline_as_elsewhere(operation, channels):
    import tensorflow as tf

    image = picture(24, 32)[..., :channels].astype("float32")
    numbers = tf.data.Dataset.range(24)
    stream = numbers.map(lambda i: operation(image, tf.stack([5, i])), num_parallel_calls=4, deterministic=True)
    assert stream.element_spec.shape == image.shape
    images = np.stack(list(stream.as_numpy_iterator()))
    assert images.dtype == np.float32
    assert 0 <= images.min() < images.max() <= 255
    assert len({i.tobytes() for i in images}) > 20
    for i in (0, 7, 23):
        np.testing.assert_allclose(operation(image, np.array([5, i])).numpy(), images[i], atol=1e-3)


def draws(operation, count=1000, shape=(SIDE, SIDE, 3)):
    """What it draws, stacked by name."""
    import tensorflow as tf

    numbers = tf.data.Dataset.range(count).map(lambda i: operation.draw(tf.constant(shape), tf.stack([1, i])))
    return {name: value.numpy() for name, value in next(iter(numbers.batch(count))).items()}


def test_rand_augment_draws_every_change_alike_and_either_sign():
    drawn = draws(RandAugment(2, 9.0))
    names, counts = np.unique(drawn["changes"], return_counts=True)
    assert {name.decode() for name in names} == set(today.ALL)
    assert counts.min() > 0.6 * 2000 / 14
    assert set(np.unique(drawn["strengths"])) == {np.float32(-0.3), np.float32(0.3)}
    assert 0.45 < (drawn["strengths"] > 0).mean() < 0.55


def test_aug_mix_draws_chains_of_every_length_and_weights_that_sum_to_one():
    drawn = draws(AugMix(severity=3.0))
    lengths = (drawn["changes"] != b"identity").sum(-1)
    np.testing.assert_allclose(np.bincount(lengths.ravel(), minlength=4) / 3000, [0, 1 / 3, 1 / 3, 1 / 3], atol=0.04)
    assert {name.decode() for name in np.unique(drawn["changes"])} == set(today.MIXED)
    assert 0.01 <= np.abs(drawn["strengths"]).min() < 0.02
    assert 0.28 < np.abs(drawn["strengths"]).max() <= 0.3
    np.testing.assert_allclose(drawn["weights"].sum(-1), 1.0, atol=1e-5)
    np.testing.assert_allclose(drawn["weights"].var(0), 1 / 18, atol=0.01)  # of Dirichlet(1, 1, 1)


def test_aug_mix_averages_what_its_chains_make():
    original = picture().astype("float32")
    names = np.array([["solarize", "identity"], ["rotate", "shear_x"]])
    strengths = np.array([[0.3, 0.0], [-0.2, 0.3]], "float32")
    chains = []
    for chain, levels in zip(names, strengths, strict=True):
        image = original
        for name, strength in zip(chain, levels, strict=True):
            image = today._change(image, name, strength, today.MIXED, bits=4, translation=1 / 3).numpy()
        chains.append(image)
    drawn = {"changes": names, "strengths": strengths, "weights": np.array([0.25, 0.75], "float32"), "mixture": 0.4}
    expected = 0.6 * original + 0.4 * (0.25 * chains[0] + 0.75 * chains[1])
    got = AugMix(chains=2, depth=2).apply(original, drawn).numpy()
    np.testing.assert_allclose(got, expected, atol=1e-3)


def test_random_erasing_keeps_to_its_areas_and_aspects_and_stays_inside():
    drawn = draws(RandomErasing(0.5), shape=(100, 120, 3))
    erased = drawn["extent"][drawn["extent"].min(1) > 0].astype("float64")
    assert 450 < len(erased) < 550
    assert (drawn["corner"] >= 0).all()
    assert (drawn["corner"] + drawn["extent"] <= [100, 120]).all()
    uncut = erased[(erased < [100, 120]).all(1)]
    areas, aspects = uncut.prod(1) / 12_000, uncut[:, 0] / uncut[:, 1]
    assert 0.015 < areas.min() < 0.04
    assert 0.36 < areas.max() < 0.42
    assert 0.28 < aspects.min() < 0.36
    assert 2.8 < aspects.max() < 3.6
    assert 0.45 < (aspects > 1).mean() < 0.55


def test_random_erasing_fills_the_rectangle_with_noise_and_leaves_the_rest():
    original = picture().astype("float32")
    drawn = {"corner": np.array([3, 7]), "extent": np.array([20, 12]), "noise_seed": np.array([1, 2])}
    image = RandomErasing().apply(original, drawn).numpy()
    noise = image[3:23, 7:19].copy()
    image[3:23, 7:19] = original[3:23, 7:19]
    np.testing.assert_array_equal(image, original)
    np.testing.assert_allclose([noise.mean(), noise.std()], [127.5, 255 / math.sqrt(12)], atol=8)
    nothing = {**drawn, "extent": np.array([0, 0])}
    np.testing.assert_array_equal(RandomErasing().apply(original, nothing).numpy(), original)


def test_without_keras_cv_a_line_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "keras_cv", None)
    today._keras_cv.cache_clear()
    recipe = get_recipe("resnet20-cifar10").replace(augment=(RandAugment(),))
    with pytest.raises(kc.ClassicsError, match="^RandAugment and AugMix need keras-cv: pip install keras-cv$"):
        train_batches(recipe, datasets.load("mnist_sample"), kc.ResNet20())


def test_keras_cv_is_imported_only_where_it_is_used():
    program = "import sys, training; print('keras_cv' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["False"], done.stderr[-2000:]
