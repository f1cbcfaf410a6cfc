"""`Recipe`: how a paper trained a network, as frozen data."""

import dataclasses
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from keras_classics.errors import ClassicsError
from keras_classics.spec import Paper, plain
from keras_classics.zoo import get_model
from training import augment
from training.augment import BatchOperation, Operation
from training.augment.whitening import Pixels
from training.kinds import check

Decayed = Literal["all", "kernels"]  # which weights decay: all, or neither biases nor batch norms
Loss = Literal["crossentropy", "squared error", "MAP criterion"]
Precision = Literal["float32", "mixed_bfloat16"]  # Keras' names of what a network computes in
RULES = ("optimizer", "schedule", "tuning")  # fields of a recipe that have fields themselves, or are None


@dataclass(frozen=True)
class SGD:
    """Stochastic gradient descent. `weight_decay` is the papers': that times the weight joins the gradient, before the
    momentum, which may be Nesterov's; `decay_on` tells which weights decay. `clip` is the greatest norm that all
    gradients together may have."""

    momentum: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False
    clip: float | None = None
    decay_on: Decayed = "all"

    def __str__(self) -> str:
        nesterov = " (Nesterov's)" if self.nesterov else ""
        return f"SGD with momentum {self.momentum:g}{nesterov}, {_decay_and_clip(self)}"


@dataclass(frozen=True)
class RMSProp:
    """Steps divided by a running root mean square of the gradients, of which `rho` is kept at each step.
    `weight_decay`, `decay_on` and `clip` are as in `SGD`."""

    rho: float = 0.9
    epsilon: float = 1e-7
    weight_decay: float = 0.0
    clip: float | None = None
    decay_on: Decayed = "all"

    def __str__(self) -> str:
        return f"RMSProp with rho {self.rho:g}, epsilon {self.epsilon:g}, {_decay_and_clip(self)}"


def _decay_and_clip(rule: SGD | RMSProp) -> str:
    clip = "" if rule.clip is None else f", gradients clipped to a norm of {rule.clip:g}"
    kernels = " on kernels alone" if rule.decay_on == "kernels" else ""
    return f"weight decay {rule.weight_decay:g}{kernels}{clip}"


@dataclass(frozen=True)
class Steps:
    """A learning rate of `rates[i]` up to epoch `until[i]`, and of the last rate to the end."""

    rates: tuple[float, ...]
    until: tuple[float, ...] = ()

    def __str__(self) -> str:
        later = (
            f", after {epochs:.4g} epochs {rate:g}" for epochs, rate in zip(self.until, self.rates[1:], strict=True)
        )
        return f"{self.rates[0]:g}{''.join(later)}"


@dataclass(frozen=True)
class Plateau:
    """A learning rate that is multiplied by `factor` when the validation loss has not fallen for `patience` epochs."""

    rate: float
    factor: float = 0.1
    patience: int = 5
    lowest: float = 1e-5

    def __str__(self) -> str:
        return (
            f"{self.rate:g}, times {self.factor:g} whenever the validation loss has not fallen for {self.patience} "
            f"epochs, down to {self.lowest:g}"
        )


@dataclass(frozen=True)
class Exponential:
    """A learning rate that is multiplied by `factor` after every `epochs` epochs."""

    rate: float
    factor: float
    epochs: float

    def __str__(self) -> str:
        return f"{self.rate:g}, times {self.factor:g} every {self.epochs:.4g} epochs"


@dataclass(frozen=True)
class Linear:
    """A learning rate that falls by the same amount at each step, from `rate` to zero at the end."""

    rate: float

    def __str__(self) -> str:
        return f"{self.rate:g}, falling to 0 by the same amount at each step"


@dataclass(frozen=True)
class Cosine:
    """A learning rate that falls from `rate` to 0 at the end of the training, along half a period of a cosine."""

    rate: float

    def __str__(self) -> str:
        return f"{self.rate:g}, falling to 0 along a cosine"


