"""Every image with the same contrast."""

import keras
from keras import ops

registered = keras.saving.register_keras_serializable("keras_classics")

SMALLEST = 1e-8  # an image of less contrast has none, and stays as it is


@registered
class GlobalContrastNormalization(keras.layers.Layer):
    """Takes an image's mean, over all pixels and channels, away from it and gives the rest a Euclidean norm of `scale`.

    Shapes (N, H, W, C) to the same, in either data format. (pylearn2's `global_contrast_normalize`, which Goodfellow et
    al. 2013 used.)
    """

    def __init__(self, scale: float = 1.0, **kwargs):
        super().__init__(**kwargs)
        self.scale = scale

    def call(self, inputs):
        axes = tuple(range(1, len(inputs.shape)))
        centred = inputs - ops.mean(inputs, axes, keepdims=True)
        norm = ops.sqrt(ops.sum(ops.square(centred), axes, keepdims=True)) / self.scale
        return centred / ops.where(norm < SMALLEST, 1.0, norm)

    def get_config(self):
        return {**super().get_config(), "scale": self.scale}
