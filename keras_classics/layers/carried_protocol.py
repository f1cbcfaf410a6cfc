"""What a model remembers of how its pictures are prepared."""

import dataclasses

import keras

from keras_classics.spec import InputProtocol, protocol_of

registered = keras.saving.register_keras_serializable("keras_classics")


@registered
class CarriedProtocol(keras.layers.Layer):
    """The identity. It keeps, in the model and in its file, how the weights' own pictures were prepared."""

    def __init__(self, protocol: InputProtocol | dict, **kwargs):
        super().__init__(**kwargs)
        self.protocol = protocol_of(protocol) if isinstance(protocol, dict) else protocol

    def call(self, inputs):
        return inputs

    def compute_output_shape(self, input_shape):
        return input_shape

    def get_config(self):
        return {**super().get_config(), "protocol": dataclasses.asdict(self.protocol)}
