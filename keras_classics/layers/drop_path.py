"""NASNet's drop path."""

from collections.abc import Sequence

import keras
from keras import ops

registered = keras.saving.register_keras_serializable("keras_classics")


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
