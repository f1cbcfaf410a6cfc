"""What an operation on a training image is: random numbers that are drawn, and what they do to the pixels."""

from typing import Any, ClassVar

from training.augment.whitening import Pixels


class Operation:
    """One thing that is done to a training image, in `tf.data`: a frozen dataclass of its settings.

    Called with a float32 image (H, W, C) of 0..255 and a seed of two integers it gives the image back changed, float32
    and not beyond 0..255 by more than the operation says. The same seed gives the same change.

    `takes_raw` tells that it brings a picture of any size to the network's itself, `in_colour` that it takes no image
    of one channel.
    """

    takes_raw: ClassVar[bool] = False
    in_colour: ClassVar[bool] = False

    def check(self) -> None:
        """Raises a ClassicsError where something that it needs is missing."""

    def reads(self, pixels: Pixels) -> bool:
        """Whether it does what it says to such pixels, which after a whitening are no longer of 0..255."""
        return True

    def draw(self, shape, seed) -> dict[str, Any]:
        """The random numbers by name, for an image of this `shape` (H, W, C): nothing else about the result is random.

        A name tells its unit where it is not the pixel, for contact sheets print them as they are.
        """
        raise NotImplementedError

    def apply(self, image, drawn: dict[str, Any]):
        """The image changed as the numbers say."""
        raise NotImplementedError

    def __call__(self, image, seed):
        import tensorflow as tf

        image = tf.convert_to_tensor(image)
        return self.apply(image, self.draw(tf.shape(image), seed))


def fill_for(image, fill: tuple[float, ...]):
    """A colour, a value for each channel, for an image (H, W, C): for a grey one the mean."""
    import tensorflow as tf

    return tf.constant([sum(fill) / len(fill)] if image.shape[-1] == 1 else fill, image.dtype)
