"""Where in the picture a training image is cut out, and its mirror image."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from training.augment.operation import Operation, fill_for

TRIES = 10  # rectangles that are drawn before the largest one in the middle is taken


@dataclass(frozen=True)
class PadAndCrop(Operation):
    """`padding` pixels of the colour `fill` on each side, then a random crop of the size before.

    (ResNet, section 4.2; there the padding is zero after the mean is subtracted, which is the mean colour.)
    """

    padding: int
    fill: tuple[float, ...]

    def draw(self, shape, seed):
        import tensorflow as tf

        return {"corner": tf.random.stateless_uniform((2,), seed, 0, 2 * self.padding + 1, tf.int32)}

    def apply(self, image, drawn):
        import tensorflow as tf

        shape = tf.shape(image)
        fill = fill_for(image, self.fill)
        widths = ((self.padding, self.padding), (self.padding, self.padding), (0, 0))
        image = tf.pad(image - fill, widths) + fill
        return tf.slice(image, tf.concat([drawn["corner"], [0]], 0), shape)


@dataclass(frozen=True)
class Flip(Operation):
    """The mirror image, left for right, with probability 1/2."""

    def draw(self, shape, seed):
        import tensorflow as tf

        return {"mirrored": tf.random.stateless_uniform((), seed) < 0.5}

    def apply(self, image, drawn):
        import tensorflow as tf

        return tf.cond(drawn["mirrored"], lambda: tf.reverse(image, [1]), lambda: image)


class Crop(Operation):
    """A part of a picture of any size, brought to the size of the network.

    `draw` places it by the picture's shape alone and gives, beside other numbers, the "window": top, left, height and
    width of the pixels that the crop is made of. So no other pixel has to be decoded.
    """

    takes_raw: ClassVar[bool] = True
    size: int  # of the crop's sides, in pixels

    def resample(self, pixels, drawn: dict[str, Any]):
        """The crop as float32 (size, size, C), made of the window's pixels (height, width, C) of 0..255."""
        raise NotImplementedError

    def apply(self, image, drawn):
        return self.resample(cut(image, drawn["window"]), drawn)


class _ScaledCrop(Crop):
    """A square of `size` pixels out of the resized picture, which `_placed` places."""

    def resample(self, pixels, drawn):
        import tensorflow as tf

        shift = tf.cast(drawn["window"][:2], tf.float32) * drawn["scale"] - tf.cast(drawn["corner"], tf.float32)
        return _interpolated(pixels, self.size, drawn["scale"], shift)


def cut(image, window):
    """The pixels of a window (top, left, height, width)."""
    import tensorflow as tf

    pixels = tf.slice(image, tf.concat([window[:2], [0]], 0), tf.concat([window[2:], [-1]], 0))
    return tf.ensure_shape(pixels, (None, None, image.shape[-1]))


@dataclass(frozen=True)
class ScaleJitterCrop(_ScaledCrop):
    """The shorter side resized to a random length in [`shortest`, `longest`], then a random square of `size` pixels.

    (VGG, section 3.1; ResNet, section 3.4.)
    """

    shortest: int
    longest: int
    size: int

    def draw(self, shape, seed):
        import tensorflow as tf

        side_seed, corner_seed = tf.unstack(tf.random.split(seed))
        side = tf.random.stateless_uniform((), side_seed, self.shortest, self.longest + 1, tf.int32)
        resized = _resized(shape, side)
        place = tf.random.stateless_uniform((2,), corner_seed)
        corner = tf.cast(tf.floor(place * tf.cast(resized - self.size + 1, tf.float32)), tf.int32)
        return _placed(shape, resized, corner, self.size)