@dataclass(frozen=True)
class Tuning:
    """What a fine-tuning begins with, and how it comes to train the whole network.

    Attributes:
        weights: as they were asked for: a data set, a source or its tag, or a file.
        checkpoint: as which they were taken: the full tag, or the file.
        sha256: of the file.
        head_epochs: in the first so many epochs the classifier, which starts afresh, is trained alone; all else is
            frozen, and its batch norms use their moments and leave them as they are. The recipe's other epochs, its
            schedule and its warm-up come after that.
        head_rate: the learning rate of these epochs.
        frozen: the stage up to which the network stays frozen to the end, as `keras_classics.freeze` names it.
    """

    weights: str
    checkpoint: str
    sha256: str
    head_epochs: int
    head_rate: float
    frozen: str | None = None

    def __str__(self) -> str:
        taken = "" if self.checkpoint == self.weights else f", of which '{self.checkpoint}' is taken"
        return f"weights '{self.weights}'{taken} (SHA-256 {self.sha256[:16]}...)"


@dataclass(frozen=True)
class Recipe:
    """How to train a network.

    Attributes:
        name: such as "lenet5-mnist".
        model: the network's name in the zoo.
        dataset: the data set's name in `keras_classics.datasets`.
        paper: that the recipe follows.
        epochs: passes over the training images, a fraction rounded up.
        batch_size: images a step.
        accumulate: parts into which a batch is divided: their gradients are averaged before the step, so that a batch
            fits that the memory does not. Batch norm sees one part at a time. Other numbers of parts see other batches
            at an epoch's end, where one that is not full goes on in the next epoch.
        optimizer: the rule of a step.
        schedule: of the learning rate.
        warm_up: epochs in which the rate rises from 0 in equal steps to what the schedule says; not for a `Plateau`.
        average: what a running average of the weights keeps of itself at a step, such as 0.9999; after n steps at most
            (1 + n) / (10 + n), so that the first weights are soon forgotten. The averaged weights are validated, judged
            and shipped, the others go on training. Batch norm's moments are running averages already, and stay as the
            weights in training have them. None for no average.
        loss: one of `training.compile.LOSSES`.
        label_smoothing: how much of the target is spread evenly over all classes; for "crossentropy".
        pixels: how the network reads them: "normalized" as its record says, "per_pixel_mean" without the mean of the
            training images, "gcn_zca" by global contrast normalisation and ZCA. The last two are fitted on the images
            that are trained on, and done before the augmentation, which then fills with 0. What ships does them itself.
        augment: operations on a training image, in order, from `training.augment`.
        augment_batch: operations on a batch of them and its labels, in order, after those of `augment`.
        hold_out: one training image in so many is held out, to choose the best epoch by; 0 for none.
        early_stopping: epochs without a better one after which the training ends; None to train them all.
        target_error: in percent, of the validation images or without any of the training images; the training ends with
            the first epoch that has no more. None to train them all.
        precision: what the trained network computes in. Its weights, its answers and what ships are float32.
        reported: the note, in the network's record, of the paper's error that the recipe is held against; by default
            the first for the data.
        build: arguments of the builder for the form that is trained. What is judged and shipped has the paper's
            activation, no auxiliary heads and no drop path, whatever the training needed.
        departures: where the recipe knowingly differs from the paper, or settles what the paper leaves open.
        tuning: the weights that the network begins with, where it is fine-tuned.
    """

    name: str
    model: str
    dataset: str
    paper: Paper
    epochs: float
    batch_size: int
    optimizer: SGD | RMSProp
    schedule: Steps | Plateau | Exponential | Linear | Cosine
    accumulate: int = 1
    warm_up: float = 0.0
    average: float | None = None
    early_stopping: int | None = None
    target_error: float | None = None
    precision: Precision = "float32"
    loss: Loss = "crossentropy"
    label_smoothing: float = 0.0
    pixels: Pixels = "normalized"
    augment: tuple[Operation, ...] = ()
    augment_batch: tuple[BatchOperation, ...] = ()
    hold_out: int = 10
    reported: str | None = None
    build: dict[str, Any] = dataclasses.field(default_factory=dict)
    departures: tuple[str, ...] = ()
    tuning: Tuning | None = None

    def replace(self, **changes) -> "Recipe":
        """A copy with other values; those that are None stay as they are. A batch of another size is not divided
        unless `accumulate` says so as well; operations fill with 0 where pixels are whitened, and with the mean colour
        where they no longer are.

        Raises:
            ClassicsError: for a value that cannot be trained with.
        """
        changes = {k: v for k, v in changes.items() if v is not None}
        if changes.get("batch_size", self.batch_size) != self.batch_size:
            changes.setdefault("accumulate", 1)
        recipe = dataclasses.replace(self, **changes)
        check(recipe)
        for rule in RULES:
            if (holder := getattr(recipe, rule)) is not None:
                check(holder, f"{rule}.")
                _check_bounds(holder, f"{rule}.")
        if recipe.pixels != "normalized":
            recipe = dataclasses.replace(recipe, augment=tuple(map(_filling_with_zero, recipe.augment)))
        elif self.pixels != "normalized" and "augment" not in changes:
            colour = get_model(recipe.model).normalization.mean
            recipe = dataclasses.replace(recipe, augment=tuple(_filling_with(colour, each) for each in recipe.augment))
        _check(recipe)
        return recipe

    @property
    def part_size(self) -> int:
        """Images that the network sees at once: of a batch, or of a part of it where gradients are accumulated."""
        return self.batch_size // self.accumulate

    def as_dict(self) -> dict[str, Any]:
        """What JSON can hold; an operation is its name and its values."""
        return {f.name: plain(getattr(self, f.name)) for f in dataclasses.fields(self)}


