"""Layers that Keras lacks, each registered for serialisation under "keras_classics"."""

import dataclasses
from collections.abc import Sequence

import keras
import numpy as np
from keras import ops

from keras_classics.blocks import channel_axis
from keras_classics.errors import ClassicsError
from keras_classics.initializers import LeCunUniform
from keras_classics.spec import Protocol, protocol_of

registered = keras.saving.register_keras_serializable("keras_classics")


def _per_channel(values):
    """A vector of one value per channel, shaped to meet an image tensor in the current data format."""
    return values if channel_axis() == -1 else ops.reshape(values, (-1, 1, 1))


@registered
def scaled_tanh(x):
    """1.7159 tanh(2x / 3): f(1) = 1 and f(-1) = -1, where its curvature is greatest (LeCun et al. 1998, Appendix A)."""
    return 1.7159 * ops.tanh(x * (2.0 / 3.0))


@registered
class ConstantPadding2D(keras.layers.Layer):
    """Pads both image axes by `padding` pixels of `value` on each side: (N, H, W, C) to (N, H + 2p, W + 2p, C)."""

    def __init__(self, padding: int, value: float, **kwargs):
        super().__init__(**kwargs)
        self.padding, self.value = padding, value

    def call(self, inputs):
        widths = [(0, 0), (self.padding, self.padding), (self.padding, self.padding)]
        widths.insert(len(widths) if channel_axis() == -1 else 1, (0, 0))
        return ops.pad(inputs, widths, constant_values=self.value)

    def get_config(self):
        return {**super().get_config(), "padding": self.padding, "value": self.value}


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
        self, connections: Sequence[Sequence[int]], kernel_size: int, strides: int = 1, use_bias: bool = True, **kwargs
    ):
        super().__init__(**kwargs)
        self.connections = tuple(tuple(inputs) for inputs in connections)
        self.kernel_size, self.strides, self.use_bias = kernel_size, strides, use_bias

    def build(self, input_shape):
        channels, maps = input_shape[channel_axis()], len(self.connections)
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
        outputs = ops.conv(inputs, kernel, self.strides, "valid", data_format=keras.config.image_data_format())
        return outputs if self.bias is None else outputs + _per_channel(ops.convert_to_tensor(self.bias))

    def get_config(self):
        return {
            **super().get_config(),
            "connections": self.connections,
            "kernel_size": self.kernel_size,
            "strides": self.strides,
            "use_bias": self.use_bias,
        }


@registered
class Subsampling2D(keras.layers.Layer):
    """LeNet-5's S2 and S4: the sum of each 2x2 field times one trainable coefficient, plus one bias, per map.

    Shapes (N, H, W, C) to (N, H // 2, W // 2, C); 2 C weights (LeCun et al. 1998, section II.B).
    """

    pool_size = strides = 2

    def build(self, input_shape):
        channels = input_shape[channel_axis()]
        # Fan-in 1: the four inputs are added before the one weight. The mean of the field is where training starts.
        self.coefficient = self.add_weight(
            name="coefficient", shape=(channels,), initializer=keras.initializers.Constant(0.25)
        )
        self.bias = self.add_weight(name="bias", shape=(channels,), initializer="zeros")

    def call(self, inputs):
        sums = 4.0 * ops.average_pool(
            inputs, self.pool_size, self.strides, data_format=keras.config.image_data_format()
        )
        coefficient, bias = (_per_channel(ops.convert_to_tensor(w)) for w in (self.coefficient, self.bias))
        return sums * coefficient + bias


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


