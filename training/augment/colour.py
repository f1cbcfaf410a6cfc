"""Changes of a training image's colours."""

from dataclasses import dataclass

from training.augment.operation import Operation

# Principal components of ImageNet's RGB values in 0..1 (facebookarchive/fb.resnet.torch, datasets/imagenet.lua): the
# paper (AlexNet, section 4.1) prints none. Columns are the components.
PCA_DEVIATIONS = (0.2175, 0.0188, 0.0045)
PCA_COMPONENTS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))


@dataclass(frozen=True)
class PCAColour(Operation):
    """Adds multiples of the principal components of ImageNet's colours, N(0, `deviation`) times the component's own
    deviation, drawn once an image (AlexNet, section 4.1)."""

    deviation: float = 0.1

    def draw(self, shape, seed):
        import tensorflow as tf

        return {"alpha": tf.random.stateless_normal((3,), seed, 0.0, self.deviation)}

    def apply(self, image, drawn):
        import tensorflow as tf

        shift = tf.linalg.matvec(tf.constant(PCA_COMPONENTS), drawn["alpha"] * tf.constant(PCA_DEVIATIONS))
        return image + 255.0 * shift
