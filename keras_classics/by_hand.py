"""Running a model's graph by hand: on torch Keras' call of a layer takes as long, around the layer's own work, as a
small convolution, and each map is kept until the model is done."""

from collections.abc import Callable
from functools import cached_property

import keras
from keras import ops

from keras_classics.layers.torch_layout import records_gradients

MAKE_MASKS = keras.layers.Masking | keras.layers.Embedding


def is_plain(node) -> bool:
    """Whether the layer's `call` alone does what calling the layer does: of Keras' and our layers on tensors that are
    of the type in which the layer computes and keeps its weights."""
    layer = node.operation
    return (
        isinstance(layer, keras.Layer)
        and not isinstance(layer, keras.Model | keras.layers.Wrapper)
        and type(layer).__module__.split(".")[0] in ("keras", "keras_classics")
        and layer.built
        and layer.activity_regularizer is None
        and getattr(layer, "quantization_mode", None) is None
        and all(t.dtype == layer.compute_dtype == layer.variable_dtype for t in node.input_tensors)
    )


def function_of(node) -> Callable:
    """What does a node's work: the layer's `call` alone where that is enough, or the layer. It is asked again whether
    the layer has been quantised, for then it computes by another method."""
    layer = node.operation
    if not is_plain(node):
        return layer

    def function(*arguments, **options):
        return (layer.call if layer.quantization_mode is None else layer)(*arguments, **options)

    return function


def nodes_of(model: keras.Model) -> list:
    """The calls of a functional model's layers, each after those that it reads, without the inputs."""
    return [
        node for _, nodes in sorted(model._nodes_by_depth.items(), reverse=True) for node in nodes if not node.is_input
    ]


@keras.saving.register_keras_serializable("keras_classics")
class ByHand(keras.Model):
    """A functional model with the same layers and results. On torch, where no gradients are recorded, it calls its
    layers by hand and lets go of each map after its last reader."""

    def call(self, inputs, training=None, mask=None):
        flat = keras.tree.flatten(inputs)
        if training or mask is not None or not _on_torch() or any(map(keras.utils.is_keras_tensor, flat)):
            return super().call(inputs, training=training, mask=mask)
        if self._steps.masks or [len(x.shape) for x in flat] != [len(at.shape) for at in self.inputs]:
            return super().call(inputs, training=training, mask=mask)
        tensors = [ops.convert_to_tensor(x, dtype=at.dtype) for at, x in zip(self.inputs, flat, strict=True)]
        made = keras.tree.pack_sequence_as(self.output, self._steps.run(tensors, training))
        return made[0] if isinstance(made, list) and len(made) == 1 else made  # as Keras' own call

    @cached_property
    def _steps(self):
        return _Steps(self)


class _Steps:
    """The calls of a model's layers; no list, in which Keras would look for layers to save."""

    def __init__(self, model):
        nodes = nodes_of(model)
        self.inputs, self.outputs = list(map(id, model.inputs)), list(map(id, model.outputs))
        self.masks = any(isinstance(node.operation, MAKE_MASKS) for node in nodes)
        last = {id(at): node for node in nodes for at in node.input_tensors}
        self.steps = [
            (
                node,
                function_of(node),
                list(map(id, node.outputs)),
                [at for at in map(id, node.input_tensors) if last[at] is node and at not in self.outputs],
                getattr(node.operation, "_call_has_training_arg", False),
            )
            for node in nodes
        ]

    def run(self, tensors, training):
        """What the model makes of its inputs, as flat lists. `training` is False, or None for each layer's own default,
        which is True for those that augment."""
        maps = dict(zip(self.inputs, tensors, strict=True))
        del tensors
        for node, function, makes, reads_last, has_training in self.steps:
            arguments, options = node.arguments.fill_in(maps)
            if has_training and training is not None:
                options["training"] = training
            made = function(*arguments, **options)
            del arguments, options
            maps.update(zip(makes, keras.tree.flatten(made) if len(makes) > 1 else [made], strict=True))
            del made
            for at in reads_last:
                maps.pop(at, None)
        return [maps[at] for at in self.outputs]


def _on_torch() -> bool:
    if keras.config.backend() != "torch" or records_gradients():
        return False
    import torch

    return not torch.compiler.is_compiling() and not torch.jit.is_tracing()
