"""What jax's CPU computes in other words than Keras': the same values and gradients, and Keras' own way elsewhere."""

import keras
import numpy as np
import pytest
from gradients import pulled_back

from keras_classics.layers import Conv2D, DepthwiseConv2D, MaxPooling2D, SeparableConv2D, jax_cpu

pytestmark = pytest.mark.every_backend
RNG = np.random.default_rng(12)
CASES = {
    "1x1": (Conv2D, (9, 8, 6), {"filters": 5, "kernel_size": 1}),
    "1x1, strided, same": (Conv2D, (9, 8, 6), {"filters": 5, "kernel_size": 1, "strides": (2, 3), "padding": "same"}),
    "bands": (Conv2D, (76, 9, 3), {"filters": 4, "kernel_size": (5, 2)}),
    "bands, same": (Conv2D, (65, 9, 3), {"filters": 4, "kernel_size": (4, 3), "padding": "same"}),
    "bands, strided": (Conv2D, (139, 12, 3), {"filters": 4, "kernel_size": 7, "strides": 2}),
    "bands, strided, same": (Conv2D, (140, 9, 3), {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}),
    "bands, dilated": (Conv2D, (80, 12, 3), {"filters": 4, "kernel_size": 3, "dilation_rate": (3, 2)}),
    "depthwise": (DepthwiseConv2D, (9, 9, 6), {"kernel_size": 3}),
    "depthwise, same": (DepthwiseConv2D, (9, 8, 6), {"kernel_size": (4, 2), "padding": "same"}),
    "depthwise, strided": (DepthwiseConv2D, (9, 8, 6), {"kernel_size": 3, "strides": 2}),
    "depthwise, strided, same": (DepthwiseConv2D, (9, 8, 6), {"kernel_size": 3, "strides": 2, "padding": "same"}),
    "depthwise, wide": (DepthwiseConv2D, (9, 8, 6), {"kernel_size": 5, "padding": "same"}),
    "depthwise, dilated": (DepthwiseConv2D, (9, 8, 6), {"kernel_size": 3, "dilation_rate": (2, 3)}),
    "depthwise, two a channel": (DepthwiseConv2D, (9, 8, 6), {"kernel_size": 3, "depth_multiplier": 2}),
    "separable": (SeparableConv2D, (9, 8, 6), {"filters": 5, "kernel_size": 3, "padding": "same"}),
    "separable, strided": (SeparableConv2D, (9, 8, 6), {"filters": 5, "kernel_size": 3, "strides": 2}),
    "separable, two a channel": (SeparableConv2D, (9, 8, 6), {"filters": 5, "kernel_size": 3, "depth_multiplier": 2}),
    "pool": (MaxPooling2D, (9, 8, 6), {"pool_size": 3, "strides": 2}),
    "pool, same": (MaxPooling2D, (9, 8, 6), {"pool_size": (3, 2), "strides": (2, 1), "padding": "same"}),
    "pool, wide": (MaxPooling2D, (9, 8, 6), {"pool_size": 4, "strides": 2}),
    "subsample": (MaxPooling2D, (9, 8, 6), {"pool_size": 1, "strides": 2}),
}
only_jax = pytest.mark.skipif(keras.config.backend() != "jax", reason="what jax does")


def beside_keras(case, **more):
    """Our layer, Keras' with the same weights, and maps with many equal pixels."""
    kind, shape, options = CASES[case]
    theirs = getattr(keras.layers, kind.__name__)
    if more.get("data_format") == "channels_first":
        shape = (shape[2], *shape[:2])
    x = np.round(RNG.standard_normal((2, *shape)), 1).astype("float32")
    pair = [k(**options, **more) for k in (kind, theirs)]
    for layer in pair:
        layer.build(x.shape)
    weights = [RNG.standard_normal(w.shape) for w in pair[0].weights]
    for layer in pair:
        layer.set_weights(weights)
    return *pair, x


def primitives(layer, x):
    import jax

    return str(jax.make_jaxpr(lambda x: layer(x))(x))  # a function of its own, for jax keeps what it has traced


@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("case", CASES)
def test_values_and_gradients_are_those_of_keras(case, data_format):
    ours, theirs, x = beside_keras(case, data_format=data_format)
    up = RNG.standard_normal(theirs.compute_output_shape(x.shape)).astype("float32")

    def run(layer):
        return lambda x, *weights: layer.stateless_call(weights, [], x)[0]

    np.testing.assert_allclose(*(keras.ops.convert_to_numpy(layer(x)) for layer in (ours, theirs)), atol=1e-4)
    at = [x, *theirs.get_weights()]
    for got, expected in zip(*(pulled_back(run(k), at, up) for k in (ours, theirs)), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5 * max(1.0, np.abs(expected).max()))


