"""From encoded pictures to pixels inside `tf.data`: uint8 (H, W, 3), the same ones as `pictures.read_image` gives.

TensorFlow's own operations decode the ordinary JPEG and PNG, in parallel and without a call into Python. Whatever they
would decode otherwise than Pillow does, or cannot decode, goes to Pillow: pictures that do not stand upright, are
transparent, of four components or sixteen bits, too large, cut off or damaged, a PNG in colours other than sRGB's. Of a
JPEG in such colours Pillow is given the decoded pixels alone, and no more of them than are wanted.
"""

import io
import os
import re

import numpy as np

from keras_classics import pictures

JPEG, PNG = b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n"  # how such files begin
HEADER = 33  # bytes of a PNG's signature and header; no picture is as short
HEAD = 2**17  # bytes in which a file tells of its colours and how it stands: two of JPEG's segments at their longest
PLAIN_HEAD = 2**12  # the same for a JPEG that has only JFIF's 20 bytes before its tables
SEGMENTS = 6  # of a JPEG before its tables: JFIF's, EXIF's, Photoshop's, XMP's, the profile's and Adobe's
MARGIN = 2  # pixels around a window, which the colours at its edges are interpolated from

# Who decodes a picture: Pillow, or TensorFlow, by its kind; the coloured ones' colours are other than sRGB's.
_PILLOW, _JPEG, _COLOURED_JPEG, _PNG = range(4)

# Regular expressions of bytes; \C is any of them.
_ICC_PROFILE = "ICC_PROFILE"
_SRGB = r"desc\x00\x00\x00\x00\x00\x00\x00\CsRGB"  # how sRGB's own profile names itself
_TURNED = (  # EXIF's tag 0x0112, but for the value 1, in either order of bytes; and what Adobe's XMP says of it
    r"\x01\x12\x00(\x03\x00\x00\x00\x01\x00[^\x01]|[\x01\x02\x04-\x0d])"
    r"|\x12\x01(\x03\x00\x01\x00\x00\x00[^\x01]|[\x01\x02\x04-\x0d]\x00)"
    r"|tiff:Orientation(=\"|>)[^1]"
)
# The same with any value, which they keep: a byte, or a digit.
_EXIF_STANDS = r"\x01\x12\x00\x03\x00\x00\x00\x01\x00(\C)|\x12\x01\x03\x00\x01\x00\x00\x00(\C)\x00"
_XMP_STANDS = r"tiff:Orientation=\"(\d)|tiff:Orientation>(\d)"
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


def decode_in_graph(contents):
    """The JPEG or PNG in a string tensor, by TensorFlow's operations alone, for a graph that is served without Python.

    The pixels are those of `decode_contents`, but that a colour profile is ignored, and EXIF data in a PNG's text.

    Raises:
        tf.errors.InvalidArgumentError: when the graph runs, if it is neither, damaged, too large or of four components.
    """
    import tensorflow as tf

    is_jpeg, is_png = _begins(contents, JPEG), _begins(contents, PNG)
    head = tf.cond(is_png, lambda: _png_ends(contents), lambda: tf.strings.substr(contents, 0, HEAD))
    known = tf.debugging.Assert(is_jpeg | is_png, ["A picture is neither JPEG nor PNG."])
    with tf.control_dependencies([known]):
        start = tf.strings.join([head, b"\0" * HEADER])
        shape = tf.cond(is_jpeg, lambda: tf.image.extract_jpeg_shape(contents), lambda: _png_header(start))
    pixels = tf.reduce_prod(tf.cast(shape[:2], tf.int64))
    checks = [
        tf.debugging.Assert(pixels <= pictures.max_pixels(), ["A picture is too large:", shape]),
        tf.debugging.Assert(is_png | (shape[2] < 4), ["A JPEG has four components; save it as RGB."]),
    ]
    with tf.control_dependencies(checks):
        image = tf.cond(
            is_jpeg,
            lambda: tf.io.decode_jpeg(contents, channels=3, dct_method="INTEGER_ACCURATE"),
            lambda: _png(contents, head),
        )
    return tf.ensure_shape(_upright(image, head), (None, None, 3))


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

    contents = read(stored)
    decoder, shape = _decoder(contents)
    by_pillow = tf.cond(
        decoder == _PILLOW,
        lambda: _by_python(read_by_pillow, stored),
        lambda: tf.zeros((0, 0, 3), tf.uint8),
    )
    shape = tf.where(decoder == _PILLOW, tf.shape(by_pillow), shape)
    chosen = choose(shape)
    corner, extent = chosen["window"][:2], chosen["window"][2:]
    decoders = {
        _PILLOW: lambda: _cut(by_pillow, corner, extent),
        _JPEG: lambda: _jpeg(contents, shape, corner, extent),
        _COLOURED_JPEG: lambda: _by_python(pictures.in_srgb, contents, _jpeg(contents, shape, corner, extent)),
        _PNG: lambda: _cut(tf.io.decode_png(contents, channels=3), corner, extent),
    }
    return tf.switch_case(decoder, decoders), chosen


