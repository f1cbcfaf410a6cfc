"""Asking networks about pictures."""

import itertools
import os
import warnings
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from keras_classics import crops, datasets, preprocessing
from keras_classics.ensemble import Ensemble, Member, Model, check_answers, ensemble, same_classes
from keras_classics.errors import ClassicsError
from keras_classics.pictures import is_file_or_pillow, read_image
from keras_classics.preprocessing import decode_predictions

if TYPE_CHECKING:
    from PIL.Image import Image

LIGHT = 170  # of 255: MNIST's borders are 0
Picture: TypeAlias = "np.ndarray | str | os.PathLike | Image"


def predict(
    model: Model | Sequence[Model],
    images: "Picture | Sequence[Picture]",
    top: int = 5,
    class_names: Sequence[str] | None = None,
    batch_size: int = 32,
    views: str = "1",
) -> list[list[tuple[str, str, float]]]:
    """The likeliest classes of pictures.

    Args:
        model: one that the zoo built, with or without auxiliary heads, on any backend, or exported; or several,
            whose probabilities are averaged, as `evaluate` does.
        images: a path, an image of Pillow's, or an array (H, W, C) of pixels 0..255, RGB or grey; or a batch
            (N, H, W, C) or list of such, of any sizes. Each is resized, cropped and normalised as the model's weights
            want it.
        top: how many classes to return for each.
        class_names: in the order of the model's outputs; by default those that it carries, or of the data set whose
            weights it has, or else "class 0", "class 1", ...: so it is of a classifier of one's own in the place of the
            network's, whose layer is called "predictions". If no weights told a data set, they are of the one that the
            network was made for, and a warning says so. Of several models the first that tells names gives them.
        batch_size: how many views of pictures to ask about in a step.
        views: of each picture, whose probabilities are averaged; see `evaluate`.

    Returns:
        For each picture a list of (identifier, name, probability), the likeliest first, as `decode_predictions` gives
        them. Where the model does not end in a softmax, its score stands for the probability; where answers are
        averaged, those of its scores' softmax are.

    Raises:
        ClassicsError: if a picture cannot be read or has pixels or channels that the model does not, the model has no
            classes or does not tell what pixels it takes, several name their classes otherwise, there are no such
            views, or the model has weights or puts out numbers that are not finite.
    """
    if top < 1 or batch_size < 1:
        raise ClassicsError(f"`top` and `batch_size` must be at least 1, not {top} and {batch_size}.")
    asked = ensemble(model, crops.find(views))
    if class_names is None:
        class_names = _common_names(asked.members)
    class_names = names_of(asked.members[0], class_names)
    pictures = _listed(images)
    batch_size = asked.batch_size(batch_size, len(pictures))
    answers: list[list[tuple[str, str, float]]] = []
    batches = batches_of(pictures, asked, batch_size)
    for _, scores in asked.answers(batches, batch_size, probabilities=asked.averages):
        check_answers(asked.members, np.sum(~np.isfinite(scores).all(2), 1), scores.shape[1])
        answers += decode_predictions(scores.mean(0), top, class_names)
    return answers


def batches_of(pictures, asked: Ensemble, batch_size: int):
    """The views of pictures, a list of paths or arrays, as `Ensemble.answers` takes them, so many a batch. A picture is
    read when its turn comes."""
    views = (shown for picture in pictures for shown in zip(*views_of(picture, asked), strict=True))
    for parts in views if asked.views.dense else _stacked(views, batch_size):
        read = (
            made.model_input(part.astype("float32")) for made, part in zip(asked.distinct_feeds, parts, strict=True)
        )
        yield tuple(map(np.asarray, read)), np.zeros(len(parts[0]), "int64")


def _stacked(views, batch_size: int):
    """Views in batches, for each of the feeds; those of a dense scale are one already."""
    while batch := list(itertools.islice(views, batch_size)):
        yield [np.stack(shown) for shown in zip(*batch, strict=True)]


