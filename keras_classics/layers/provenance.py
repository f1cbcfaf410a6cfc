"""What a model remembers: which network it is, and how its pictures are prepared."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

from keras_classics.errors import ClassicsError
from keras_classics.spec import InputProtocol, protocol_of

registered = keras.saving.register_keras_serializable("keras_classics")


@registered
class Provenance(keras.layers.Layer):
    """The identity. In the model, and in each file of it, it keeps what the other layers do not tell.

    Args:
        network: the name of the network's record.
        form: the options that its weights and its answers depend on, as JSON holds them.
        protocol: how the pictures of its weights are prepared.
        epsilon: of its batch norms, where the source of its weights has another than the paper.

    A file of weights is taken only by the network and the form that it was written from, and brings its protocol.
    """

    def __init__(
        self,
        network: str,
        form: Mapping[str, Any],
        protocol: InputProtocol | dict,
        epsilon: float | None = None,
        **kwargs,
    ):
        super().__init__(autocast=False, **kwargs)
        self.network, self.form, self.epsilon = network, dict(form), epsilon
        self.protocol = protocol_of(protocol) if isinstance(protocol, Mapping) else protocol

    def call(self, inputs):
        return inputs

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs.shape, inputs.dtype)

    @property
    def normalizes(self) -> bool:
        """Whether the network was built with `include_preprocessing=True`: its `Rescaling` comes next."""
        return any(isinstance(node.operation, keras.layers.Rescaling) for node in self._outbound_nodes)

    @property
    def facts(self) -> dict[str, Any]:
        """What it keeps, as JSON holds it."""
        protocol = dataclasses.asdict(self.protocol)
        return {"network": self.network, "form": self.form, "protocol": protocol, "epsilon": self.epsilon}

    def get_config(self):
        return {**super().get_config(), **self.facts}

    def save_own_variables(self, store):
        store[KEY] = np.frombuffer(json.dumps(self.facts).encode(), "uint8")

    def load_own_variables(self, store):
        if KEY not in store.keys():  # noqa: SIM118, for a store is no mapping
            return
        facts = json.loads(bytes(np.asarray(store[KEY])))
        if (facts["network"], facts["form"]) != (self.network, self.form):
            raise ClassicsError(
                f"The file holds weights of {described(facts['network'], facts['form'])}, and this is "
                f"{described(self.network, self.form)}."
            )
        protocol = protocol_of(facts["protocol"])
        other_pixels = self.normalizes and protocol.normalization != self.protocol.normalization
        if facts["epsilon"] != self.epsilon or other_pixels:
            raise ClassicsError(
                f"The file's weights of {self.network} need other pixels or another epsilon than this model was built "
                "with; give the file as `weights` when it is built."
            )
        self.protocol = protocol


KEY = "provenance"  # under which a file of weights has it


def described(network: str, form: Mapping[str, Any]) -> str:
    """A network and its options in words: "resnet50 (shortcut='B', form='3x3')"."""
    options = ", ".join(f"{name}={value!r}" for name, value in form.items())
    return f"{network} ({options})" if options else network
