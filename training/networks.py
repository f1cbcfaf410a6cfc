"""The network of a run: as it is trained, and as it ships."""

import dataclasses
import warnings
from typing import Any

import keras

from keras_classics.errors import KeptClassifier
from keras_classics.spec import UNCHANGED, Normalization
from keras_classics.variant import Variant, deep_graph
from keras_classics.zoo import get_model
from training.augment.whitening import RULES, Numbers
from training.recipe import Recipe


def network(recipe: Recipe, seed: int) -> keras.Model:
    """The network that is trained, in its initial state. Where pixels are whitened, it says that it reads them as they
    come to it."""
    build = dict(recipe.build)
    variant = get_model(recipe.model)
    if recipe.pixels in RULES:
        variant = _with_normalization(variant, build, UNCHANGED.for_channels(variant.channels))
    return _built(recipe, variant, seed=seed, **build)


def shipped_network(recipe: Recipe, build: dict[str, Any], numbers: Numbers | None) -> keras.Model:
    """The network as it is built with `build`, which takes pixels of 0..255 and whitens them itself if there are
    numbers."""
    variant = get_model(recipe.model)
    if numbers is None:
        return _built(recipe, variant, **build)
    rule, shape = RULES[recipe.pixels], numbers["mean"].shape
    variant = _with_normalization(variant, build, rule.normalization(numbers))
    if keras.config.image_data_format() == "channels_first":
        shape = (shape[2], *shape[:2])
    inputs = keras.Input(shape, name="image")
    built = _built(recipe, variant, input_tensor=rule.layers(inputs, numbers), **build)
    with deep_graph():
        return keras.Model(inputs, built.output, name=built.name)


def _with_normalization(variant: Variant, build: dict[str, Any], normalization: Normalization) -> Variant:
    """The record, in the form that `build` chooses, with another normalisation."""
    variant = variant.with_options(**{name: build[name] for name in build if name in variant.options})
    return dataclasses.replace(variant, protocol=dataclasses.replace(variant.protocol, normalization=normalization))


def _built(recipe: Recipe, variant: Variant, **build) -> keras.Model:
    """A network of a run. One that is fine-tuned begins with the run's own weights, whose classifier it may keep."""
    with warnings.catch_warnings():
        if recipe.tuning is not None:
            warnings.simplefilter("ignore", KeptClassifier)
        return variant(**build)
