"""A fused model on torch calls its layers by hand: fewer steps around each, and no map longer than it is read."""

import gc
import weakref

import keras
import numpy as np
import pytest
import small

import keras_classics as kc
from keras_classics.by_hand import ByHand, is_plain, nodes_of

pytestmark = pytest.mark.every_backend
needs_torch = pytest.mark.skipif(keras.config.backend() != "torch", reason="it is done on torch alone")


@pytest.mark.parametrize("name", ["resnet20", "densenet40_12", "shufflenet_v2_x0_5"])
def test_the_answers_are_those_of_the_model(name):
    model = small.build(name, seed=0)
    fused, images = kc.fuse(model), small.batch(name)
    assert type(fused) is ByHand
    expected = model.predict_on_batch(images)
    np.testing.assert_allclose(fused.predict_on_batch(images), expected, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(fused.predict_on_batch(images), expected, rtol=1e-4, atol=1e-6)


def test_an_answer_in_a_list_is_given_as_keras_gives_it():
    network = kc.ResNet20(seed=0, input_shape=(8, 8, 3))
    fused = kc.fuse(keras.Model(network.inputs, network.outputs))
    images = np.ones((2, 8, 8, 3), "float32")
    np.testing.assert_allclose(fused.predict_on_batch(images), network.predict_on_batch(images), atol=1e-6)


def network():
    x = inputs = keras.Input((8, 8, 3), name="image")
    for i in range(4):
        x = keras.layers.Conv2D(3, 3, padding="same", name=f"conv{i}")(x)
    return keras.Model(inputs, {"predictions": keras.layers.Flatten()(x), "map": x})


SEEN: list[weakref.ref] = []
ALIVE: list[int] = []


class Watch(keras.layers.Layer):
    """The identity; notes how many of the maps that it has made there still are."""

    def call(self, inputs):
        outputs = inputs * 1.0
        SEEN.append(weakref.ref(outputs))
        gc.collect()
        ALIVE.append(sum(ref() is not None for ref in SEEN))
        return outputs


@needs_torch
def test_a_map_goes_after_its_last_reader():
    x = inputs = keras.Input((4, 4, 3))
    for _ in range(5):
        x = Watch()(x)
    SEEN.clear()
    ALIVE.clear()
    ByHand(inputs, x).predict_on_batch(np.ones((1, 4, 4, 3), "float32"))
    assert ALIVE == [1, 2, 2, 2, 2]  # the one that is made, and the one that it is made from


@needs_torch
def test_layers_are_called_by_hand_where_no_gradients_are_recorded(monkeypatch):
    import torch

    fused, called = kc.fuse(network()), []
    as_keras = keras.Layer.__call__

    def noted(layer, *args, **kwargs):
        called.append(layer.name)
        return as_keras(layer, *args, **kwargs)

    monkeypatch.setattr(keras.Layer, "__call__", noted)
    images = torch.ones((2, 8, 8, 3))
    with torch.no_grad():
        answers = fused(images)
    assert {name: tuple(y.shape) for name, y in answers.items()} == {"predictions": (2, 192), "map": (2, 8, 8, 3)}
    assert called == [fused.name]
    images.requires_grad_()
    fused(images)["predictions"].sum().backward()
    assert images.grad is not None
    assert "conv0" in called
    called.clear()
    fused(torch.ones((2, 8, 8, 3)), training=True)
    assert "conv0" in called


def test_only_what_keras_call_adds_nothing_to():
    inputs = keras.Input((4, 4, 3))
    for layer, plain in (
        (keras.layers.Conv2D(2, 1), True),
        (keras.layers.Conv2D(2, 1, dtype="mixed_bfloat16"), False),
        (keras.layers.Conv2D(2, 1, activity_regularizer="l2"), False),
        (Watch(), False),
        (keras.layers.TimeDistributed(keras.layers.Dense(2)), False),
    ):
        (node,) = nodes_of(keras.Model(inputs, layer(inputs)))
        assert is_plain(node) is plain, layer


def test_it_is_saved_as_it_is_and_stays_compiled(tmp_path):
    model = network()
    model.compile(loss={"predictions": "mse"})
    fused = kc.fuse(model)
    assert fused.compiled
    fused.save(tmp_path / "fused.keras")
    loaded = keras.saving.load_model(tmp_path / "fused.keras")
    assert type(loaded) is ByHand
    images = np.random.default_rng(0).standard_normal((2, 8, 8, 3)).astype("float32")
    expected, got = fused.predict_on_batch(images), loaded.predict_on_batch(images)
    np.testing.assert_array_equal(expected["map"], got["map"])


def test_a_layer_that_is_quantised_afterwards_computes_so():
    inputs = keras.Input((8,))
    fused = kc.fuse(keras.Model(inputs, keras.layers.Dense(4, name="fc")(inputs)))
    vectors = np.random.default_rng(0).standard_normal((5, 8)).astype("float32")
    before = fused.predict_on_batch(vectors)
    fused.quantize("int8", filters="fc")
    after = fused.predict_on_batch(vectors)
    assert not np.array_equal(after, before)
    np.testing.assert_allclose(after, before, atol=0.02 * np.abs(before).max())
