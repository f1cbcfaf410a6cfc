"""How far a training is, and what Keras' files of a model leave out of it."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import keras
import numpy as np

History = list[dict[str, float]]


class Place(NamedTuple):
    """A point of a training: whole epochs, and steps of the next."""

    epochs: int
    steps: int = 0

    def __str__(self) -> str:
        return f"the end of {f'step {self.steps} of epoch {self.epochs + 1}' if self.steps else f'epoch {self.epochs}'}"


@dataclass(frozen=True)
class State:
    """How far a training is, beside its network and its optimizer. All of it can be written as JSON.

    Attributes:
        history: a row for each whole epoch.
        steps: of the next epoch that are done.
        seconds: that these took.
        metrics: the values of Keras' variables for the running means over them, of the loss and the accuracies.
        seeds: the values of the network's random seeds, such as dropout's.
        draws: how far torch's own random numbers are, which it takes for dropout that is given no seed; "" elsewhere.
        skipped: the pictures that could not be read, and why, by split.
    """

    history: History = field(default_factory=list)
    steps: int = 0
    seconds: float = 0.0
    metrics: list[Any] = field(default_factory=list)
    seeds: list[Any] = field(default_factory=list)
    draws: str = ""
    skipped: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def place(self) -> Place:
        """How far it is."""
        return Place(len(self.history), self.steps)


def seeds(model: keras.Model) -> list[Any]:
    """The variables of the model's random seeds, which go on with each draw and are no weights."""
    weights = set(map(id, model.weights))
    return [variable for variable in model.variables if id(variable) not in weights]


def values(variables: Iterable[Any]) -> list[Any]:
    """What the variables hold, as lists and numbers that JSON keeps bit for bit."""
    return [keras.ops.convert_to_numpy(variable).tolist() for variable in variables]


def put_back(variables: list[Any], saved: list[Any]) -> None:
    """Gives the variables what `values` has told of them."""
    for variable, value in zip(variables, saved, strict=True):
        variable.assign(np.asarray(value, variable.dtype))


def draws() -> str:
    """The state of torch's own random numbers, in hexadecimal; "" on other backends."""
    if keras.config.backend() != "torch":
        return ""
    import torch

    return torch.get_rng_state().numpy().tobytes().hex()


def put_back_draws(saved: str) -> None:
    """Brings torch's own random numbers to where they were."""
    if saved:
        import torch

        torch.set_rng_state(torch.tensor(list(bytes.fromhex(saved)), dtype=torch.uint8))