def recipe_of(values: dict[str, Any]) -> Recipe:
    """The recipe that `as_dict` wrote.

    Raises:
        KeyError, TypeError: if it was not so written.
    """
    return Recipe(**_restored(values))


def _restored(value: Any) -> Any:
    """What `plain` wrote."""
    if isinstance(value, dict):
        fields = {name: _restored(of_name) for name, of_name in value.items() if name != "kind"}
        return KINDS[value["kind"]](**fields) if "kind" in value else fields
    return tuple(map(_restored, value)) if isinstance(value, list) else value


KINDS: dict[str, Any] = {
    **{name: getattr(augment, name) for name in augment.__all__},
    **{kind.__name__: kind for kind in (SGD, RMSProp, Steps, Plateau, Exponential, Linear, Cosine, Paper, Tuning)},
}


_NOT_NEGATIVE = ("0 or more", lambda value: 0 <= value < math.inf)
_POSITIVE = ("above 0", lambda value: 0 < value < math.inf)
_PART = ("0 or more and below 1", lambda value: 0 <= value < 1)
_BOUNDS: dict[str, tuple[str, Callable[[float], bool]]] = {  # of the fields of `RULES`
    **dict.fromkeys(("rate", "rates", "head_rate", "lowest", "patience", "weight_decay"), _NOT_NEGATIVE),
    **dict.fromkeys(("epochs", "until", "epsilon", "clip"), _POSITIVE),
    **dict.fromkeys(("momentum", "rho"), _PART),
    "factor": ("above 0 and below 1", lambda value: 0 < value < 1),
}


def _check_bounds(rule: Any, prefix: str) -> None:
    """Raises a ClassicsError for a number of an optimizer, a schedule or a tuning that is out of its range."""
    for field in dataclasses.fields(rule):
        words, holds = _BOUNDS.get(field.name, ("", lambda _: True))
        value = getattr(rule, field.name)
        for number in value if isinstance(value, tuple) else (value,):
            if number is not None and not holds(number):
                raise ClassicsError(f"{prefix}{field.name} must be {words}, not {number:g}.")


