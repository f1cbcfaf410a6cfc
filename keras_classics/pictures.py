"""From a picture's file to its pixels: uint8, 0..255, as a person sees it."""

import functools
import io
import os
import sys
import warnings
from contextlib import contextmanager

import numpy as np

from keras_classics.errors import ClassicsError, one_line

SUFFIXES = (
    *(".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".bmp", ".gif", ".webp", ".avif"),
    *(".ppm", ".pgm", ".tif", ".tiff"),
)

NOT_READ = (  # of pictures as well
    *(".heic", ".heif", ".jp2", ".j2k", ".jxl", ".tga", ".pbm", ".pnm", ".dib", ".apng", ".pcx", ".svg"),
    *(".dng", ".cr2", ".cr3", ".nef", ".arw", ".dcm"),
)

DARK = 2**12  # below which pixels of 16 bits are likely those of a camera or scanner that counts in 12

UPRIGHT = {  # EXIF's orientation: what sets the picture upright
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}


def read_image(path) -> np.ndarray:
    """The picture in a file or a `BytesIO`, or that of Pillow, as uint8 (H, W, 3), RGB.

    It is turned upright as its EXIF data say, its colours are those of sRGB, white shows through what is transparent,
    and of an animation it is the first frame. 16 bits a pixel and floating-point numbers are brought to 0..255. A
    colour profile that is damaged or for another kind of picture is ignored, as other loaders ignore every profile.

    Raises:
        ClassicsError: if there is no such file, it holds no image that can be read whole, or what its numbers mean is
            not certain.
    """
    with _open(path) as image:
        image.load()
        image = _upright(_on_white(image, path), image)
        return np.asarray(image.convert("RGB"))


def in_srgb(encoded: bytes, pixels: np.ndarray) -> np.ndarray:
    """The decoded `pixels` (H, W, 3) of an RGB picture, all or a part, from the colours of its profile to sRGB's."""
    import PIL.Image

    with _open(io.BytesIO(encoded)) as original:
        return np.asarray(_in_srgb(PIL.Image.fromarray(pixels), original))


def check_image(path) -> None:
    """Raises a ClassicsError unless the file begins as an image does; its pixels are not decoded."""
    with _open(path):
        pass


def size_of(path) -> tuple[int, int]:
    """Width and height that the header of a picture tells, before it is turned upright; its pixels are not decoded.

    Raises:
        ClassicsError: as `read_image` does.
    """
    with _open(path) as image:
        return image.size


def max_pixels() -> int:
    """How many pixels a picture may have. One whose header tells of more is refused before it is decoded."""
    import PIL.Image

    return 2 * PIL.Image.MAX_IMAGE_PIXELS if PIL.Image.MAX_IMAGE_PIXELS else 2**62  # Pillow warns at one, refuses at 2


def is_file_or_pillow(picture) -> bool:
    """Whether it is a path or an image of Pillow's, for `read_image`; Pillow is not imported for it."""
    pillow = sys.modules.get("PIL.Image")
    return isinstance(picture, str | os.PathLike) or (pillow is not None and isinstance(picture, pillow.Image))


def is_image(name: str) -> bool:
    """Whether a file's name says that it is a picture; a hidden file is none."""
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def is_image_not_read(name: str) -> bool:
    """Whether a file's name says that it is a picture of a kind that is not read; a hidden file is none."""
    return name.lower().endswith(NOT_READ) and not name.startswith(".")


def printable(path) -> str:
    """A path with the bytes that are not UTF-8 written as \\xe9, so that it can be printed anywhere."""
    is_path = isinstance(path, str | bytes | os.PathLike)
    return os.fsencode(path).decode("utf-8", "backslashreplace") if is_path else "A picture"


@contextmanager
def _open(path):
    import PIL.Image

    shown = printable(path)
    try:
        if isinstance(path, PIL.Image.Image):
            yield path
            return
        # Given the name, Pillow 13 maps an uncompressed TIFF to memory and garbles it if it does not stand upright.
        with path if isinstance(path, io.BytesIO) else open(path, "rb") as file, PIL.Image.open(file) as image:
            yield image
    except ClassicsError:
        raise
    except FileNotFoundError:
        raise ClassicsError(f"There is no file '{shown}'.") from None
    except PermissionError:
        raise ClassicsError(f"'{shown}' may not be read. Correct its permissions.") from None
    except IsADirectoryError:
        raise ClassicsError(f"'{shown}' is a folder; give the path of an image.") from None
    except PIL.UnidentifiedImageError:
        raise ClassicsError(f"'{shown}' is no image that can be read. Replace or remove it.") from None
    except Exception as error:  # whatever Pillow's decoders raise on damaged files
        reason = one_line(error) or type(error).__name__
        raise ClassicsError(f"'{shown}' is no image that can be read whole ({reason}). Replace or remove it.") from None


def _on_white(image, path):
    """A loaded image as one of the modes L and RGB."""
    import PIL.Image

    key = image.info.get("transparency")  # a colour, where one stands for what is transparent
    if isinstance(key, int | tuple) and (image.mode.startswith("I") or np.max(key) > 255):
        raise ClassicsError(
            f"'{printable(path)}' marks a colour of 16 bits as transparent; save it with 8 bits a pixel."
        )
    if image.mode.startswith(("I", "F")):
        return PIL.Image.fromarray(_eight_bits(image, path))
    if not image.has_transparency_data:
        return _in_srgb(image if image.mode in ("L", "RGB", "CMYK") else image.convert(_opaque_mode(image)), image)
    image, original = image.convert("LA" if image.mode in ("LA", "La") else "RGBA"), image
    opaque = _in_srgb(image.convert(_opaque_mode(image)), original)
    white = PIL.Image.new(opaque.mode, image.size, "white")
    white.paste(opaque, mask=image.getchannel("A"))
    return white


def _opaque_mode(image) -> str:
    return "L" if image.mode in ("1", "LA") else "RGB"


def _eight_bits(image, path) -> np.ndarray:
    """The pixels of a grey image of 16 bits or floating-point numbers, as uint8."""
    values = np.asarray(image)
    tags = getattr(image, "tag_v2", {})  # a TIFF's
    shown = printable(path)
    if tags.get(262) == 0:  # its photometric interpretation
        raise ClassicsError(f"'{shown}' counts from white to black in more than 8 bits; save it with 8 bits a pixel.")
    if image.mode == "F":
        low, high = values.min(), values.max()
        if low >= 0 and high <= 1:
            return np.round(values * 255).astype("uint8")
        if low >= 0 and 32 < high <= 255:
            return np.round(values).astype("uint8")
        raise ClassicsError(
            f"'{shown}' has floating-point pixels from {low:g} to {high:g}, and neither 0..1 nor 0..255 is certain to "
            "be their range; save it with 8 bits a pixel."
        )
    if image.mode == "I" and image.format not in ("PNG", "PPM"):
        raise ClassicsError(f"'{shown}' has whole numbers of an unknown range as pixels; save it with 8 bits a pixel.")
    white = 2 ** tags.get(258, (16,))[0] - 1  # its bits a sample
    if white == 65535 and 0 < values.max() < DARK:
        warnings.warn(
            f"'{shown}' has pixels of 16 bits, of which the brightest is {values.max()} of 65535, almost black, and is "
            "read so. If they are of fewer bits, scale them to 0..255, and save it with 8 bits a pixel.",
            stacklevel=2,
        )
    return np.round(values * (255 / white)).astype("uint8")


def _in_srgb(image, original):
    """An opaque image in the modes L, RGB or CMYK, by the `original`'s colour profile if it has one, as L or RGB."""
    import PIL.ImageChops

    if image.mode == "CMYK" and original.format == "JPEG" and "adobe" not in original.info:
        image = PIL.ImageChops.invert(image)  # Pillow takes every such file for one of Adobe's, which are inverted
    profile = original.info.get("icc_profile")
    transform = _to_srgb(profile, image.mode) if profile else None
    if transform is not None:
        return transform.apply(image)
    return image.convert("RGB") if image.mode == "CMYK" else image


@functools.lru_cache(maxsize=16)
def _to_srgb(profile: bytes, mode: str):
    """The transform from a profile's colours to sRGB's; None if it is sRGB's own, damaged or for another mode."""
    from PIL import ImageCms

    try:
        source = ImageCms.getOpenProfile(io.BytesIO(profile))
        if "sRGB" in ImageCms.getProfileDescription(source):
            return None
        return ImageCms.buildTransform(source, ImageCms.createProfile("sRGB"), mode, "RGB")
    except (ImageCms.PyCMSError, OSError):
        return None


def _upright(image, original):
    """An image turned as the EXIF data of the `original` say; data that cannot be read say nothing."""
    import PIL.Image

    try:
        turn = UPRIGHT.get(original.getexif().get(0x0112, 1))
    except Exception:  # Pillow's reader of damaged EXIF data raises one thing or another
        turn = None
    return image.transpose(PIL.Image.Transpose[turn]) if turn else image
