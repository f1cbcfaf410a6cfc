"""What is drawn is prepared as MNIST's digits were, and so is read right."""

import numpy as np
import PIL.Image
import pytest
from strokes import some_digits, strokes

from keras_classics.demo import digits, ink
from keras_classics.errors import ClassicsError

LARGE = 280  # pixels of a drawing's side


def centre_of_mass(image):
    return [float((image.sum(1 - axis) @ np.arange(28)) / image.sum()) for axis in (0, 1)]


def right(network, drawn, labels):
    return sum(
        digits.states(network, image)["predictions"].argmax() == label
        for image, label in zip(drawn, labels, strict=True)
    )


@pytest.fixture(scope="module")
def real():
    return some_digits(5)


def test_large_drawings_of_real_digits_are_read_right(real):
    """50 real digits at ten times their size, black or white as from a scanner."""
    images, labels = real
    sides = (LARGE, LARGE)
    large = [
        np.asarray(PIL.Image.fromarray(image).resize(sides, PIL.Image.Resampling.BICUBIC)) > 127 for image in images
    ]
    drawn = [ink.as_mnist(picture, LARGE / ink.FIELD) for picture in large]
    assert right(digits.LENET5, drawn, labels) >= 48
    ours, theirs = (np.array([centre_of_mass(i.astype(float)) for i in some]) for some in (drawn, images))
    assert np.abs(ours - theirs).mean() < 0.3
    assert np.abs(ours - theirs).max() < 1.2  # they are placed by whole pixels


def test_strokes_of_real_digits_are_read_right(real):
    """The same digits, thinned to lines and drawn anew with the page's pen, anywhere and at any size."""
    images, labels = real
    lines = [strokes(image) for image in images]
    drawn = [ink.digit(line) for line in lines]
    assert right(digits.LENET5, drawn, labels) >= 47
    assert right(digits.LECUN1989, drawn, labels) >= 44
    assert np.mean(drawn) == pytest.approx(np.mean(images), rel=0.1)  # as much ink
    smaller = [ink.digit([[(0.3 + x / 3, 0.6 + y / 3) for x, y in stroke] for stroke in line]) for line in lines]
    differences = np.sort(np.reshape(smaller, (50, -1)).astype(int)) - np.sort(np.reshape(drawn, (50, -1)))
    assert np.abs(differences).mean() < 2


def test_the_digit_fills_its_box_and_stands_by_its_mass():
    drawn = ink.digit([[(0.2, 0.1), (0.2, 0.9), (0.6, 0.9)]])
    down, across = (np.flatnonzero(drawn.any(axis)) for axis in (1, 0))
    assert down[-1] - down[0] + 1 == ink.BOX
    assert 10 < across[-1] - across[0] + 1 < 14
    np.testing.assert_allclose(centre_of_mass(drawn.astype(float)), 14, atol=0.51)
    assert len(np.unique(drawn)) > 4  # grey at the edges
    assert drawn.max() == 255


def test_a_dot_stays_a_dot():
    dot = ink.digit([[(0.9, 0.1)]])
    assert 2 <= np.flatnonzero(dot.any(0)).size <= 4
    assert ink.digit([]) is None
    assert ink.digit([[]]) is None


@pytest.mark.parametrize(
    "wrong",
    [
        *(3, "abc", [[(1, 2, 3)]], [[("a", "b")]], [[(float("nan"), 0)]], [[(0, 0)] * 20_001]),
        [[[0.5] * 60_000]],  # so many points in the place of one
    ],
)
def test_what_is_no_drawing_is_told(wrong):
    with pytest.raises(ClassicsError):
        ink.digit(wrong)
