"""What holds on every backend, for one small network of each family."""

import json
import pathlib

import keras
import numpy as np
import pytest
from answers import answers
from small import DEEP, SMALL, batch, build

import keras_classics as kc
from keras_classics import complexity
from keras_classics.layers import data_format_of

pytestmark = pytest.mark.every_backend


def but_for(heavy):
    """One network of each family, of which some only run with `-m heavy`."""
    return pytest.mark.parametrize(
        "name", [pytest.param(name, marks=pytest.mark.heavy) if name in heavy else name for name in SMALL]
    )


one_of_each_family = but_for(DEEP)
# For time: jax compiles every operation of every shape and type.
ON_JAX = [pytest.mark.heavy] if keras.config.backend() == "jax" else []
MANY_SHAPES = {"densenet40_12", "inception_v1", "resnext29_32x4d", "shufflenet_g3", "nasnet_mobile"}
of_few_shapes_on_jax = but_for(DEEP | MANY_SHAPES if ON_JAX else DEEP)
GOLDEN = pathlib.Path(__file__).parents[1] / "golden" / "outputs.json"


@one_of_each_family
def test_a_seed_gives_the_same_weights_and_outputs_everywhere(name):
    """The golden figures were made on tensorflow: `KERAS_BACKEND=tensorflow python tests/golden/make_outputs.py`."""
    model = build(name, seed=1, classifier_activation=None)
    golden = json.loads(GOLDEN.read_text())[name]
    sums = {w.path: float(np.sum(keras.ops.convert_to_numpy(w), dtype="float64")) for w in model.trainable_weights}
    assert list(sums.values()) == golden["weight_sums"]
    expected = np.array(golden["outputs"], "float32")
    np.testing.assert_allclose(answers(model, batch(name)), expected, atol=1e-5 * np.abs(expected).max())


def test_another_seed_and_no_seed_give_other_weights():
    kernels = [kc.LeNet5(seed=seed).get_layer("c1").get_weights()[0] for seed in (1, 1, 2, None, None)]
    np.testing.assert_array_equal(kernels[0], kernels[1])
    for other in kernels[2:]:
        assert np.abs(kernels[0] - other).max() > 0.01
    assert np.abs(kernels[3] - kernels[4]).max() > 0.01


def test_keras_own_seed_works_too():
    kernels = []
    for _ in range(2):
        keras.utils.set_random_seed(5)
        kernels.append(kc.LeNet5().get_layer("f6").get_weights()[0])
    np.testing.assert_array_equal(*kernels)


@one_of_each_family
def test_a_saved_model_comes_back_whole(name, tmp_path):
    options = {"classifier_activation": None}  # a softmax of initial weights may hide what changes
    model = build(name, seed=0, **options)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    np.testing.assert_array_equal(answers(again, batch(name)), answers(model, batch(name)))
    model.save_weights(tmp_path / "model.weights.h5")
    for file in ("model.keras", "model.weights.h5"):
        loaded = build(name, seed=3, weights=tmp_path / file, **options)
        for ours, theirs in zip(loaded.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)


@one_of_each_family
def test_a_clone_starts_anew(name):
    """The initialisers are in the layers' configurations, without the seed that this model was built with."""
    model = build(name, seed=0)
    clone = keras.models.clone_model(model)
    pairs = [
        (a, b) for a, b in zip(model.get_weights(), clone.get_weights(), strict=True) if a.ndim > 1 and a.std() > 0
    ]
    assert pairs
    for a, b in pairs:
        assert not np.array_equal(a, b)
        assert 0.5 < a.std() / b.std() < 2 or a.size < 100


def test_weights_of_another_network_are_refused(tmp_path):
    kc.PlainNet20(classes=7).save_weights(tmp_path / "plain.weights.h5")
    with pytest.raises(kc.ClassicsError, match="holds weights of plainnet20, and this is resnet20"):
        kc.ResNet20(weights=tmp_path / "plain.weights.h5")
    assert kc.PlainNet20(weights=tmp_path / "plain.weights.h5").output_shape == (None, 7)
    (tmp_path / "broken.keras").write_bytes(b"not a zip file")
    with pytest.raises(kc.ClassicsError, match="is no weights file"):
        kc.ResNet20(weights=tmp_path / "broken.keras")


@one_of_each_family
def test_every_trainable_weight_gets_a_gradient(name):
    """Three steps of Adam on noise move every weight, however small its gradient is."""
    model = build(name, seed=0)
    before = [w.copy() for w in model.get_weights()]
    eagerly = keras.config.backend() == "tensorflow"  # whose graph takes longer to trace than three steps
    model.compile(keras.optimizers.Adam(1e-3, epsilon=1e-12), "mean_squared_error", run_eagerly=eagerly)
    targets = np.eye(10, dtype="float32")[np.arange(8) % 10]
    model.fit(batch(name, 8), targets, epochs=3, verbose=0)
    for variable, old in zip(model.weights, before, strict=True):
        assert not np.array_equal(keras.ops.convert_to_numpy(variable), old), variable.path
        assert np.isfinite(keras.ops.convert_to_numpy(variable)).all()


