"""Pillow's resize in TensorFlow's operations, to the pixel: torchvision and timm evaluate by it.

A new pixel is the weighted sum of the old ones that the kernel reaches, and it reaches further the more the picture is
reduced (antialiasing). Pillow resizes the width, rounds to whole pixels, then resizes the height; the weights have 22
bits after the point (src/libImaging/Resample.c). Pillow 13 begins with the height where it loses more than twice as
many pixels as the width, so of pictures more than twice as high as wide: some of their pixels then differ by one level.
The peers' figures were measured before.
"""

from keras_classics.errors import unknown

FRACTION_BITS = 22


def _triangle(x):
    import tensorflow as tf

    return tf.maximum(1 - x, 0)


def _cubic(x):
    """Keys' kernel with a = -1/2."""
    import tensorflow as tf

    near = (1.5 * x - 2.5) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * -0.5
    return tf.where(x < 1, near, tf.where(x < 2, far, 0))


KERNELS = {"bilinear": (_triangle, 1), "bicubic": (_cubic, 2)}  # functions of the distance, and where they end


def window_of_resized(image, size, corner, window, interpolation: str):
    """A part of an image resized; no pixel outside of it is made.

    Args:
        image: (H, W, C) of 0..255; fractions are rounded.
        size: the height and width to resize to, int64.
        corner: top and left of the part, in the resized image, int64.
        window: height and width of the part, int64.
        interpolation: a name of `KERNELS`.

    Returns:
        uint8 (*window, C).

    Raises:
        ClassicsError: if there is no such interpolation.
    """
    import tensorflow as tf

    if interpolation not in KERNELS:
        raise unknown("interpolation", interpolation, KERNELS)
    image = whole_pixels(image)
    old = tf.shape(image, tf.int64)
    (top, bottom, down), (left, right, across) = (
        _weights(old[axis], size[axis], corner[axis], window[axis], *KERNELS[interpolation]) for axis in (0, 1)
    )
    pixels = image[top:bottom, left:right]
    for weights in (across, down):
        pixels = _product(weights, tf.transpose(pixels, (1, 0, 2)))
    return pixels


def whole_pixels(image):
    """Pixels of 0..255 as uint8; fractions are rounded."""
    import tensorflow as tf

    if image.dtype == tf.uint8:
        return image
    return tf.cast(tf.round(tf.clip_by_value(tf.cast(image, tf.float32), 0, 255)), tf.uint8)


def _product(weights, pixels):
    """The weighted sums of the rows of `pixels`, rounded to whole pixels."""
    import tensorflow as tf

    shape = tf.shape(pixels)
    rows = tf.cast(tf.reshape(pixels, (shape[0], -1)), tf.int32)
    sums = tf.sparse.sparse_dense_matmul(weights, rows)
    rounded = tf.bitwise.right_shift(sums + (1 << FRACTION_BITS - 1), FRACTION_BITS)
    return tf.cast(tf.reshape(tf.clip_by_value(rounded, 0, 255), (-1, *tf.unstack(shape[1:]))), tf.uint8)


def _weights(old, new, start, count, kernel, reach):
    """How `count` pixels from `start` on, of a line resized from `old` to `new` pixels, come from the old ones.

    Returns:
        The first of the old pixels and the end of those that take part, and the weights of these: int32 sparse
        (count, end - first).
    """
    import tensorflow as tf

    scale = tf.cast(old, tf.float64) / tf.cast(new, tf.float64)
    stretch = tf.maximum(scale, 1)
    centre = (tf.cast(start + tf.range(count), tf.float64) + 0.5) * scale
    first = tf.cast(tf.maximum(centre - reach * stretch + 0.5, 0), tf.int64)
    end = tf.minimum(tf.cast(centre + reach * stretch + 0.5, tf.int64), old)
    place = first[:, None] + tf.range(tf.reduce_max(end - first))
    weights = kernel(tf.abs((tf.cast(place, tf.float64) - centre[:, None] + 0.5) * (1 / stretch)))
    weights = tf.where(place < end[:, None], weights, 0)
    weights = weights / tf.reduce_sum(weights, 1, keepdims=True) * (1 << FRACTION_BITS)
    weights = tf.cast(weights + 0.5 * tf.sign(weights), tf.int32)  # rounded away from zero
    row = tf.broadcast_to(tf.range(count)[:, None], tf.shape(place, tf.int64))
    where = tf.where(place < end[:, None])
    indices = tf.stack([tf.gather_nd(row, where), tf.gather_nd(place, where) - first[0]], 1)
    return first[0], end[-1], tf.SparseTensor(indices, tf.gather_nd(weights, where), (count, end[-1] - first[0]))
