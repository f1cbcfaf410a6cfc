"""A network's maps at several strides, as detection and segmentation read them (timm's `features_only`)."""

from collections.abc import Sequence

import keras

from keras_classics.complexity import stages
from keras_classics.errors import ClassicsError
from keras_classics.variant import deep_graph


def feature_pyramid(model: keras.Model, strides: Sequence[int] = (8, 16, 32)) -> keras.Model:
    """A model that puts out the maps at the ends of stages. Input, layers and weights are those of the given model.

    Args:
        model: a network of the zoo, or another functional model, with its top or without.
        strides: of the stages, in input pixels; `Variant.stages` and `complexity.stages` tell which there are.

    Returns:
        A functional `keras.Model` whose output is a list of maps in the order of `strides`: (N, H, W, C), or
        (N, C, H, W) by the model's data format, where H is about the image's height divided by the stride.

    Raises:
        ClassicsError: if the model has no stage of a stride, where the message lists those it has; or it has no graph
            of layers to read.
    """
    layer_of = {stride: name for name, stride in stages(model).items()}
    absent = [stride for stride in strides if stride not in layer_of]
    if absent or not strides:
        known = ", ".join(map(str, layer_of))
        raise ClassicsError(f"`strides` must be of {known}, which the stages of {model.name} have, not {strides}.")
    with deep_graph():
        maps = [model.get_layer(layer_of[stride]).output for stride in strides]
        return keras.Model(model.inputs, maps, name=f"{model.name}_pyramid")