def _check(recipe: Recipe) -> None:
    """Raises a ClassicsError for values that do not go together, or cannot be trained with."""
    if not 0 < recipe.epochs < math.inf:
        raise ClassicsError(f"The number of epochs must be positive and finite, not {recipe.epochs:g}.")
    if recipe.batch_size < 1:
        raise ClassicsError(f"The batch size must be positive, not {recipe.batch_size}.")
    if recipe.accumulate < 1 or recipe.batch_size % recipe.accumulate:
        raise ClassicsError(
            f"A batch of {recipe.batch_size} cannot be divided into {recipe.accumulate} equal parts; give a "
            "--batch-size that can."
        )
    if recipe.hold_out < 0 or recipe.hold_out == 1:
        raise ClassicsError(
            f"One training image in {recipe.hold_out} cannot be held out; give 0 for none, or 2 or more."
        )
    if not 0 <= recipe.warm_up < math.inf:
        raise ClassicsError(f"The epochs of warm_up cannot be {recipe.warm_up:g}; give 0 for none.")
    if recipe.warm_up and isinstance(recipe.schedule, Plateau):
        raise ClassicsError("A rate that waits for a plateau has no warm-up; set warm_up=0.")
    if recipe.average is not None and not 0 < recipe.average < 1:
        raise ClassicsError(f"An average keeps between 0 and 1 of itself, not {recipe.average:g}; such as 0.9999.")
    if recipe.early_stopping is not None and recipe.early_stopping < 1:
        raise ClassicsError(f"Early stopping waits for 1 epoch or more, not {recipe.early_stopping}.")
    if recipe.target_error is not None and not 0 <= recipe.target_error < 100:
        raise ClassicsError(f"An error to reach is 0 or more and below 100 percent, not {recipe.target_error:g}.")
    if isinstance(recipe.schedule, Steps):
        _check_steps(recipe.schedule)
    if not 0 <= recipe.label_smoothing < 1:
        raise ClassicsError(f"Labels are smoothed by 0 or more and below 1, not {recipe.label_smoothing:g}.")
    if recipe.label_smoothing and recipe.loss != "crossentropy":
        raise ClassicsError(
            f"Labels are smoothed for the loss crossentropy, not for the {recipe.loss}; set label_smoothing=0."
        )
    for operation in recipe.augment:
        if not operation.reads(recipe.pixels):
            raise ClassicsError(
                f"{type(operation).__name__} changes pixels of 0..255, and {recipe.pixels} has whitened them before; "
                "set pixels=normalized, or leave the operation out of the recipe's augment."
            )
    if recipe.tuning is not None:
        _check_tuning(recipe, recipe.tuning)


def _check_steps(schedule: Steps) -> None:
    rates, until = schedule.rates, schedule.until
    if len(rates) != len(until) + 1:
        raise ClassicsError(
            f"{len(until)} epochs in schedule.until divide a training into {len(until) + 1} parts, and schedule.rates "
            f"has {len(rates)}; set both, such as schedule.rates=0.1,0.01 schedule.until=30."
        )
    if list(until) != sorted(set(until)):
        raise ClassicsError(f"The epochs of schedule.until must rise, not be {', '.join(f'{e:g}' for e in until)}.")


def _check_tuning(recipe: Recipe, tuning: Tuning) -> None:
    if not 0 <= tuning.head_epochs <= math.ceil(recipe.epochs):
        raise ClassicsError(
            f"Of {recipe.epochs:g} epochs {tuning.head_epochs} cannot be the classifier's; set tuning.head_epochs to 0 "
            "or more, up to all of them."
        )
    if recipe.pixels != "normalized":
        raise ClassicsError("Pixels are prepared as the weights want it; leave pixels=normalized.")


def _filling_with(colour: tuple[float, ...], operation: Any) -> Operation:
    """The operation for pixels that are no longer whitened. What fills with a grey does so with the digits' black."""
    is_coloured = isinstance(getattr(operation, "fill", None), tuple)
    return dataclasses.replace(operation, fill=colour) if is_coloured else operation


def _filling_with_zero(operation: Any) -> Operation:
    fill = getattr(operation, "fill", None)
    if fill is None:
        return operation
    return dataclasses.replace(operation, fill=(0.0,) * len(fill) if isinstance(fill, tuple) else 0.0)
