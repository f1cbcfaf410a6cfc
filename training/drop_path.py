"""The schedule of drop path over a training (Zoph et al. 2017, section 4)."""

import keras

from keras_classics.layers import ScheduledDropPath


class DropPathSchedule(keras.callbacks.Callback):
    """Before each batch, tells the network's `ScheduledDropPath` layers what share of the training is done."""

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_begin(self, batch, logs=None):
        done = self._epoch + batch / (self.params["steps"] or float("inf"))  # an epoch of unknown length counts at once
        # On jax Keras trains with values that it took from the variables. To ask for the model puts all of them back,
        # some milliseconds a step for large networks; then Keras takes them again, with what is assigned here.
        for layer in self.model.layers:
            if isinstance(layer, ScheduledDropPath):
                layer.progress.assign(done / self.params["epochs"])
