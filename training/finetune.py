"""Fine-tuning: a run that begins with a network's weights from elsewhere, on pictures of other classes."""

import dataclasses
import math
import os
import pathlib
import warnings
from collections.abc import Iterable
from typing import Any

import keras

from keras_classics import feed, preprocessing
from keras_classics.choices import SAMPLES
from keras_classics.copies import like
from keras_classics.datasets import Dataset
from keras_classics.errors import ClassicsError, KeptClassifier
from keras_classics.fine_tuning import classifiers, freeze
from keras_classics.initializers import seeded
from keras_classics.spec import InputProtocol
from keras_classics.variant import Variant
from keras_classics.weights.fetch import digest
from keras_classics.weights.locate import locate
from keras_classics.zoo import get_model
from training import run_data, train
from training.assign import assign
from training.augment import AffineDistortion, Flip, Operation, PadAndCrop, RandomAreaCrop
from training.checks import check_options, check_out
from training.progress import say
from training.recipe import SGD, Cosine, Recipe, Tuning

EPOCHS, BATCH = 20, 16
HEAD_SHARE = 1 / 4  # of the epochs
HEAD_RATE, RATE = 3e-2, 3e-3
SMALLEST = 0.35  # part of a picture that a crop shows
SMALL = 64  # pixels: smaller images are shifted, larger ones are parts of a picture of any size
DIGITS, DIGIT_NAMES = ("mnist", "svhn_cropped"), tuple("0123456789")  # data sets, and the classes of any


def run(
    network: str,
    weights: str,
    data_name: str | os.PathLike[str],
    data_dir: str | None = None,
    out: str | pathlib.Path | None = None,
    seed: int = 0,
    *,
    epochs: float = EPOCHS,
    settings: Iterable[str] = (),
    freeze_up_to: str | None = None,
    flip: bool = True,
    limit: int | None = None,
    **options: Any,
) -> pathlib.Path:
    """Trains a network that has weights already on data of other classes; then judges and exports it.

    First its new classifier is trained alone, then all layers at a lower rate. Pictures are prepared as the weights
    want it, and the network that ships has the data's class names.

    Args:
        network: its name.
        weights: as the network's builder takes them: a data set, a source or its tag, or a file.
        data_name: as `datasets.load` takes it, such as a folder with a folder of pictures for each class.
        data_dir: where tensorflow-datasets keeps its data.
        out: the run folder, which must be new or empty; by default a new one in "runs".
        seed: of the classifier, the order of the images and their augmentation.
        epochs: in all; a quarter of them is the classifier's.
        settings: what to set in the recipe, as `training.assign` takes it.
        freeze_up_to: the stage up to which the network stays frozen to the end, as `keras_classics.freeze` names it.
        flip: whether to train on mirror images. Where the weights are of digits it is not done: pictures are then
            distorted as LeNet-5's digits were.
        limit: how many images of each split to use.
        **options: `class_weights`, `tensorboard`, `checkpoint_minutes` and `on_device`, as `train.run` takes them.

    Returns:
        The path of the run folder. `train.resume` goes on with a run that was stopped.

    Raises:
        ClassicsError: before any time is spent, if the network, the weights or the stage are not known, cannot be had
            or do not fit, or the data has a single class; or as `train.run`.
    """
    check_options(seed, **options)
    check_out(out)
    data_name = os.fspath(data_name)
    variant = get_model(network)
    checkpoint = locate(weights, variant)
    data = run_data.load(data_name, data_dir, limit).dataset
    if len(data.class_names) < 2:
        raise ClassicsError(
            f"{data.name} has one class alone, '{data.class_names[0]}'; a network tells two or more apart."
        )
    path = checkpoint.contents.path
    assert path is not None  # it was read from there
    tuning = Tuning(
        str(weights), checkpoint.name, digest(path, "sha256"), _head_epochs(epochs), HEAD_RATE, freeze_up_to
    )
    protocol = checkpoint.protocol or variant.protocol
    base = Recipe(
        name=f"{variant.name}-finetune",
        model=variant.name,
        dataset=data_name,
        paper=variant.paper,
        epochs=epochs,
        batch_size=BATCH,
        optimizer=SGD(momentum=0.9, weight_decay=1e-4, nesterov=True, decay_on="kernels"),
        schedule=Cosine(RATE),
        warm_up=1,
        loss="crossentropy" if variant.classifier_activation == "softmax" else "squared error",
        hold_out=10,
        build={**checkpoint.options, "classes": len(data.class_names)},
        tuning=tuning,
    )
    recipe = assign(base, settings)
    if recipe.epochs != base.epochs:  # as the command has it that tells them by --epochs
        head_epochs = _head_epochs(recipe.epochs)
        base = base.replace(epochs=recipe.epochs, tuning=dataclasses.replace(tuning, head_epochs=head_epochs))
    start = _start(recipe, variant, data, seed)
    augment = _augment(feed.feed_of(start, variant), protocol, flip)
    recipe, base = (dataclasses.replace(each, augment=augment) for each in (recipe, base))
    embedding = train.Embedding(base=base)
    path = train.run(recipe, data_name, data_dir, out, seed, limit=limit, start=start, embedding=embedding, **options)
    assert path is not None  # there is one process
    return path


def _head_epochs(epochs: float) -> int:
    """How many of so many epochs are the classifier's."""
    return max(1, round(HEAD_SHARE * epochs)) if 0 < epochs < math.inf else 1


def _augment(read: feed.Feed, protocol: InputProtocol, flip: bool) -> tuple[Operation, ...]:
    """For a network that reads such images, with weights of that protocol."""
    of_digits = SAMPLES.get(protocol.dataset, protocol.dataset) in DIGITS
    if of_digits or protocol.class_names == DIGIT_NAMES:  # which were fine-tuned before have their data's own name
        return (AffineDistortion(),)
    crop: Operation = RandomAreaCrop(read.image_size, SMALLEST, (protocol.interpolation,))
    if read.image_size <= SMALL:
        crop = PadAndCrop(read.image_size // 8, protocol.normalization.for_channels(read.channels).mean)
    return (crop, Flip()) if flip else (crop,)


def _start(recipe: Recipe, variant: Variant, data: Dataset, seed: int) -> keras.Model:
    """The network with the weights, a classifier that starts afresh, and the data's class names."""
    assert recipe.tuning is not None
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always", UserWarning)
        with train.computing_in("float32"):
            model = variant(seed=seed, **{**recipe.build, "weights": recipe.tuning.weights})
    for warning in told:
        if not issubclass(warning.category, KeptClassifier):  # here it is not
            say(str(warning.message))
    for layer in classifiers(model):
        with seeded(seed):
            fresh = like(layer)
            fresh.build(layer.input.shape)
        layer.set_weights(fresh.get_weights())
    data.check_classes(feed.classes_of(model), variant.name)
    if recipe.tuning.frozen is not None:
        freeze(model, recipe.tuning.frozen)  # to see whether it can be
    provenance = preprocessing.provenance(model)
    assert provenance is not None  # the zoo built it
    provenance.protocol = dataclasses.replace(
        provenance.protocol, dataset=data.name, class_names=data.class_names, classifier="predictions", assumed=False
    )
    return model
