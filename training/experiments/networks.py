"""What experiments have in common: their networks read CIFAR-10 and end in ten classes, and learn in one way."""

from collections.abc import Callable
from typing import Any

from keras_classics.blocks import global_pool_head
from keras_classics.spec import CIFAR10_32, CIFAR10_STATISTICS, Paper
from keras_classics.variant import Variant
from training.augment import Flip, PadAndCrop
from training.recipe import Recipe

SHIFTS_AND_FLIPS = (PadAndCrop(4, CIFAR10_STATISTICS.mean), Flip())


def network(
    name: str, paper: Paper, features: Callable[[Any], Any], head: Callable[..., Any] = global_pool_head, **facts: Any
) -> Variant:
    """The record of a network that stands in no zoo: of an experiment's arm. Its name tells it from all others."""
    given = {"name": name, "family": "experiment", "paper": paper, "protocol": CIFAR10_32, "params": None, "macs": None}
    return Variant(**{**given, "features": features, "head": head, "bound_to_size": "top", **facts})


def recipe(paper: Paper, **said: Any) -> Recipe:
    """How the arms of an experiment are trained, where it says nothing else: on all its images of CIFAR-10, in batches
    of 64. An arm gives it the names."""
    given = {"name": "", "model": "", "dataset": "cifar10", "paper": paper, "batch_size": 64, "hold_out": 0}
    return Recipe(**{**given, **said})
