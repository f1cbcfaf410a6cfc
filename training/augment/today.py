"""Augmentations that are younger than the networks.

What RandAugment and AugMix do to the pixels is done by keras-cv's layers, and drawn here: the layers themselves, as
Keras' own of these names, draw from a generator with a state, so that the images would change with the parallelism and
when a run is resumed (BENCHMARKS.md, "Augmentation of today", has the measurements).
"""

import functools
import math
from dataclasses import dataclass
from types import SimpleNamespace

from keras_classics.errors import ClassicsError
from training.augment.operation import Operation

# Changes of an image by name, as `_change` makes them. AugMix leaves out those that ImageNet-C judges by.
MIXED = (
    "identity",
    "auto_contrast",
    "equalize",
    "posterize",
    "rotate",
    "solarize",
    "shear_x",
    "shear_y",
    "translate_x",
    "translate_y",
)
ALL = (*MIXED, "colour", "contrast", "brightness", "sharpness")


@dataclass(frozen=True)
class RandAugment(Operation):
    """`count` random changes one after the other, each with `magnitude` thirtieths of its greatest strength and a
    random sign (Cubuk et al. 2020, https://arxiv.org/abs/1909.13719, section 3; strengths are AutoAugment's).

    What a change moves into the image is its mirror image.
    """

    count: int = 2
    magnitude: float = 9.0

    def check(self):
        _keras_cv()

    def reads(self, pixels):
        return pixels == "normalized"

    def draw(self, shape, seed):
        import tensorflow as tf

        name_seed, sign_seed = tf.unstack(tf.random.split(seed))
        names = tf.random.stateless_uniform((self.count,), name_seed, 0, len(ALL), tf.int32)
        return {
            "changes": tf.gather(tf.constant(ALL), names),
            "strengths": self.magnitude / 30 * _signs((self.count,), sign_seed),
        }

    def apply(self, image, drawn):
        return _changed(image, drawn["changes"], drawn["strengths"], ALL, bits=8, translation=150 / 331)


@dataclass(frozen=True)
class AugMix(Operation):
    """The image averaged with a mixture of `chains` copies of it, each after one to `depth` random changes, of
    strengths up to `severity` tenths of the greatest (Hendrycks et al. 2020, https://arxiv.org/abs/1912.02781,
    algorithm 1, without its loss of consistency).

    What a change moves into the image is its mirror image.
    """

    severity: float = 3.0
    chains: int = 3
    depth: int = 3

    def check(self):
        _keras_cv()

    def reads(self, pixels):
        return pixels == "normalized"

    def draw(self, shape, seed):
        import tensorflow as tf

        grid = (self.chains, self.depth)
        seeds = tf.unstack(tf.random.split(seed, 6))
        names = tf.random.stateless_uniform(grid, seeds[0], 1, len(MIXED), tf.int32)
        depths = tf.random.stateless_uniform((self.chains, 1), seeds[1], 1, self.depth + 1, tf.int32)
        levels = tf.random.stateless_uniform(grid, seeds[2], 0.1, self.severity)
        weights = tf.random.stateless_gamma((self.chains,), seeds[3], 1.0)
        return {
            "changes": tf.gather(tf.constant(MIXED), tf.where(tf.range(self.depth) < depths, names, 0)),
            "strengths": levels / 10 * _signs(grid, seeds[4]),
            "weights": weights / tf.reduce_sum(weights),
            "mixture": tf.random.stateless_uniform((), seeds[5]),
        }

    def apply(self, image, drawn):
        import tensorflow as tf

        def chain(drawn):
            names, strengths = drawn
            return _changed(image, names, strengths, MIXED, bits=4, translation=1 / 3)

        copies = tf.map_fn(chain, (drawn["changes"], drawn["strengths"]), fn_output_signature=image.dtype)
        mixture = tf.tensordot(drawn["weights"], copies, 1)
        return image + drawn["mixture"] * (mixture - image)


