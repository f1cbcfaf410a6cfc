"""Parts of a training image that are hidden."""

from dataclasses import dataclass

from training.augment.operation import Operation, fill_for


@dataclass(frozen=True)
class Cutout(Operation):
    """A square of `size` pixels in the colour `fill`, its centre anywhere in the image: at the border only a part of
    the square is seen.

    (DeVries and Taylor 2017, section 3: 16 pixels for CIFAR-10, 8 for CIFAR-100, and zero after the mean is subtracted,
    which is the mean colour.)
    """

    size: int
    fill: tuple[float, ...]

    def draw(self, shape, seed):
        import tensorflow as tf

        place = tf.random.stateless_uniform((2,), seed)
        return {"centre": tf.cast(tf.floor(place * tf.cast(shape[:2], tf.float32)), tf.int32)}

    def apply(self, image, drawn):
        import tensorflow as tf

        first = drawn["centre"] - self.size // 2
        rows, columns = (
            (tf.range(tf.shape(image)[axis]) >= first[axis])
            & (tf.range(tf.shape(image)[axis]) < first[axis] + self.size)
            for axis in (0, 1)
        )
        hidden = rows[:, None, None] & columns[None, :, None]
        return tf.where(hidden, fill_for(image, self.fill), image)
