"""Each ImageNet recipe takes three steps, with all that is its own: augmentation, losses, heads, optimizer."""

import gc
import time

import keras
import numpy as np
import PIL.Image
import pytest
from conftest import BACKEND, SHARED

from keras_classics import datasets
from keras_classics.scenes import scenes
from keras_classics.zoo import get_model
from training import callbacks, compile_arguments, get_recipe, list_recipes, train_batches

RECIPES = [name for name in list_recipes() if get_recipe(name).dataset == "imagenet2012"]
ON_EVERY_BACKEND = ("alexnet_owt-imagenet", "inception_v1-imagenet", "shufflenet_v2_x0_5-imagenet")


@pytest.fixture
def one_network_at_a_time():
    yield
    keras.backend.clear_session()
    gc.collect()


def numbers(weight):
    return keras.ops.convert_to_numpy(keras.ops.convert_to_tensor(weight))


def three_steps(name, folder):
    """Trains on two pictures a step: the losses."""
    data = datasets.load(str(folder))
    recipe = get_recipe(name)
    recipe = recipe.replace(
        batch_size=2, epochs=3, hold_out=0, build={**recipe.build, "classes": len(data.class_names)}
    )
    model = get_model(recipe.model)(seed=0, **recipe.build)
    stream, _ = train_batches(recipe, data, model)
    # Three steps of a deep network do not repay its compilation, without which jax would be slower still.
    model.compile(**compile_arguments(recipe, steps_per_epoch=1), jit_compile=BACKEND == "jax")
    kernels = [weight for weight in model.trainable_variables if len(weight.shape) > 1]
    before = [numbers(kernel).copy() for kernel in kernels]
    history = model.fit(
        stream, steps_per_epoch=1, epochs=3, callbacks=callbacks(recipe, validated=False), verbose=0, shuffle=False
    )
    for kernel, old in zip(kernels, before, strict=True):
        new = numbers(kernel)
        assert np.isfinite(new).all(), kernel.path
        assert not np.array_equal(new, old), f"{kernel.path} has not moved"
    heads = [key for key in history.history if key.endswith("_loss")]
    assert len(heads) == (len(get_model(recipe.model).loss_weights) if recipe.build.get("aux_heads") else 0)
    return history.history["loss"]


def test_a_recipe_takes_three_steps_on_rendered_pictures(tmp_path):
    for i, picture in enumerate(scenes(6, 250, 300)):
        path = tmp_path / f"class_{i % 2}" / f"{i}.png"
        path.parent.mkdir(exist_ok=True)
        PIL.Image.fromarray(picture).save(path)
    losses = three_steps("shufflenet_v2_x0_5-imagenet", tmp_path)
    assert len(losses) == 3
    assert np.isfinite(losses).all()


@pytest.mark.heavy
@pytest.mark.usefixtures("one_network_at_a_time")
@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[pytest.mark.every_backend] * (n in ON_EVERY_BACKEND)) for n in RECIPES]
)
def test_every_recipe_takes_three_steps_on_photographs(name):
    folder = SHARED / "data" / "imagenet_samples"
    if not folder.is_dir():
        pytest.skip("no photographs of ImageNet on this machine (KERAS_CLASSICS_SHARED names their place)")
    began = time.perf_counter()
    losses = three_steps(name, folder)
    print(name, *(f"{loss:.3f}" for loss in losses), f"{time.perf_counter() - began:.0f} s")
    assert len(losses) == 3
    assert np.isfinite(losses).all()
