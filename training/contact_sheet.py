"""`show-augment`: what a recipe does to the first images of a training, step by step."""

import dataclasses
import math
import pathlib

import numpy as np

from keras_classics import datasets, feed
from keras_classics.datasets import Dataset
from keras_classics.errors import ClassicsError
from keras_classics.plots import contact_sheet
from keras_classics.scenes import scenes
from keras_classics.spec import UNCHANGED
from keras_classics.zoo import get_model
from training import run_data
from training.augment.whitening import RULES
from training.checks import check_options
from training.order import shuffled
from training.pipeline import first_key, stored_examples, trained_part
from training.progress import say
from training.recipe import Recipe
from training.steps import Step, augmentation_steps, batch_steps
from training.whitening import check_whitening, fitted, whitened

MOST = 100  # rows of a sheet
FEW = 6  # drawn numbers that are printed


def show(
    recipe: Recipe,
    data_name: str | None = None,
    data_dir: str | None = None,
    count: int = 8,
    seed: int = 0,
    out: str | pathlib.Path | None = None,
) -> pathlib.Path:
    """Draws the images that a training with this seed reads first, one a row: as they are stored, after each operation
    with the numbers that were drawn for it, and as the network reads them.

    Args:
        recipe: whose operations, held-out images and batch size count.
        data_name: other data than the recipe's, of any classes. Where ImageNet is not prepared, rendered scenes.
        data_dir: where tensorflow-datasets keeps its data.
        count: of images; if there are fewer, all are drawn.
        seed: of the order and the augmentation.
        out: the PNG file; by default one named after the recipe.

    Returns:
        Its path.

    Raises:
        ClassicsError: if the data is not there or a picture cannot be read, the count or the seed is out of its range,
            or the file is no PNG or cannot be written.
    """
    path = pathlib.Path(out if out is not None else f"{recipe.name}-augment.png")
    if not 1 <= count <= MOST:
        raise ClassicsError(f"A contact sheet shows 1 to {MOST} images, not {count}.")
    check_options(seed)
    if path.suffix.lower() != ".png":
        raise ClassicsError(f"A contact sheet is a PNG; name it '{path.with_suffix('.png')}', not '{path}'.")
    data = _data(recipe, data_name, data_dir, count)
    made = feed.feed_of_default(get_model(recipe.model))
    check_whitening(recipe, made)
    with datasets.reading():
        if recipe.pixels in RULES:
            rows = _whitened_rows(recipe, data, made, seed, count)
        else:
            rows = _rows(recipe, data, made, seed, count)
    contact_sheet.draw(rows, path, f"{recipe.name} on {data.name}, seed {seed}, first epoch")
    return path


def _data(recipe, data_name, data_dir, count) -> Dataset:
    """The data as a run has it."""
    name = recipe.dataset if data_name is None else data_name
    try:
        data = run_data.load(name, data_dir)
    except ClassicsError:
        if name != "imagenet2012" or data_name is not None or data_dir is not None:
            raise
        say("imagenet2012 is not prepared here, so these are rendered scenes; --data takes a folder of photographs.")
        labels = np.zeros(count, "int64")
        return datasets.from_arrays(scenes(count, 375, 500), labels, ("scene",), name="rendered scenes")
    if skipped := run_data.check_pictures(data, say):
        data = run_data.load(name, data_dir, skipped=skipped)
    return data.dataset


