"""A recipe as the arguments of `model.compile` and the callbacks of `model.fit`."""

import math
from typing import Any

import keras
from keras import ops

from keras_classics.zoo import get_model
from training.average import ValidateAveraged
from training.drop_path import DropPathSchedule
from training.recipe import SGD, Cosine, Exponential, Linear, Plateau, Recipe

registered = keras.saving.register_keras_serializable("keras_classics")


class _L2(keras.optimizers.Optimizer):
    """An optimizer in which `l2` times each weight joins its gradient before all else, the papers' weight decay; or,
    where `l2_on` is "kernels", each weight that is neither a bias nor a batch norm's.

    Keras' own `weight_decay` shrinks the weight beside the momentum, which with a momentum of 0.9 is ten times weaker.

    Where it averages the weights, the average keeps min(ema_momentum, (1 + n) / (10 + n)) of itself after n steps, as
    TensorFlow's does that is told their number. Keras' keeps ema_momentum from the second step on, and with 0.9999 is
    for thousands of steps little but the weights after the first.

    Where Keras accumulates gradients, its schedules count parts of a batch, and its averages move at each of them: here
    both know whole steps alone, and until the first of these the average is the weights. On several devices of
    tensorflow it decays and clips the gradient of the whole batch, where Keras would do so with each device's part.
    """

    def __init__(self, *args, l2=0.0, l2_on="all", **kwargs):
        super().__init__(*args, **kwargs)
        self.l2, self.l2_on = l2, l2_on

    def apply(self, grads, trainable_variables=None):
        weights = self._trainable_variables if trainable_variables is None else list(trainable_variables)
        if keras.config.backend() == "tensorflow":
            pairs = [(g, w) for g, w in zip(grads, weights, strict=True) if g is not None]
            reduced = iter(super()._all_reduce_sum_gradients(pairs))
            grads = [g if g is None else next(reduced)[0] for g in grads]
        if self.l2:
            grads = [
                g + self.l2 * ops.convert_to_tensor(w) if g is not None and self._decays(w) else g
                for g, w in zip(grads, weights, strict=True)
            ]
        super().apply(grads, trainable_variables)

    def _all_reduce_sum_gradients(self, grads_and_vars):
        return grads_and_vars  # `apply` has done it

    def _decays(self, weight):
        return self.l2_on == "all" or weight.name.endswith("kernel")

    def _get_current_learning_rate(self):
        if isinstance(self._learning_rate, keras.optimizers.schedules.LearningRateSchedule):
            return self._learning_rate(self.iterations)
        return super()._get_current_learning_rate()

    def _update_model_variables_moving_average(self, trainable_variables):
        done = ops.cast(self.iterations, "float32")  # steps before this one
        kept = ops.minimum(self.ema_momentum, (1.0 + done) / (10.0 + done))
        if self.gradient_accumulation_steps:
            is_step = ops.equal((self._iterations + 1) % self.gradient_accumulation_steps, 0)
            kept = ops.where(is_step, kept, 1.0)
        kept = ops.where(done == 0, 0.0, kept)
        for weight, average in zip(trainable_variables, self._model_variables_moving_average, strict=True):
            average.assign(kept * average + (1.0 - kept) * weight)

    def get_config(self):
        return {**super().get_config(), "l2": self.l2, "l2_on": self.l2_on}


