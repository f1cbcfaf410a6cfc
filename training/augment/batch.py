"""What is done to a batch of training images and to their labels, which become soft."""

from dataclasses import dataclass
from typing import Any


class BatchOperation:
    """One thing that is done to a batch, in `tf.data`: a frozen dataclass of its settings.

    Called with float32 images (N, H, W, C), labels (N, K) whose rows sum to one, and a seed of two integers it gives
    both back changed; the rows still sum to one. The same seed gives the same change.
    """

    def draw(self, shape, seed) -> dict[str, Any]:
        """The random numbers by name, for images of this `shape` (N, H, W, C): nothing else about the result is
        random."""
        raise NotImplementedError

    def apply(self, images, labels, drawn: dict[str, Any]):
        """The images and labels changed as the numbers say."""
        raise NotImplementedError

    def __call__(self, images, labels, seed):
        import tensorflow as tf

        return self.apply(images, labels, self.draw(tf.shape(images), seed))


@dataclass(frozen=True)
class MixUp(BatchOperation):
    """Each image and its label averaged with another of the batch, with a weight from Beta(`alpha`, `alpha`)
    (Zhang et al. 2018, https://arxiv.org/abs/1710.09412, section 2)."""

    alpha: float

    def draw(self, shape, seed):
        import tensorflow as tf

        partner_seed, weight_seed = tf.unstack(tf.random.split(seed))
        return {"partner": _partners(shape[0], partner_seed), "weight": _beta(self.alpha, shape[0], weight_seed)}

    def apply(self, images, labels, drawn):
        import tensorflow as tf

        weight, others = drawn["weight"], tf.gather(images, drawn["partner"])
        images = others + weight[:, None, None, None] * (images - others)
        return images, _mixed_labels(labels, drawn["partner"], weight)


@dataclass(frozen=True)
class CutMix(BatchOperation):
    """In each image a rectangle from the same place of another image of the batch; labels weigh by area.

    The rectangle has the image's aspect ratio and a share of its area from Beta(`alpha`, `alpha`). Its centre is
    anywhere in the image, and what reaches beyond the border is cut off before the area is measured (Yun et al. 2019,
    https://arxiv.org/abs/1905.04899, section 3.1 and algorithm A1).
    """

    alpha: float

    def draw(self, shape, seed):
        import tensorflow as tf

        partner_seed, area_seed, centre_seed = tf.unstack(tf.random.split(seed, 3))
        sides = tf.cast(shape[1:3], tf.float32)
        half = tf.sqrt(_beta(self.alpha, shape[0], area_seed))[:, None] * sides / 2
        centre = tf.floor(tf.random.stateless_uniform((shape[0], 2), centre_seed) * sides)
        return {
            "partner": _partners(shape[0], partner_seed),
            "top_left": tf.cast(tf.maximum(tf.round(centre - half), 0.0), tf.int32),
            "bottom_right": tf.cast(tf.minimum(tf.round(centre + half), sides), tf.int32),
        }

    def apply(self, images, labels, drawn):
        import tensorflow as tf

        first, last = drawn["top_left"], drawn["bottom_right"]  # rows and columns; the last is no longer inside
        rows, columns = (
            (tf.range(tf.shape(images)[1 + i]) >= first[:, i, None])
            & (tf.range(tf.shape(images)[1 + i]) < last[:, i, None])
            for i in (0, 1)
        )
        inside = rows[:, :, None, None] & columns[:, None, :, None]
        kept = 1.0 - tf.reduce_mean(tf.cast(inside, labels.dtype), axis=(1, 2, 3))
        images = tf.where(inside, tf.gather(images, drawn["partner"]), images)
        return images, _mixed_labels(labels, drawn["partner"], kept)


def _partners(count, seed):
    import tensorflow as tf

    return tf.random.experimental.stateless_shuffle(tf.range(count), seed)


def _beta(alpha, count, seed):
    import tensorflow as tf

    gammas = tf.random.stateless_gamma((2, count), seed, alpha)
    return gammas[0] / (gammas[0] + gammas[1])


def _mixed_labels(labels, partner, weight):
    import tensorflow as tf

    return weight[:, None] * labels + (1.0 - weight)[:, None] * tf.gather(labels, partner)
