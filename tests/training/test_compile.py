"""The rules of a step, beside torch's and the papers' arithmetic."""

import dataclasses
import itertools
import math

import keras
import numpy as np
import pytest

import keras_classics as kc
from training import callbacks, compile_arguments, get_recipe
from training.augment import MixUp
from training.average import averaged
from training.compile import (
    L2SGD,
    LOSSES,
    RUBBISH,
    L2RMSprop,
    SmoothedCrossentropy,
    WarmUp,
    crossentropy,
    map_criterion,
    squared_error_to_targets,
    top1,
)
from training.recipe import SGD, Cosine, Exponential, Linear, Plateau, RMSProp, Steps


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("momentum", "l2", "nesterov"), [(0.9, 0.1, False), (0.0, 0.3, False), (0.9, 0.0, False), (0.9, 0.1, True)]
)
def test_steps_are_torchs_with_its_weight_decay(momentum, l2, nesterov):
    import torch

    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    kernel, bias = model.get_weights()
    bias += 0.5
    model.set_weights([kernel, bias])
    model.compile(L2SGD(0.05, momentum, nesterov, l2=l2), "mean_squared_error")
    x, y = np.random.default_rng(0).standard_normal((2, 8, 3)).astype("float32")
    y = y[:, :2]
    weights = [torch.tensor(kernel, requires_grad=True), torch.tensor(bias, requires_grad=True)]
    optimizer = torch.optim.SGD(weights, lr=0.05, momentum=momentum, weight_decay=l2, nesterov=nesterov)
    for _ in range(4):
        model.train_on_batch(x, y)
        optimizer.zero_grad()
        torch.mean((torch.from_numpy(x) @ weights[0] + weights[1] - torch.from_numpy(y)) ** 2).backward()
        optimizer.step()
    for ours, theirs in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=1e-6)


RULES = [
    SGD(momentum=0.9, weight_decay=1e-2, nesterov=True, clip=0.5),
    RMSProp(epsilon=1.0, weight_decay=1e-2, clip=0.5, decay_on="kernels"),
]


def trained(batch, accumulate, rule):
    """A network without batch norm after six steps, each on 32 images, and its weights: at first, now and averaged."""
    recipe = dataclasses.replace(
        get_recipe("lenet5-mnist"),
        optimizer=rule,
        schedule=Cosine(0.1),
        warm_up=0.5,
        average=0.7,
        accumulate=accumulate,
        epochs=2,
        loss="crossentropy",
    )
    layers = [keras.layers.Conv2D(4, 3, activation="relu"), keras.layers.Flatten(), keras.layers.Dense(3, "softmax")]
    model = keras.Sequential([keras.Input((6, 6, 1)), *layers])
    rng = np.random.default_rng(0)
    first = [rng.normal(0, 0.2, w.shape) for w in model.get_weights()]
    model.set_weights(first)
    model.compile(**compile_arguments(recipe, 3 * 32 // batch))
    x, y = rng.standard_normal((6 * 32, 6, 6, 1)).astype("float32"), rng.integers(0, 3, 6 * 32)
    for at in range(0, 6 * 32, batch):
        model.train_on_batch(x[at : at + batch], y[at : at + batch])
    with averaged(model):
        averages = model.get_weights()
    return model, first, model.get_weights(), averages


@pytest.mark.every_backend
@pytest.mark.parametrize("rule", RULES)
def test_four_batches_of_8_are_one_of_32(rule):
    """Rates, decay, clipping and averages are those of whole steps, three in an epoch."""
    _, first, *whole = trained(32, 1, rule)
    model, _, *parts = trained(8, 4, rule)
    for weights, expected in zip(parts, whole, strict=True):
        for got, wanted, before in zip(weights, expected, first, strict=True):
            assert np.abs(wanted - before).max() > 1e-3
            np.testing.assert_allclose(got, wanted, rtol=0, atol=2e-7)
    assert float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(0.0, abs=1e-9)


@pytest.mark.every_backend
@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_average_is_of_whole_steps_and_the_training_weights_come_back_bit_for_bit(accumulate):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1, use_bias=False)])
    recipe = dataclasses.replace(get_recipe("lenet5-mnist"), average=0.2, accumulate=accumulate, batch_size=16)
    optimizer = compile_arguments(recipe, 10)["optimizer"]
    model.compile(optimizer, "mse")
    expected, rng = 0.0, np.random.default_rng(0)
    for kept in (0.0, 2 / 11, 0.2, 0.2):  # (1 + n) / (10 + n) after n steps, at most 0.2
        for _ in range(accumulate):
            model.train_on_batch(rng.normal(size=(4, 1)), 100 * rng.normal(size=(4, 1)))
        (weight,) = model.get_weights()
        expected = kept * expected + (1 - kept) * weight
    assert abs(weight - expected) > 1e-3
    with averaged(model):
        np.testing.assert_allclose(model.get_weights()[0], expected, rtol=1e-6)
    np.testing.assert_array_equal(model.get_weights()[0], weight)
    with averaged(model):
        np.testing.assert_allclose(model.get_weights()[0], expected, rtol=1e-6)


