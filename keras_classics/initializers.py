"""The papers' weight initialisations. They draw from NumPy, so a seed gives the same weights on every backend."""

import functools
import math
import random
import statistics
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import keras
import numpy as np


@contextmanager
def seeded(seed: int | None) -> Iterator[None]:
    """Within it, every layer made without a seed of its own gets one that follows from `seed`; None changes nothing.

    Keras takes the seeds of its layers from Python's generator, so that is what is set here, and put back after.
    """
    if seed is None:
        yield
        return
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


class NumpyInitializer(keras.initializers.Initializer):
    """Draws with NumPy from `seed`; without one, from a seed that Python's generator gives, as Keras' own do."""

    def __init__(self, seed: int | None = None):
        self._given_seed = seed
        self.seed = random.randint(1, 10**9) if seed is None else seed

    def draw(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        raise NotImplementedError

    def __call__(self, shape, dtype=None):
        values = self.draw(np.random.default_rng(self.seed), tuple(shape))
        return keras.ops.convert_to_tensor(values, dtype=dtype or keras.config.floatx())

    def get_config(self):
        return {"seed": self._given_seed}


@functools.cache
def quantiles() -> np.ndarray:
    """The middles of 65,536 equally likely parts of N(0, 1), scaled to its variance; the greatest is 4.3."""
    below = [statistics.NormalDist().inv_cdf((i + 0.5) / 65536) for i in range(32768)]
    values = np.array(below + [-x for x in reversed(below)])
    return (values / values.std()).astype("float32")


def normal(rng: np.random.Generator, shape: tuple[int, ...], deviation: float) -> np.ndarray:
    """N(0, `deviation` squared), to 16 bits: with NumPy's own normal numbers drawing takes twice as long, which is a
    third of the time in which a network is built."""
    parts = np.frombuffer(rng.bytes(2 * math.prod(shape)), "<u2")
    return (quantiles() * np.float32(deviation))[parts].reshape(shape)


def fan_in(shape: Sequence[int]) -> int:
    """Inputs of one unit of a dense or convolution kernel (..., in, out)."""
    return math.prod(shape[:-1])


@keras.saving.register_keras_serializable("keras_classics")
class HeNormal(NumpyInitializer):
    """N(0, 2 / fan-in), not truncated (He et al. 2015, "Delving Deep into Rectifiers", equation 10).

    `fan_in` states the number of inputs of a unit where the kernel's shape does not tell it: k k of a depthwise one.
    """

    def __init__(self, fan_in: int | None = None, seed: int | None = None):
        super().__init__(seed)
        self.fan_in = fan_in

    def draw(self, rng, shape):
        return normal(rng, shape, math.sqrt(2.0 / (self.fan_in or fan_in(shape))))

    def get_config(self):
        return {**super().get_config(), "fan_in": self.fan_in}


@keras.saving.register_keras_serializable("keras_classics")
class CaffeXavier(NumpyInitializer):
    """U(-a, a) with the variance 1 / fan-in, what Caffe calls "xavier"."""

    def draw(self, rng, shape):
        limit = math.sqrt(3.0 / fan_in(shape))
        return rng.uniform(-limit, limit, shape).astype("float32")


@keras.saving.register_keras_serializable("keras_classics")
class Normal(NumpyInitializer):
    """N(0, `deviation` squared), the same for all layers."""

    def __init__(self, deviation: float, seed: int | None = None):
        super().__init__(seed)
        self.deviation = deviation

    def draw(self, rng, shape):
        return normal(rng, shape, self.deviation)

    def get_config(self):
        return {**super().get_config(), "deviation": self.deviation}


@keras.saving.register_keras_serializable("keras_classics")
class GlorotUniform(NumpyInitializer):
    """U(-a, a), a^2 = 6 / (fan-in + fan-out) (Glorot and Bengio 2010, equation 16)."""

    def draw(self, rng, shape):
        fan_out = math.prod(shape[:-2]) * shape[-1]
        limit = math.sqrt(6.0 / (fan_in(shape) + fan_out))
        return rng.uniform(-limit, limit, shape).astype("float32")


@keras.saving.register_keras_serializable("keras_classics")
class LeCunUniform(NumpyInitializer):
    """U(-2.4 / fan-in, 2.4 / fan-in) (LeCun et al. 1989; 1998, Appendix A).

    `fan_in` states the number of inputs of a unit where the kernel's shape does not tell it: one number, or one
    for each entry of the kernel's last axis.
    """

    def __init__(self, fan_in: int | Sequence[int] | None = None, seed: int | None = None):
        super().__init__(seed)
        self.fan_in = fan_in

    def draw(self, rng, shape):
        limit = 2.4 / np.asarray(fan_in(shape) if self.fan_in is None else self.fan_in, "float32")
        return rng.uniform(-1.0, 1.0, shape).astype("float32") * limit

    def get_config(self):
        return {**super().get_config(), "fan_in": self.fan_in}
