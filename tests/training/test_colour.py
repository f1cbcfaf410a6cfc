"""The colours of a training image, against their definitions and PIL's."""

import itertools

import numpy as np
import PIL.Image
import PIL.ImageEnhance
import pytest

from training.augment import PCAColour, PhotometricDistortion

IMAGE = np.random.default_rng(0).uniform(0, 255, (12, 10, 3)).round().astype("float32")


# As fb.resnet.torch prints them (datasets/imagenet.lua), for the paper prints none: a row a colour, a column a vector.
EIGENVALUES = np.array([0.2175, 0.0188, 0.0045])
EIGENVECTORS = np.array([[-0.5675, 0.7192, 0.4009], [-0.5808, -0.0045, -0.8140], [-0.5836, -0.6948, 0.4203]])


@pytest.mark.parametrize("alpha", [(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (0.2, -0.1, 0.3)])
def test_pca_colour_is_the_eigenvectors_by_alpha_times_lambda(alpha):
    """AlexNet, section 4.1: [p1 p2 p3] [a1 l1, a2 l2, a3 l3], where p and l are eigenvectors and eigenvalues."""
    moved = PCAColour().apply(IMAGE, {"alpha": np.array(alpha, "float32")}).numpy()
    shift = 255 * EIGENVECTORS @ (np.array(alpha) * EIGENVALUES)
    np.testing.assert_allclose(moved - IMAGE, np.broadcast_to(shift, IMAGE.shape), atol=1e-4)


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("factors", [(0.5, 1.5, 0.7), (1.4, 0.6, 1.5)])
def test_photometric_distortions_are_pils(order, factors):
    enhancers = (PIL.ImageEnhance.Brightness, PIL.ImageEnhance.Contrast, PIL.ImageEnhance.Color)
    expected = PIL.Image.fromarray(IMAGE.astype("uint8"))
    for which in order:
        expected = enhancers[which](expected).enhance(factors[which])
    drawn = dict(zip(("brightness", "contrast", "colour"), np.array(factors, "float32"), strict=True))
    got = PhotometricDistortion().apply(IMAGE, {**drawn, "order": np.array(order, "int32")}).numpy()
    assert np.abs(got - np.asarray(expected)).max() < 4  # PIL drops what is below 1 after each, and 1.5 enlarges it
    assert got.min() >= 0
    assert got.max() <= 255


def test_photometric_distortions_draw_each_order_and_all_strengths():
    drawn = [PhotometricDistortion().draw((12, 10, 3), (0, i)) for i in range(300)]
    assert {tuple(d["order"].numpy()) for d in drawn} == set(itertools.permutations(range(3)))
    for name in ("brightness", "contrast", "colour"):
        factors = np.array([d[name] for d in drawn])
        assert 0.5 <= factors.min() < 0.52
        assert 1.48 < factors.max() <= 1.5
        assert abs(factors.mean() - 1) < 0.06  # of a uniform draw its deviation is 0.017
