"""The schedule of drop path, in `fit` and in a recipe's run, and the cosine that goes with it."""

import dataclasses
import math
from functools import partial

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.cells import Cell, PlacedCell, run_cells
from keras_classics.layers import ScheduledDropPath
from training import callbacks, compile_arguments, get_recipe
from training.average import ValidateAveraged
from training.drop_path import DropPathSchedule
from training.recipe import Cosine, Plateau

pytestmark = pytest.mark.every_backend
CELL = Cell(blocks=((("sep 3x3", 0), ("avg 3x3", 1)),), outputs=(2,))
CELLS = [PlacedCell("cell1", CELL, 4), PlacedCell("cell2", CELL, 4, reduces=True)]
TINY = dataclasses.replace(
    kc.NASNetCIFAR, features=partial(run_cells, cells=CELLS, tap="cell1", drop_path=0.5), vary=None
)


def progress(model):
    """Of all layers, which agree."""
    values = {
        float(keras.ops.convert_to_numpy(layer.progress))
        for layer in model.layers
        if isinstance(layer, ScheduledDropPath)
    }
    assert len(values) == 1
    return values.pop()


class Watch(keras.callbacks.Callback):
    """Notes the progress with which each batch was trained."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self.seen.append(progress(self.model))


def fit(model, schedule, **options):
    images = np.random.default_rng(0).standard_normal((12, 8, 8, 3)).astype("float32")
    watch = Watch()
    model.fit(images, np.arange(12) % 10, batch_size=4, verbose=0, callbacks=[*schedule, watch], **options)
    return watch.seen


def test_progress_goes_from_0_to_1_over_the_training():
    model = TINY(seed=0, input_shape=(8, 8, 3))
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert fit(model, [DropPathSchedule()], epochs=2) == pytest.approx([i / 6 for i in range(6)])
    before = model.get_weights()
    resumed = fit(model, [DropPathSchedule()], epochs=4, initial_epoch=3)
    assert resumed == pytest.approx([9 / 12, 10 / 12, 11 / 12])
    assert any(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert all(np.isfinite(w).all() for w in model.get_weights())


def test_without_the_schedule_it_drops_in_full():
    model = TINY(seed=0, input_shape=(8, 8, 3))
    model.compile("sgd", "sparse_categorical_crossentropy")
    assert fit(model, []) == [1.0, 1.0, 1.0]
    images = np.random.default_rng(1).standard_normal((32, 8, 8, 3)).astype("float32")
    once, again, training, other = (
        keras.ops.convert_to_numpy(model(images, training=mode)) for mode in (False, False, True, True)
    )
    np.testing.assert_array_equal(once, again)
    assert np.abs(training - other).max() > 1e-3


def test_the_recipes_that_drop_paths_have_the_callback():
    for name, rate in [("nasnet_cifar-cifar10", 0.4), ("nasnet_large-imagenet", 0.3), ("pnasnet5_large-imagenet", 0.4)]:
        recipe = get_recipe(name)
        assert recipe.build == {"aux_heads": True, "drop_path": rate}
        (callback,) = callbacks(dataclasses.replace(recipe, average=None))
        assert isinstance(callback, DropPathSchedule)
    (callback,) = callbacks(get_recipe("nasnet_mobile-imagenet"))
    assert isinstance(callback, ValidateAveraged)
    both = dataclasses.replace(recipe, schedule=Plateau(0.1), average=None)
    assert [type(c).__name__ for c in callbacks(both)] == ["DropPathSchedule", "ReduceLROnPlateau"]


def test_the_cosine_falls_over_the_whole_training_and_gradients_are_clipped():
    """Appendix A.2 and the published code: 0.025, one cosine, the norm of all gradients at most 5."""
    recipe = get_recipe("nasnet_cifar-cifar10")
    optimizer = compile_arguments(recipe, steps_per_epoch=10)["optimizer"]
    assert isinstance(recipe.schedule, Cosine)
    for epoch in (0, 150, 300, 599, 600):
        optimizer.iterations.assign(10 * epoch)
        rate = float(keras.ops.convert_to_numpy(optimizer.learning_rate))
        assert rate == pytest.approx(0.0125 * (1 + math.cos(math.pi * epoch / 600)), abs=1e-8)
    weight = keras.Variable(np.zeros(2, "float32"))
    optimizer = compile_arguments(recipe, steps_per_epoch=10)["optimizer"]
    optimizer.build([weight])
    optimizer.apply([keras.ops.convert_to_tensor(np.array([30.0, 40.0], "float32"))])
    np.testing.assert_allclose(keras.ops.convert_to_numpy(weight.value), [-0.075, -0.1], rtol=1e-5)
