"""`Contents`: what a weights file holds, whichever program wrote it."""

import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from keras_classics.spec import InputProtocol, protocol_of


@dataclass(frozen=True)
class Origin:
    """What a file of ours tells of its weights: see `keras_classics.layers.Provenance`."""

    network: str
    form: Mapping[str, Any]
    protocol: InputProtocol
    epsilon: float | None = None

    @staticmethod
    def of(facts: Mapping[str, Any]) -> "Origin":
        """From the dict that the layer writes."""
        protocol = protocol_of(facts["protocol"])
        return Origin(str(facts["network"]), dict(facts["form"]), protocol, facts["epsilon"])


@dataclass(frozen=True)
class Contents:
    """The tensors of a network in a file.

    Attributes:
        tensors: by "<layer>.<variable>", in the order of the file.
        layout: "keras", "torch" or "onnx": whose words and shapes they have.
        origin: what the file tells of them, if it is ours.
        beside: the names of layers with weights that the file holds beside the network, in the model around it.
        prepared_by: the classes of layers and operations that seem to prepare pixels, before the network as far as that
            is told.
        path: of the file.
    """

    tensors: Mapping[str, np.ndarray]
    layout: str
    origin: Origin | None = None
    beside: tuple[str, ...] = ()
    prepared_by: tuple[str, ...] = ()
    path: pathlib.Path | None = None

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers, each once."""
        return tuple(dict.fromkeys(name.rpartition(".")[0] for name in self.tensors))
