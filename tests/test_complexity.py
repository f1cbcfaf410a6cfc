"""Receptive fields against the support of a gradient, memory against sums by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_classics as kc
from keras_classics import complexity


def averaging(layer):
    """The layer, but that a maximum, whose gradient goes to one pixel, is an average."""
    kind = keras.layers.AveragePooling2D if isinstance(layer, keras.layers.MaxPooling2D) else type(layer)
    return kind.from_config(layer.get_config())


@pytest.mark.parametrize(
    ("name", "layers"),
    [
        ("AlexNet", ["conv1", "conv2_relu", "conv3_relu"]),
        ("InceptionV1", ["pool1_pad", "pool2_pad", "inception_4a_5x5_reduce_relu"]),
        ("ResNet18", ["conv2_block2_out", "conv3_block1_1_bn", "conv4_block1_1_conv_pad"]),
        pytest.param("ShuffleNetG3", ["stage2_unit1_0_pad", "stage3_unit1_0_pad"], marks=pytest.mark.heavy),
        pytest.param("InceptionV3", ["conv_4a_relu", "mixed_6a_double_3x3_1_relu"], marks=pytest.mark.heavy),
        pytest.param("Xception", ["block3_sepconv2_bn", "block5_sepconv3"], marks=pytest.mark.heavy),
        pytest.param("NASNetMobile", ["stem2_previous_crop", "stage1_cell1_previous_crop"], marks=pytest.mark.heavy),
    ],
)
def test_receptive_fields_are_the_support_of_a_gradient(name, layers):
    model = getattr(kc, name)()
    rows = {row.name: row for row in complexity.layer_table(model)}
    cloned = keras.models.clone_model(model, clone_function=averaging)
    for weight in cloned.weights:
        if "kernel" in weight.name:  # all alike and above 0, lest parts of a gradient vanish
            weight.assign(np.full(weight.shape, 1 / np.prod(weight.shape[:-1])))
    part = keras.Model(cloned.inputs, [cloned.get_layer(layer).output for layer in layers])
    pixels = tf.ones((1, *model.input_shape[1:]))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(pixels)
        maps = part(pixels, training=False)
        middles = [features[0, features.shape[1] // 2, features.shape[2] // 2] for features in maps]
    for layer, features, middle in zip(layers, maps, middles, strict=True):
        gradient = np.abs(tape.gradient(middle, pixels)[0]).sum(-1)
        row, number = rows[layer], features.shape[1] // 2
        first = row.offset + number * row.stride - (row.receptive_field - 1) / 2
        for axis in (0, 1):
            seen = np.flatnonzero(gradient.any(1 - axis))
            assert (seen[0], seen[-1]) == (first, first + row.receptive_field - 1), layer
            assert first > 0
            assert seen[-1] < len(gradient) - 1


def test_memory_of_a_chain_and_of_a_branch():
    inputs = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(8, 1, name="a")(inputs)  # 48 numbers come in, 128 go out
    y = keras.layers.Conv2D(2, 1, name="b")(x)  # 32
    z = keras.layers.Conv2D(2, 1, name="c")(y)  # 32
    chain, branch = keras.Model(inputs, z), keras.Model(inputs, keras.layers.Concatenate(name="d")([x, z]))
    weights = (3 * 8 + 8) + (8 * 2 + 2) + (2 * 2 + 2)
    assert complexity.memory(chain) == 4 * (weights + 48 + 128)
    assert complexity.memory(branch) == 4 * (weights + 128 + 32 + 160)  # `a` waits for `d`
    assert complexity.memory(chain, batch_size=5) == 4 * (weights + 5 * (48 + 128))
    kept = 48 + 128 + 32 + 32
    assert complexity.memory(chain, 5, training=True, slots=2) == 4 * (4 * weights + 5 * kept)
