"""How fast a recipe's training images are prepared, beside pure JPEG decoding and torchvision's loader."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from keras_classics import datasets
from keras_classics.datasets import Dataset
from keras_classics.errors import ClassicsError
from keras_classics.zoo import get_model
from training import pipeline
from training.recipe import Recipe

WORKERS = 2  # processes of torchvision's loader
BATCH = 32  # images; the recipes' own would make a round of few batches


@dataclass(frozen=True)
class Rates:
    """Images a second of each side, its best of several rounds in turn; None where there is nothing to measure."""

    recipe: float
    decode_jpeg: float | None
    torchvision: float | None


def measure(recipe: Recipe, data: Dataset, images: int, rounds: int, against_torchvision: bool) -> Rates:
    """Measures the sides in turn, each over `images` images a round, in batches of `BATCH`.

    Raises:
        ClassicsError: if torchvision is to read what is not in files.
    """
    if against_torchvision and data.files is None:
        raise ClassicsError(f"torchvision's loader reads files, and {data.name} has none; choose a folder.")
    recipe = recipe.replace(batch_size=BATCH, pixels="normalized")  # whitening comes before what is measured
    model = get_model(recipe.model)(**{**recipe.build, "classes": len(data.class_names)})
    sides: dict[str, Callable[[], Iterator[int]]] = {"recipe": lambda: _recipe(recipe, data, model)}
    if data.files is not None:
        sides["decode_jpeg"] = lambda: _decode_jpeg(data)
    if against_torchvision:
        sides["torchvision"] = lambda: _torchvision(data, get_model(recipe.model).image_size)
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            rates[name].append(_rate(side(), images))
    best = {name: max(of_side) for name, of_side in rates.items()}
    return Rates(best["recipe"], best.get("decode_jpeg"), best.get("torchvision"))


def _rate(stream: Iterator[int], images: int) -> float:
    """Images a second after the first batch, which waits for compilation and processes. The stream is new: one that had
    waited for its turn would have filled its buffers meanwhile."""
    next(stream)
    start, count = time.perf_counter(), 0
    while count < images:
        count += next(stream)
    return count / (time.perf_counter() - start)


def _recipe(recipe: Recipe, data: Dataset, model) -> Iterator[int]:
    stream, _ = pipeline.train_batches(recipe, data, model)
    with datasets.reading():
        for images, *_ in stream:
            yield len(images)


def _decode_jpeg(data: Dataset) -> Iterator[int]:
    import tensorflow as tf

    paths = data.records("train").map(lambda path, _: path).repeat()
    decoded = paths.map(lambda path: tf.io.decode_jpeg(tf.io.read_file(path)), tf.data.AUTOTUNE)
    for counted in decoded.map(lambda image: tf.minimum(tf.shape(image)[0], 1)).batch(BATCH).prefetch(2):
        yield int(sum(counted))


def _torchvision(data: Dataset, size: int) -> Iterator[int]:
    import PIL.Image
    import torch
    import torchvision.transforms as T

    normalize = T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
    transform = T.Compose([T.RandomResizedCrop(size), T.RandomHorizontalFlip(), T.ToTensor(), normalize])
    assert data.files is not None
    paths, labels = data.files["train"]

    class Pictures(torch.utils.data.Dataset):
        def __len__(self):
            return len(paths)

        def __getitem__(self, i):
            with PIL.Image.open(paths[i]) as image:
                return transform(image.convert("RGB")), int(labels[i])

    sampler = torch.utils.data.RandomSampler(Pictures(), replacement=True, num_samples=2**31)
    loader = torch.utils.data.DataLoader(Pictures(), BATCH, sampler=sampler, num_workers=WORKERS)
    for images, _ in loader:
        yield len(images)