@registered
class WarmUp(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that rises in `steps` equal steps from 0 to what `after`, a schedule or a number, says at that time."""

    def __init__(self, after, steps):
        super().__init__()
        self.after, self.steps = after, steps

    def __call__(self, step):
        rate = self.after(step) if callable(self.after) else self.after
        return rate * ops.minimum((ops.cast(step, "float32") + 1.0) / self.steps, 1.0)

    def get_config(self):
        after = keras.saving.serialize_keras_object(self.after)
        return {"after": after, "steps": self.steps}

    @classmethod
    def from_config(cls, config):
        return cls(keras.saving.deserialize_keras_object(config["after"]), config["steps"])


@registered
class L2SGD(_L2, keras.optimizers.SGD):
    """SGD with weight decay."""


@registered
class L2RMSprop(_L2, keras.optimizers.RMSprop):
    """RMSProp with weight decay."""


def _are_soft(labels, outputs) -> bool:
    """Whether the labels are a distribution over the classes (N, K) for each image, not the class' index."""
    return tuple(labels.shape[1:]) == tuple(outputs.shape[1:])


def _distribution(labels, outputs):
    """The labels as distributions over the classes, of the outputs' shape (N, K) and type."""
    if _are_soft(labels, outputs):
        return ops.cast(labels, outputs.dtype)
    return ops.one_hot(ops.cast(ops.reshape(labels, (-1,)), "int32"), outputs.shape[-1], dtype=outputs.dtype)


@registered
def crossentropy(y_true, y_pred):
    """Cross-entropy of probabilities (N, K)."""
    if _are_soft(y_true, y_pred):
        return keras.losses.categorical_crossentropy(y_true, y_pred)
    return keras.losses.sparse_categorical_crossentropy(y_true, y_pred)


@registered
class SmoothedCrossentropy(keras.losses.Loss):
    """Cross-entropy of probabilities (N, K), with targets 1 - eps + eps / K for the true class and eps / K for the
    others (Szegedy et al. 2015, section 7)."""

    def __init__(self, label_smoothing, **kwargs):
        super().__init__(**kwargs)
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        targets = _distribution(y_true, y_pred)
        return keras.losses.categorical_crossentropy(targets, y_pred, label_smoothing=self.label_smoothing)

    def get_config(self):
        return {**super().get_config(), "label_smoothing": self.label_smoothing}


@registered
def squared_error_to_targets(y_true, y_pred):
    """The mean over the outputs of their squared distances to +1 for the true class and -1 for the others."""
    targets = 2.0 * _distribution(y_true, y_pred) - 1.0
    return ops.mean(ops.square(y_pred - targets), axis=-1)


RUBBISH = 10.0  # j; the paper prints no value


@registered
def map_criterion(y_true, y_pred):
    """y_D + log(e^-j + sum_i e^-y_i), for penalties y and the true class D (LeCun et al. 1998, equation 9).

    `y_pred` (N, classes) are the negative penalties, LeNet-5's output before its softmax. The constant j, the penalty
    of a class of rubbish, ends the pushing away from codes that are far enough. Without it, as in cross-entropy, the
    units of F6 are driven into saturation.
    """
    true = ops.sum(y_pred * _distribution(y_true, y_pred), axis=-1)
    rubbish = ops.full_like(y_pred[:, :1], -RUBBISH)
    return ops.logsumexp(ops.concatenate([y_pred, rubbish], axis=-1), axis=-1) - true


LOSSES = {
    "crossentropy": crossentropy,
    "squared error": squared_error_to_targets,
    "MAP criterion": map_criterion,
}


def compile_arguments(recipe: Recipe, steps_per_epoch: int) -> dict[str, Any]:
    """Keyword arguments for `model.compile`: optimizer, loss, metrics. Labels are class indices (N,) or (N, 1), or
    soft: a distribution over the classes for each image (N, K).

    Where the recipe trains auxiliary heads, each output has a loss of the weight that the network's record says.
    """
    if not recipe.build.get("aux_heads"):
        return {"optimizer": _optimizer(recipe, steps_per_epoch), "loss": _loss(recipe), "metrics": [_accuracy()]}
    weights = get_model(recipe.model).loss_weights
    return {
        "optimizer": _optimizer(recipe, steps_per_epoch),
        "loss": {output: _loss(recipe) for output in weights},
        "loss_weights": weights,
        "metrics": {output: [_accuracy()] for output in weights},
    }


def _optimizer(recipe, steps_per_epoch):
    rule = recipe.optimizer
    options = {
        "l2": rule.weight_decay,
        "l2_on": rule.decay_on,
        "global_clipnorm": rule.clip,
        "use_ema": recipe.average is not None,
        "gradient_accumulation_steps": recipe.accumulate if recipe.accumulate > 1 else None,
    }
    if recipe.average is not None:
        options["ema_momentum"] = recipe.average
    rate = _rate(recipe, steps_per_epoch / recipe.accumulate)
    if isinstance(rule, SGD):
        return L2SGD(rate, rule.momentum, rule.nesterov, **options)
    return L2RMSprop(rate, rule.rho, epsilon=rule.epsilon, **options)


def _rate(recipe, steps_per_epoch) -> Any:
    """The learning rate, or the schedule of it, where so many whole steps are an epoch."""
    schedule, schedules = recipe.schedule, keras.optimizers.schedules
    all_steps = round(math.ceil(recipe.epochs) * steps_per_epoch)  # a part of an epoch is trained as a whole one
    rate: Any
    if isinstance(schedule, Plateau):
        rate = schedule.rate
    elif isinstance(schedule, Exponential):
        steps = schedule.epochs * steps_per_epoch  # of few images no whole number
        rate = schedules.ExponentialDecay(schedule.rate, steps, schedule.factor, staircase=True)
    elif isinstance(schedule, Linear):
        rate = schedules.PolynomialDecay(schedule.rate, all_steps, end_learning_rate=0.0)
    elif isinstance(schedule, Cosine):
        rate = schedules.CosineDecay(schedule.rate, all_steps)
    elif not schedule.until:
        (rate,) = schedule.rates
    else:
        # Keras counts steps from 0, and a boundary is the last of the rate before.
        boundaries = [round(epochs * steps_per_epoch) - 1 for epochs in schedule.until]
        rate = schedules.PiecewiseConstantDecay(boundaries, list(schedule.rates))
    warm_up = round(recipe.warm_up * steps_per_epoch)
    return WarmUp(rate, warm_up) if warm_up else rate


def _loss(recipe):
    return SmoothedCrossentropy(recipe.label_smoothing) if recipe.label_smoothing else LOSSES[recipe.loss]


def _accuracy():
    return keras.metrics.MeanMetricWrapper(top1, name="accuracy")


@registered
def top1(y_true, y_pred):
    """1 where the class of the greatest output (N, K) is the label, or the dominant one of a soft label, else 0."""
    if _are_soft(y_true, y_pred):
        return keras.metrics.categorical_accuracy(y_true, y_pred)
    return keras.metrics.sparse_categorical_accuracy(y_true, y_pred)


def callbacks(recipe: Recipe, validated: bool) -> list[keras.callbacks.Callback]:
    """The callbacks of `model.fit` that the recipe's schedule, its average and its drop path need; `validated` tells
    whether there are validation images."""
    made: list[keras.callbacks.Callback] = [DropPathSchedule()] if recipe.build.get("drop_path") else []
    if recipe.average is not None:
        made.append(ValidateAveraged())
    if isinstance(recipe.schedule, Plateau):
        plateau = recipe.schedule
        monitor = "val_loss" if validated else "loss"
        made.append(
            keras.callbacks.ReduceLROnPlateau(
                monitor, plateau.factor, plateau.patience, min_lr=plateau.lowest, min_delta=0.0
            )
        )
    return made
