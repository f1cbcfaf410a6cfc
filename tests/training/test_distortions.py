"""What is done to the shape of a training image, and what is hidden of it, against NumPy."""

import numpy as np
import pytest

from keras_classics import datasets
from training import get_recipe, train_batches
from training.augment import AffineDistortion, Cutout, ElasticDistortion
from training.judge import papers_error

NOISE = np.random.default_rng(0).uniform(0, 255, (12, 16, 1)).astype("float32")
SAME = {"right": 0.0, "down": 0.0, "scale": 1.0, "squeeze": 1.0, "shear": 0.0}


def bilinear(image, y, x, fill):
    """The image (H, W, C) at a place between its pixels, one number after the other; outside is `fill`."""
    top, left = int(np.floor(y)), int(np.floor(x))
    total = 0.0
    for row, column in ((top, left), (top, left + 1), (top + 1, left), (top + 1, left + 1)):
        inside = 0 <= row < image.shape[0] and 0 <= column < image.shape[1]
        weight = (1 - abs(y - row)) * (1 - abs(x - column))
        total += weight * (image[row, column] if inside else fill)
    return total


@pytest.mark.parametrize(
    "drawn",
    [
        SAME,
        {**SAME, "right": 2.0, "down": -3.0},
        {**SAME, "scale": 1.3},
        {**SAME, "squeeze": 1.4},
        {**SAME, "shear": 0.4},
        {"right": 1.3, "down": 0.7, "scale": 0.9, "squeeze": 0.8, "shear": -0.3},
    ],
    ids=["none", "shift", "scale", "squeeze", "shear", "all"],
)
def test_affine_distortions_move_points_as_they_say(drawn):
    """The result at the place to which a point is moved is the image at the point."""
    width, height = drawn["scale"] / drawn["squeeze"], drawn["scale"] * drawn["squeeze"]
    forward = np.array([[width, -width * drawn["shear"]], [0, height]])
    shift = np.array([drawn["right"], drawn["down"]])
    expected = np.empty_like(NOISE)
    middle = np.array([7.5, 5.5])  # x, y
    for y in range(12):
        for x in range(16):
            from_x, from_y = np.linalg.inv(forward) @ (np.array([x, y]) - middle - shift) + middle
            expected[y, x] = bilinear(NOISE, from_y, from_x, 9.0)
    got = AffineDistortion(fill=9.0).apply(NOISE, {k: np.float32(v) for k, v in drawn.items()}).numpy()
    np.testing.assert_allclose(got, expected, atol=0.02)


def test_affine_distortions_are_drawn_within_their_settings():
    operation = AffineDistortion(shift=2.0, scale=1.2, squeeze=1.1, shear=0.3, undistorted=0.25)
    draws = [{k: float(v) for k, v in operation.draw((32, 32, 1), (0, i)).items()} for i in range(400)]
    kept = sum(drawn == SAME for drawn in draws)
    assert 70 < kept < 130
    limits = {
        "right": (-2, 2),
        "down": (-2, 2),
        "scale": (1 / 1.2, 1.2),
        "squeeze": (1 / 1.1, 1.1),
        "shear": (-0.3, 0.3),
    }
    for name, (lowest, highest) in limits.items():
        values = np.array([drawn[name] for drawn in draws if drawn != SAME])
        near = 0.05 * (highest - lowest)
        assert lowest - 1e-6 <= values.min() < lowest + near
        assert highest - near < values.max() <= highest + 1e-6
    together = np.array([list(drawn.values()) for drawn in draws if drawn != SAME])
    assert np.abs(np.corrcoef(together.T) - np.eye(5)).max() < 0.2