@pytest.mark.every_backend
def test_until_the_first_whole_step_the_average_is_the_weights():
    """An epoch of few parts may end before it: its network is validated and shipped."""
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    recipe = dataclasses.replace(get_recipe("lenet5-mnist"), average=0.9999, accumulate=4)
    model.compile(compile_arguments(recipe, 3)["optimizer"], "mse")
    first, x = model.get_weights(), np.ones((8, 3), "float32")
    for part in range(4):
        model.train_on_batch(x, np.ones((8, 2), "float32"))
        now = model.get_weights()
        assert np.array_equal(now[0], first[0]) == (part < 3)
        with averaged(model):
            for got, expected in zip(model.get_weights(), now, strict=True):
                np.testing.assert_array_equal(got, expected)


@pytest.mark.every_backend
def test_kernels_alone_decay_where_the_rule_says_so():
    """Gradients are zero: what moves is what decays."""
    for on, decayed in [("all", {"kernel", "bias", "gamma", "beta"}), ("kernels", {"kernel"})]:
        model = keras.Sequential(
            [keras.Input((4, 4, 2)), keras.layers.SeparableConv2D(2, 1), keras.layers.BatchNormalization()]
        )
        model.set_weights([np.ones(w.shape) for w in model.get_weights()])
        optimizer = L2SGD(0.5, l2=0.1, l2_on=on)
        optimizer.build(model.trainable_variables)
        weights = model.trainable_variables
        optimizer.apply([keras.ops.zeros(w.shape) for w in weights], weights)
        moved = {w.name.split("_")[-1] for w in weights if keras.ops.convert_to_numpy(w).max() < 0.96}
        assert moved == decayed
        assert {w.name for w in weights} >= {"depthwise_kernel", "pointwise_kernel"}


@pytest.mark.parametrize(
    ("schedule", "after"),
    [(Cosine(0.4), 0.4 * (1 + np.cos(np.pi * 60 / 100)) / 2), (Steps((0.4, 0.1), (3,)), 0.1), (Steps((0.4,)), 0.4)],
)
def test_a_warm_up_rises_in_equal_steps(schedule, after):
    recipe = dataclasses.replace(get_recipe("lenet5-mnist"), epochs=10, schedule=schedule, warm_up=2.0)
    optimizer = compile_arguments(recipe, 10)["optimizer"]
    rate = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(optimizer))._learning_rate
    without = compile_arguments(recipe.replace(warm_up=0.0), 10)["optimizer"]._learning_rate
    assert isinstance(rate, WarmUp)
    for step in (0, 4, 19, 25, 60):
        expected = float(without(step)) if callable(without) else 0.4
        assert float(rate(step)) == pytest.approx(expected * min((step + 1) / 20, 1))
    assert float(rate(60)) == pytest.approx(after)


@pytest.mark.parametrize("schedule", [Cosine(0.4), Linear(0.4)])
def test_a_rate_falls_to_the_end_of_an_epoch_that_is_rounded_up(schedule):
    """0.2 epochs are one, of which the last steps had the rate 0."""
    recipe = dataclasses.replace(get_recipe("lenet5-mnist"), epochs=0.2, schedule=schedule)
    rate = compile_arguments(recipe, 10)["optimizer"]._learning_rate
    rates = [float(rate(step)) for step in range(11)]
    assert all(a > b for a, b in itertools.pairwise(rates))
    assert rates[10] == pytest.approx(0, abs=1e-7)