def _first_examples(recipe: Recipe, data: Dataset, seed: int, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """The first stored images of a training's first epoch, and their labels, as `train_batches` takes them."""
    import tensorflow as tf

    part = trained_part(recipe, data)
    stored = stored_examples(part)
    stream = tf.data.Dataset.range(1).flat_map(lambda epoch: shuffled(part, stored, first_key(seed) + epoch))
    return list(stream.take(count).as_numpy_iterator())


def _rows(recipe, data, made, seed, count) -> list[list[tuple[str, np.ndarray, str]]]:
    """For each image its pictures (heading, image, caption)."""
    import tensorflow as tf

    key = first_key(seed)
    batches = math.ceil(count / recipe.part_size)  # whole ones, for an image is mixed with any other of its batch
    examples = _first_examples(recipe, data, seed, batches * recipe.part_size if recipe.augment_batch else count)
    rows, last = [], []
    for i, (stored, label) in enumerate(examples):
        steps = augmentation_steps(recipe, made, data, tf.convert_to_tensor(stored), tf.stack([key, i]))
        image = stored if data.in_memory else data.decode(tf.convert_to_tensor(stored)).numpy()
        height, width, _ = image.shape
        row = [("stored", image, f"{data.class_names[label]}\n{width} x {height}")]
        row += [(_heading(step.operation), step.image.numpy(), _told(step)) for step in steps]
        rows.append(row)
        last.append(steps[-1].image)
    labels = [label for _, label in examples]
    for number, first in enumerate(range(0, len(examples), recipe.part_size)):
        batch = slice(first, first + recipe.part_size)
        images = tf.stack(last[batch])
        steps, targets = batch_steps(
            recipe, images, tf.stack(labels[batch]), tf.stack([key, -1 - number]), len(data.class_names)
        )
        images = steps[-1].image if steps else images
        read = made.model_input(images).numpy()
        for i, row in enumerate(rows[batch]):
            row += [(_heading(s.operation), s.image[i].numpy(), _told(s, i)) for s in steps]
            told = f"{' x '.join(map(str, read[i].shape))}\n{read[i].min():.3g} .. {read[i].max():.3g}"
            if steps:
                weights = targets[i].numpy()
                told += "".join(f"\n{data.class_names[k]} {weights[k]:.2f}" for k in np.flatnonzero(weights))
            row.append(("what the network reads", made.pixels(read[i]), told))
    return rows[:count]


def _whitened_rows(recipe, data, made, seed, count):
    """The same where pixels are whitened before the operations: these are stretched to 0..255 to be seen."""
    pixels = whitened(recipe, data, fitted(recipe, data, say))
    as_they_are = dataclasses.replace(made, normalization=UNCHANGED.for_channels(made.channels))
    rows = _rows(recipe, pixels, as_they_are, seed, count)
    originals = _first_examples(recipe, data, seed, count)  # in the whitened ones' order
    seen = []
    for row, (original, _) in zip(rows, originals, strict=True):
        image = original if data.in_memory else data.decode(original).numpy()
        stretched = [(heading, _stretched(picture), f"{told}\n(stretched)") for heading, picture, told in row]
        seen.append([("stored", image, row[0][2]), (recipe.pixels, stretched[0][1], "(stretched)"), *stretched[1:]])
    return seen


def _stretched(picture):
    low, high = picture.min(), picture.max()
    return (picture - low) * (255 / max(high - low, 1e-6))


def _heading(operation) -> str:
    return "fitted" if operation is None else type(operation).__name__


def _told(step: Step, i: int | None = None) -> str:
    """The drawn numbers, one name a line; of those for a batch, those of its image `i`. Where the operation lists what
    it draws from (an "interpolation" from its `interpolations`), the number is a place in the list."""
    numbers = {name: np.asarray(value if i is None else value[i]) for name, value in step.drawn.items()}
    told = {name: _value(value) for name, value in numbers.items()}
    for name, value in numbers.items():
        if choices := getattr(step.operation, f"{name}s", None):
            told[name] = choices[value]
    return "\n".join(f"{name} {value}" for name, value in told.items())


def _value(value) -> str:
    if value.size > FEW:
        return f"of {' x '.join(map(str, value.shape))}"
    if value.ndim:
        return f"({', '.join(map(_value, value))})"
    if value.dtype.kind == "b":
        return "yes" if value else "no"
    if value.dtype.kind in "fiu":
        return f"{value:.3g}" if value.dtype.kind == "f" else f"{value}"
    return value.item().decode() if isinstance(value.item(), bytes) else str(value)