def test_elastic_distortion_is_simards():
    """Noise smoothed by a Gaussian along each axis, then a bilinear look-up, in NumPy's loops."""
    operation = ElasticDistortion(alpha=20.0, sigma=1.5, fill=9.0)
    noise = operation.draw(NOISE.shape, (0, 3))["noise"].numpy()
    assert noise.shape == (2, 12, 16)
    gaussian = np.exp(-(np.arange(-6, 7) ** 2) / (2 * 1.5**2))
    gaussian /= gaussian.sum()
    field = noise.astype("float64")
    for axis in (1, 2):
        field = np.apply_along_axis(lambda line: np.convolve(line, gaussian)[6:-6], axis, field)
    expected = np.empty_like(NOISE)
    for y in range(12):
        for x in range(16):
            expected[y, x] = bilinear(NOISE, y + 20 * field[0, y, x], x + 20 * field[1, y, x], 9.0)
    assert np.abs(20 * field).max() > 3
    assert (expected == 9.0).any()  # some places lie outside
    np.testing.assert_allclose(operation(NOISE, (0, 3)).numpy(), expected, atol=0.02)


def test_elastic_distortion_moves_digits_by_a_pixel_or_two():
    noise = ElasticDistortion().draw((32, 32, 1), (0, 0))["noise"].numpy()
    assert noise.min() < -0.99
    assert noise.max() > 0.99
    ramp = np.broadcast_to(np.arange(32, dtype="float32")[None, :, None], (32, 32, 1))  # its pixels tell their column
    moved = np.array([ElasticDistortion()(ramp, (0, i)).numpy() - ramp for i in range(20)])[:, 8:24, 8:24]
    assert moved.std() == pytest.approx(34 * (1 / 3) ** 0.5 / (2 * 4 * np.pi**0.5), rel=0.15)  # 1.38 pixels


def test_cutout_hides_a_square_wherever_it_falls():
    original = np.random.default_rng(0).uniform(0, 255, (12, 16, 3)).astype("float32")
    seen = set()
    for i in range(400):
        centre = tuple(Cutout(6, (1.0, 2.0, 3.0)).draw((12, 16, 3), (0, i))["centre"].numpy())
        seen.add(centre)
        expected = original.copy()
        y, x = centre
        expected[max(0, y - 3) : y + 3, max(0, x - 3) : x + 3] = (1.0, 2.0, 3.0)
        np.testing.assert_array_equal(Cutout(6, (1.0, 2.0, 3.0))(original, (0, i)).numpy(), expected)
    assert {y for y, _ in seen} == set(range(12))
    assert {x for _, x in seen} == set(range(16))


def test_lenet_reads_white_as_minus_a_tenth_and_black_as_1_175():
    """LeCun et al. 1998, section II.B: a white background and black ink, which MNIST stores as 0 and 255; 28x28 in the
    centre of 32x32; distorted or not."""
    import keras_classics as kc

    for name in ("lenet5-mnist", "lenet5_distorted-mnist"):
        recipe = get_recipe(name).replace(batch_size=200)
        stream, _ = train_batches(recipe, datasets.load("mnist_sample"), kc.LeNet5())
        images, _ = next(iter(stream.as_numpy_iterator()))
        assert images.shape == (200, 32, 32, 1)
        assert (images.min(), images.max()) == (pytest.approx(-0.1), pytest.approx(1.175))
        assert np.median(images) == pytest.approx(-0.1)
        assert images[:, :1].max() == pytest.approx(-0.1)  # digits, shifted by a pixel or two, do not reach the border


def test_a_recipe_is_held_against_the_papers_error_for_what_it_does():
    errors = {
        "lenet5-mnist": 0.95,
        "lenet5_distorted-mnist": 0.8,
        "nasnet_cifar-cifar10": 2.65,
        "resnet20-cifar10": 8.75,
        "lecun1989-mnist": None,  # its 5% are of other digits
        "resnet50-imagenet": 22.85,  # of ten crops; that of one is its authors' repository's
        "densenet161-imagenet": None,
        "resnet18-imagenet": None,  # that of the paper is of other shortcuts
    }
    assert {name: papers_error(get_recipe(name)) for name in errors} == errors
    assert papers_error(get_recipe("resnet20-cifar10").replace(build={"shortcut": "B", "classes": 10})) is None
