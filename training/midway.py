"""A training that goes on inside an epoch."""

from typing import Any

import keras

from training.state import State, put_back, put_back_draws


class FromStep(keras.callbacks.CallbackList):
    """Keras' list of callbacks, for a training that goes on. Where its first epoch has been begun, the callbacks are
    told which step of the epoch is done, the running means go on, and the epoch ends with its last step.

    Keras itself begins each epoch at its first step. But it ends one early where `stop_training` is set, and goes on
    with the stream of batches where it is if that is taken back at the end of the epoch.

    Args:
        callbacks: those of the training.
        begun: how far it is.
        batch: a `tf.TensorSpec` for each tensor of a batch.
        model: that is trained.
        params: as Keras' own list takes them; among them `steps`, of a whole epoch.
    """

    def __init__(self, callbacks: list[keras.callbacks.Callback], begun: State, batch: Any, model, **params):
        super().__init__(callbacks, add_history=True, model=model, **params)
        self.begun, self.batch, self.done, self.draws = begun, batch, begun.steps, begun.draws

    def on_epoch_begin(self, epoch, logs=None):
        if self.done:
            self.model._symbolic_build(data_batch=self.batch)  # or tensorflow makes these variables in the first step
            put_back(self.model.metrics_variables, self.begun.metrics)
        super().on_epoch_begin(epoch, logs)

    def on_train_batch_begin(self, batch, logs=None):
        put_back_draws(self.draws)  # not before: to open the stream, torch draws one
        self.draws = ""
        super().on_train_batch_begin(self.done + batch, logs)

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(self.done + batch, logs)
        if self.done and self.done + batch + 1 == self.params["steps"]:
            self.model.stop_training = True

    def on_epoch_end(self, epoch, logs=None):
        if self.done:
            self.done, self.model.stop_training = 0, False
        super().on_epoch_end(epoch, logs)
