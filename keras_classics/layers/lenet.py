"""The parts of LeCun's networks: biases of single units, sparse connections, trained subsampling, distances."""

from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_classics.initializers import LeCunUniform
from keras_classics.layers.data_format import channel_axis, checked_data_format

registered = keras.saving.register_keras_serializable("keras_classics")


def _per_channel(values, data_format):
    """A vector of one value per channel, shaped to meet an image tensor."""
    values = ops.convert_to_tensor(values)
    return values if data_format == "channels_last" else ops.reshape(values, (-1, 1, 1))


@registered
def scaled_tanh(x):
    """1.7159 tanh(2x / 3): f(1) = 1 and f(-1) = -1, where its curvature is greatest (LeCun et al. 1998, Appendix A)."""
    return 1.7159 * ops.tanh(x * (2.0 / 3.0))


@registered
class ConstantPadding2D(keras.layers.Layer):
    """Pads both image axes by `padding` pixels of `value` on each side: (N, H, W, C) to (N, H + 2p, W + 2p, C)."""

    def __init__(self, padding: int, value: float, data_format: str | None = None, **kwargs):
        super().__init__(**kwargs)
        self.padding, self.value, self.data_format = padding, value, checked_data_format(data_format)

    def call(self, inputs):
        widths = [(0, 0), (self.padding, self.padding), (self.padding, self.padding)]
        widths.insert(3 if self.data_format == "channels_last" else 1, (0, 0))
        return ops.pad(inputs, widths, constant_values=self.value)

    def get_config(self):
        return {**super().get_config(), "padding": self.padding, "value": self.value, "data_format": self.data_format}


@registered
class UnitBias(keras.layers.Layer):
    """A trainable bias for every unit, where a convolution shares one over a map (LeCun et al. 1989).

    Shapes (N, H, W, C) to the same, with H W C weights; so H and W must be known.
    """

    def build(self, input_shape):
        self.bias = self.add_weight(name="bias", shape=tuple(input_shape[1:]), initializer="zeros")

    def call(self, inputs):
        return inputs + self.bias


@registered
class SparseConv2D(keras.layers.Layer):
    """A convolution, "valid", in which each output map reads only some input maps.

    Args:
        connections: one tuple for each output map, with the input maps that it reads.
        kernel_size, strides: in pixels.
        use_bias: whether each output map has a bias.

    The kernel has shape (k, k, number of connections), so it counts just the weights that exist; a 0/1 matrix spreads
    it over the dense (k, k, in, out) kernel. Each weight starts in U(-2.4 / fan-in, 2.4 / fan-in) of its own map.
    Shapes: (N, H, W, in) to (N, (H - k) // strides + 1, ..., out).
    """

    def __init__(
        self,
        connections: Sequence[Sequence[int]],
        kernel_size: int,
        strides: int = 1,
        use_bias: bool = True,
        data_format: str | None = None,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.connections = tuple(tuple(inputs) for inputs in connections)
        self.kernel_size, self.strides, self.use_bias = kernel_size, strides, use_bias
        self.data_format = checked_data_format(data_format)

    def build(self, input_shape):
        channels, maps = input_shape[channel_axis(self.data_format)], len(self.connections)
        pairs = [(i, o) for o, inputs in enumerate(self.connections) for i in inputs]
        if max(i for i, _ in pairs) >= channels:
            raise ValueError(f"{self.name}: the connections name more than the {channels} input maps there are.")
        self._spread = np.zeros((len(pairs), channels * maps), "float32")
        for connection, (i, o) in enumerate(pairs):
            self._spread[connection, i * maps + o] = 1.0
        fan_in = [self.kernel_size**2 * len(self.connections[o]) for _, o in pairs]
        self.kernel = self.add_weight(
            name="kernel",
            shape=(self.kernel_size, self.kernel_size, len(pairs)),
            initializer=LeCunUniform(fan_in),
        )
        self.bias = self.add_weight(name="bias", shape=(maps,), initializer="zeros") if self.use_bias else None
        self._dense_shape = (self.kernel_size, self.kernel_size, channels, maps)

    def call(self, inputs):
        spread = ops.convert_to_tensor(self._spread, dtype=self.compute_dtype)
        kernel = ops.reshape(ops.matmul(ops.convert_to_tensor(self.kernel), spread), self._dense_shape)
        outputs = ops.conv(inputs, kernel, self.strides, "valid", data_format=self.data_format)
        return outputs if self.bias is None else outputs + _per_channel(self.bias, self.data_format)

    def get_config(self):
        return {
            **super().get_config(),
            "connections": self.connections,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "use_bias": self.use_bias,
            "data_format": self.data_format,
        }


@registered
class Subsampling2D(keras.layers.Layer):
    """LeNet-5's S2 and S4: the sum of each 2x2 field times one trainable coefficient, plus one bias, per map.

    Shapes (N, H, W, C) to (N, H // 2, W // 2, C); 2 C weights (LeCun et al. 1998, section II.B).
    """

    pool_size = strides = 2

    def __init__(self, data_format: str | None = None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = checked_data_format(data_format)

    def build(self, input_shape):
        channels = input_shape[channel_axis(self.data_format)]
        # Fan-in 1: the four inputs are added before the one weight. The mean of the field is where training starts.
        self.coefficient = self.add_weight(
            name="coefficient", shape=(channels,), initializer=keras.initializers.Constant(0.25)
        )
        self.bias = self.add_weight(name="bias", shape=(channels,), initializer="zeros")

    def call(self, inputs):
        sums = 4.0 * ops.average_pool(inputs, self.pool_size, self.strides, data_format=self.data_format)
        coefficient, bias = (_per_channel(w, self.data_format) for w in (self.coefficient, self.bias))
        return sums * coefficient + bias

    def get_config(self):
        return {**super().get_config(), "data_format": self.data_format}


@registered
class RadialBasis(keras.layers.Layer):
    """Squared Euclidean distances to fixed codes: (N, F) to (N, classes), y_i = sum_j (x_j - w_ij)^2.

    `codes` has shape (classes, F). They are constants, not weights (LeCun et al. 1998, equation 7).
    """

    def __init__(self, codes, **kwargs):
        super().__init__(**kwargs)
        self.codes = np.asarray(codes, "float32")

    def compute_output_shape(self, input_shape):
        return (input_shape[0], len(self.codes))

    def call(self, inputs):
        codes = ops.convert_to_tensor(self.codes, dtype=self.compute_dtype)
        return ops.sum(ops.square(ops.expand_dims(inputs, 1) - codes), axis=-1)

    def get_config(self):
        return {**super().get_config(), "codes": self.codes.tolist()}
