"""What several views of a picture cost, beside as many pictures of one view."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from keras_classics import crops
from keras_classics.crops import VIEWS, Views
from keras_classics.datasets import Dataset, from_arrays
from keras_classics.ensemble import Ensemble, ensemble
from keras_classics.errors import ClassicsError
from keras_classics.scenes import scenes
from keras_classics.zoo import get_model

HEIGHT, WIDTH = 375, 500  # of a rendered picture, as most of ImageNet's are


@dataclass(frozen=True)
class ViewsCost:
    """Seconds a picture of `views`, and of the `beside` to which they are compared, for each round."""

    views: str
    beside: str
    seconds: tuple[float, ...]
    beside_seconds: tuple[float, ...]

    @property
    def ratio(self) -> float:
        """The median, over the rounds, of what the views cost in parts of the other's cost."""
        return float(np.median(np.divide(self.seconds, self.beside_seconds)))


def benchmark_views(
    network: str,
    names: Sequence[str],
    data: Dataset | None = None,
    pictures: int = 4,
    batch_size: int = 8,
    rounds: int = 3,
    tell: Callable[[str], None] = lambda text: None,
) -> list[ViewsCost]:
    """Judges pictures, from their files to their averaged answers, by views and by what they are compared to, in turn.

    Views are compared to single ones of as many pictures, each read and resized for itself; dense ones to VGG's 50
    crops at each of their scales. Weights are random, for they cost the same.

    Args:
        network: its name.
        names: of the views.
        data: by default rendered pictures of 375x500 pixels, which need no decoding.
        pictures: how many a round.
        batch_size: views a step.
        rounds: how often, after one that compiles.
        tell: is told what goes on.

    Raises:
        ClassicsError: if there are no such views, or fewer pictures.
    """
    asked = [crops.find(name) for name in names]
    variant = get_model(network)
    model, examples = variant(seed=0), _examples(data, pictures, variant.channels)
    costs = []
    for views in asked:
        beside, theirs, told = _beside(views, examples)
        sides = [(ensemble(model, views), examples), (ensemble(model, beside), theirs)]
        seconds: list[list[float]] = [[], []]
        for i in range(rounds + 1):
            tell(f"{views.name}: round {i} of {rounds} ..." if i else f"{views.name}: compiling ...")
            for side, taken in zip(sides, seconds, strict=True):
                taken.append(_seconds(*side, batch_size) / pictures)
        costs.append(ViewsCost(views.name, told, *(tuple(taken[1:]) for taken in seconds)))
    return costs


def _examples(data, pictures, channels):
    """A stream of (picture, label)."""
    if data is None:
        images, labels = scenes(pictures, HEIGHT, WIDTH, channels), np.zeros(pictures, "int64")
        data = from_arrays(images, labels, test=(images, labels), name="rendered")
    if data.sizes[data.judged_split] < pictures:
        raise ClassicsError(f"{data.name} has {data.sizes[data.judged_split]} pictures, not {pictures}; take fewer.")
    return data.split(data.judged_split).take(pictures)


def _beside(views: Views, examples):
    """The views to compare to, their pictures, and what to call that."""
    if views.dense:
        crops_at_them = replace(VIEWS["150"], scales=views.scales)
        return crops_at_them, examples, f"{crops_at_them.count} crops at the same scales"
    return VIEWS["1"], examples.repeat(views.count), f"{views.count} pictures of one view"


def _seconds(asked: Ensemble, examples, batch_size: int) -> float:
    batch_size = asked.batch_size(batch_size, batch_size)
    batches = asked.batches(examples, batch_size)  # whose graph is traced once, however many pictures there are
    start = time.perf_counter()
    for _ in asked.answers(batches, batch_size):
        pass
    return time.perf_counter() - start