@pytest.mark.parametrize("case", ["1x1", "bands", "depthwise", "separable", "pool"])
@pytest.mark.parametrize("policy", ["mixed_bfloat16", "mixed_float16"])
def test_half_precision(case, policy):
    ours, theirs, x = beside_keras(case, dtype=policy)
    results = [layer(x) for layer in (ours, theirs)]
    assert {keras.backend.standardize_dtype(y.dtype) for y in results} == {policy[6:]}
    got, expected = (keras.ops.convert_to_numpy(keras.ops.cast(y, "float32")) for y in results)
    np.testing.assert_allclose(got, expected, atol=0.02 * np.abs(expected).max())


@pytest.mark.parametrize("case", ["1x1", "bands", "depthwise", "separable", "pool"])
def test_training_any_size_goes_as_with_keras_and_files_are_keras_own(case, tmp_path):
    ours, theirs, x = beside_keras(case)
    models = []
    for layer in (ours, theirs):
        inputs = keras.Input((None, None, x.shape[-1]))
        models.append(keras.Model(inputs, keras.layers.Conv2D(2, 1, kernel_initializer="ones")(layer(inputs))))
        models[-1].compile("sgd", "mse")
    for images in (x, np.concatenate([x, x], 2)):
        up = np.ones((*models[0].compute_output_shape(images.shape)[:3], 2))
        np.testing.assert_allclose(*(model.train_on_batch(images, up) for model in models), rtol=1e-4)
    np.testing.assert_allclose(*(model.predict(x, verbose=0) for model in models), atol=1e-2, rtol=1e-4)
    models[0].save(tmp_path / "ours.keras")
    models[1].save_weights(tmp_path / "theirs.weights.h5")
    again = keras.saving.load_model(tmp_path / "ours.keras")
    assert type(again.layers[1]) is type(ours)
    np.testing.assert_allclose(again.predict(x, verbose=0), models[0].predict(x, verbose=0), rtol=1e-6)
    again.load_weights(tmp_path / "theirs.weights.h5")
    np.testing.assert_allclose(*(m.predict(x, verbose=0) for m in (again, models[1])), atol=1e-3, rtol=1e-4)


def test_a_window_with_nan_is_nan():
    ours, theirs, x = beside_keras("pool")
    x[0, 4, 4] = x[1, 0, 0] = np.nan
    got, expected = (keras.ops.convert_to_numpy(layer(x)) for layer in (ours, theirs))
    if keras.config.backend() != "tensorflow":  # whose own pooling hides some
        assert np.isnan(got).any()
    np.testing.assert_array_equal(got, expected)


@only_jax
@pytest.mark.parametrize("order", ["forward", "forward over backward", "backward over backward"])
def test_bands_have_every_derivative(order):
    import jax

    ours, theirs, x = beside_keras("bands, strided, same")
    kernel, along = (RNG.standard_normal(ours.kernel.shape).astype("float32") for _ in range(2))

    def derivative(layer):
        def loss(k):
            return (layer.convolution_op(x, k) ** 3).mean()

        if order == "forward":
            return jax.jvp(loss, (kernel,), (along,))[1]
        if order == "forward over backward":
            return jax.jvp(jax.grad(loss), (kernel,), (along,))[1]
        return jax.grad(lambda k: (jax.grad(loss)(k) * along).sum())(kernel)

    got, expected = map(np.asarray, map(derivative, (ours, theirs)))
    np.testing.assert_allclose(got, expected, atol=1e-4 * np.abs(expected).max())


@only_jax
@pytest.mark.parametrize(
    ("case", "on_cpu", "elsewhere"),
    [
        ("1x1", "dot_general", "conv_general_dilated"),
        ("bands", "custom_jvp", "conv_general_dilated"),
        ("depthwise", "mul", "conv_general_dilated"),
        ("separable", "dot_general", "conv_general_dilated"),
        ("pool", "select_n", "reduce_window_max"),
    ],
)
def test_an_accelerator_keeps_keras_way(case, on_cpu, elsewhere, monkeypatch):
    layer, theirs, x = beside_keras(case)
    assert on_cpu in primitives(layer, x)
    monkeypatch.setattr(keras.distribution, "list_devices", lambda: ["cpu:0", "gpu:0"])
    assert on_cpu not in primitives(layer, x)
    assert elsewhere in primitives(layer, x)
    assert primitives(layer, x) == primitives(theirs, x)


@only_jax
@pytest.mark.parametrize("case", ["depthwise, two a channel", "depthwise, wide"])
def test_other_depthwise_convolutions_keep_keras_way(case):
    layer, theirs, x = beside_keras(case)
    assert primitives(layer, x) == primitives(theirs, x)


@only_jax
def test_small_maps_and_wide_windows_keep_keras_way():
    layer, _, x = beside_keras("bands")
    assert "custom_jvp" not in primitives(layer, x[:, :60])
    assert jax_cpu.BANDED_FROM > 60
    layer, _, x = beside_keras("pool, wide")
    assert "reduce_window_max" in primitives(layer, x)
