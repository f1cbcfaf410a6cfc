"""What holds for every layer that is registered for serialisation."""

import json

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics import layers
from keras_classics.errors import ClassicsError

pytestmark = pytest.mark.every_backend

# Each with options that are not its defaults. The convolutions put out as many columns as channels, lest those be taken
# for these.
LAYERS = {
    "AveragePooling2D": {"pool_size": 3, "strides": 2, "padding": "valid"},
    "BatchNormalization": {"momentum": 0.7, "epsilon": 0.01, "scale": False},
    "ChannelShuffle": {"groups": 3},
    "ConstantPadding2D": {"padding": 2, "value": -1.5},
    "Conv2D": {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same", "groups": 2, "activation": "relu"},
    "DepthwiseConv2D": {"kernel_size": 2, "activation": "relu"},
    "FusedBatchNormalization": {"momentum": 0.7, "epsilon": 0.01, "activation": "relu"},
    "FusedConv2D": {"filters": 4, "kernel_size": 3, "strides": 2, "zeros": (1, 0), "activation": "relu"},
    "GlobalContrastNormalization": {"scale": 55.0},
    "HalvingAveragePooling2D": {},
    "HalvingPadding2D": {},
    "LocalResponseNormalization": {"k": 1.0, "n": 3, "alpha": 0.3, "beta": 0.5},
    "MaxPooling2D": {"pool_size": 3, "strides": 1, "padding": "same"},
    "Provenance": {"network": "resnet20", "form": {"shortcut": "A"}, "protocol": kc.ResNet20.protocol},
    "RadialBasis": {"codes": np.arange(24.0).reshape(4, 6)},
    "ScheduledDropPath": {"rates": (0.3, 0.0), "seed": 4},
    "SeparableConv2D": {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"},
    "SparseConv2D": {"connections": ((0, 5), (1,), (2, 3, 4)), "kernel_size": 3, "strides": 2},
    "Subsampling2D": {},
    "UnitBias": {},
}
IMAGES = np.random.default_rng(12).standard_normal((2, 8, 7, 6)).astype("float32")
NO_IMAGES = {"RadialBasis": IMAGES[:, 0, 0], "ScheduledDropPath": [IMAGES, 2 * IMAGES]}
ANY_FORMAT = ("BatchNormalization", "FusedBatchNormalization", "GlobalContrastNormalization", "Provenance", "UnitBias")
OF_IMAGES = [name for name in LAYERS if name not in (*ANY_FORMAT, *NO_IMAGES)]


def made(name, **options):
    return getattr(layers, name)(name="layer", **LAYERS[name], **options)


def run(layer, inputs):
    return keras.ops.convert_to_numpy(layer(inputs))


def with_weights_of(layer, other):
    rng = np.random.default_rng(5)
    other.set_weights([rng.uniform(0.5, 1.5, w.shape) for w in other.weights])
    layer.set_weights(other.get_weights())


def test_none_is_left_out():
    registered = keras.saving.get_custom_objects().items()
    ours = {
        key.removeprefix("keras_classics>")
        for key, kind in registered
        if key.startswith("keras_classics>")
        and isinstance(kind, type)
        and issubclass(kind, keras.layers.Layer)
        and not issubclass(kind, keras.Model)
    }
    assert ours == set(LAYERS)


@pytest.mark.parametrize("name", LAYERS)
def test_comes_back_from_its_configuration(name):
    layer, inputs = made(name, dtype="mixed_bfloat16"), NO_IMAGES.get(name, IMAGES)
    written = json.dumps(keras.saving.serialize_keras_object(layer))
    again = keras.saving.deserialize_keras_object(json.loads(written))
    assert type(again) is type(layer)
    assert again.dtype_policy.name == "mixed_bfloat16"
    assert json.dumps(keras.saving.serialize_keras_object(again)) == written
    layer, again = made(name), type(layer).from_config({**again.get_config(), "dtype": "float32"})
    assert run(layer, inputs).shape == run(again, inputs).shape
    with_weights_of(again, layer)
    np.testing.assert_array_equal(run(again, inputs), run(layer, inputs))


@pytest.mark.parametrize("name", OF_IMAGES)
def test_keeps_its_data_format_whatever_the_current_one_is(name, channels_first):
    built, first = made(name), made(name, data_format="channels_first")
    assert built.data_format == "channels_first"  # the current one
    keras.config.set_image_data_format("channels_last")
    for layer in (built, first):
        again = keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(layer))
        assert again.data_format == "channels_first"
    last, turned = made(name), np.ascontiguousarray(IMAGES.transpose(0, 3, 1, 2))
    last(IMAGES)
    first.build(turned.shape)
    with_weights_of(first, last)
    expected = run(last, IMAGES)
    got = run(first, turned)
    np.testing.assert_allclose(got.transpose(0, 2, 3, 1), expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.parametrize("name", ["ChannelShuffle", "LocalResponseNormalization", "Subsampling2D"])
def test_a_data_format_that_is_none(name):
    with pytest.raises(ClassicsError, match="Unknown data format 'channel_first'. Did you mean 'channels_first'"):
        made(name, data_format="channel_first")