def _jpeg(contents, shape, corner, extent):
    import tensorflow as tf

    first, last = tf.maximum(corner - MARGIN, 0), tf.minimum(corner + extent + MARGIN, shape[:2])
    image = tf.image.decode_and_crop_jpeg(
        contents,
        tf.concat([first, last - first], 0),
        channels=3,
        dct_method="INTEGER_ACCURATE",  # Pillow's
    )
    return _cut(image, corner - first, extent)


def _by_python(function, string, *arguments):
    """The pixels that a function of Python's makes of a string, and of other arguments."""
    import tensorflow as tf

    def called(string, *arguments):  # a string comes as bytes from a graph, and as an array outside of one
        return function(np.asarray(string, object).item(), *arguments)

    return tf.ensure_shape(tf.numpy_function(called, [string, *arguments], tf.uint8), (None, None, 3))


def _cut(image, corner, extent):
    import tensorflow as tf

    return tf.ensure_shape(tf.slice(image, tf.concat([corner, [0]], 0), tf.concat([extent, [3]], 0)), (None, None, 3))


def _decoder(contents):
    """Which one decodes a picture as Pillow does, by its number, and its shape (H, W, 3), which Pillow alone finds out
    itself. A file that is not there to its end is Pillow's to judge."""
    import tensorflow as tf

    size = tf.strings.length(contents)
    head = tf.strings.substr(contents, 0, PLAIN_HEAD)
    end = tf.strings.substr(contents, tf.maximum(size - 2, 0), 2)
    start = tf.strings.join([head, b"\0" * HEADER])  # long enough for what is read from it
    is_jpeg = _begins(start, JPEG) & (end == b"\xff\xd9") & (size >= HEADER)
    is_plain = (tf.strings.substr(start, 20, 2) == b"\xff\xdb") & ~_has(head, f"{_ICC_PROFILE}|{_TURNED}")
    decoder, header = tf.cond(
        is_jpeg & is_plain,
        lambda: (_JPEG, tf.image.extract_jpeg_shape(contents)),
        lambda: _other_decoder(contents, is_jpeg),
    )
    pixels, channels = tf.reduce_prod(tf.cast(header[:2], tf.int64)), header[2]
    fits = (pixels <= pictures.max_pixels()) & ((channels == 3) | (channels == 1) & (decoder != _COLOURED_JPEG))
    return tf.where(fits, decoder, _PILLOW), tf.concat([header[:2], [3]], 0)


def _other_decoder(contents, is_jpeg):
    """The same of all but the plainest JPEG: the decoder, and height, width and channels by the header, or zeros."""
    import tensorflow as tf

    def jpeg():
        head = tf.strings.substr(contents, 0, _tables(contents) + PLAIN_HEAD)
        coloured = _has(head, _ICC_PROFILE) & ~_has(head, _SRGB)
        decoder = tf.where(_has(head, _TURNED), _PILLOW, tf.where(coloured, _COLOURED_JPEG, _JPEG))
        return decoder, tf.image.extract_jpeg_shape(contents)

    def png():
        return tf.where(_has(_png_ends(contents), _PNG_EXTRAS), _PILLOW, _PNG), _png_header(contents)

    size = tf.strings.length(contents)
    end = tf.strings.substr(contents, tf.maximum(size - 8, 0), 8)
    is_png = _begins(contents, PNG + b"\0\0\0\rIHDR") & (end == b"IEND\xaeB`\x82")
    is_png &= size >= HEADER
    kind = tf.where(is_jpeg, 0, tf.where(is_png, 1, 2))
    return tf.switch_case(kind, [jpeg, png, lambda: (_PILLOW, tf.zeros((3,), tf.int32))])


def _tables(contents):
    """Where the tables of a JPEG begin, behind the segments of applications and comments; `HEAD` if it has many, or
    something else stands there, such as bytes that fill."""
    import tensorflow as tf

    last, place = tf.strings.length(contents) - 4, tf.constant(2)
    for _ in range(SEGMENTS):
        four_bytes = tf.strings.substr(contents, tf.minimum(place, last), 4)
        marker, length = tf.unstack(tf.cast(tf.io.decode_raw(four_bytes, tf.uint16, little_endian=False), tf.int32), 2)
        tells = (marker & 0xFFF0 == 0xFFE0) | (marker == 0xFFFE)
        place = tf.where(tells, place + 2 + length, place)
    return tf.minimum(tf.where(marker == 0xFFDB, place, HEAD), HEAD)


