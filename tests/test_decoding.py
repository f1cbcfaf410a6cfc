"""TensorFlow's operations give the pixels that Pillow gives, and Pillow is asked where they would not."""

import io
import os

import numpy as np
import PIL.Image
import pytest
import tensorflow as tf
from conftest import SHARED

import keras_classics as kc
from keras_classics import datasets, decoding, pictures


@pytest.fixture
def asked(monkeypatch):
    """The pictures that Pillow is asked for."""
    read, names = pictures.read_image, []
    monkeypatch.setattr(pictures, "read_image", lambda path, *rest: (names.append(path), read(path, *rest))[1])
    return names


def decoded(path):
    with datasets.reading():
        return next(tf.data.Dataset.from_tensors(os.fsencode(path)).map(decoding.decode_file).as_numpy_iterator())


def noise(mode="RGB", width=67, height=45):
    image = PIL.Image.effect_noise((width, height), 90).resize((width, height))
    return PIL.Image.merge("RGB", [image, image.rotate(90), image.rotate(180)]).convert(mode)


def exif(orientation):
    data = PIL.Image.Exif()
    data[0x0112], data[0x010F] = orientation, "Maker"
    return data


ORDINARY = {
    "rgb.jpg": ("RGB", {}),
    "grey.jpg": ("L", {}),
    "fine.jpg": ("RGB", {"quality": 97, "subsampling": 0}),
    "progressive.jpg": ("RGB", {"progressive": True}),
    "upright.jpg": ("RGB", {"exif": exif(1)}),
    "rgb.png": ("RGB", {}),
    "grey.png": ("L", {}),
    "palette.png": ("P", {}),
    "bits.png": ("1", {}),
}
OTHER = {
    "turned.jpg": ("RGB", {"exif": exif(6)}),
    "cmyk.jpg": ("CMYK", {}),
    "turned.png": ("RGB", {"exif": exif(3)}),
    "alpha.png": ("RGBA", {}),
    "clear.png": ("RGB", {"transparency": (0, 0, 0)}),
    "x.bmp": ("RGB", {}),
    "x.gif": ("P", {}),
    "x.webp": ("RGB", {"lossless": True}),
}


@pytest.mark.parametrize("name", [*ORDINARY, *OTHER])
def test_the_same_pixels_as_pillow(name, tmp_path, asked):
    mode, options = (ORDINARY | OTHER)[name]
    noise(mode).save(tmp_path / name, **options)
    pixels = decoded(tmp_path / name)
    assert asked == ([] if name in ORDINARY else [str(tmp_path / name)])
    np.testing.assert_array_equal(pixels, pictures.read_image(tmp_path / name))


@pytest.mark.parametrize("name", ["rgb.jpg", "cmyk.jpg"])
def test_outside_of_a_graph_too(name, tmp_path):
    mode, options = (ORDINARY | OTHER)[name]
    noise(mode).save(tmp_path / name, **options)
    expected = pictures.read_image(tmp_path / name)
    np.testing.assert_array_equal(decoding.decode_file(os.fsencode(tmp_path / name)), expected)
    np.testing.assert_array_equal(decoding.decode_contents((tmp_path / name).read_bytes()), expected)


@pytest.mark.parametrize("big_endian", [True, False])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_how_a_picture_stands_is_seen_in_either_order_of_bytes(orientation, big_endian, tmp_path, asked):
    data = exif(orientation)
    data.endian = ">" if big_endian else "<"
    noise().save(tmp_path / "x.jpg", exif=data.tobytes())
    pixels = decoded(tmp_path / "x.jpg")
    assert len(asked) == (orientation != 1)
    np.testing.assert_array_equal(pixels, pictures.read_image(tmp_path / "x.jpg"))


def test_profiles_other_than_srgbs_are_pillows(tmp_path, asked):
    from PIL import ImageCms

    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("XYZ")).tobytes()
    for profile in (srgb, lab, b"none"):
        noise().save(tmp_path / "x.jpg", icc_profile=profile)
        np.testing.assert_array_equal(decoded(tmp_path / "x.jpg"), pictures.read_image(tmp_path / "x.jpg"))


@pytest.fixture
def swapped():
    """A colour profile that takes red for green."""
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace("sRGB".encode("utf-16-be"), "ours".encode("utf-16-be"))
    return profile.replace(b"rXYZ", b"?XYZ").replace(b"gXYZ", b"rXYZ").replace(b"?XYZ", b"gXYZ")


@pytest.mark.parametrize(("before", "fill"), [(0, 0), (3, 0), (9, 0), (1, 3)])
def test_what_stands_behind_long_segments_is_seen(before, fill, tmp_path, asked, swapped):
    """A profile, or how the picture stands, behind segments of others: few, or more than are gone through, or behind
    bytes that fill."""
    path = tmp_path / "x.jpg"
    for options, by_pillow in (({"icc_profile": swapped}, 0), ({"exif": exif(6)}, 1)):
        noise().save(path, **options)
        contents = path.read_bytes()
        segment = b"\xff\xed" + (9002).to_bytes(2, "big") + bytes(9000)
        path.write_bytes(contents[:20] + fill * b"\xff" + before * segment + contents[20:])
        expected = pictures.read_image(path)
        assert not np.array_equal(expected, np.asarray(PIL.Image.open(path)))
        asked.clear()
        np.testing.assert_array_equal(decoded(path), expected)
        assert len(asked) == by_pillow