@registered
class LocalResponseNormalization(keras.layers.Layer):
    """Each unit divided by (k + alpha * sum of squares over n adjacent maps) ** beta (Krizhevsky et al. 2012, 3.3).

    Shapes (N, H, W, C) to the same. As in the paper, alpha is not divided by the window n: Caffe, ONNX and Torch do
    divide and call alpha * n what is alpha here; TensorFlow does not, and calls (n - 1) / 2 the radius.

    TensorFlow has an operation for it, with the channels last. Elsewhere the window is a 1x1 convolution with a band
    matrix, one pass over memory where shifted sums take n. Half precision would overflow on squares beyond 65504, so it
    is left for float32 within.
    """

    def __init__(self, k: float = 2.0, n: int = 5, alpha: float = 1e-4, beta: float = 0.75, **kwargs):
        super().__init__(**kwargs)
        if n < 1 or n % 2 == 0:
            raise ClassicsError(f"A window of n adjacent maps has a map in its middle, so n must be odd, not {n}.")
        self.k, self.n, self.alpha, self.beta = k, n, alpha, beta

    def build(self, input_shape):
        maps = np.arange(input_shape[channel_axis()])
        near = np.abs(maps[:, None] - maps) <= self.n // 2
        self._band = (self.alpha * near).astype("float32")[None, None]

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs.shape, self.compute_dtype)

    def call(self, inputs):
        x = ops.cast(inputs, "float32")
        if keras.config.backend() == "tensorflow" and channel_axis() == -1:
            import tensorflow as tf

            y = tf.nn.local_response_normalization(x, self.n // 2, self.k, self.alpha, self.beta)
        else:
            band = ops.convert_to_tensor(self._band)
            squares = ops.conv(ops.square(x), band, 1, "valid", data_format=keras.config.image_data_format())
            y = x * ops.power(squares + self.k, -self.beta)
        return ops.cast(y, self.compute_dtype)

    def get_config(self):
        return {**super().get_config(), "k": self.k, "n": self.n, "alpha": self.alpha, "beta": self.beta}


@registered
class ChannelShuffle(keras.layers.Layer):
    """Deals the channels of `groups` groups out in turn: the first of each, the second of each, and so on.

    Shapes (N, H, W, C) to the same. Of C = g n channels, the one at i n + j goes to j g + i: the channels are reshaped
    to (g, n), transposed and flattened (Zhang et al. 2017, section 3.1).
    """

    def __init__(self, groups: int, **kwargs):
        super().__init__(**kwargs)
        self.groups = groups

    def build(self, input_shape):
        channels = input_shape[channel_axis()]
        if channels % self.groups:
            raise ClassicsError(f"{self.name} cannot shuffle {channels} channels in {self.groups} equal groups.")

    def compute_output_shape(self, input_shape):
        return input_shape

    def call(self, inputs):
        _, *shape = ops.shape(inputs)
        if channel_axis() == -1:
            *sides, channels = shape
            x = ops.reshape(inputs, (-1, *sides, self.groups, channels // self.groups))
            x = ops.transpose(x, (0, 1, 2, 4, 3))
        else:
            channels, *sides = shape
            x = ops.reshape(inputs, (-1, self.groups, channels // self.groups, *sides))
            x = ops.transpose(x, (0, 2, 1, 3, 4))
        return ops.reshape(x, (-1, *shape))

    def get_config(self):
        return {**super().get_config(), "groups": self.groups}


@registered
class ScheduledDropPath(keras.layers.Layer):
    """The sum of paths, of which some are left out for some examples, in training alone, and scaled up for the others
    (Zoph et al. 2017, section 4). A list of tensors (N, ...) to one of them.

    `rates` has for each path the share of examples to leave out at the end of the training. The variable `progress`,
    from 0 at the start to 1 at the end, scales them; it is 1 unless `training.drop_path.DropPathSchedule` sets it.

    It stands where else an Add does, so a network without it has the other layers in the same order, by which Keras
    finds them in a file.
    """

    def __init__(self, rates: Sequence[float], seed: int | None = None, **kwargs):
        super().__init__(**kwargs)
        self.rates, self.seed = tuple(rates), seed
        self.seed_generator = keras.random.SeedGenerator(seed)

    def build(self, input_shape):
        self.progress = self.add_weight(
            name="progress", shape=(), initializer="ones", trainable=False, dtype="float32", autocast=False
        )

    def load_own_variables(self, store):
        if store.keys():  # a network without drop path has saved nothing for it
            super().load_own_variables(store)

    def call(self, inputs, training=False):
        if training:
            inputs = [self._dropped(x, rate) if rate else x for x, rate in zip(inputs, self.rates, strict=True)]
        return sum(inputs[1:], inputs[0])

    def _dropped(self, path, rate):
        kept = 1.0 - rate * ops.convert_to_tensor(self.progress)
        shape = (ops.shape(path)[0],) + (1,) * (len(path.shape) - 1)
        draws = keras.random.uniform(shape, dtype="float32", seed=self.seed_generator)
        return path * ops.cast(ops.floor(kept + draws) / kept, path.dtype)

    def compute_output_shape(self, input_shape):
        return input_shape[0]

    def get_config(self):
        return {**super().get_config(), "rates": self.rates, "seed": self.seed}


@registered
class CarriedProtocol(keras.layers.Layer):
    """The identity. It keeps, in the model and in its file, how the weights' own pictures were prepared."""

    def __init__(self, protocol: Protocol | dict, **kwargs):
        super().__init__(**kwargs)
        self.protocol = protocol_of(protocol) if isinstance(protocol, dict) else protocol

    def call(self, inputs):
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "protocol": dataclasses.asdict(self.protocol)}
