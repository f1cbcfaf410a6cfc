"""Changes of a training image's colours."""

from dataclasses import dataclass
from typing import ClassVar

from training.augment.operation import Operation

# Principal components of ImageNet's RGB values in 0..1 (facebookarchive/fb.resnet.torch, datasets/imagenet.lua): the
# paper (AlexNet, section 4.1) prints none. Columns are the components.
PCA_DEVIATIONS = (0.2175, 0.0188, 0.0045)
PCA_COMPONENTS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))


@dataclass(frozen=True)
class PCAColour(Operation):
    """Adds multiples of the principal components of ImageNet's colours, N(0, `deviation`) times the component's own
    deviation, drawn once an image (AlexNet, section 4.1)."""

    in_colour: ClassVar[bool] = True
    deviation: float = 0.1

    def reads(self, pixels):
        return pixels != "gcn_zca"  # whose unit is another; less a mean they keep theirs

    def draw(self, shape, seed):
        import tensorflow as tf

        return {"alpha": tf.random.stateless_normal((3,), seed, 0.0, self.deviation)}

    def apply(self, image, drawn):
        import tensorflow as tf

        shift = tf.linalg.matvec(tf.constant(PCA_COMPONENTS), drawn["alpha"] * tf.constant(PCA_DEVIATIONS))
        return image + 255.0 * shift


@dataclass(frozen=True)
class PhotometricDistortion(Operation):
    """Brightness, contrast and colour, in random order, each mixed with the image that has none of it: `lowest` to
    `highest` parts of the image, the rest of the other. Between any two of them, and at the end, 0..255 is kept.

    (Howard 2013, "Some improvements on deep convolutional neural network based image classification", which GoogLeNet
    cites: PIL's ImageEnhance with factors of 0.5 to 1.5. There the image without brightness is black, that without
    contrast the mean of its grey values, and that without colour its grey values.)
    """

    in_colour: ClassVar[bool] = True
    lowest: float = 0.5
    highest: float = 1.5

    def reads(self, pixels):
        return pixels == "normalized"

    def draw(self, shape, seed):
        import tensorflow as tf

        order_seed, factor_seed = tf.unstack(tf.random.split(seed))
        brightness, contrast, colour = tf.unstack(
            tf.random.stateless_uniform((3,), factor_seed, self.lowest, self.highest)
        )
        order = tf.argsort(tf.random.stateless_uniform((3,), order_seed))
        return {"brightness": brightness, "contrast": contrast, "colour": colour, "order": order}

    def apply(self, image, drawn):
        import tensorflow as tf

        def without(which):
            return tf.switch_case(
                which,
                [
                    lambda: tf.zeros_like(image),
                    lambda: tf.zeros_like(image) + tf.reduce_mean(tf.image.rgb_to_grayscale(image)),
                    lambda: tf.image.grayscale_to_rgb(tf.image.rgb_to_grayscale(image)),
                ],
            )

        factors = tf.stack([drawn["brightness"], drawn["contrast"], drawn["colour"]])
        for which in tf.unstack(drawn["order"]):
            nothing = without(which)
            image = tf.clip_by_value(nothing + factors[which] * (image - nothing), 0.0, 255.0)
        return image