def test_a_window_in_colours_of_its_own_is_decoded_without_the_rest(tmp_path, asked, swapped):
    """Pillow is given the decoded pixels."""
    path = tmp_path / "x.jpg"
    noise().save(path, icc_profile=swapped)
    whole = pictures.read_image(path)
    assert not np.array_equal(whole, np.asarray(PIL.Image.open(path)))
    asked.clear()
    for top, left, height, width in ((0, 0, 45, 67), (7, 9, 20, 31)):
        stream = tf.data.Dataset.from_tensors(os.fsencode(path))
        window = tf.constant((top, left, height, width))
        stream = stream.map(
            lambda path, window=window: decoding.decode_window_of_file(path, lambda _: {"window": window})[0]
        )
        pixels = next(stream.as_numpy_iterator())
        np.testing.assert_array_equal(pixels, whole[top : top + height, left : left + width])
    assert asked == []


@pytest.mark.parametrize("subsampling", [0, 1, 2])
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_window_is_the_same_as_decoding_all_and_cutting(mode, subsampling, tmp_path):
    noise(mode, 91, 70).save(tmp_path / "x.jpg", subsampling=subsampling)
    whole, random = pictures.read_image(tmp_path / "x.jpg"), np.random.default_rng(0)
    windows = [(0, 0, 70, 91), (69, 90, 1, 1), (16, 16, 16, 16)]
    for _ in range(60):
        height, width = random.integers(1, 71), random.integers(1, 92)
        windows.append((random.integers(0, 71 - height), random.integers(0, 92 - width), height, width))
    path = os.fsencode(tmp_path / "x.jpg")
    stream = tf.data.Dataset.from_tensor_slices(np.array(windows, "int32"))
    stream = stream.map(lambda window: decoding.decode_window_of_file(path, lambda _: {"window": window})[0])
    for (top, left, height, width), pixels in zip(windows, stream.as_numpy_iterator(), strict=True):
        np.testing.assert_array_equal(pixels, whole[top : top + height, left : left + width])


def test_encoded_pictures_in_memory(asked):
    for mode, count in (("RGB", 0), ("CMYK", 1)):
        asked.clear()
        file = io.BytesIO()
        noise(mode).save(file, "JPEG")
        pixels = decoding.decode_contents(file.getvalue()).numpy()
        assert len(asked) == count
        np.testing.assert_array_equal(pixels, pictures.read_image(io.BytesIO(file.getvalue())))
    with pytest.raises(kc.ClassicsError, match="A picture' is no image"), datasets.reading():
        decoding.decode_contents(b"text")


def test_faults_are_told_in_one_line(tmp_path, monkeypatch):
    noise().save(tmp_path / "whole.jpg")
    noise().save(tmp_path / "whole.png")
    jpeg, png = (tmp_path / "whole.jpg").read_bytes(), (tmp_path / "whole.png").read_bytes()
    for name, contents in {
        "cut.jpg": jpeg[: len(jpeg) // 2],
        "cut.png": png[: len(png) // 2],
        "empty.jpg": b"",
        "text.jpg": b"this is no image",
        "header.jpg": jpeg[:20],
        "header.png": png[:20],
    }.items():
        (tmp_path / name).write_bytes(contents)
        with pytest.raises(kc.ClassicsError, match=f"{name}' is no image that can be read") as caught:
            decoded(tmp_path / name)
        assert "\n" not in str(caught.value)
    (tmp_path / "within.jpg").write_bytes(jpeg.replace(b"\xff\xc0", b"\xff\xc5", 1))  # a coding that is not known
    for name, message in (("within.jpg", "is damaged within"), ("nowhere.jpg", "nowhere.jpg' cannot be read")):
        with pytest.raises(kc.ClassicsError, match=message) as caught:
            decoded(tmp_path / name)
        assert "\n" not in str(caught.value)
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 1000)
    for name in ("whole.jpg", "whole.png"):
        with pytest.raises(kc.ClassicsError, match=f"{name}' is no image .*decompression bomb"):
            decoded(tmp_path / name)


def test_sample_photographs():
    """Every eighth of the 200, some of them in colours of their own."""
    paths = sorted(map(str, (SHARED / "data" / "imagenet_samples").glob("*/*")))[::8]
    if not paths:
        pytest.skip("no sample photographs on this machine (KERAS_CLASSICS_SHARED names their place)")
    stream = tf.data.Dataset.from_tensor_slices(paths).map(decoding.decode_file, tf.data.AUTOTUNE)
    for path, pixels in zip(paths, stream.as_numpy_iterator(), strict=True):
        np.testing.assert_array_equal(pixels, pictures.read_image(path))
