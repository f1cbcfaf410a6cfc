"""Freezing the first stages of a network, to train only what comes after them."""

import re

import keras

from keras_classics.complexity import POOLINGS, block_of
from keras_classics.errors import ClassicsError, unknown
from keras_classics.layers import Provenance, leaves
from keras_classics.preprocessing import classifier_of, provenance
from keras_classics.zoo import variant_of


def freeze(model: keras.Model, up_to: str | None = None) -> keras.Model:
    """Freezes a stage, by the paper's name of it, and all that it is computed from. Compile the model after it.

    Frozen weights do not train, and frozen batch norms use their moving moments and leave them as they are.

    Args:
        model: a network of the zoo, or a model with one inside.
        up_to: how the names of the stage's layers begin: "conv4" of ResNet and VGG, "inception_4e", "mixed_6e",
            "dense3", "block13", "stage3". None freezes all but the classifier, be its scores a vector or a map. A
            network without one is frozen whole. In a model with a network of the zoo inside, or its body with other
            layers behind it, that network and all before it are frozen; what stands beside or behind it trains.

    Returns:
        The model itself. `trainable = True` of each layer undoes it; that of the model, which is True already, does
        nothing on tensorflow.

    Raises:
        ClassicsError: if no layer's name begins so, where the message lists the stages; or nothing is left to train.
    """
    if up_to is None:
        kept = _behind_networks(model) or _behind_body(model) or classifiers(model)
        for layer in leaves(model):
            if layer not in kept:
                layer.trainable = False
        return model
    inner = [layer for layer in model.layers if isinstance(layer, keras.Model)]
    frozen: list[keras.Layer] = []
    for network in (model, *inner):
        last = [layer for layer in network.layers if re.match(rf"{re.escape(up_to)}(?!\d)", layer.name)]
        if last and network is not model:
            last += [parent for parent in _parents(network) if parent in model.layers]  # what it reads here
        frozen += _with_all_before(last)
    if not frozen:
        names = (block_of(layer.name) for m in (model, *inner) for layer in m.layers)
        raise unknown(f"stage of {model.name}", up_to, dict.fromkeys(name for name in names if name))
    held = {id(leaf) for layer in frozen for leaf in leaves(layer)}
    if not any(leaf.trainable_weights for leaf in leaves(model) if id(leaf) not in held):
        raise ClassicsError(f"Nothing of {model.name} would be left to train after '{up_to}'; freeze an earlier stage.")
    for layer in frozen:
        layer.trainable = False
    return model


def classifiers(model: keras.Model) -> list[keras.Layer]:
    """The layers whose weights tell the classes apart: the last ones before each output. Maps that are not of a layer
    called "predictions", and what ends in a pooling or a batch norm, are features, and have none.

    Raises:
        ClassicsError: if these give another number of values than there are classes, as LeNet-5's before the distances
            to its fixed bitmaps do.
    """
    found = []
    for output in model.outputs:
        layer = output._keras_history.operation
        if isinstance(layer, POOLINGS):
            continue
        while not layer.weights and (parents := _parents(layer)):
            layer = parents[0]
        if isinstance(layer, keras.Model):
            found += classifiers(layer)
            continue
        if output.ndim > 2 and layer.name == "predictions":
            found.append(layer)
        if output.ndim > 2 or isinstance(layer, keras.layers.BatchNormalization):
            continue
        if layer.weights[0].shape[-1] != output.shape[-1]:
            raise ClassicsError(
                f"{model.name} has no trained classifier in this form: behind its layer {layer.name} all is fixed."
            )
        found.append(layer)
    return found


def _behind_networks(model) -> list[keras.Layer]:
    """The layers with weights that stand beside or behind the networks of the zoo inside a model; none if there is no
    such network."""
    inner = [layer for layer in model.layers if isinstance(layer, keras.Model) and provenance(layer)]
    before = _with_all_before(inner)
    rest = [layer for layer in model.layers if inner and layer not in before]
    return [leaf for layer in rest for leaf in leaves(layer) if leaf.weights]


def _behind_body(model) -> list[keras.Layer]:
    """The layers with weights that stand in one graph with a network's body, in the place of its classifier; none if
    there is no such body."""
    known = [layer for layer in model.layers if isinstance(layer, Provenance)]
    if not known or classifier_of(model) == "predictions":
        return []
    body = {layer.name for layer in variant_of(model)(include_top=False).layers}
    before = _with_all_before(known)
    rest = [layer for layer in model.layers if layer not in before and layer.name not in body]
    return [leaf for layer in rest for leaf in leaves(layer) if leaf.weights]


def _with_all_before(layers):
    """The layers, and those that they are computed from, each once."""
    found, waiting = {}, list(layers)
    while waiting:
        layer = waiting.pop()
        if isinstance(layer, keras.Layer) and id(layer) not in found:
            found[id(layer)] = layer
            waiting += _parents(layer)
    return list(found.values())


def _parents(layer):
    return [parent.operation for node in layer._inbound_nodes for parent in node.parent_nodes]
