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


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "RGBA", "P", "1"])
def test_reads_every_kind_of_picture(mode, tmp_path):
    image = PIL.Image.new("RGB", (7, 5), (200, 200, 200)).convert(mode)
    path = tmp_path / ("x.jpg" if mode in ("RGB", "L", "CMYK") else "x.png")
    image.save(path)
    for channels in (1, 3):
        pixels = preprocessing.read_image(path, channels)
        assert pixels.shape == (5, 7, channels)
        assert pixels.dtype == "uint8"
        assert mode == "1" or abs(int(pixels.mean()) - 200) <= 3


def test_pictures_that_are_none(tmp_path):
    (tmp_path / "text.jpg").write_text("this is no image")
    PIL.Image.effect_noise((64, 64), 50).save(tmp_path / "whole.png")
    whole = (tmp_path / "whole.png").read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "empty.png").touch()
    for name, message in [
        ("nowhere.png", "There is no file"),
        ("text.jpg", "is no image that can be read"),
        ("cut.png", "is no image that can be read"),
        ("empty.png", "is no image that can be read"),
        ("", "is a folder"),
    ]:
        with pytest.raises(kc.ClassicsError, match=message) as caught:
            preprocessing.read_image(tmp_path / name)
        assert "\n" not in str(caught.value)
    with pytest.raises(kc.ClassicsError, match="1 or 3 channels"):
        preprocessing.read_image(tmp_path / "whole.png", 2)


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    PIL.Image.new("L", (200, 200)).save(tmp_path / "big.png")
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(kc.ClassicsError, match="decompression bomb"):
        preprocessing.read_image(tmp_path / "big.png")


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
