"""Pictures become the pixels that a person sees, whatever file they are in."""

import io
import os
import struct
import zlib

import numpy as np
import PIL.Image
import pytest
from PIL import ImageCms

import keras_classics as kc
from keras_classics.pictures import read_image


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK", "RGBA", "P", "1"])
def test_reads_every_kind_of_picture(mode, tmp_path):
    image = PIL.Image.new("RGB", (7, 5), (200, 200, 200)).convert(mode)
    path = tmp_path / ("x.jpg" if mode in ("RGB", "L", "CMYK") else "x.png")
    image.save(path)
    pixels = read_image(path)
    assert pixels.shape == (5, 7, 3)
    assert pixels.dtype == "uint8"
    assert mode == "1" or abs(int(pixels.mean()) - 200) <= 3


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1"])
@pytest.mark.parametrize("suffix", [".png", ".bmp", ".gif", ".webp", ".tif"])
def test_every_lossless_file_gives_the_pixels_that_were_saved(mode, suffix, tmp_path):
    """Of few colours, so that a palette holds them all."""
    few = np.random.default_rng(0).choice([0, 51, 102, 204, 255], (9, 13, 3)).astype("uint8")
    image = PIL.Image.fromarray(few)
    image = image.quantize(256) if mode == "P" else image.convert(mode)
    expected = np.asarray(image.convert("RGB"))
    image.save(tmp_path / f"x{suffix}", **({"lossless": True} if suffix == ".webp" else {}))
    np.testing.assert_array_equal(read_image(tmp_path / f"x{suffix}"), expected)


def test_a_gif_whose_first_frame_is_partly_transparent_is_white_there(tmp_path):
    first = PIL.Image.new("RGBA", (8, 8), (200, 0, 0, 255))
    first.paste((0, 0, 0, 0), (0, 0, 4, 8))
    second = PIL.Image.new("RGBA", (8, 8), (0, 0, 200, 255))
    pixels = saved(first, tmp_path / "x.gif", save_all=True, append_images=[second])
    assert tuple(pixels[4, 1]) == (255, 255, 255)
    assert tuple(pixels[4, 6]) == (200, 0, 0)


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
            read_image(tmp_path / name)
        assert "\n" not in str(caught.value)


