"""The schedule of drop path over a training (Zoph et al. 2017, section 4)."""

import keras

from keras_classics.layers import ScheduledDropPath


class DropPathSchedule(keras.callbacks.Callback):
    """Before each batch, tells the network's `ScheduledDropPath` layers what share of the training is done."""

    def on_train_begin(self, logs=None):
        self._drops = [layer for layer in self.model.layers if isinstance(layer, ScheduledDropPath)]

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        if self._drops and keras.config.backend() == "jax":
            self.model.jax_state_sync()  # or Keras goes on with the values that it took at the epoch's beginning
        done = self._epoch + batch / (self.params["steps"] or float("inf"))  # an epoch of unknown length counts at once
        for layer in self._drops:
            layer.progress.assign(done / self.params["epochs"])
