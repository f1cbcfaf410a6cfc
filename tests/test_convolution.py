"""Convolutions and pooling beside Keras' own of the same names, in `predict` and with gradients."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest
from gradients import pulled_back

from keras_classics.layers import Conv2D, FusedConv2D, convolution, onednn, pooling

X = np.random.default_rng(9).standard_normal((3, 9, 8, 12)).astype("float32")


@pytest.mark.every_backend
@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize(
    "options",
    [
        {"kernel_size": 1},
        {"kernel_size": 3, "padding": "same"},
        {"kernel_size": 3, "strides": 2, "padding": "same"},
        {"kernel_size": (5, 2), "strides": (2, 1)},
        {"kernel_size": 3, "dilation_rate": 2, "padding": "same"},
    ],
)
def test_predicts_as_keras_does(options, groups, tmp_path):
    inputs = keras.Input((None, None, 12))
    ours, theirs = (
        keras.Model(inputs, kind(6, groups=groups, **options)(inputs)) for kind in (Conv2D, keras.layers.Conv2D)
    )
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    np.testing.assert_allclose(*(model.predict(X, verbose=0) for model in (ours, theirs)), atol=1e-5)


OTHERS = [
    *(
        (getattr(convolution, name), getattr(keras.layers, name), {"padding": padding, "strides": strides, **options})
        for name, options in (
            ("DepthwiseConv2D", {"kernel_size": 3}),
            ("DepthwiseConv2D", {"kernel_size": 3, "use_bias": False, "activation": "relu"}),
            ("SeparableConv2D", {"kernel_size": 5, "filters": 7}),
            ("Conv2D", {"kernel_size": 3, "filters": 7, "activation": "relu"}),
        )
        for padding, strides in (("same", 1), ("same", 2), ("valid", 2))
    ),
    *(
        (getattr(pooling, name), getattr(keras.layers, name), {"pool_size": 3, "padding": padding, "strides": strides})
        for name in ("MaxPooling2D", "AveragePooling2D")
        for padding, strides in (("same", 1), ("valid", 1), ("valid", 2))
    ),
    (pooling.MaxPooling2D, keras.layers.MaxPooling2D, {"pool_size": 3, "padding": "same", "strides": 2}),
]


@pytest.mark.every_backend
@pytest.mark.parametrize(("ours", "theirs", "options"), OTHERS)
def test_outputs_and_gradients_are_those_of_keras(ours, theirs, options):
    layers = [kind(**options) for kind in (ours, theirs)]
    for layer in layers:
        layer.build(X.shape)
    rng = np.random.default_rng(3)
    weights = [rng.standard_normal(w.shape).astype("float32") for w in layers[0].weights]
    for layer in layers:
        layer.set_weights(weights)
    up = rng.standard_normal(layers[0].compute_output_shape(X.shape)).astype("float32")
    for got, expected in zip(*(pulled_back(layer, [X], up) for layer in layers), strict=True):
        np.testing.assert_allclose(got, expected, atol=1e-5 * max(1.0, np.abs(expected).max()))
    predictions = [keras.Sequential([keras.Input(X.shape[1:]), layer]).predict(X, verbose=0) for layer in layers]
    np.testing.assert_allclose(*predictions, atol=1e-5 * np.abs(predictions[1]).max())


@pytest.mark.every_backend
def test_training_after_a_prediction_goes_as_with_keras():
    """The kernel that is laid out for predictions is not that of the next ones."""
    predictions = []
    for kind in (Conv2D, keras.layers.Conv2D):
        inputs = keras.Input((None, None, 12))
        model = keras.Model(inputs, kind(6, 3, kernel_initializer=keras.initializers.RandomNormal(seed=1))(inputs))
        model.compile("sgd", "mse")
        before = model.predict(X, verbose=0)
        model.fit(X, np.ones_like(before), verbose=0)
        predictions.append(model.predict(X, verbose=0))
        assert np.abs(predictions[-1] - before).max() > 1e-3
    np.testing.assert_allclose(*predictions, atol=1e-5)


def test_which_operation_torch_gets(monkeypatch):
    """oneDNN's takes maps on a CPU, in float32 and without gradients; all others take torch's public one."""
    torch = pytest.importorskip("torch")

    def taken(device="cpu", dtype=torch.float32, gradients=False):
        x = SimpleNamespace(device=SimpleNamespace(type=device), dtype=dtype)
        with torch.set_grad_enabled(gradients):
            return onednn.takes(x, x)

    monkeypatch.setattr(onednn, "_works", lambda: True)
    assert taken()
    assert not taken(device="cuda")
    assert not taken(device="meta")
    assert not taken(dtype=torch.bfloat16)
    assert not taken(gradients=True)
    monkeypatch.setattr(onednn, "_works", lambda: False)
    assert not taken()


@pytest.mark.every_backend
@pytest.mark.parametrize("groups", [1, 3])
def test_both_operations_of_torch_agree(groups, monkeypatch):
    """The one with all in it, tried on two sizes and after a change of the kernel, and torch's public one."""
    inputs, added = keras.Input((None, None, 12)), keras.Input((None, None, 6))
    layer = FusedConv2D(6, 3, 2, groups=groups, zeros=(1, 2), activation="relu")
    model = keras.Model([inputs, added], layer(inputs, added=added))
    for images in (X, X[:1, :7], X):
        rows, columns = (images.shape[1] - 1) // 2 + 1, (images.shape[2] + 1) // 2 + 1
        maps = np.random.default_rng(2).standard_normal((len(images), rows, columns, 6)).astype("float32")
        layer.kernel.assign(layer.kernel + 0.1)
        kept = maps.copy()
        found = model.predict([images, maps], verbose=0)
        with monkeypatch.context() as patch:
            patch.setattr(onednn, "takes", lambda *_: False)
            layer.__dict__.pop("_copy", None)
            expected = model.predict([images, maps], verbose=0)
            layer.__dict__.pop("_copy", None)
        assert expected.max() > 0 == expected.min()
        np.testing.assert_allclose(found, expected, atol=1e-5)
        np.testing.assert_array_equal(maps, kept)