@dataclass(frozen=True)
class RandomErasing(Operation):
    """With `probability`, noise in the place of a random rectangle: a share of the area from `smallest` to `largest`,
    of an aspect ratio from 0.3 to 1 / 0.3 (Zhong et al. 2020, https://arxiv.org/abs/1708.04896, algorithm 1).

    Where the rectangle would be longer than the image, it is cut to its length, where the paper draws again.
    """

    probability: float = 0.5
    smallest: float = 0.02
    largest: float = 0.4

    def reads(self, pixels):
        return pixels == "normalized"

    def draw(self, shape, seed):
        import tensorflow as tf

        erased_seed, area_seed, aspect_seed, corner_seed, noise_seed = tf.unstack(tf.random.split(seed, 5))
        sides = tf.cast(shape[:2], tf.float32)
        area = tf.random.stateless_uniform((), area_seed, self.smallest, self.largest) * tf.reduce_prod(sides)
        log_aspect = tf.random.stateless_uniform((), aspect_seed, math.log(0.3), -math.log(0.3))
        extent = tf.sqrt(area * tf.exp(tf.stack([log_aspect, -log_aspect])))
        extent = tf.minimum(tf.round(extent), sides)
        corner = tf.floor(tf.random.stateless_uniform((2,), corner_seed) * (sides - extent + 1))
        erased = tf.random.stateless_uniform((), erased_seed) < self.probability
        return {
            "corner": tf.cast(corner, tf.int32),
            "extent": tf.where(erased, tf.cast(extent, tf.int32), 0),
            "noise_seed": noise_seed,
        }

    def apply(self, image, drawn):
        import tensorflow as tf

        corner, extent = drawn["corner"], drawn["extent"]
        around = tf.stack([corner, tf.shape(image)[:2] - corner - extent], axis=1)
        noise = tf.random.stateless_uniform(tf.concat([extent, image.shape[-1:]], 0), drawn["noise_seed"], 0.0, 255.0)
        noise = tf.pad(noise, tf.concat([around, [[0, 0]]], 0))
        image_or_noise = tf.where(tf.pad(tf.ones(extent, tf.bool), around)[:, :, None], noise, image)
        return tf.ensure_shape(image_or_noise, image.shape)


def _signs(shape, seed):
    import tensorflow as tf

    return tf.sign(tf.random.stateless_uniform(shape, seed) - 0.5)


def _changed(image, names, strengths, among, bits, translation):
    """The image (H, W, C) after the changes of these names, one after the other."""
    import tensorflow as tf

    def change(image, drawn):
        name, strength = drawn
        return _change(image, name, strength, among, bits, translation)

    return tf.foldl(change, (names, strengths), image)


def _change(image, name, strength, among, bits, translation):
    """The image (H, W, C) after the change of this name, one of those `among`.

    Args:
        strength: from -1 to 1; the sign is the direction, for those that have one.
        bits: that posterising starts from; at full strength it leaves 4 fewer.
        translation: at full strength, in sides of the image.
    """
    import tensorflow as tf

    layers, images, size = _keras_cv(), image[None], abs(strength)
    row = tf.reshape(strength, (1, 1))  # keras-cv takes a row for each image
    step = 2.0 ** (8 - bits + tf.round(4 * size))
    # Some are not keras-cv's: its brightness adds and its contrast is about the mean of each channel, both unlike
    # Pillow's; its equalising makes white grey; its posterising takes no strength; its rotation fails on jax and torch.
    changes = {
        "identity": lambda: images,
        "auto_contrast": lambda: layers.auto_contrast.augment_images(images),
        "equalize": lambda: _equalized(images),
        "posterize": lambda: step * tf.floor(images / step),
        "rotate": lambda: _rotated(images, math.radians(30) * strength),
        "solarize": lambda: layers.solarize.augment_images(
            images, {"thresholds": 255 * (1 - size), "additions": tf.zeros(())}
        ),
        "shear_x": lambda: layers.shear.augment_images(images, {"shear_x": 0.3 * row, "shear_y": None}),
        "shear_y": lambda: layers.shear.augment_images(images, {"shear_x": None, "shear_y": 0.3 * row}),
        "translate_x": lambda: layers.translate.augment_images(
            images, {"width_translations": translation * row, "height_translations": tf.zeros_like(row)}
        ),
        "translate_y": lambda: layers.translate.augment_images(
            images, {"width_translations": tf.zeros_like(row), "height_translations": translation * row}
        ),
        "colour": lambda: layers.colour.augment_images(images, -0.9 * strength) if images.shape[-1] == 3 else images,
        "contrast": lambda: _about(tf.reduce_mean(_luminance(images)), images, strength),
        "brightness": lambda: _about(0.0, images, strength),
        "sharpness": lambda: layers.sharpness.augment_images(images, -0.9 * strength),
    }
    index = tf.argmax(tf.equal(name, among), output_type=tf.int32)
    return tf.ensure_shape(tf.switch_case(index, [changes[key] for key in among])[0], image.shape)