@of_few_shapes_on_jax
def test_mixed_precision_keeps_float32_predictions(name):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        model = build(name, seed=0, classifier_activation=None)
    finally:
        keras.config.set_dtype_policy("float32")
    exact = answers(build(name, seed=0, classifier_activation=None), batch(name))
    dtypes = {layer.compute_dtype for layer in model.layers if layer.weights and layer.name != "predictions"}
    assert dtypes == {"bfloat16"}
    outputs = answers(model, batch(name))
    assert outputs.dtype == "float32"
    np.testing.assert_allclose(outputs, exact, atol=0.08 * np.abs(exact).max(), rtol=0)
    model.compile("sgd", "mean_squared_error", run_eagerly=keras.config.backend() == "tensorflow")
    history = model.fit(batch(name, 8), np.eye(10, dtype="float32")[np.arange(8)], verbose=0).history
    assert np.isfinite(history["loss"][0])


@of_few_shapes_on_jax
def test_channels_first_gives_the_same(name, channels_first):
    first = build(name, seed=0, classifier_activation=None)
    outputs = answers(first, batch(name).transpose(0, 3, 1, 2))
    keras.config.set_image_data_format("channels_last")
    last = build(name, seed=0, classifier_activation=None)
    for ours, theirs in zip(first.weights, last.weights, strict=True):
        if ours.shape == theirs.shape:  # all but the biases of single units, which are zeros
            np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(w) for w in (ours, theirs)))
    expected = answers(last, batch(name))
    np.testing.assert_allclose(outputs, expected, atol=1e-5 * np.abs(expected).max())


FORMATS = ("channels_last", "channels_first")


@one_of_each_family
@pytest.mark.parametrize("policy", [pytest.param("mixed_float16", marks=ON_JAX)])
def test_half_precision_is_off_by_its_rounding_alone(name, policy):
    """Untrained and without the batch's statistics, Xception is the furthest off: by 0.7% of its scores' scale."""
    keras.config.set_dtype_policy(policy)
    try:
        half = build(name, seed=0, classifier_activation=None)
    finally:
        keras.config.set_dtype_policy("float32")
    exact = answers(build(name, seed=0, classifier_activation=None), batch(name))
    np.testing.assert_allclose(answers(half, batch(name)), exact, atol=0.01 * np.abs(exact).max(), rtol=0)


@of_few_shapes_on_jax
@pytest.mark.parametrize(
    "built_in",
    [
        pytest.param("channels_last", marks=ON_JAX),
        "channels_first",
    ],
)
def test_a_saved_model_keeps_its_data_format(built_in, name, tmp_path, channels_first):
    """Whatever the data format is where it is loaded."""
    keras.config.set_image_data_format(built_in)
    model = build(name, seed=0, classifier_activation=None, include_preprocessing=True)
    model.save(tmp_path / "model.keras")
    images = batch(name) if built_in == "channels_last" else batch(name).transpose(0, 3, 1, 2)
    expected = answers(model, images)
    keras.config.set_image_data_format(FORMATS[1 - FORMATS.index(built_in)])
    again = keras.saving.load_model(tmp_path / "model.keras")
    assert [layer.get_config() for layer in again.layers] == [layer.get_config() for layer in model.layers]
    assert data_format_of(again) == built_in
    counted = complexity.layer_table(again)
    np.testing.assert_allclose(answers(again, images), expected, atol=1e-6 * np.abs(expected).max())
    keras.config.set_image_data_format(built_in)
    assert counted == complexity.layer_table(model)


@one_of_each_family
def test_features_of_images_of_unknown_size_are_those_of_known(name):
    options = {"seed": 0, "include_top": False}
    known = build(name, **options)
    if kc.get_model(name).bound_to_size == "all":
        with pytest.raises(kc.ClassicsError, match="needs a known height and width, such as 16; the input shape is"):
            kc.create_model(name, input_shape=(None, None, 1), **options)
        return
    options |= {k: v for k, v in SMALL[name].items() if k != "side"}
    unknown = kc.create_model(name, **options)
    assert unknown.input_shape[1:3] == (None, None)
    expected = answers(known, batch(name))
    np.testing.assert_allclose(unknown.predict(batch(name), verbose=0), expected, atol=1e-5 * np.abs(expected).max())


@one_of_each_family
def test_include_preprocessing_takes_pixels(name):
    variant = kc.get_model(name)
    pixels = np.random.default_rng(0).integers(0, 256, batch(name).shape).astype("uint8")
    inside = build(name, seed=0, include_preprocessing=True, classifier_activation=None)
    outside = build(name, seed=0, classifier_activation=None)
    expected = answers(outside, kc.preprocess_input(pixels, variant))
    tolerance = 0.02 * np.abs(expected[0] - expected[1]).max()  # of what two pictures differ by
    np.testing.assert_allclose(answers(inside, pixels.astype("float32")), expected, atol=tolerance, rtol=0)
    brighter = answers(inside, pixels + np.float32(5))
    assert np.abs(brighter - expected).max() > tolerance
