"""Models inside models."""

from collections.abc import Iterator

import keras


def leaves(layer: keras.Layer) -> Iterator[keras.Layer]:
    """A layer that is no model, or in the place of a model its layers and those of the models inside it."""
    if not isinstance(layer, keras.Model):
        yield layer
        return
    for inner in layer.layers:
        yield from leaves(inner)