def names_of(member: Member, class_names: Sequence[str] | None) -> Sequence[str] | None:
    """The names of the model's classes; None for ImageNet's, which `decode_predictions` has with their identifiers."""
    classes = member.classes
    if class_names is not None and len(class_names) != classes:
        raise ClassicsError(f"{member.name} has {classes} classes, and {len(class_names)} names were given.")
    names = _told_names(member) if class_names is None else tuple(class_names)
    names = names or tuple(f"class {i}" for i in range(classes))
    return None if names == preprocessing.imagenet_classes()[1] else names


def _told_names(member: Member) -> tuple[str, ...]:
    return datasets.told_class_names(member.protocol, member.classes)


def _common_names(members: Sequence[Member]) -> tuple[str, ...] | None:
    """The names of the first model that tells any, with a warning if they are but assumed of all. Raises a
    ClassicsError if models name their classes otherwise: the mean of their answers would mean nothing."""
    named = [member for member in members if _told_names(member)]
    for member in named:
        if not same_classes(_told_names(member), _told_names(named[0])):
            raise ClassicsError(
                f"{named[0].name} and {member.name} tell other classes apart, or in another order: "
                f"{', '.join(_told_names(named[0])[:3])}, ... and {', '.join(_told_names(member)[:3])}, ...; if they "
                "were trained on the same ones, give their names as `class_names`."
            )
    if not named:
        return None
    first, names = named[0], _told_names(named[0])
    if not any(datasets.own_class_names(member.protocol, member.classes) for member in named):
        warnings.warn(datasets.assumption(f"The answers of {first.name} have", first.protocol, names), stacklevel=3)
    return names


def _listed(images) -> list:
    if is_file_or_pillow(images):
        return [images]
    if hasattr(images, "shape"):
        if len(images.shape) not in (3, 4):
            raise ClassicsError(
                f"Pictures are arrays (height, width, channels) or batches of them, not {images.shape}."
            )
        return [images] if len(images.shape) == 3 else list(images)
    if not isinstance(images, Iterable):
        raise ClassicsError(f"Pictures are paths or arrays, or a list of such, not {type(images).__name__}.")
    return list(images)


def view_and_input(picture: Picture, asked: Ensemble) -> tuple[np.ndarray, np.ndarray]:
    """Of one model and one view: the picture's view (H, W, C) of 0..255, and the batch of it that the model reads."""
    ((view,),) = views_of(picture, asked)
    return view, np.asarray(asked.members[0].feed.model_input(np.asarray(view[None], "float32")))


def views_of(picture: Picture, asked: Ensemble) -> list:
    """A picture's views (views, H, W, C) of 0..255 for each of the distinct feeds; of dense ones a list of scales."""
    pixels = read_image(picture) if is_file_or_pillow(picture) else np.asarray(picture)
    if pixels.ndim != 3 or not pixels.size:
        raise ClassicsError(f"A picture is an array (height, width, channels), not {pixels.shape}.")
    channels = pixels.shape[-1]
    for member in asked.members:
        reads = member.feed.channels
        if channels != reads and not {channels, reads} <= {1, 3}:
            raise ClassicsError(f"{member.name} reads {reads} channels, and the picture has {channels}.")
    preprocessing.check_pixels(pixels)
    _check_ink(pixels, asked)
    if asked.views.dense:
        return [[part.numpy() for part in made.whole(pixels, asked.views)] for made in asked.distinct_feeds]
    return [made.views(pixels, asked.views).numpy() for made in asked.distinct_feeds]


def _check_ink(pixels: np.ndarray, asked: Ensemble) -> None:
    """Warns where a network that learned MNIST's digits, which are light on black, is asked about a light sheet. Other
    data sets have ten digits too."""
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    for member in asked.members:
        are_mnists = member.protocol.dataset == "mnist" and _told_names(member) == datasets.known_class_names("mnist")
        if are_mnists and border.mean() > LIGHT:
            warnings.warn(
                f"{member.name} learned MNIST's digits, which are light on black, and a picture has a light border. "
                "Dark digits on paper have to be inverted first, as PIL.ImageOps.invert does.",
                stacklevel=2,
            )
