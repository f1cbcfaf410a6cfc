"""`Conv2D` with groups beside Keras' own: same weights, outputs and gradients on every path."""

import keras
import numpy as np
import pytest
from gradients import pulled_back

from keras_classics import blocks, complexity
from keras_classics.errors import ClassicsError
from keras_classics.exporting import compare, export
from keras_classics.layers import Conv2D, exporting, grouped_convolution

RNG = np.random.default_rng(5)
CASES = {
    "merged groups": (24, 48, {"kernel_size": 3, "padding": "same", "groups": 12}),
    "stride 2": (64, 32, {"kernel_size": 3, "strides": 2, "padding": "same", "groups": 4}),
    "wide groups, valid": (36, 12, {"kernel_size": 5, "groups": 2}),
    "dilated": (8, 8, {"kernel_size": 3, "dilation_rate": 2, "padding": "same", "groups": 4}),
    "depthwise": (6, 12, {"kernel_size": (1, 3), "padding": "same", "groups": 6}),
    "1x1": (12, 30, {"kernel_size": 1, "groups": 3}),
    "1x1, stride 2": (8, 16, {"kernel_size": 1, "strides": 2, "groups": 8}),
}


def channels_first(array):
    return np.ascontiguousarray(array.transpose(0, 3, 1, 2))


def close(got, expected, tolerance):
    np.testing.assert_allclose(got, expected, atol=tolerance * np.abs(expected).max())


@pytest.fixture(params=["the backend's choice", "lowered", "one op"])
def path(request, monkeypatch):
    """As the backend has it; on TensorFlow as without oneDNN, too; and as in an export."""
    if request.param == "lowered":
        monkeypatch.setattr(grouped_convolution, "_has_gradients", lambda dtype, data_format: False)
    if request.param == "one op":
        with exporting():
            yield
    else:
        yield


@pytest.mark.every_backend
@pytest.mark.usefixtures("path")
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
@pytest.mark.parametrize("case", CASES)
def test_equals_keras_conv2d_forward_and_gradient(case, data_format):
    channels, filters, options = CASES[case]
    # never as many columns as filters, between which Keras on tensorflow does not tell with the channels first
    x = RNG.standard_normal((2, 8, 9, channels)).astype("float32")
    x = x if data_format == "channels_last" else channels_first(x)
    ours, theirs = (kind(filters, data_format=data_format, **options) for kind in (Conv2D, keras.layers.Conv2D))
    expected = keras.ops.convert_to_numpy(theirs(x))
    ours.build(x.shape)
    kernel, bias = RNG.standard_normal(ours.kernel.shape).astype("float32"), RNG.standard_normal(filters)
    up = RNG.standard_normal(expected.shape).astype("float32")
    for layer in (ours, theirs):
        layer.set_weights([kernel, bias])
    close(*(keras.ops.convert_to_numpy(layer(x)) for layer in (ours, theirs)), 1e-5)
    results = (pulled_back(layer.convolution_op, [x, kernel], up) for layer in (ours, theirs))
    for got, wanted in zip(*results, strict=True):
        close(got, wanted, 1e-4)


@pytest.mark.every_backend
@pytest.mark.usefixtures("path")
def test_any_size_and_batch_in_one_compiled_graph():
    """Unknown batch and image sizes, as `predict` and `fit` of a network without its top compile them."""
    inputs = keras.Input((None, None, 8))
    x = Conv2D(12, 3, padding="same", groups=4)(inputs)
    model = keras.Model(inputs, Conv2D(6, 1, groups=2)(x))
    model.compile("sgd", "mse")
    for shape in ((2, 5, 6, 8), (3, 7, 4, 8)):
        x = RNG.standard_normal(shape).astype("float32")
        close(model.predict(x, verbose=0), keras.ops.convert_to_numpy(model(x)), 1e-5)
        assert np.isfinite(model.train_on_batch(x, np.zeros((*shape[:3], 6))))


@pytest.mark.every_backend
def test_weights_and_configuration_are_conv2ds(tmp_path):
    def model(kind):
        inputs = keras.Input((6, 6, 8))
        return keras.Model(inputs, kind(12, 3, groups=4, activation="relu", name="conv")(inputs), name="net")

    ours, theirs = model(Conv2D), model(keras.layers.Conv2D)
    assert ours.get_layer("conv").get_config().keys() == theirs.get_layer("conv").get_config().keys()
    assert [w.path for w in ours.weights] == [w.path for w in theirs.weights]
    x = RNG.standard_normal((2, 6, 6, 8)).astype("float32")
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    close(*(keras.ops.convert_to_numpy(m(x)) for m in (ours, theirs)), 1e-5)
    ours.save(tmp_path / "ours.keras")
    again = keras.saving.load_model(tmp_path / "ours.keras")
    assert type(again.get_layer("conv")) is Conv2D
    np.testing.assert_array_equal(*(keras.ops.convert_to_numpy(m(x)) for m in (again, ours)))


@pytest.mark.every_backend
def test_half_precision():
    layer = Conv2D(12, 3, groups=4, dtype="mixed_bfloat16")
    x = RNG.standard_normal((2, 6, 6, 8)).astype("float32")
    y = layer(x)
    assert keras.backend.standardize_dtype(y.dtype) == "bfloat16"
    exact = Conv2D(12, 3, groups=4)
    exact.build(x.shape)
    exact.set_weights(layer.get_weights())
    close(*(keras.ops.convert_to_numpy(keras.ops.cast(v, "float32")) for v in (y, exact(x))), 0.02)


@pytest.mark.parametrize("kernel_size", [1, 3])
def test_an_export_has_one_operation(kernel_size, tmp_path):
    import tensorflow as tf

    inputs = keras.Input((6, 6, 8))
    model = keras.Model(inputs, Conv2D(12, kernel_size, groups=4)(inputs))
    path = tmp_path / "net.tflite"
    export(model, path, "tflite", include_preprocessing=False)
    assert compare(model, path, RNG.standard_normal((3, 6, 6, 8))).max_abs_error < 1e-5
    operations = [op["op_name"] for op in tf.lite.Interpreter(str(path))._get_ops_details()]
    assert [name for name in operations if name != "DELEGATE"] == ["CONV_2D"]
    path = tmp_path / "net"
    export(model, path, "saved_model", include_preprocessing=False)
    assert compare(model, path, RNG.standard_normal((3, 6, 6, 8))).max_abs_error < 1e-5


@pytest.mark.structure
def test_the_block_counts_and_refuses():
    x = keras.Input((6, 6, 8))
    model = keras.Model(x, blocks.conv(x, 12, 3, groups=4, name="conv"))
    assert complexity.count_params(model) == 3 * 3 * 8 * 12 // 4
    assert complexity.count_macs(model) == 6 * 6 * 3 * 3 * 8 * 12 // 4
    assert type(model.get_layer("conv")) is Conv2D
    for groups in (3, 8, 0, -2):
        with pytest.raises(ClassicsError, match=f"conv cannot have {groups} groups.*its 8 channels and its 12 filters"):
            blocks.conv(x, 12, 3, groups=groups, name="conv")
