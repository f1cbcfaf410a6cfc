"""From encoded pictures to pixels inside `tf.data`: uint8 (H, W, 3), the same ones as `pictures.read_image` gives.

TensorFlow's own operations decode the ordinary JPEG and PNG, in parallel and without a call into Python. Whatever they
would decode otherwise than Pillow does, or cannot decode, goes to Pillow: pictures that do not stand upright, are
transparent, in colours other than sRGB's, of four components or sixteen bits, too large, cut off or damaged.
"""

import io
import os
import re

import numpy as np

from keras_classics import pictures

HEADER = 33  # bytes of a PNG's signature and header; no picture is as short
HEAD = 2**17  # bytes in which a file tells of its colours and how it stands: two of JPEG's segments at their longest
PLAIN_HEAD = 2**12  # the same of a JPEG with no more than JFIF's 20 bytes before its tables: others tell of it before
MARGIN = 2  # pixels around a window, which the colours at its edges are interpolated from

# Regular expressions of bytes; \C is any of them.
_ICC_PROFILE = "ICC_PROFILE"
_SRGB = r"desc\x00\x00\x00\x00\x00\x00\x00\CsRGB"  # how sRGB's own profile names itself
_TURNED = (  # EXIF's tag 0x0112, but for the value 1, in either order of bytes; and what Adobe's XMP says of it
    r"\x01\x12\x00(\x03\x00\x00\x00\x01\x00[^\x01]|[\x01\x02\x04-\x0d])"
    r"|\x12\x01(\x03\x00\x01\x00\x00\x00[^\x01]|[\x01\x02\x04-\x0d]\x00)"
    r"|tiff:Orientation(=\"|>)[^1]"
)
_PNG_EXTRAS = "tRNS|iCCP|eXIf|acTL|Raw profile type|tiff:Orientation"


def decode_file(path):
    """The picture in a file, by its path as a string tensor.

    Raises:
        ClassicsError: as `read_image` does, wrapped in an error of TensorFlow's; see `datasets.reading`.
    """
    return decode_window_of_file(path, _all)[0]


def decode_contents(contents):
    """The picture that is encoded in a string tensor, otherwise as `decode_file`."""
    return decode_window_of_contents(contents, _all)[0]


def decode_window_of_file(path, choose):
    """A part of the picture in a file; of a JPEG no more than the part is decoded.

    Args:
        path: scalar string tensor.
        choose: decides by the picture's shape (H, W, 3), in `tf.data`, which part: it returns a dict of tensors, among
            them the "window": top, left, height and width in pixels.

    Returns:
        The window's pixels, uint8 (height, width, 3), and what `choose` returned.

    Raises:
        ClassicsError: as `decode_file` does.
    """
    import tensorflow as tf

    return _decode(path, tf.io.read_file, lambda path: pictures.read_image(os.fsdecode(path)), choose)


def decode_window_of_contents(contents, choose):
    """A part of the picture that is encoded in a string tensor, otherwise as `decode_window_of_file`."""
    return _decode(contents, lambda same: same, lambda stored: pictures.read_image(io.BytesIO(stored)), choose)


def explained(error: str) -> str | None:
    """What an error of TensorFlow's operations says of a picture, in one line; None if it is of something else."""
    found = re.search(r"([^\n]+); (No such file or directory|Permission denied|Is a directory)", error)
    if found:
        return f"'{found[1].split(': ')[-1]}' cannot be read ({found[2].lower()}). Replace or remove it."
    found = re.search(r"Invalid (JPEG|PNG) data.*?size (\d+)", error)
    if found:
        return f"A {found[1]} file of {found[2]} bytes is damaged within. Find it by its size; replace or remove it."
    return None


def _all(shape):
    import tensorflow as tf

    return {"window": tf.stack([0, 0, shape[0], shape[1]])}