@dataclass(frozen=True)
class CentralSquareCrop(_ScaledCrop):
    """The shorter side resized to `side`, of the central square of that side a random square of `size` pixels.

    (AlexNet, sections 2 and 4.1.)
    """

    side: int
    size: int

    def draw(self, shape, seed):
        import tensorflow as tf

        resized = _resized(shape, self.side)
        corner = tf.random.stateless_uniform((2,), seed, 0, self.side - self.size + 1, tf.int32)
        return _placed(shape, resized, (resized - self.side) // 2 + corner, self.size)


@dataclass(frozen=True)
class RandomAreaCrop(Crop):
    """A random rectangle, its area even between `smallest` and all of the picture's, its aspect ratio between 3/4 and
    4/3 and its logarithm even, resized to a square of `size` pixels by one of the `interpolations`, each as likely.

    (GoogLeNet, section 6. It says that the area is distributed evenly, of the ratio only that it is random: even in the
    logarithm, as torchvision has it, lying and standing rectangles are as likely.) After ten draws that do not fit, the
    largest rectangle in the middle is taken.
    """

    size: int
    smallest: float = 0.08
    interpolations: tuple[str, ...] = ("bilinear",)

    def reads(self, pixels):
        return pixels == "normalized" or "bicubic" not in self.interpolations  # which is kept in 0..255

    def draw(self, shape, seed):
        import tensorflow as tf

        drawn = tf.random.stateless_uniform((2 * TRIES + 3,), seed)
        sides = tf.cast(shape[:2], tf.float32)
        root = tf.sqrt(tf.reduce_prod(sides) * (self.smallest + (1 - self.smallest) * drawn[:TRIES]))
        stretch = tf.exp((drawn[TRIES : 2 * TRIES] - 0.5) * math.log(4 / 3))  # the root of the ratio
        tried = tf.maximum(tf.round(tf.stack([root / stretch, root * stretch], 1)), 1)  # (TRIES, height and width)
        largest = tf.minimum(sides, tf.round(sides[::-1] * (4 / 3)))
        fits = tf.reduce_all(tried <= sides, 1)
        found = tf.reduce_any(fits)
        extent = tf.where(found, tried[tf.argmax(fits)], largest)
        spare = sides - extent
        corner = tf.floor(tf.where(found, drawn[-3:-1] * (spare + 1), spare / 2))
        window = tf.cast(tf.concat([corner, extent], 0), tf.int32)
        if len(self.interpolations) == 1:
            return {"window": window}
        return {"window": window, "interpolation": tf.cast(drawn[-1] * len(self.interpolations), tf.int32)}

    def resample(self, pixels, drawn):
        import tensorflow as tf

        def resized(method):
            if method == "bilinear":
                extent = tf.shape(pixels)[:2]
                scale = self.size / tf.cast(extent, tf.float32)
                return _interpolated(pixels, self.size, scale, tf.zeros((2,)))
            image = tf.cast(tf.image.resize(pixels, (self.size, self.size), method, antialias=True), tf.float32)
            return tf.clip_by_value(image, 0, 255) if method == "bicubic" else image

        if len(self.interpolations) == 1:
            return resized(self.interpolations[0])
        branches = [lambda method=method: resized(method) for method in self.interpolations]
        return tf.switch_case(drawn["interpolation"], branches)


def _resized(shape, side):
    """Height and width when the shorter one is resized to `side`."""
    import tensorflow as tf

    scale = tf.cast(side, tf.float32) / tf.cast(tf.reduce_min(shape[:2]), tf.float32)
    return tf.cast(tf.round(tf.cast(shape[:2], tf.float32) * scale), tf.int32)


def _placed(shape, resized, corner, size):
    """What to draw of a picture that is resized, and then cut to a square of `size` pixels at `corner`: both in one.

    The window holds the pixels that the square is interpolated from, as far as the antialiasing kernel reaches.
    """
    import tensorflow as tf

    scale = tf.cast(resized, tf.float32) / tf.cast(shape[:2], tf.float32)
    reach = tf.maximum(1 / scale, 1) + 1
    first = tf.cast(tf.floor(tf.cast(corner, tf.float32) / scale - reach), tf.int32)
    last = tf.cast(tf.math.ceil(tf.cast(corner + size, tf.float32) / scale + reach), tf.int32)
    first, last = tf.maximum(first, 0), tf.minimum(last, shape[:2])
    return {"scale": scale, "corner": corner, "window": tf.concat([first, last - first], 0)}


def _interpolated(pixels, size, scale, shift):
    """What `tf.image.resize` does to bilinear interpolation with antialiasing, of a part of its result: float32.

    Its operation is here given one row, whose pixels of many channels are first the picture's rows, then its columns,
    and gives the same: with three channels it is some ten times as slow, and the rows of more than one it divides among
    threads that are busy with other pictures, and waits for them. So does the transposition of floats, but not that of
    whole numbers.
    """
    import tensorflow as tf

    height, channels = tf.shape(pixels)[0], tf.shape(pixels)[2]

    def along(axis, lines):
        """The picture's rows, or columns (count, values), interpolated to `size` of them."""
        lines = tf.raw_ops.ScaleAndTranslate(
            images=lines[None, None],
            size=(1, size),
            scale=tf.stack([1.0, scale[axis]]),
            translation=tf.stack([0.0, shift[axis]]),
            kernel_type="triangle",
            antialias=True,
        )
        return lines[0, 0]

    def transposed(matrix):
        return tf.bitcast(tf.transpose(tf.bitcast(matrix, tf.int32)), tf.float32)

    rows = along(0, tf.reshape(pixels, (height, -1)))
    columns = along(1, tf.reshape(transposed(rows), (-1, channels * size)))
    image = transposed(tf.reshape(columns, (size * channels, size)))
    return tf.ensure_shape(tf.reshape(image, (size, size, channels)), (size, size, pixels.shape[-1]))
