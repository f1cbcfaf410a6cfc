"""The lecture's claims as experiments: one file each, and the engine that carries them out.

python -m training experiment list

Keras is imported when an experiment is first asked for.
"""

import importlib
from typing import TYPE_CHECKING

from keras_classics.errors import unknown

if TYPE_CHECKING:
    from training.experiments.design import Experiment

# From the oldest network on; each is a module of that name with an EXPERIMENT.
NAMES = (
    "relu_or_tanh",
    "response_normalization",
    "dropout_and_augmentation",
    "global_pooling",
    "small_kernels",
    "auxiliary_heads",
    "batch_normalization",
    "label_smoothing",
    "initialization",
    "depth",
    "identity_shortcuts",
    "dense_connections",
    "channel_shuffle",
    "drop_path",
    "views_and_ensembles",
)


def list_experiments() -> "list[Experiment]":
    """All experiments."""
    return [get_experiment(name) for name in NAMES]


def get_experiment(name: str) -> "Experiment":
    """The experiment of that name.

    Raises:
        ClassicsError: if there is none; the message suggests the nearest name.
    """
    if name not in NAMES:
        raise unknown("experiment", name, NAMES)
    return importlib.import_module(f"training.experiments.{name}").EXPERIMENT
