"""What the papers do to a training image, as `tf.data` operations.

Each is called with a float32 image (H, W, C) of 0..255 and a seed of two integers, and gives the image back changed;
the same seed gives the same change. `takes_raw` tells that an operation itself brings a picture of any size to the
network's.
"""

from dataclasses import dataclass
from typing import ClassVar

# Principal components of ImageNet's RGB values in 0..1 (facebookarchive/fb.resnet.torch, datasets/imagenet.lua): the
# paper (AlexNet, section 4.1) prints none. Columns are the components.
PCA_DEVIATIONS = (0.2175, 0.0188, 0.0045)
PCA_COMPONENTS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))


@dataclass(frozen=True)
class PadAndCrop:
    """`padding` pixels of the colour `fill` on each side, then a random crop of the size before.

    (ResNet, section 4.2; there the padding is zero after the mean is subtracted, which is the mean colour.)
    """

    padding: int
    fill: tuple[float, ...]
    takes_raw: ClassVar[bool] = False

    def __call__(self, image, seed):
        import tensorflow as tf

        shape = tf.shape(image)
        fill = tf.constant(self.fill, image.dtype)
        widths = ((self.padding, self.padding), (self.padding, self.padding), (0, 0))
        image = tf.pad(image - fill, widths) + fill
        return tf.image.stateless_random_crop(image, shape, seed)


@dataclass(frozen=True)
class Flip:
    """The mirror image, left for right, with probability 1/2."""

    takes_raw: ClassVar[bool] = False

    def __call__(self, image, seed):
        import tensorflow as tf

        return tf.image.stateless_random_flip_left_right(image, seed)


@dataclass(frozen=True)
class ScaleJitterCrop:
    """The shorter side resized to a random length in [`shortest`, `longest`], then a random square of `size` pixels.

    (VGG, section 3.1; ResNet, section 3.4.)
    """

    shortest: int
    longest: int
    size: int
    takes_raw: ClassVar[bool] = True

    def __call__(self, image, seed):
        import tensorflow as tf

        side = tf.random.stateless_uniform((), seed, self.shortest, self.longest + 1, tf.int32)
        shape = tf.cast(tf.shape(image)[:2], tf.float32)
        shape = tf.cast(tf.round(shape * tf.cast(side, tf.float32) / tf.reduce_min(shape)), tf.int32)
        image = tf.image.resize(image, shape, antialias=True)
        return tf.image.stateless_random_crop(image, (self.size, self.size, image.shape[-1]), seed)


@dataclass(frozen=True)
class RandomAreaCrop:
    """A random rectangle of `smallest` to all of the picture's area, its aspect ratio within [3/4, 4/3], resized to a
    square of `size` pixels (GoogLeNet, section 6). After a hundred draws that do not fit, the whole picture is taken.
    """

    size: int
    smallest: float = 0.08
    takes_raw: ClassVar[bool] = True

    def __call__(self, image, seed):
        import tensorflow as tf

        begin, size, _ = tf.image.stateless_sample_distorted_bounding_box(
            tf.shape(image),
            tf.zeros((1, 0, 4)),
            seed,
            aspect_ratio_range=(3 / 4, 4 / 3),
            area_range=(self.smallest, 1.0),
            max_attempts=100,
            use_image_if_no_bounding_boxes=True,
        )
        crop = tf.ensure_shape(tf.slice(image, begin, size), (None, None, image.shape[-1]))
        return tf.image.resize(crop, (self.size, self.size), antialias=True)


@dataclass(frozen=True)
class PCAColour:
    """Adds multiples of the principal components of ImageNet's colours, N(0, `deviation`) times the component's own
    deviation, drawn once an image (AlexNet, section 4.1)."""

    deviation: float = 0.1
    takes_raw: ClassVar[bool] = False

    def __call__(self, image, seed):
        import tensorflow as tf

        alpha = tf.random.stateless_normal((3,), seed, 0.0, self.deviation)
        shift = tf.linalg.matvec(tf.constant(PCA_COMPONENTS), alpha * tf.constant(PCA_DEVIATIONS))
        return image + 255.0 * shift
