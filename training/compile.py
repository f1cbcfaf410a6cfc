"""A recipe as the arguments of `model.compile` and the callbacks of `model.fit`."""

from typing import Any

import keras
from keras import ops

from training.recipe import Plateau, Recipe

registered = keras.saving.register_keras_serializable("keras_classics")


@registered
class L2SGD(keras.optimizers.SGD):
    """SGD in which `l2` times each weight joins its gradient before the momentum, the papers' weight decay.

    Keras' own `weight_decay` shrinks the weight beside the momentum, which with a momentum of 0.9 is ten times weaker.
    """

    def __init__(self, learning_rate=0.01, momentum=0.0, l2=0.0, **kwargs):
        super().__init__(learning_rate, momentum, **kwargs)
        self.l2 = l2

    def apply(self, grads, trainable_variables=None):
        weights = self._trainable_variables if trainable_variables is None else trainable_variables
        if self.l2:
            grads = [
                g if g is None else g + self.l2 * ops.convert_to_tensor(w) for g, w in zip(grads, weights, strict=True)
            ]
        super().apply(grads, trainable_variables)

    def get_config(self):
        return {**super().get_config(), "l2": self.l2}


@registered
def squared_error_to_targets(y_true, y_pred):
    """The mean over the outputs of their squared distances to +1 for the true class and -1 for the others."""
    labels = ops.cast(ops.reshape(y_true, (-1,)), "int32")
    targets = 2.0 * ops.one_hot(labels, y_pred.shape[-1], dtype=y_pred.dtype) - 1.0
    return ops.mean(ops.square(y_pred - targets), axis=-1)


RUBBISH = 0.1  # j; the paper prints no value


@registered
def map_criterion(y_true, y_pred):
    """y_D + log(e^-j + sum_i e^-y_i), for penalties y and the true class D (LeCun et al. 1998, equation 9).

    `y_pred` (N, classes) are the negative penalties, LeNet-5's output before its softmax. The constant j, the penalty
    of a class of rubbish, ends the pushing away from codes that are far enough. Without it, as in cross-entropy, the
    units of F6 are driven into saturation.
    """
    labels = ops.cast(ops.reshape(y_true, (-1,)), "int32")
    true = ops.sum(y_pred * ops.one_hot(labels, y_pred.shape[-1], dtype=y_pred.dtype), axis=-1)
    rubbish = ops.full_like(y_pred[:, :1], -RUBBISH)
    return ops.logsumexp(ops.concatenate([y_pred, rubbish], axis=-1), axis=-1) - true


LOSSES = {
    "crossentropy": "sparse_categorical_crossentropy",
    "squared error": squared_error_to_targets,
    "MAP criterion": map_criterion,
}


def compile_arguments(recipe: Recipe, steps_per_epoch: int) -> dict[str, Any]:
    """Keyword arguments for `model.compile`: optimizer, loss, metrics. Labels are class indices."""
    schedule: Any
    if isinstance(recipe.schedule, Plateau):
        schedule = recipe.schedule.rate
    else:
        boundaries = [round(epochs * steps_per_epoch) for epochs in recipe.schedule.until]
        schedule = keras.optimizers.schedules.PiecewiseConstantDecay(boundaries, list(recipe.schedule.rates))
    return {
        "optimizer": L2SGD(schedule, recipe.optimizer.momentum, recipe.optimizer.l2),
        "loss": LOSSES[recipe.loss],
        "metrics": [keras.metrics.SparseCategoricalAccuracy(name="accuracy")],
    }


def callbacks(recipe: Recipe) -> list[keras.callbacks.Callback]:
    """The callbacks of `model.fit` that the recipe's schedule needs."""
    if not isinstance(recipe.schedule, Plateau):
        return []
    plateau = recipe.schedule
    monitor = "val_loss" if recipe.hold_out else "loss"
    return [
        keras.callbacks.ReduceLROnPlateau(
            monitor, plateau.factor, plateau.patience, min_lr=plateau.lowest, min_delta=0.0
        )
    ]