def _about(centre, images, strength):
    """The images moved away from a value, or towards it where the strength is negative."""
    import tensorflow as tf

    return tf.clip_by_value(centre + (1 + 0.9 * strength) * (images - centre), 0.0, 255.0)


def _equalized(images):
    """The levels of each channel spread so that each is as frequent as the others, as Pillow does it."""
    import tensorflow as tf

    def equalized(levels):
        counts = tf.math.bincount(tf.reshape(levels, (-1,)), minlength=256, maxlength=256)
        step = (tf.reduce_sum(counts) - tf.boolean_mask(counts, counts > 0)[-1]) // 255
        spread = (tf.cumsum(counts, exclusive=True) + step // 2) // tf.maximum(step, 1)
        return tf.gather(tf.where(step > 0, tf.minimum(spread, 255), tf.range(256)), levels)

    levels = tf.cast(tf.clip_by_value(images, 0.0, 255.0), tf.int32)
    channels = [equalized(levels[..., channel]) for channel in range(images.shape[-1])]
    return tf.cast(tf.stack(channels, axis=-1), images.dtype)


def _rotated(images, angle):
    """About the centre, by `angle` radians counterclockwise."""
    import tensorflow as tf

    centre = (tf.cast(tf.shape(images)[1:3], tf.float32) - 1) / 2  # row, column
    cosine, sine = tf.cos(angle), tf.sin(angle)
    column = centre[1] - cosine * centre[1] + sine * centre[0]
    row = centre[0] - sine * centre[1] - cosine * centre[0]
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=[[cosine, -sine, column, sine, cosine, row, 0.0, 0.0]],
        output_shape=tf.shape(images)[1:3],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )


def _luminance(images):
    import tensorflow as tf

    return tf.image.rgb_to_grayscale(images) if images.shape[-1] == 3 else images


@functools.cache
def _keras_cv() -> SimpleNamespace:
    """keras-cv's layers that change images (N, H, W, C) of 0..255 by what they are told."""
    import tensorflow as tf

    try:
        from keras_cv import layers
    except ImportError:
        raise ClassicsError("RandAugment and AugMix need keras-cv: pip install keras-cv") from None
    settings = {"dtype": "float32"}
    with tf.init_scope():  # their generators, which nothing here draws from, outlive the graph of a pipeline
        return SimpleNamespace(
            auto_contrast=layers.AutoContrast((0, 255), **settings),
            solarize=layers.Solarization((0, 255), **settings),
            shear=layers.RandomShear(0.0, 0.0, **settings),
            translate=layers.RandomTranslation(0.0, 0.0, **settings),
            colour=layers.RandomColorDegeneration(0.0, **settings),
            sharpness=layers.RandomSharpness(0.0, (0, 255), **settings),
        )
