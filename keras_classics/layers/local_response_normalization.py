"""AlexNet's normalisation across neighbouring maps."""

import keras
import numpy as np
from keras import ops

from keras_classics.errors import ClassicsError
from keras_classics.layers.data_format import channel_axis, checked_data_format

registered = keras.saving.register_keras_serializable("keras_classics")


@registered
class LocalResponseNormalization(keras.layers.Layer):
    """Each unit divided by (k + alpha * sum of squares over n adjacent maps) ** beta (Krizhevsky et al. 2012, 3.3).

    Shapes (N, H, W, C) to the same. As in the paper, alpha is not divided by the window n: Caffe, ONNX and Torch do
    divide and call alpha * n what is alpha here; TensorFlow does not, and calls (n - 1) / 2 the radius.

    TensorFlow has an operation for it, with the channels last. Elsewhere the window is a 1x1 convolution with a band
    matrix, one pass over memory where shifted sums take n. Half precision would overflow on squares beyond 65504, so it
    is left for float32 within.
    """

    def __init__(
        self,
        k: float = 2.0,
        n: int = 5,
        alpha: float = 1e-4,
        beta: float = 0.75,
        data_format: str | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if n < 1 or n % 2 == 0:
            raise ClassicsError(f"A window of n adjacent maps has a map in its middle, so n must be odd, not {n}.")
        self.k, self.n, self.alpha, self.beta = k, n, alpha, beta
        self.data_format = checked_data_format(data_format)

    def build(self, input_shape):
        maps = np.arange(input_shape[channel_axis(self.data_format)])
        near = np.abs(maps[:, None] - maps) <= self.n // 2
        self._band = (self.alpha * near).astype("float32")[None, None]

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs.shape, self.compute_dtype)

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        if keras.config.backend() == "tensorflow" and self.data_format == "channels_last":
            import tensorflow as tf

            y = tf.nn.local_response_normalization(x, self.n // 2, self.k, self.alpha, self.beta)
        else:
            band = ops.convert_to_tensor(self._band)
            squares = ops.conv(ops.square(x), band, 1, "valid", data_format=self.data_format)
            y = x * ops.power(squares + self.k, -self.beta)
        return ops.cast(y, self.compute_dtype)

    def get_config(self):
        return {
            **super().get_config(),
            "k": self.k,
            "n": self.n,
            "alpha": self.alpha,
            "beta": self.beta,
            "data_format": self.data_format,
        }
