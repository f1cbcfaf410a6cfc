"""Distortions of handwritten digits: LeNet-5's affine ones, and the elastic ones that came after it."""

import math
from dataclasses import dataclass

from training.augment.operation import Operation


@dataclass(frozen=True)
class AffineDistortion(Operation):
    """A digit shifted, scaled, squeezed and slanted about the image's centre, in one bilinear resample.

    (LeCun et al. 1998, section III.C: "horizontal and vertical translations, scaling, squeezing (simultaneous
    horizontal compression and vertical elongation, or the reverse), and horizontal shearing". Its training set is the
    60,000 digits and 540,000 distorted ones, so one digit in ten stays as it is. The paper prints no ranges: they are
    ours.)

    Attributes:
        shift: the most pixels along each axis.
        scale: the greatest factor of the size; the least is its inverse.
        squeeze: the greatest factor by which a digit is made narrower and taller, or wider and lower.
        shear: the most pixels to the side for each pixel of height.
        undistorted: the share of the images that stay as they are.
        fill: the colour of the background.
    """

    shift: float = 2.0
    scale: float = 1.15
    squeeze: float = 1.15
    shear: float = 0.25
    undistorted: float = 0.1
    fill: float = 0.0

    def draw(self, shape, seed):
        import tensorflow as tf

        keep, right, down, scale, squeeze, shear = tf.unstack(tf.random.stateless_uniform((6,), seed, -1.0, 1.0))
        kept = (keep + 1) / 2 < self.undistorted
        drawn = {
            "right": right * self.shift,
            "down": down * self.shift,
            "scale": tf.exp(scale * math.log(self.scale)),
            "squeeze": tf.exp(squeeze * math.log(self.squeeze)),
            "shear": shear * self.shear,
        }
        unchanged = {"right": 0.0, "down": 0.0, "scale": 1.0, "squeeze": 1.0, "shear": 0.0}
        return {name: tf.where(kept, unchanged[name], value) for name, value in drawn.items()}

    def apply(self, image, drawn):
        """A point at (x, y) from the centre comes to (width (x - shear y) + right, height y + down): where `shear` is
        positive, the digit leans to the right."""
        import tensorflow as tf

        width, height = drawn["scale"] / drawn["squeeze"], drawn["scale"] * drawn["squeeze"]
        size = tf.shape(image)[:2]
        middle_y, middle_x = tf.unstack((tf.cast(size, tf.float32) - 1) / 2)
        # The operation asks where each point of the result comes from, so this is the inverse.
        x_from_x, y_from_y = 1 / width, 1 / height
        x_from_y = drawn["shear"] / height
        right, down = middle_x + drawn["right"], middle_y + drawn["down"]
        x_from_1 = middle_x - x_from_x * right - x_from_y * down
        y_from_1 = middle_y - y_from_y * down
        zero = tf.zeros(())
        moved = tf.raw_ops.ImageProjectiveTransformV3(
            images=image[None],
            transforms=tf.stack([x_from_x, x_from_y, x_from_1, zero, y_from_y, y_from_1, zero, zero])[None],
            output_shape=size,
            fill_value=self.fill,
            interpolation="BILINEAR",
            fill_mode="CONSTANT",
        )
        return tf.ensure_shape(moved[0], image.shape)


@dataclass(frozen=True)
class ElasticDistortion(Operation):
    """Each pixel taken from a place nearby: uniform noise of -1..1 for each axis, smoothed by a Gaussian of `sigma`
    pixels and multiplied by `alpha`, tells how far away; bilinear between pixels.

    (Simard, Steinkraus and Platt 2003, section 2, with its numbers for MNIST. LeNet-5's own distortions are the affine
    ones. The paper leaves open what lies outside the noise: here zeros, so that the border moves less; and the Gaussian
    ends after four `sigma`.)

    Attributes:
        alpha: in pixels.
        sigma: in pixels.
        fill: the colour of what lies outside the image.
    """

    alpha: float = 34.0
    sigma: float = 4.0
    fill: float = 0.0

    def draw(self, shape, seed):
        import tensorflow as tf

        return {"noise": tf.random.stateless_uniform((2, shape[0], shape[1]), seed, -1.0, 1.0)}

    def apply(self, image, drawn):
        import tensorflow as tf

        size = tf.shape(image)[:2]
        field = self._smoothing(size[0]) @ drawn["noise"] @ self._smoothing(size[1])
        grid = tf.stack(tf.meshgrid(*map(tf.range, tf.unstack(size)), indexing="ij"))
        place = tf.cast(grid, tf.float32) + self.alpha * field
        padded = tf.pad(image, ((1, 1), (1, 1), (0, 0)), constant_values=self.fill)
        last = size[:, None, None]  # of the border, which is -1 and `size`
        place = tf.clip_by_value(place, -1.0, tf.cast(last, tf.float32))
        corner = tf.minimum(tf.cast(tf.floor(place), tf.int32), last - 1)
        down, right = tf.unstack((place - tf.cast(corner, tf.float32))[..., None])

        def pixels(dy, dx):
            return tf.gather_nd(padded, tf.stack([corner[0] + 1 + dy, corner[1] + 1 + dx], -1))

        top = pixels(0, 0) * (1 - right) + pixels(0, 1) * right
        bottom = pixels(1, 0) * (1 - right) + pixels(1, 1) * right
        return tf.ensure_shape(top * (1 - down) + bottom * down, image.shape)

    def _smoothing(self, size):
        """The matrix (size, size) that smooths a vector, with zeros on both sides of it."""
        import tensorflow as tf

        reach = math.ceil(4 * self.sigma)
        weights = [math.exp(-((i / self.sigma) ** 2) / 2) for i in range(-reach, reach + 1)]
        distance = tf.abs(tf.range(size)[:, None] - tf.range(size)[None])
        weight = tf.exp(-((tf.cast(distance, tf.float32) / self.sigma) ** 2) / 2) / sum(weights)
        return tf.where(distance <= reach, weight, 0.0)