def test_a_weight_outside_the_loss_is_left_as_it_is():
    """Of a network of one's own; Keras warns of it."""
    inputs = keras.Input((3,))
    used, unused = keras.layers.Dense(2, name="used")(inputs), keras.layers.Dense(2, name="unused")(inputs)
    model = keras.Model(inputs, {"used": used, "unused": unused})
    model.compile(L2SGD(0.1, momentum=0.9, l2=0.1), {"used": "mse"})
    before = [weight.numpy() if hasattr(weight, "numpy") else np.asarray(weight) for weight in model.weights]
    model.train_on_batch(np.ones((2, 3), "float32"), {"used": np.ones((2, 2), "float32")})
    after = [keras.ops.convert_to_numpy(weight) for weight in model.weights]
    changed = {weight.path for weight, b, a in zip(model.weights, before, after, strict=True) if (a != b).any()}
    assert changed == {"used/kernel", "used/bias"}


@pytest.mark.parametrize("steps", [1, 3, 40])
def test_a_rate_falls_by_epochs_that_are_no_whole_number_of_steps(steps):
    """Of few images: by a rounded number of steps it fell by tens of percent too soon or too late, or by none."""
    schedule = Exponential(0.1, factor=0.5, epochs=2.4)
    recipe = dataclasses.replace(get_recipe("lenet5-mnist"), epochs=24, schedule=schedule)
    rate = compile_arguments(recipe, steps)["optimizer"]._learning_rate
    for step in range(24 * steps):
        assert float(rate(step)) == pytest.approx(0.1 * 0.5 ** math.floor(step / (2.4 * steps) + 1e-6))


def test_what_an_optimizer_is_told_comes_back_from_its_configuration():
    recipe = dataclasses.replace(get_recipe("inception_v3-imagenet"), average=0.999, accumulate=2, warm_up=1.0)
    made = compile_arguments(recipe, 10)["optimizer"]
    again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(made))
    assert isinstance(again, L2RMSprop)
    assert again.get_config() == made.get_config()
    assert (again.use_ema, again.ema_momentum, again.gradient_accumulation_steps) == (True, 0.999, 2)


@pytest.mark.every_backend
def test_the_map_criterion_is_equation_9():
    penalties = np.random.default_rng(0).uniform(0, 3, (6, 10))
    labels = np.arange(6)
    expected = penalties[np.arange(6), labels] + np.log(np.exp(-RUBBISH) + np.exp(-penalties).sum(1))
    got = keras.ops.convert_to_numpy(map_criterion(labels, keras.ops.convert_to_tensor(-penalties, "float32")))
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    far = keras.ops.convert_to_tensor(np.full((1, 10), -500.0), "float32")  # e^-500 is no float32
    np.testing.assert_allclose(keras.ops.convert_to_numpy(map_criterion(labels[:1], far)), 500 - RUBBISH, rtol=1e-5)


@pytest.mark.every_backend
def test_squared_error_to_targets():
    outputs = np.random.default_rng(0).standard_normal((4, 3)).astype("float32")
    labels = np.array([[0], [2], [1], [1]])  # as Keras hands them over
    targets = 2 * np.eye(3)[labels[:, 0]] - 1
    got = squared_error_to_targets(labels, keras.ops.convert_to_tensor(outputs))
    np.testing.assert_allclose(keras.ops.convert_to_numpy(got), ((outputs - targets) ** 2).mean(1), rtol=1e-5)


def test_the_schedule_of_cifar_is_in_the_papers_iterations():
    """Section 4.2: 0.1, a tenth from 32k, a hundredth from 48k, 64k in all; 110 layers start with 0.01."""
    recipe = get_recipe("resnet20-cifar10")
    steps = 352  # of 128 in 45,000, the last one smaller
    rate = compile_arguments(recipe, steps)["optimizer"]._learning_rate
    drops = [32_000 * 352 / (45_000 / 128), 48_000 * 352 / (45_000 / 128)]
    first, second = map(round, drops)  # so many steps have the rate before
    for step, expected in [(0, 0.1), (first - 1, 0.1), (first, 0.01), (second - 1, 0.01), (second, 0.001)]:
        assert float(rate(step)) == pytest.approx(expected)
    assert recipe.epochs * 45_000 / 128 == pytest.approx(64_000)
    assert f"after {drops[0]:,.0f} and {drops[1]:,.0f} of {steps * math.ceil(recipe.epochs):,} " in recipe.departures[0]
    warm = compile_arguments(get_recipe("resnet110-cifar10"), steps)["optimizer"]._learning_rate
    assert [float(warm(i)) for i in (0, 399, 400)] == pytest.approx([0.01, 0.01, 0.1])


