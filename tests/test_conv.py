"""`Conv2D` and `GroupedConv2D` beside Keras' own where no gradients are recorded, as in `predict`."""

import keras
import numpy as np
import pytest

from keras_classics.conv import Conv2D
from keras_classics.grouped_conv import GroupedConv2D

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
        keras.Model(inputs, kind(6, groups=groups, **options)(inputs))
        for kind in (GroupedConv2D if groups > 1 else Conv2D, keras.layers.Conv2D)
    )
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    np.testing.assert_allclose(*(model.predict(X, verbose=0) for model in (ours, theirs)), atol=1e-5)


@pytest.mark.every_backend
def test_training_goes_on_after_prediction():
    inputs = keras.Input((None, None, 12))
    model = keras.Model(inputs, Conv2D(6, 3)(inputs))
    model.compile("sgd", "mse")
    before = model.predict(X, verbose=0)
    model.fit(X, np.zeros_like(before), verbose=0)
    assert np.abs(model.predict(X, verbose=0) - before).max() > 1e-4
