"""How far an exported network is from the Keras model, and how far it may be."""

from dataclasses import dataclass

import numpy as np

from keras_classics.ensemble import are_probabilities
from keras_classics.errors import ClassicsError

# What the logits of an export may be off: a part of how much they differ between pictures, and what the bits may lose.
FULL = (1e-3, 1e-5)
HALF = (2e-2, 2e-3)
# What the outputs may be off with weights or all of 8 bits, in parts of how much they differ, and in their 255 steps.
EIGHT_BITS = {"dynamic": 0.1, "int8": 0.1}
STEPS = 2


@dataclass(frozen=True)
class Agreement:
    """How far an exported network is from the Keras model.

    Attributes:
        images: how many both were run on.
        max_abs_error: the greatest difference of an output.
        max_rel_error: the same in parts of the greatest output.
        error: the greatest difference of a logit; where the outputs are probabilities, of their logarithms. Of 8 bits,
            which leave no digits for that: the greatest difference of an output, the images' mean.
        allowed_error: the most that it may be.
        same_answers: percent of the images on which both have the same likeliest class.
    """

    images: int
    max_abs_error: float
    max_rel_error: float
    error: float
    allowed_error: float
    same_answers: float

    @property
    def holds(self) -> bool:
        """Whether the answers are as near as they must be; numbers that are none are not."""
        return self.error <= self.allowed_error


def agreement(expected: np.ndarray, got: np.ndarray, quantize: str | None = None) -> Agreement:
    """How outputs (N, ..., classes) of an export agree with those expected.

    Raises:
        ClassicsError: if they have other shapes.
    """
    if got.shape != expected.shape:
        raise ClassicsError(
            f"The export puts out {got.shape} where the model has {expected.shape}; please report this."
        )
    off = np.abs(got - expected)
    if quantize in EIGHT_BITS:
        error = np.mean(np.max(off.reshape(len(off), -1), 1))
        allowed = EIGHT_BITS[quantize] * np.max(np.ptp(expected, 0)) + STEPS * np.ptp(expected) / 255
    else:
        wanted, found = _logarithms(expected, got) if are_probabilities(expected) else (expected, got)
        error = np.max(np.abs(found - wanted))
        of_the_spread, of_the_size = HALF if quantize else FULL
        allowed = of_the_spread * np.max(np.ptp(wanted, 0)) + of_the_size * np.max(np.abs(wanted))
    return Agreement(
        images=len(expected),
        max_abs_error=float(np.max(off)),
        max_rel_error=float(np.max(off) / max(np.max(np.abs(expected)), 1e-30)),
        error=float(error),
        allowed_error=float(allowed),
        same_answers=100.0 * float(np.mean(got.argmax(-1) == expected.argmax(-1))),
    )


def _logarithms(*probabilities: np.ndarray) -> list[np.ndarray]:
    """In which a difference shows even if one class has all of the probability."""
    return [np.log(np.maximum(part, 1e-30)) for part in probabilities]