@pytest.mark.parametrize(("steps", "expected"), [(1, [0.3, 0.2, 0.1]), (0.4, [0.2, 0.1, 0.1])])
def test_a_rate_falls_with_an_epoch_that_is_a_step_or_less(steps, expected):
    """In the second case the first rate's one epoch rounds to no step at all."""
    recipe = dataclasses.replace(get_recipe("lenet5-mnist"), epochs=3, schedule=Steps((0.3, 0.2, 0.1), (1, 2)))
    rate = compile_arguments(recipe, steps)["optimizer"]._learning_rate
    assert [float(rate(step)) for step in range(3)] == pytest.approx(expected)


def test_a_linear_schedule_falls_to_zero():
    """ShuffleNet, section 4: 0.5 to 0 over 3e5 iterations of batches of 1024."""
    recipe = get_recipe("shufflenet_g3-imagenet")
    steps = 1000
    rate = compile_arguments(recipe, steps * recipe.accumulate)["optimizer"]._learning_rate
    end = math.ceil(recipe.epochs) * steps
    assert [float(rate(i)) for i in (0, end / 2, end, 2 * end)] == pytest.approx([0.5, 0.25, 0.0, 0.0], abs=1e-6)
    assert recipe.epochs * 1_281_167 / 1024 == pytest.approx(300_000)


def test_densenet_trains_with_nesterovs_momentum():
    optimizer = compile_arguments(get_recipe("densenet121-imagenet"), 10)["optimizer"]
    assert (optimizer.nesterov, optimizer.momentum, optimizer.l2) == (True, 0.9, 1e-4)
    assert not compile_arguments(get_recipe("resnet20-cifar10"), 10)["optimizer"].nesterov


def test_a_plateau_lowers_the_rate():
    recipe = get_recipe("resnet18-imagenet")
    assert isinstance(recipe.schedule, Plateau)
    (callback,) = callbacks(recipe, validated=True)
    assert (callback.monitor, callback.factor, callback.patience) == ("val_loss", 0.1, 5)
    assert compile_arguments(recipe, 10)["optimizer"].get_config()["learning_rate"] == pytest.approx(0.1)
    assert callbacks(recipe, validated=False)[0].monitor == "loss"
    assert callbacks(get_recipe("lenet5-mnist"), validated=True) == []


def test_every_recipe_is_complete():
    from training import list_recipes
    from training.compile import LOSSES

    for name in list_recipes():
        recipe = get_recipe(name)
        variant = kc.get_model(recipe.model)
        assert recipe.name == name
        assert recipe.dataset == variant.dataset
        assert recipe.paper.url
        assert recipe.loss in LOSSES
        assert recipe.as_dict()["optimizer"]["kind"]
        assert all(d.endswith(".") for d in recipe.departures)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: get_recipe("lenet-mnist"), "Did you mean 'lenet5-mnist'"),
        (lambda: get_recipe("lenet5-mnist").replace(epochs=0), "must be positive"),
        (lambda: get_recipe("lenet5-mnist").replace(batch_size=0), "must be positive"),
        (lambda: get_recipe("lenet5-mnist").replace(hold_out=1), "cannot be held out"),
    ],
)
def test_bad_requests(call, message):
    with pytest.raises(kc.ClassicsError, match=message):
        call()


INDICES = np.array([3, 0, 2, 2, 1, 3])
OUTPUTS = np.random.default_rng(0).dirichlet(np.ones(4), 6).astype("float32")
SOFT = np.random.default_rng(1).dirichlet(np.ones(4), 6).astype("float32")
LOSS_FUNCTIONS = {**LOSSES, "smoothed": SmoothedCrossentropy(0.1, reduction=None)}


def told(loss, labels):
    """What the loss tells of the labels, image by image."""
    return keras.ops.convert_to_numpy(loss(keras.ops.convert_to_tensor(labels), keras.ops.convert_to_tensor(OUTPUTS)))