def _png_ends(contents):
    """Where a PNG tells of its colours and how it stands: before its pixels, or behind them."""
    import tensorflow as tf

    size = tf.strings.length(contents)
    rest = tf.maximum(size - HEAD, tf.minimum(size, HEAD))
    return tf.strings.substr(contents, 0, HEAD) + tf.strings.substr(contents, rest, HEAD)


def _png_header(contents):
    """The channels are 0 if it is not grey, RGB or of a palette, or of more than 8 bits."""
    import tensorflow as tf

    width, height = tf.unstack(tf.io.decode_raw(tf.strings.substr(contents, 16, 8), tf.int32, little_endian=False), 2)
    depth, kind = tf.unstack(tf.cast(tf.io.decode_raw(tf.strings.substr(contents, 24, 2), tf.uint8), tf.int32), 2)
    channels = tf.where(depth <= 8, tf.gather([1, 0, 3, 3, 0], tf.minimum(kind, 4)), 0)
    return tf.stack([height, width, channels])


def _begins(contents, start: bytes):
    import tensorflow as tf

    return tf.strings.substr(contents, 0, len(start)) == start


def _png(contents, head):
    """Its pixels, with white behind what is transparent."""
    import tensorflow as tf

    deep_grey = tf.strings.substr(head, 24, 2) == b"\x10\x00"  # of 16 bits; of colours so deep Pillow cuts 8 off too
    kind = tf.strings.substr(head, 25, 1)
    transparent = (kind == b"\x04") | (kind == b"\x06") | _has(head, "tRNS")
    return tf.cond(  # of an opaque palette the first would make pixels transparent
        transparent,
        lambda: _on_white(tf.io.decode_png(contents, channels=4)),
        lambda: tf.cond(
            deep_grey,
            lambda: _rounded(tf.io.decode_png(contents, channels=3, dtype=tf.uint16)),
            lambda: tf.io.decode_png(contents, channels=3),
        ),
    )


def _rounded(image):
    """Pixels of 16 bits as uint8."""
    import tensorflow as tf

    return tf.cast((tf.cast(image, tf.int32) + 128) // 257, tf.uint8)


def _on_white(image):
    """RGBA (H, W, 4) as RGB, with Pillow's rounding."""
    import tensorflow as tf

    image = tf.cast(image, tf.int32)
    colours, alpha = image[..., :3], image[..., 3:]
    mixed = colours * alpha + 255 * (255 - alpha) + 128
    shifted = tf.bitwise.right_shift(mixed, 8) + mixed
    return tf.cast(tf.bitwise.right_shift(shifted, 8), tf.uint8)


def _upright(image, head):
    """A picture turned as its file says: as the first EXIF tag, for a thumbnail's stands behind the picture's own; or
    where there is none, as XMP. See `pictures.UPRIGHT`."""
    import tensorflow as tf

    def first(pattern):
        return tf.strings.regex_replace(head, rf"^\C*?(?:{pattern})\C*$", r"\1\2")

    by_xmp = tf.cond(_has(head, _XMP_STANDS), lambda: first(_XMP_STANDS), lambda: tf.constant(b"1"))
    stands = tf.cond(_has(head, _EXIF_STANDS), lambda: first(_EXIF_STANDS), lambda: by_xmp)

    def is_turned(value: int):
        return (stands == bytes([value])) | (stands == str(value).encode())

    transposed = [value for value in pictures.UPRIGHT if value >= 5]
    mirrored = {0: (3, 4, 7, 8), 1: (2, 3, 6, 7)}  # by axis, after the transposition
    turns = {value: is_turned(value) for value in pictures.UPRIGHT}
    image = tf.cond(
        tf.reduce_any([turns[value] for value in transposed]), lambda: tf.transpose(image, (1, 0, 2)), lambda: image
    )
    for axis, values in mirrored.items():
        image = tf.cond(
            tf.reduce_any([turns[value] for value in values]),
            lambda image=image, axis=axis: tf.reverse(image, [axis]),
            lambda image=image: image,
        )
    return image


def _has(contents, pattern):
    import tensorflow as tf

    return tf.strings.regex_full_match(contents, rf"\C*({pattern})\C*")
