"""`BatchNormalization` beside Keras' own: outputs, statistics, gradients and files."""

import keras
import numpy as np
import pytest
from gradients import pulled_back

from keras_classics.layers import BatchNormalization

pytestmark = pytest.mark.every_backend
RNG = np.random.default_rng(8)
X = (3.0 + 2.0 * RNG.standard_normal((3, 5, 4, 6))).astype("float32")


def pair(x=X, **options):
    """Ours and Keras', with the same random weights."""
    layers = [
        kind(momentum=0.8, epsilon=1e-5, **options) for kind in (BatchNormalization, keras.layers.BatchNormalization)
    ]
    for layer in layers:
        layer.build(x.shape)
    weights = [RNG.uniform(0.5, 1.5, w.shape) for w in layers[0].weights]
    for layer in layers:
        layer.set_weights(weights)
    return layers


def outcome(layer, x, up, training):
    """The output, its gradients for the input and the trainable weights, and the statistics after."""
    rest = [w.value for w in layer.non_trainable_variables]

    def run(x, *trainable):
        return keras.ops.cast(layer.stateless_call(list(trainable), rest, x, training=training)[0], "float32")

    trainable = [keras.ops.convert_to_numpy(w) for w in layer.trainable_variables]
    results = pulled_back(run, [x, *trainable], up)
    layer(x, training=training)
    return results + layer.get_weights()


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize(
    "options", [{}, {"scale": False}, {"center": False}, {"trainable": False}, {"axis": 1}, {"dtype": "mixed_bfloat16"}]
)
@pytest.mark.parametrize("channels", [6, 8])
def test_equals_keras(channels, options, training):
    x = np.concatenate([X, X - 1.0], -1)[..., :channels]
    up = RNG.standard_normal(x.shape).astype("float32")
    tolerance = 0.02 if "dtype" in options else 1e-5
    for got, expected in zip(*(outcome(layer, x, up, training) for layer in pair(x, **options)), strict=True):
        np.testing.assert_allclose(got, expected, rtol=0, atol=tolerance * max(1.0, np.abs(expected).max()))


def test_a_batch_of_one_value_a_channel():
    x = X[:1, :1, :1]
    for got, expected in zip(*([layer(x, training=True), *layer.weights] for layer in pair(x)), strict=True):
        np.testing.assert_allclose(*map(keras.ops.convert_to_numpy, (got, expected)), atol=1e-4)  # Keras rounds


def test_files_are_keras_own(tmp_path):
    inputs = keras.Input((None, None, 6))
    ours, theirs = (keras.Model(inputs, layer(inputs)) for layer in pair())
    theirs.layers[-1].set_weights([2 * w for w in theirs.layers[-1].get_weights()])
    theirs.save_weights(tmp_path / "theirs.weights.h5")
    ours.load_weights(tmp_path / "theirs.weights.h5")
    assert ours.layers[-1].get_config().keys() == theirs.layers[-1].get_config().keys()
    ours.save(tmp_path / "ours.keras")
    again = keras.saving.load_model(tmp_path / "ours.keras")
    assert type(again.layers[-1]) is BatchNormalization
    for model in (ours, again):
        np.testing.assert_allclose(*(keras.ops.convert_to_numpy(m(X)) for m in (model, theirs)), atol=1e-5)
