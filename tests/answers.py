"""What a model puts out, as a test asks for it."""

import keras
import numpy as np


def answers(model: keras.Model, images) -> np.ndarray | dict[str, np.ndarray]:
    """The outputs in inference mode, those of several heads by name.

    jax compiles the model whole for it: operation by operation, which is what it does otherwise, takes it five times as
    long.
    """
    compiled = keras.config.backend() == "jax"
    outputs = model.predict_on_batch(images) if compiled else model(images, training=False)
    return keras.tree.map_structure(keras.ops.convert_to_numpy, outputs)
