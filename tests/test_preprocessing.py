"""From pictures to what a network reads."""

import numpy as np
import PIL.Image
import pytest

import keras_classics as kc
from keras_classics import preprocessing
from keras_classics.spec import IMAGENET_STATISTICS


def test_imagenets_statistics_are_those_of_torch_for_255():
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3)).astype("uint8")
    expected = (pixels / 255 - mean) / std
    np.testing.assert_allclose(kc.preprocess_input(pixels, "resnet50"), expected, atol=1e-5)
    np.testing.assert_allclose(kc.preprocess_input(pixels.tolist(), kc.ResNet50), expected, atol=1e-5)


def test_statistics_serve_other_channel_counts():
    grey = IMAGENET_STATISTICS.for_channels(1)
    assert grey.mean == pytest.approx((114.495,))
    assert len(IMAGENET_STATISTICS.for_channels(4).std) == 4
    assert IMAGENET_STATISTICS.for_channels(3) is IMAGENET_STATISTICS


def test_fit_takes_the_centre_of_the_resized_shorter_side():
    image = np.zeros((50, 100, 3), "uint8")
    image[:, 40:60] = 200  # a bar in the middle of the longer side
    fitted = preprocessing.fit(image, 25, 20, 3).numpy()  # half the size: the bar is 10 wide, columns 20..30 of 50
    assert fitted.shape == (20, 20, 3)
    assert (fitted[:, 6:14] > 190).all()
    assert (fitted[:, :4] < 1).all()
    assert (fitted[:, -4:] < 1).all()


def test_fit_leaves_the_pixels_of_an_image_of_the_size_and_pads_with_zeros():
    digit = np.random.default_rng(0).integers(0, 256, (28, 28, 1)).astype("uint8")
    fitted = preprocessing.fit(digit, 28, 32, 1).numpy()
    np.testing.assert_array_equal(fitted, np.pad(digit, ((2, 2), (2, 2), (0, 0))))


def test_bicubic_is_that_of_pillow_and_stays_among_pixels():
    noise = np.random.default_rng(0).integers(90, 160, (60, 80, 3)).astype("uint8")
    for name, method in (("bilinear", PIL.Image.Resampling.BILINEAR), ("bicubic", PIL.Image.Resampling.BICUBIC)):
        expected = np.asarray(PIL.Image.fromarray(noise).resize((40, 30), method), "float32")[:, 5:35]
        fitted = preprocessing.fit(noise, 30, 30, 3, name).numpy()
        np.testing.assert_allclose(fitted, expected, atol=1.01)  # Pillow's are rounded, twice
    extremes = preprocessing.fit(255 * (noise > 125).astype("uint8"), 120, 100, 3, "bicubic").numpy()
    assert (extremes.min(), extremes.max()) == (0, 255)


def test_fit_changes_between_grey_and_colour():
    colour = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype("uint8")
    grey = preprocessing.fit(colour, 8, 8, 1).numpy()
    np.testing.assert_allclose(grey[..., 0], colour @ [0.2989, 0.587, 0.114], atol=0.1)
    np.testing.assert_array_equal(preprocessing.fit(grey, 8, 8, 3).numpy(), np.repeat(grey, 3, -1))


def test_decodes_imagenet_predictions():
    scores = np.zeros((2, 1000), "float32")
    scores[0, [0, 1, 999]] = 0.2, 0.5, 0.3
    scores[1, 386] = 1.0
    decoded = kc.decode_predictions(scores, top=3)
    assert decoded[0] == [
        ("n01443537", "goldfish", 0.5),
        ("n15075141", "toilet paper", pytest.approx(0.3)),
        ("n01440764", "tench", pytest.approx(0.2)),
    ]
    assert decoded[1][0] == ("n02504458", "African bush elephant", 1.0)


def test_decodes_predictions_of_named_classes():
    assert kc.decode_predictions([[0.2, 0.7, 0.1]], 2, ["a", "b", "c"]) == [[("1", "b", 0.7), ("0", "a", 0.2)]]
    with pytest.raises(kc.ClassicsError, match="do not match 2 class names"):
        kc.decode_predictions([[0.2, 0.7, 0.1]], 2, ["a", "b"])
