"""Several models and several views of a picture, as one answer: the mean of their probabilities.

AlexNet (section 4.1), GoogLeNet (section 7) and VGG (section 3.2) average what the softmax puts out, over the views and
over the models. ResNet averages "the scores", and does not say whether before or after the softmax; here it is after.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import keras
import numpy as np

from keras_classics import feed
from keras_classics.complexity import check_reads_images
from keras_classics.crops import Views
from keras_classics.errors import ClassicsError, one_line
from keras_classics.exported import Exported
from keras_classics.feed import Feed
from keras_classics.fully_convolutional import any_size
from keras_classics.model_file import check_finite
from keras_classics.preprocessing import imagenet_classes, protocol_of_answers
from keras_classics.spec import InputProtocol
from keras_classics.zoo import variant_of

SUM_TOLERANCE = 1e-2  # within which probabilities add up to 1, also those of a network that computes in 16 bits

Model: TypeAlias = keras.Model | Exported
Batches = Iterable[tuple[tuple[np.ndarray, ...], np.ndarray]]


@dataclass(frozen=True)
class Member:
    """One model of an ensemble, of whatever runtime.

    Attributes:
        name: of the model.
        classes: how many it tells apart.
        protocol: how the pictures of its weights are prepared, and the classes' names where it carries them.
        feed: the same for its own input.
        probabilities: whether its answers are; None where the first ones are to tell.
        predict_on_batch: what it reads (N, ...) to its outputs (N, classes), or a dict of "predictions" and others.
    """

    name: str
    classes: int
    protocol: InputProtocol
    feed: Feed
    probabilities: bool | None
    predict_on_batch: Callable


@dataclass(frozen=True)
class Ensemble:
    """Models that answer together; one is an ensemble as well.

    Attributes:
        members: which tell the same number of classes apart.
        views: of each picture.
    """

    members: tuple[Member, ...]
    views: Views

    @property
    def classes(self) -> int:
        """How many they tell apart."""
        return self.members[0].classes

    @property
    def distinct_feeds(self) -> tuple[Feed, ...]:
        """Each once, however many models it serves."""
        return tuple(dict.fromkeys(member.feed for member in self.members))

    @property
    def averages(self) -> bool:
        """Whether an answer is of more than one model or view."""
        return len(self.members) * self.views.count > 1

    def tells_shares(self, scores: np.ndarray) -> bool:
        """Whether its answers (images, classes) are shares of a whole, to be told in percent; or else scores."""
        if self.classes == 1:
            return bool(((scores >= 0) & (scores <= 1)).all())
        told = self.averages or self.members[0].probabilities
        return are_probabilities(scores) if told is None else told

    def batch_size(self, most: int, images: int) -> int:
        """Views in a batch, of so many images and at most so many; of dense ones those of a picture at one scale."""
        return 1 + self.views.mirrored if self.views.dense else min(most, images * self.views.count)

    def batches(self, examples, batch_size: int) -> Iterator[tuple]:
        """What `answers` takes, of a stream of (image of any size, label)."""
        if self.views.dense:
            return feed.dense_batches(examples, self.distinct_feeds, self.views)
        return feed.view_batches(examples, self.distinct_feeds, self.views, batch_size)

    def answers(
        self, batches: Batches, batch_size: int, probabilities: bool = True
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """The models' answers, each averaged over the views of an image.

        Args:
            batches: of views, in order, as many of each image as `views` has: for each of `distinct_feeds` what its
                models read, and for each view its image's label.
            batch_size: of all batches but the last, which is filled up, so that one shape is compiled.
            probabilities: whether to take the softmax of the scores of a model that does not end in one.

        Yields:
            Labels (images,) and float64 (models, images, classes), of the images that a batch completes.
        """
        count = self.views.count
        as_they_are: list[bool] = []  # for each model whether its answers are, as its first ones tell
        labels, scores = np.empty(0, "int64"), np.empty((len(self.members), 0, self.classes))
        for shown, of in batches:
            read = dict(zip(self.distinct_feeds, (_filled(part, batch_size) for part in shown), strict=True))
            new = [
                _predictions(member.predict_on_batch(read[member.feed]))[: len(of)].astype("float64")
                for member in self.members
            ]
            as_they_are = as_they_are or [
                not probabilities
                or self.classes == 1  # of which a softmax would make 1 whatever it is
                or (are_probabilities(part) if member.probabilities is None else member.probabilities)
                for member, part in zip(self.members, new, strict=True)
            ]
            new = [part if kept else _softmax(part) for part, kept in zip(new, as_they_are, strict=True)]
            labels, scores = np.concatenate([labels, of]), np.concatenate([scores, np.stack(new)], 1)
            complete = len(labels) // count
            if complete:
                averaged = scores[:, : complete * count].reshape(len(new), complete, count, -1).mean(2)
                yield labels[: complete * count : count], averaged
            labels, scores = labels[complete * count :], scores[:, complete * count :]


def ensemble(models: Model | Sequence[Model], views: Views) -> Ensemble:
    """One model or several, which the zoo built or exported, to answer together.

    Raises:
        ClassicsError: if there is none, one has no classes, others than the first, weights that are not finite, an
            input that is not square, does not tell what pixels it takes, or cannot slide over one for dense views.
    """
    models = (models,) if isinstance(models, keras.Model | Exported) else tuple(models)
    if not models:
        raise ClassicsError("There is no model to ask; pass one or several.")
    members = tuple(_member(model, views) for model in models)
    for member in members:
        if member.classes != members[0].classes:
            raise ClassicsError(
                f"The models of an ensemble must tell the same classes apart: {members[0].name} has "
                f"{members[0].classes} and {member.name} has {member.classes}."
            )
    return Ensemble(members, views)


def feed_of(model: Model) -> Feed:
    """How pictures are prepared for a model that the zoo built or exported."""
    return model.feed if isinstance(model, Exported) else feed.feed_of(model, variant_of(model))


def _member(model: Model, views: Views) -> Member:
    if isinstance(model, Exported):
        if views.dense:
            raise ClassicsError(
                f"{model.name} is an export, which takes pictures of one size, so it has no dense views; judge the "
                "Keras model by them."
            )
        told = model.protocol, model.feed, model.probabilities, model.predict_on_batch
        return Member(model.name, model.classes, *told)
    check_finite(model)  # for ReLU makes 0 of what is not a number, and the answer then looks sound
    check_reads_images(model)
    feed.check_has_classes(model)
    feed.check_square(model)
    protocol = protocol_of_answers(model) or variant_of(model).protocol
    asked = any_size(model) if views.dense else model
    return Member(model.name, feed.classes_of(model), protocol, feed_of(model), None, asked.predict_on_batch)


def check_answers(members: Sequence[Member], not_finite: np.ndarray, images: int) -> None:
    """Raises a ClassicsError that names the first model with answers that are not finite, of which there are so many
    for each (members,), and counts them; an average would hide them or spread them."""
    for member, count in zip(members, not_finite, strict=True):
        if count:
            raise ClassicsError(
                f"{member.name} puts out numbers that are not finite for {count:,} of {images:,} images, so it cannot "
                "be judged; train it anew, or leave it out."
            )


def _predictions(outputs) -> np.ndarray:
    """Of what a model puts out, without its auxiliary heads."""
    return np.asarray(outputs["predictions"] if isinstance(outputs, dict) else outputs)


def _filled(part, size) -> np.ndarray:
    """Views with the first of them repeated until there are `size`."""
    part = np.asarray(part)
    return part if len(part) == size else np.concatenate([part, np.repeat(part[:1], size - len(part), 0)])


def are_probabilities(scores: np.ndarray) -> bool:
    """Whether answers (..., classes) are shares of a whole, as a softmax makes them."""
    return bool((scores >= 0).all() and (np.abs(scores.sum(-1) - 1) < SUM_TOLERANCE).all())


def _softmax(scores) -> np.ndarray:
    powers = np.exp(scores - scores.max(1, keepdims=True))
    return powers / powers.sum(1, keepdims=True)


def same_classes(names: Sequence[str], others: Sequence[str]) -> bool:
    """Whether these are the same classes in the same order, whatever their case, their white space and their "_" and
    "-"; WordNet's identifiers are ImageNet's names."""
    return _comparable(names) == _comparable(others)


def _comparable(class_names) -> tuple[str, ...]:
    identifiers, names = imagenet_classes()
    if tuple(class_names) == identifiers:
        class_names = names
    return tuple(one_line(name.casefold().replace("_", " ").replace("-", " ")) for name in class_names)