def _decode(stored, read, read_by_pillow, choose):
    import tensorflow as tf

    def by_tensorflow():
        chosen = choose(tf.stack([header[0], header[1], 3]))
        decoded = tf.cond(
            _is_jpeg(contents),
            lambda: _jpeg(contents, header, chosen["window"]),
            lambda: _cut(tf.io.decode_png(contents, channels=3), chosen["window"][:2], chosen["window"][2:]),
        )
        return decoded, chosen

    def by_pillow():
        # A string comes as bytes from a graph, and as an array outside of one.
        image = tf.numpy_function(lambda stored: read_by_pillow(np.asarray(stored, object).item()), [stored], tf.uint8)
        image = tf.ensure_shape(image, (None, None, 3))
        chosen = choose(tf.shape(image))
        return _cut(image, chosen["window"][:2], chosen["window"][2:]), chosen

    contents = read(stored)
    header = _header(contents)
    return tf.cond(_is_ordinary(contents, header), by_tensorflow, by_pillow)


def _jpeg(contents, header, window):
    import tensorflow as tf

    corner, end = window[:2], window[:2] + window[2:]
    first, last = tf.maximum(corner - MARGIN, 0), tf.minimum(end + MARGIN, header[:2])
    image = tf.image.decode_and_crop_jpeg(
        contents,
        tf.concat([first, last - first], 0),
        channels=3,
        dct_method="INTEGER_ACCURATE",  # Pillow's
    )
    return _cut(image, corner - first, window[2:])


def _cut(image, corner, extent):
    import tensorflow as tf

    return tf.ensure_shape(tf.slice(image, tf.concat([corner, [0]], 0), tf.concat([extent, [3]], 0)), (None, None, 3))


def _is_jpeg(contents):
    import tensorflow as tf

    return tf.strings.substr(contents, 0, 3) == b"\xff\xd8\xff"


def _header(contents):
    """Height, width and channels, by the header; of neither a JPEG nor a PNG that is there to its end they are 0, for
    such is Pillow's to judge."""
    import tensorflow as tf

    contents = tf.cond(tf.strings.length(contents) < HEADER, lambda: b"\0" * HEADER, lambda: contents)
    whole_jpeg = _is_jpeg(contents) & (tf.strings.substr(contents, -2, 2) == b"\xff\xd9")
    whole_png = (tf.strings.substr(contents, 0, 16) == b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR") & (
        tf.strings.substr(contents, -8, 8) == b"IEND\xaeB`\x82"
    )
    return tf.cond(
        whole_jpeg,
        lambda: tf.image.extract_jpeg_shape(contents),
        lambda: tf.cond(whole_png, lambda: _png_header(contents), lambda: tf.zeros((3,), tf.int32)),
    )


def _png_header(contents):
    """The channels are 0 if it is not grey, RGB or of a palette, or of more than 8 bits."""
    import tensorflow as tf

    width, height = tf.unstack(tf.io.decode_raw(tf.strings.substr(contents, 16, 8), tf.int32, little_endian=False), 2)
    depth, kind = tf.unstack(tf.cast(tf.io.decode_raw(tf.strings.substr(contents, 24, 2), tf.uint8), tf.int32), 2)
    channels = tf.where(depth <= 8, tf.gather([1, 0, 3, 3, 0], tf.minimum(kind, 4)), 0)
    return tf.stack([height, width, channels])


def _is_ordinary(contents, header):
    """Whether TensorFlow decodes a picture of this header as Pillow does."""
    import tensorflow as tf

    channels, pixels = header[2], tf.reduce_prod(tf.cast(header[:2], tf.int64))
    fit = ((channels == 1) | (channels == 3)) & (pixels <= pictures.max_pixels())

    def jpeg():
        is_plain = tf.strings.substr(contents, 20, 2) == b"\xff\xdb"
        head = tf.strings.substr(contents, 0, tf.where(is_plain, PLAIN_HEAD, HEAD))
        return tf.cond(
            _has(head, f"{_ICC_PROFILE}|{_TURNED}"), lambda: ~_has(head, _TURNED) & _has(head, _SRGB), lambda: True
        )

    extras = tf.cond(fit & _is_jpeg(contents), jpeg, lambda: ~_has(tf.strings.substr(contents, 0, HEAD), _PNG_EXTRAS))
    return fit & extras


def _has(contents, pattern):
    import tensorflow as tf

    return tf.strings.regex_full_match(contents, rf"\C*({pattern})\C*")
