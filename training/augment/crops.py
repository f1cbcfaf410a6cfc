"""Where in the picture a training image is cut out, and its mirror image."""

from dataclasses import dataclass
from typing import ClassVar

from training.augment.operation import Operation


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
        fill = tf.constant(self.fill, image.dtype)
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


@dataclass(frozen=True)
class ScaleJitterCrop(Operation):
    """The shorter side resized to a random length in [`shortest`, `longest`], then a random square of `size` pixels.

    (VGG, section 3.1; ResNet, section 3.4.)
    """

    shortest: int
    longest: int
    size: int
    takes_raw: ClassVar[bool] = True

    def draw(self, shape, seed):
        import tensorflow as tf

        side_seed, corner_seed = tf.unstack(tf.random.split(seed))
        side = tf.random.stateless_uniform((), side_seed, self.shortest, self.longest + 1, tf.int32)
        scale = tf.cast(side, tf.float32) / tf.cast(tf.reduce_min(shape[:2]), tf.float32)
        resized = tf.cast(tf.round(tf.cast(shape[:2], tf.float32) * scale), tf.int32)
        place = tf.random.stateless_uniform((2,), corner_seed)
        corner = tf.cast(tf.floor(place * tf.cast(resized - self.size + 1, tf.float32)), tf.int32)
        return {"resized": resized, "corner": corner}

    def apply(self, image, drawn):
        import tensorflow as tf

        image = tf.image.resize(image, drawn["resized"], antialias=True)
        return tf.slice(image, tf.concat([drawn["corner"], [0]], 0), (self.size, self.size, image.shape[-1]))


@dataclass(frozen=True)
class RandomAreaCrop(Operation):
    """A random rectangle of `smallest` to all of the picture's area, its aspect ratio within [3/4, 4/3], resized to a
    square of `size` pixels (GoogLeNet, section 6). After a hundred draws that do not fit, the whole picture is taken.
    """

    size: int
    smallest: float = 0.08
    takes_raw: ClassVar[bool] = True

    def draw(self, shape, seed):
        import tensorflow as tf

        begin, size, _ = tf.image.stateless_sample_distorted_bounding_box(
            shape,
            tf.zeros((1, 0, 4)),
            seed,
            aspect_ratio_range=(3 / 4, 4 / 3),
            area_range=(self.smallest, 1.0),
            max_attempts=100,
            use_image_if_no_bounding_boxes=True,
        )
        return {"corner": begin[:2], "extent": size[:2]}

    def apply(self, image, drawn):
        import tensorflow as tf

        crop = tf.slice(image, tf.concat([drawn["corner"], [0]], 0), tf.concat([drawn["extent"], [-1]], 0))
        crop = tf.ensure_shape(crop, (None, None, image.shape[-1]))
        return tf.image.resize(crop, (self.size, self.size), antialias=True)
