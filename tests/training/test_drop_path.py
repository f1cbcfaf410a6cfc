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


class Tells(ScheduledDropPath):
    """Tells the progress with which it computes, (N, 1)."""

    def call(self, inputs, training=False):
        return 0.0 * inputs[0] + self.progress


class Watch(keras.callbacks.Callback):
    """Notes the loss of each batch, which Keras tells as the mean over the epoch so far. It does not ask for
    the model, for which Keras would bring jax's values back into the variables."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_batch_end(self, batch, logs=None):
        self._sum = logs["loss"] * (batch + 1)
        self.seen.append(self._sum - self._before)
        self._before = self._sum

    def on_epoch_begin(self, epoch, logs=None):
        self._before = 0.0


class Reads(keras.callbacks.Callback):
    """Reads the variables after each batch, as a checkpoint does."""

    def on_train_batch_end(self, batch, logs=None):
        self.model.get_weights()


def fit(model, callbacks, **options):
    images = np.random.default_rng(0).standard_normal((12, *model.input.shape[1:])).astype("float32")
    model.fit(images, np.arange(12) % 10, batch_size=4, verbose=0, shuffle=False, callbacks=callbacks, **options)


def progress(schedule, **options):
    """With which each batch is trained."""
    image = keras.Input((1,))
    model = keras.Model(image, Tells([0.5, 0.5])([keras.layers.Dense(1)(image), image]))
    model.compile("sgd", lambda labels, outputs: outputs)
    watch = Watch()
    fit(model, [*schedule, watch], **options)
    return watch.seen


def test_progress_goes_from_0_to_1_over_the_training():
    assert progress([DropPathSchedule()], epochs=2) == pytest.approx([i / 6 for i in range(6)])
    resumed = progress([DropPathSchedule()], epochs=4, initial_epoch=3)
    assert resumed == pytest.approx([9 / 12, 10 / 12, 11 / 12])


def test_a_checkpoint_inside_an_epoch_changes_nothing():
    weights = []
    for reads in ([], [Reads()]):
        keras.utils.set_random_seed(0)
        image = keras.Input((6,))
        paths = [keras.layers.Dense(8)(image) for _ in range(2)]
        model = keras.Model(image, keras.layers.Dense(10, "softmax")(ScheduledDropPath([0.5, 0.5], seed=0)(paths)))
        model.compile("sgd", "sparse_categorical_crossentropy")
        before = model.get_weights()
        fit(model, [DropPathSchedule(), *reads], epochs=2)
        weights.append(model.get_weights())
    assert any(not np.array_equal(a, b) for a, b in zip(before, weights[0], strict=True))
    for straight, read in zip(*weights, strict=True):
        np.testing.assert_array_equal(read, straight)


def test_without_the_schedule_it_drops_in_full():
    assert progress([]) == [1.0, 1.0, 1.0]
    model = TINY(seed=0, input_shape=(8, 8, 3))
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
        (callback,) = callbacks(dataclasses.replace(recipe, average=None), validated=True)
        assert isinstance(callback, DropPathSchedule)
    (callback,) = callbacks(get_recipe("nasnet_mobile-imagenet"), validated=True)
    assert isinstance(callback, ValidateAveraged)
    both = dataclasses.replace(recipe, schedule=Plateau(0.1), average=None)
    assert [type(c).__name__ for c in callbacks(both, validated=True)] == ["DropPathSchedule", "ReduceLROnPlateau"]


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
