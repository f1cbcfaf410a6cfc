"""What the Inception papers' recipes are made of."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from training import compile_arguments, get_recipe
from training.compile import L2RMSprop


@pytest.mark.every_backend
def test_rmsprop_clips_and_decays_as_the_recipe_says():
    arguments = compile_arguments(get_recipe("inception_v3-imagenet"), steps_per_epoch=1)
    optimizer = arguments["optimizer"]
    assert isinstance(optimizer, L2RMSprop)
    weight = keras.Variable(np.array([1.0, 2.0], "float32"))
    gradient = np.array([3.0, 4.0], "float32")
    optimizer.build([weight])
    optimizer.apply([keras.ops.convert_to_tensor(gradient)])
    joint = gradient + 4e-5 * np.array([1.0, 2.0])
    joint *= 2.0 / np.linalg.norm(joint)
    expected = np.array([1.0, 2.0]) - 0.045 * joint / np.sqrt(0.1 * joint**2 + 1.0)
    np.testing.assert_allclose(keras.ops.convert_to_numpy(weight.value), expected, rtol=1e-5)


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("name", "epochs", "rates"),
    [
        ("inception_v1-imagenet", (0, 7.9, 8, 16), (0.01, 0.01, 0.0096, 0.009216)),
        ("inception_v2-imagenet", (0, 1.3, 1.4, 8), (0.045, 0.045, 0.0432, 0.045 * 0.96**6)),
        ("inception_v3-imagenet", (0, 1.9, 2, 4), (0.045, 0.045, 0.0423, 0.039762)),
    ],
)
def test_rates_fall_exponentially_in_steps(name, epochs, rates):
    optimizer = compile_arguments(get_recipe(name), steps_per_epoch=300)["optimizer"]
    told = []
    for epoch in epochs:
        optimizer.iterations.assign(round(epoch * 300))
        told.append(float(keras.ops.convert_to_numpy(optimizer.learning_rate)))
    assert told == pytest.approx(rates, rel=1e-4)


@pytest.mark.structure
def test_recipes_weigh_the_heads_as_the_records_say():
    arguments = compile_arguments(get_recipe("inception_v1-imagenet"), 10)
    assert arguments["loss_weights"] == {"predictions": 1.0, "aux_1": 0.3, "aux_2": 0.3}
    assert set(arguments["loss"]) == set(arguments["metrics"]) == set(arguments["loss_weights"])
    arguments = compile_arguments(get_recipe("inception_v3-imagenet"), 10)
    assert arguments["loss_weights"] == kc.InceptionV3.loss_weights == {"predictions": 1.0, "aux_1": 0.4}
    assert "loss_weights" not in compile_arguments(get_recipe("inception_v2-imagenet"), 10)