def test_a_decompression_bomb_is_refused(tmp_path, monkeypatch):
    PIL.Image.new("L", (200, 200)).save(tmp_path / "big.png")
    monkeypatch.setattr(PIL.Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(kc.ClassicsError, match="decompression bomb"):
        read_image(tmp_path / "big.png")


RAMP = np.arange(256, dtype="uint8").reshape(16, 16)


def saved(image, path, **options):
    image.save(path, **options)
    return read_image(path)


@pytest.mark.parametrize("name", ["x.png", "x.tif", "x.pgm"])
def test_sixteen_bits_are_scaled_by_their_range(name, tmp_path):
    pixels = saved(PIL.Image.fromarray(RAMP.astype("uint16") * 257), tmp_path / name)
    np.testing.assert_array_equal(pixels, np.repeat(RAMP[..., None], 3, -1))


@pytest.mark.parametrize("name", ["x.png", "x.tif"])
@pytest.mark.parametrize("white", [255, 4095])
def test_fewer_bits_in_sixteen_are_told(name, white, tmp_path):
    values = RAMP.astype("uint16") * (white // 255)
    with pytest.warns(UserWarning, match=rf"x\....' has pixels of 16 bits, .* is {values.max()} of 65535.* scale"):
        saved(PIL.Image.fromarray(values), tmp_path / name)
    assert not saved(PIL.Image.fromarray(0 * values), tmp_path / name).any()


def test_big_endian_and_twelve_bits_are_scaled_by_their_range(tmp_path):
    big = PIL.Image.frombytes("I;16B", (16, 16), (RAMP.astype(">u2") * 257).tobytes())
    np.testing.assert_array_equal(saved(big, tmp_path / "big.tif")[..., 0], RAMP)
    values = np.array([0, 2048, 4095, 1024])
    packed = bytes([0, 0x08, 0x00, 0xFF, 0xF4, 0x00])  # two pixels in three bytes
    (tmp_path / "12.tif").write_bytes(tiff(4, 1, 12, packed))
    np.testing.assert_array_equal(read_image(tmp_path / "12.tif")[0, :, 0], np.round(values / 4095 * 255))


def tiff(width, height, bits, data, photometric=1, sample_format=1):
    """An uncompressed grey TIFF, little-endian."""
    tags = [(256, width), (257, height), (258, bits), (259, 1), (262, photometric), (273, 8), (277, 1), (278, height)]
    tags += [(279, len(data)), (339, sample_format)]
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    start = 8 + len(data) + len(data) % 2
    padding = b"\0" * (len(data) % 2)
    return struct.pack("<2sHI", b"II", 42, start) + data + padding + struct.pack("<H", len(tags)) + entries + bytes(4)


def png(kind, pixels, *chunks):
    """A PNG of 16 bits; its kind is 0 for grey, 2 for RGB, 6 for RGBA."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in pixels)
    head = struct.pack(">2I5B", pixels.shape[1], pixels.shape[0], 16, kind, 0, 0, 0)
    parts = [(b"IHDR", head), *chunks, (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts)


def test_colours_of_sixteen_bits(tmp_path):
    colours = np.array([[[65535, 32896, 257], [0x1234, 0x5678, 0x9ABC]]])
    (tmp_path / "x.png").write_bytes(png(2, colours))
    np.testing.assert_allclose(read_image(tmp_path / "x.png").astype(int), colours / 257, atol=1)
    (tmp_path / "x.png").write_bytes(png(6, np.concatenate([colours, [[[65535], [0]]]], -1)))
    np.testing.assert_allclose(read_image(tmp_path / "x.png").astype(int)[0], [(255, 128, 1), (255, 255, 255)], atol=1)


@pytest.mark.parametrize(("kind", "colour"), [(0, (0x1234,)), (2, (0x1234, 0x5678, 0x9ABC))])
def test_a_transparent_colour_of_sixteen_bits_is_refused(kind, colour, tmp_path):
    key = (b"tRNS", struct.pack(f">{len(colour)}H", *colour))
    (tmp_path / "x.png").write_bytes(png(kind, np.array([[colour]]), key))
    with pytest.raises(kc.ClassicsError, match="marks a colour of 16 bits as transparent"):
        read_image(tmp_path / "x.png")


def test_floats_are_told_apart_by_their_range(tmp_path):
    for factor in (1 / 255, 1):
        pixels = saved(PIL.Image.fromarray(RAMP.astype("float32") * np.float32(factor)), tmp_path / "x.tif")
        np.testing.assert_array_equal(pixels, np.repeat(RAMP[..., None], 3, -1))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ([0.0, 1.5], "pixels from 0 to 1.5, and neither 0..1 nor 0..255"),
        ([-0.1, 1.0], "pixels from -0.1 to 1,"),
        ([0.0, 65535.0], "pixels from 0 to 65535,"),
        ([0.0, np.nan], "pixels from nan to nan,"),
        (np.array([0, 70_000], "int32"), "whole numbers of an unknown range"),
    ],
)
def test_numbers_of_an_uncertain_range_are_refused(values, message, tmp_path):
    values = np.asarray(values, "float32") if isinstance(values, list) else values
    PIL.Image.fromarray(values[None]).save(tmp_path / "x.tif")
    with pytest.raises(kc.ClassicsError, match=message):
        read_image(tmp_path / "x.tif")


def test_sixteen_bits_from_white_to_black_are_refused(tmp_path):
    (tmp_path / "x.tif").write_bytes(tiff(2, 1, 16, bytes(4), photometric=0))
    with pytest.raises(kc.ClassicsError, match="counts from white to black"):
        read_image(tmp_path / "x.tif")


@pytest.mark.parametrize("suffix", [".jpg", ".png", ".tif", ".webp"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_picture_stands_upright(orientation, suffix, tmp_path):
    """A picture of which each corner is another grey, as a camera held in some way stores it."""
    upright = np.kron([[30, 90], [150, 210], [60, 120]], np.ones((16, 16))).astype("uint8")
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: upright.T[::-1],
        7: upright.T[::-1, ::-1],
        8: upright.T[:, ::-1],
    }[orientation]
    exif = PIL.Image.Exif()
    exif[0x0112] = orientation
    options = {"quality": 95} if suffix == ".jpg" else {"lossless": True} if suffix == ".webp" else {}
    pixels = saved(PIL.Image.fromarray(stored), tmp_path / f"x{suffix}", exif=exif, **options)
    assert pixels.shape == (48, 32, 3)
    np.testing.assert_allclose(pixels[..., 0].astype(int), upright, atol=2)


@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_damaged_exif_data_are_ignored(tmp_path):
    exif = b"Exif\0\0II*\0\xff\xff\xff\x7fjunk"
    assert saved(PIL.Image.new("L", (7, 5), 90), tmp_path / "x.jpg", exif=exif).mean() == 90


@pytest.mark.parametrize("mode", ["LA", "RGBA", "P", "L", "RGB"])
def test_white_shows_through_what_is_transparent(mode, tmp_path):
    """A black picture, transparent on the left, and where the mode can have it half so in the middle."""
    image = PIL.Image.new("L" if "L" in mode else "RGB", (6, 4))
    options = {}
    if mode in ("LA", "RGBA"):
        image.putalpha(PIL.Image.fromarray(np.tile(np.repeat([0, 128, 255], 2), (4, 1)).astype("uint8")))
        expected = [255, 127, 0]
    else:  # one colour counts as transparent
        image.paste(77 if mode == "L" else (77, 77, 0), (0, 0, 2, 4))
        image = image.quantize(2) if mode == "P" else image
        options["transparency"] = image.getpixel((0, 0))
        expected = [255, 0, 0]
    pixels = saved(image, tmp_path / "x.png", **options)
    np.testing.assert_allclose(pixels[2, ::2].astype(int), np.repeat(np.array(expected)[:, None], 3, 1), atol=1)


@pytest.mark.parametrize("suffix", [".gif", ".webp", ".png"])
def test_the_first_frame_of_an_animation(suffix, tmp_path):
    frames = [PIL.Image.new("RGB", (8, 8), colour) for colour in ((200, 0, 0), (0, 200, 0))]
    pixels = saved(frames[0], tmp_path / f"x{suffix}", save_all=True, append_images=frames[1:])
    np.testing.assert_allclose(pixels.reshape(-1, 3).mean(0), (200, 0, 0), atol=4)


CMYK = {"white": (0, 0, 0, 0), "black": (0, 0, 0, 255), "cyan": (255, 0, 0, 0), "dark red": (0, 255, 255, 128)}
CMYK_AS_RGB = [(255, 255, 255), (0, 0, 0), (0, 255, 255), (127, 0, 0)]


def cmyk_jpeg(adobes: bool) -> bytes:
    """Squares of CMYK as Adobe writes them, inverted and with its marker, or as the standard has them."""
    squares = np.kron([CMYK[c] for c in CMYK], np.ones((16, 1))).astype("uint8").reshape(1, 64, 4).repeat(16, 0)
    file = io.BytesIO()
    PIL.Image.fromarray(squares if adobes else 255 - squares, "CMYK").save(file, "jpeg", quality=100)
    data = file.getvalue()
    if adobes:
        return data
    start = data.index(b"\xff\xee")
    return data[:start] + data[start + 2 + int.from_bytes(data[start + 2 : start + 4]) :]


@pytest.mark.parametrize("adobes", [True, False])
def test_cmyk_with_and_without_adobes_inversion(adobes, tmp_path):
    data = cmyk_jpeg(adobes)
    assert (b"Adobe" in data) == adobes
    (tmp_path / "x.jpg").write_bytes(data)
    pixels = read_image(tmp_path / "x.jpg")
    np.testing.assert_allclose(pixels[8, 8::16].astype(int), CMYK_AS_RGB, atol=2)
    import tensorflow as tf

    np.testing.assert_allclose(pixels.astype(int), tf.io.decode_jpeg(data, 3).numpy().astype(int), atol=3)


def swapped_profile() -> bytes:
    """sRGB's profile with red and blue exchanged: no one could miss it."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    profile = profile.replace(b"rXYZ", b"tXYZ").replace(b"bXYZ", b"rXYZ").replace(b"tXYZ", b"bXYZ")
    return profile.replace("sRGB".encode("utf-16-be"), "mine".encode("utf-16-be"))


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P"])
def test_colours_are_brought_to_srgb(mode, tmp_path):
    image = PIL.Image.new("RGB", (8, 8), (200, 60, 10))
    image = image.quantize(4) if mode == "P" else image.convert(mode)
    plain = saved(image, tmp_path / "x.png")
    assert tuple(plain[0, 0]) == (200, 60, 10)
    pixels = saved(image, tmp_path / "x.png", icc_profile=swapped_profile())
    np.testing.assert_allclose(pixels[0, 0].astype(int), (10, 60, 200), atol=2)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    np.testing.assert_array_equal(saved(image, tmp_path / "x.png", icc_profile=srgb), plain)


@pytest.mark.parametrize("profile", [b"no profile", swapped_profile()[:200]])
def test_a_damaged_profile_is_ignored_as_other_loaders_do(profile, tmp_path):
    image = PIL.Image.new("RGB", (8, 8), (200, 60, 10))
    assert tuple(saved(image, tmp_path / "x.png", icc_profile=profile)[0, 0]) == (200, 60, 10)


def test_a_profile_for_colours_is_ignored_in_a_grey_picture(tmp_path):
    image = PIL.Image.new("L", (8, 8), 60)
    assert (saved(image, tmp_path / "x.jpg", icc_profile=swapped_profile()) == 60).all()


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow's, of damaged tags
@pytest.mark.parametrize("suffix", [".jpg", ".png", ".gif", ".webp", ".tif", ".bmp"])
def test_damaged_files_are_read_or_refused_in_one_line(suffix, tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (40, 40, 3)).astype("uint8")
    path = tmp_path / f"x{suffix}"
    PIL.Image.fromarray(noise).save(path)
    whole, random = path.read_bytes(), np.random.default_rng(1)
    told = []
    for _ in range(60):
        damaged = bytearray(whole)
        for place in random.integers(0, min(len(whole), 400), 6):
            damaged[place] = random.integers(256)
        path.write_bytes(damaged)
        try:
            read_image(path)
        except kc.ClassicsError as error:
            told.append(str(error))
    assert all(str(path) in line and "\n" not in line for line in told)
    assert suffix == ".bmp" or told


def test_a_name_that_is_not_utf8(tmp_path):
    path = tmp_path / os.fsdecode(b"caf\xe9.png")
    assert saved(PIL.Image.new("L", (7, 5), 90), path).mean() == 90
    path.write_text("no image")
    with pytest.raises(kc.ClassicsError, match=r"caf\\xe9.png' is no image"):
        read_image(path)