@pytest.mark.every_backend
@pytest.mark.parametrize("name", LOSS_FUNCTIONS)
def test_one_hot_labels_are_indices(name):
    loss = LOSS_FUNCTIONS[name]
    expected = told(loss, INDICES)
    assert expected.shape == (6,)
    np.testing.assert_allclose(told(loss, INDICES[:, None]), expected, rtol=1e-5)
    np.testing.assert_allclose(told(loss, np.eye(4, dtype="float32")[INDICES]), expected, rtol=1e-5)


@pytest.mark.every_backend
def test_losses_of_soft_labels():
    """Cross-entropy is Keras'; the others follow from their definitions."""
    for name, smoothing in (("crossentropy", 0.0), ("smoothed", 0.1)):
        theirs = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing, reduction=None)
        np.testing.assert_allclose(told(LOSS_FUNCTIONS[name], SOFT), told(theirs, SOFT), rtol=1e-5)
    np.testing.assert_allclose(
        told(squared_error_to_targets, SOFT), ((OUTPUTS - (2 * SOFT - 1)) ** 2).mean(1), rtol=1e-5
    )
    by_class = np.stack([told(map_criterion, np.full(6, k)) for k in range(4)], axis=1)
    np.testing.assert_allclose(told(map_criterion, SOFT), (SOFT * by_class).sum(1), rtol=1e-5)


@pytest.mark.every_backend
def test_training_accuracy_is_told_against_the_dominant_label():
    hits = (OUTPUTS.argmax(1) == SOFT.argmax(1)).astype("float32")
    assert 0 < hits.mean() < 1
    np.testing.assert_array_equal(told(top1, SOFT), hits)
    for labels in (SOFT.argmax(1), SOFT.argmax(1)[:, None]):
        np.testing.assert_array_equal(told(top1, labels), hits)


def test_four_images_of_four_classes_are_told_by_their_shape():
    """(4,) and (4, 1) are indices, whatever they hold; (4, 4) is soft."""
    labels = np.array([0, 1, 1, 0])
    outputs = keras.ops.convert_to_tensor(OUTPUTS[:4])
    for given in (labels, labels[:, None], np.eye(4)[labels]):
        got = keras.ops.convert_to_numpy(crossentropy(keras.ops.convert_to_tensor(given, "float32"), outputs))
        np.testing.assert_allclose(got, -np.log(OUTPUTS[np.arange(4), labels]), rtol=1e-5)


def test_fit_with_mixed_labels_and_auxiliary_heads():
    """Three steps on a small network with heads beside; validated on indices."""
    recipe = get_recipe("inception_v1-imagenet")
    recipe = dataclasses.replace(recipe, augment_batch=(MixUp(0.4),), average=None)  # Keras would swap it in at the end
    arguments = compile_arguments(recipe, 10)
    assert set(arguments["loss"]) == {"predictions", "aux_1", "aux_2"}
    image = keras.Input((8, 8, 3))
    x = keras.layers.Flatten()(keras.layers.Conv2D(4, 3)(image))
    outputs = {name: keras.layers.Dense(5, activation="softmax", name=name)(x) for name in arguments["loss"]}
    model = keras.Model(image, outputs)
    model.compile(**arguments)
    images, labels = np.random.default_rng(0).uniform(0, 1, (12, 8, 8, 3)).astype("float32"), np.arange(12) % 5
    mixed, soft = (t.numpy() for t in MixUp(0.4)(images, np.eye(5, dtype="float32")[labels], (0, 1)))
    before = model.get_weights()
    history = model.fit(
        mixed,
        dict.fromkeys(outputs, soft),
        batch_size=4,
        validation_data=(images, dict.fromkeys(outputs, labels)),
        verbose=0,
        shuffle=False,
    ).history
    assert all(not np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True))
    assert {"predictions_accuracy", "val_predictions_accuracy", "val_aux_1_loss"} <= set(history)
    probabilities = model.predict(images, verbose=0)["predictions"]
    assert history["val_predictions_accuracy"] == [pytest.approx((probabilities.argmax(1) == labels).mean())]
    of_labels = probabilities[np.arange(12), labels]
    assert history["val_predictions_loss"] == [pytest.approx(-np.log(of_labels).mean(), rel=1e-4)]
