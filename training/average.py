"""The running average of the weights that Keras' optimizers keep (Polyak averaging)."""

from collections.abc import Iterator
from contextlib import contextmanager

import keras
import numpy as np


@contextmanager
def averaged(model: keras.Model) -> Iterator[None]:
    """Inside, the compiled model has its averaged weights, where its optimizer keeps any; afterwards those that train.

    Keras' `SwapEMAWeights` exchanges them by sums and differences, or through shared memory, and what comes back is
    not bit for bit what was there. A run that is resumed needs that.
    """
    _exchange(model)
    try:
        yield
    finally:
        _exchange(model)


class ValidateAveraged(keras.callbacks.Callback):
    """Validates the averaged weights."""

    def on_test_begin(self, logs=None):
        _exchange(self.model)

    def on_test_end(self, logs=None):
        _exchange(self.model)


def _exchange(model):
    optimizer = model.optimizer
    if not optimizer.use_ema:
        return
    averages = optimizer._model_variables_moving_average
    for weight, average in zip(optimizer._trainable_variables, averages, strict=True):
        value = np.array(keras.ops.convert_to_numpy(weight))  # a copy: torch's shares the variable's memory
        weight.assign(keras.ops.convert_to_numpy(average))
        average.assign(value)
