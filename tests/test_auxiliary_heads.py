"""Networks with auxiliary heads: building, the weighed losses, training by a recipe. The network is the tests' own."""

import csv
import dataclasses
import json

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics import blocks, datasets, evaluation, zoo
from keras_classics.initializers import HeNormal
from training import compile_arguments, train, train_batches, validation_batches
from training.compile import L2RMSprop, SmoothedCrossentropy
from training.recipe import SGD, Recipe, RMSProp, Steps
from training.run_folder import RunFolder
from training.state import State


def features(x):
    """(N, 28, 28, 1) to (N, 7, 7, 8), with a tap at each resolution."""
    taps = {}
    for i in (1, 2):
        x = blocks.conv_bn_relu(x, 4 * i, 3, 2, name=f"conv{i}")
        taps[f"aux_{i}"] = x
    return x, taps


def aux_head(x, classes, activation, name):
    return blocks.predictions(keras.layers.Flatten(name=f"{name}_flatten")(x), classes, activation, HeNormal, name)


TINY = dataclasses.replace(
    kc.LeNet5,
    name="tiny",
    protocol=dataclasses.replace(kc.LeNet5.protocol, image_size=28),
    min_size=4,
    bound_to_size=None,
    features=features,
    head=blocks.global_pool_head,
    aux_head=aux_head,
    aux_weights=(0.3, 0.3),
    aux_min_size=8,
    vary=None,
)
RECIPE = Recipe(
    name="tiny-mnist",
    model="tiny",
    dataset="mnist_sample",
    paper=TINY.paper,
    epochs=2,
    batch_size=64,
    optimizer=SGD(momentum=0.9),
    schedule=Steps((0.02,)),
    hold_out=10,
    build={"aux_heads": True},
)


@pytest.fixture
def tiny(monkeypatch):
    monkeypatch.setitem(zoo._VARIANTS, "tiny", TINY)
    return TINY


@pytest.mark.structure
def test_outputs_and_layers():
    model, bare = TINY(aux_heads=True, classes=7), TINY(classes=7)
    assert {name: output.shape for name, output in model.output.items()} == dict.fromkeys(
        ("predictions", "aux_1", "aux_2"), (None, 7)
    )
    names = [layer.name for layer in bare.layers]
    assert set(names) < {layer.name for layer in model.layers}
    assert not any(name.startswith("aux") for name in names)
    assert kc.ResNet18.loss_weights == {"predictions": 1.0}


@pytest.mark.structure
def test_the_heads_leave_the_other_initial_weights_as_they_are():
    model, bare = TINY(aux_heads=True, seed=3), TINY(seed=3)
    for layer in bare.layers:
        for a, b in zip(layer.get_weights(), model.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.structure
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"include_top": False}, "include_top=False"),
        ({"input_shape": (7, 8, 1)}, "at least 8x8"),
        ({"input_shape": (None, None, 1)}, "known size"),
    ],
)
def test_heads_that_do_not_fit_are_refused(arguments, message):
    with pytest.raises(kc.ClassicsError, match=message):
        TINY(aux_heads=True, **arguments)
    TINY(aux_heads=True, input_shape=(8, 8, 1))


@pytest.mark.every_backend
def test_the_loss_is_that_of_the_predictions_and_0_3_of_the_heads(tiny):
    model = tiny(aux_heads=True, seed=0)
    model.compile(**compile_arguments(RECIPE, steps_per_epoch=1))
    rng = np.random.default_rng(0)
    images, labels = rng.standard_normal((32, 28, 28, 1)).astype("float32"), rng.integers(0, 10, 32)
    told = model.evaluate(images, dict.fromkeys(model.output, labels), return_dict=True, verbose=0)
    outputs = model.predict(images, verbose=0)
    losses = {name: -np.mean(np.log(p[np.arange(32), labels])) for name, p in outputs.items()}
    assert len({round(float(loss), 3) for loss in losses.values()}) == 3
    expected = losses["predictions"] + 0.3 * (losses["aux_1"] + losses["aux_2"])
    assert told["loss"] == pytest.approx(expected, rel=1e-4)
    assert {"predictions_accuracy", "aux_1_accuracy", "aux_2_accuracy"} < set(told)


@pytest.mark.every_backend
def test_trains_in_fit_and_ships_without_heads(tiny, tmp_path):
    data = datasets.load("mnist_sample")
    model = tiny(seed=0, **RECIPE.build)
    stream, steps = train_batches(RECIPE, data, model)
    model.compile(**compile_arguments(RECIPE, steps))
    before = model.get_layer("aux_1").get_weights()[0]
    state = State()
    writer = train.EpochWriter(RECIPE.replace(epochs=3), RunFolder(tmp_path), state, tiny())
    held_out = validation_batches(RECIPE, data, model)
    model.fit(stream, steps_per_epoch=steps, epochs=3, validation_data=held_out, callbacks=[writer], verbose=0)
    history = state.history
    assert history[-1]["loss"] < history[0]["loss"]
    assert history[-1]["val_aux_1_accuracy"] > 0.8
    assert history[-1]["val_accuracy"] > 0.2  # chance is 0.1
    assert np.abs(model.get_layer("aux_1").get_weights()[0] - before).max() > 0
    shipped = keras.saving.load_model(tmp_path / "last.keras", compile=False)
    assert shipped.output_shape == (None, 10)
    images = np.random.default_rng(0).standard_normal((4, 28, 28, 1)).astype("float32")
    got, expected = shipped(images), model(images)["predictions"]
    np.testing.assert_allclose(*(keras.ops.convert_to_numpy(t) for t in (got, expected)), rtol=1e-5)


def test_a_model_with_heads_is_judged_by_its_predictions(tiny):
    data = datasets.load("mnist_sample")
    model = tiny(aux_heads=True, seed=0)
    bare = keras.Model(model.input, model.output["predictions"])
    results = [evaluation.evaluate(m, data, verbose=0).top1 for m in (model, bare)]
    assert results[0] == results[1]


def test_a_whole_run_with_heads(tiny, tmp_path):
    folder = train.run(RECIPE, out=tmp_path / "run")
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["best"]["top1_error"] < 85
    with open(folder / "history.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert {"accuracy", "val_accuracy", "aux_1_accuracy", "val_loss"} < set(rows[0])
    best = max(rows, key=lambda row: float(row["val_accuracy"]))
    assert metrics["best_epoch"] == int(best["epoch"])
    assert (folder / "curves.png").exists()


@pytest.mark.every_backend
def test_a_model_with_heads_is_resumed_with_its_optimizer_and_losses(tiny, tmp_path):
    recipe = dataclasses.replace(
        RECIPE,
        label_smoothing=0.1,
        optimizer=RMSProp(epsilon=1.0, weight_decay=4e-5, clip=2.0),
        schedule=Steps((0.045,)),
    )
    model = tiny(seed=0, aux_heads=True)
    model.compile(**compile_arguments(recipe, steps_per_epoch=5))
    images, labels = np.zeros((4, 28, 28, 1), "float32"), np.arange(4)
    targets = dict.fromkeys(model.output, labels)
    model.fit(images, targets, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert isinstance(loaded.optimizer, L2RMSprop)
    assert (loaded.optimizer.l2, loaded.optimizer.global_clipnorm, loaded.optimizer.epsilon) == (4e-5, 2.0, 1.0)
    assert isinstance(loaded.loss["aux_2"], SmoothedCrossentropy)
    told = [m.evaluate(images, targets, verbose=0, return_dict=True)["loss"] for m in (model, loaded)]
    assert told[0] == pytest.approx(told[1], rel=1e-5)
