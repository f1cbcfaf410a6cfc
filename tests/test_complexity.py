"""Receptive fields against the support of a gradient, memory against sums by hand."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import keras_classics as kc
from keras_classics import architecture, complexity, layers


def averaging(layer):
    """The layer, but that a maximum, whose gradient goes to one pixel, is an average."""
    kind = keras.layers.AveragePooling2D if isinstance(layer, keras.layers.MaxPooling2D) else type(layer)
    return kind.from_config(layer.get_config())


@pytest.mark.parametrize(
    ("name", "names"),
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
def test_receptive_fields_are_the_support_of_a_gradient(name, names):
    model = getattr(kc, name)()
    rows = {row.name: row for row in complexity.layer_table(model)}
    cloned = keras.models.clone_model(model, clone_function=averaging)
    for weight in cloned.weights:
        if "kernel" in weight.name:  # all alike and above 0, lest parts of a gradient vanish
            weight.assign(np.full(weight.shape, 1 / np.prod(weight.shape[:-1])))
    part = keras.Model(cloned.inputs, [cloned.get_layer(layer).output for layer in names])
    pixels = tf.ones((1, *model.input_shape[1:]))
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(pixels)
        maps = part(pixels, training=False)
        middles = [features[0, features.shape[1] // 2, features.shape[2] // 2] for features in maps]
    for layer, features, middle in zip(names, maps, middles, strict=True):
        gradient = np.abs(tape.gradient(middle, pixels)[0]).sum(-1)
        row, number = rows[layer], features.shape[1] // 2
        first = row.offset + number * row.stride - (row.receptive_field - 1) / 2
        for axis in (0, 1):
            seen = np.flatnonzero(gradient.any(1 - axis))
            assert (seen[0], seen[-1]) == (first, first + row.receptive_field - 1), layer
            assert first > 0
            assert seen[-1] < len(gradient) - 1


def _inception(x):
    """Branches that see 1, 3 and 5 places, and 7 with holes between, beside a pool."""
    x = layers.Conv2D(2, 3, strides=2, padding="same")(x)
    wide = layers.Conv2D(2, 5, padding="same")(layers.Conv2D(2, 1)(x))
    dilated = layers.Conv2D(2, 4, dilation_rate=2, padding="same")(x)
    pooled = layers.AveragePooling2D(3, 1, padding="same")(x)
    axis = 1 if keras.config.image_data_format() == "channels_first" else -1
    return keras.layers.Concatenate(axis)([layers.Conv2D(2, 3, padding="same")(x), wide, dilated, pooled])


def _residual(x):
    """A stage's first block: its projection reads every second place, its 3x3 those around."""
    x = keras.layers.ZeroPadding2D(((2, 1), (2, 1)))(x)
    x = layers.Conv2D(2, 3)(x)
    return keras.layers.Add()([layers.Conv2D(2, 3, strides=2, padding="same")(x), layers.Conv2D(2, 1, strides=2)(x)])


GRAPHS = {
    "inception": _inception,
    "residual": _residual,
    "same": lambda x: layers.Conv2D(1, 3, strides=2, padding="same")(
        layers.AveragePooling2D(3, 2, padding="same")(layers.Conv2D(1, 4, padding="same")(x))
    ),
    "cropped": lambda x: layers.Conv2D(1, 2)(keras.layers.Cropping2D(((1, 0), (1, 0)))(layers.Conv2D(1, 3)(x))),
    "strides of 3": lambda x: layers.Conv2D(1, 3, padding="same")(layers.Conv2D(1, 5, strides=3, padding="same")(x)),
}


@pytest.mark.every_backend
@pytest.mark.parametrize("side", [32, 33])  # "same" pads an even side on one side more than on the other
@pytest.mark.parametrize("graph", GRAPHS)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_each_place_sees_what_the_row_says(graph, side, data_format, request):
    """A row of ones in a dark image, one row after the other: with kernels above 0 those that a place of the last map
    answers to are what it sees. Size, stride and offset, at every place that sees nothing of the border."""
    if data_format == "channels_first":
        request.getfixturevalue("channels_first")
    image = keras.Input((side, side, 1) if data_format == "channels_last" else (1, side, side))
    model = keras.Model(image, GRAPHS[graph](image))
    for weight in model.weights:
        weight.assign(np.full(weight.shape, 1 if "kernel" in weight.path else 0))
    rows_of_ones = np.eye(side, dtype="float32")[:, :, None] * np.ones((1, 1, side), "float32")
    axis = -1 if data_format == "channels_last" else 1
    answers = keras.ops.convert_to_numpy(model(np.expand_dims(rows_of_ones, axis))).sum(axis)  # (row of ones, map)
    row = complexity.layer_table(model)[-1]
    inside = 0
    for place in range(answers.shape[1]):
        first = row.offset + place * row.stride - (row.receptive_field - 1) / 2
        last = first + row.receptive_field - 1
        if first > 0 and last < side - 1:
            seen = np.flatnonzero(answers[:, place, answers.shape[2] // 2])
            assert (seen[0], seen[-1]) == (first, last)
            inside += 1
    assert inside >= 2


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


@pytest.mark.structure
def test_frozen_parameters_count():
    model = kc.freeze(kc.ResNet20())
    assert complexity.count_params(model) == kc.ResNet20.params
    assert sum(row.params for row in complexity.layer_table(model)) == kc.ResNet20.params
    assert sum(block.params for block in architecture.blocks(model)) == kc.ResNet20.params


def test_memory_by_the_types_of_the_numbers():
    inputs = keras.Input((4, 4, 3), dtype="uint8")
    model = keras.Model(inputs, keras.layers.Rescaling(1.0, dtype="float64")(inputs))
    assert complexity.memory(model) == 48 * (1 + 8)
    with pytest.raises(kc.ClassicsError, match="image costs depends on the image's size: build the model with"):
        complexity.memory(kc.ResNet20(include_top=False))


@pytest.mark.structure
def test_a_table_tells_which_of_its_rows_a_model_lacks():
    with pytest.raises(kc.ClassicsError, match="vgg11 has no layers of the row 'FC-4096'; take the network with its"):
        complexity.row_costs(kc.VGG11(include_top=False, input_shape=(32, 32, 3)), kc.VGG11.table)


@pytest.mark.structure
def test_layers_that_enlarge():
    """A transposed convolution works at each place of what it reads; no field is followed through what enlarges."""
    inputs = keras.Input((8, 8, 3))
    model = keras.Model(inputs, keras.layers.Conv2DTranspose(5, 4, 2, "same", name="up")(inputs))
    assert model.output.shape == (None, 16, 16, 5)
    assert complexity.count_macs(model) == complexity.macs(model.layers[-1]) == 8 * 8 * 4 * 4 * 3 * 5
    resized = kc.ResNet20(input_tensor=keras.layers.Resizing(32, 32, name="larger")(inputs))
    for network, name in ((model, "up"), (resized, "larger")):
        for reads in (complexity.layer_table, complexity.stages, complexity.receptive_field):
            with pytest.raises(kc.ClassicsError, match=f"{name} gives maps of another size by no stride"):
                reads(network)


def test_an_image_that_is_whitened_is_an_image():
    """Layers that read all pixels, in front of the network."""
    image = keras.Input((8, 8, 3))
    x = layers.GlobalContrastNormalization()(image)
    x = keras.layers.Reshape((8, 8, 3))(keras.layers.Dense(192)(keras.layers.Flatten()(x)))
    whitened = kc.ResNet20(input_tensor=x, pooling="avg", include_top=False)
    assert complexity.stages(whitened) == kc.ResNet20.stages
    assert complexity.receptive_field(whitened) == complexity.receptive_field(kc.ResNet20())


def test_each_call_counts():
    """Of a layer that is called twice, of a model inside, and of both in a `Sequential`."""
    inputs, conv = keras.Input((8, 8, 3)), keras.layers.Conv2D(3, 3, padding="same")
    twice = keras.Model(inputs, conv(conv(inputs)), name="twice")
    once, values = 8 * 8 * 3 * 3 * 3 * 3, 8 * 8 * 3
    outputs = keras.layers.Dense(5)(keras.layers.Flatten()(twice(inputs)))
    for model in (
        keras.Model(inputs, outputs),
        keras.Sequential([twice, keras.layers.Flatten(), keras.layers.Dense(5)]),
    ):
        assert complexity.count_macs(model) == 2 * once + 5 * values
        assert complexity.count_activations(model) == 2 * values + 5
    for counted in (complexity.depth, complexity.memory, complexity.layer_table, complexity.stages):
        with pytest.raises(
            kc.ClassicsError, match="twice calls its layer conv2d.* 2 times, and such a graph is not read"
        ):
            counted(twice)
        with pytest.raises(kc.ClassicsError, match="take the model that is inside it"):
            counted(keras.Model(inputs, outputs))


@pytest.mark.structure
def test_a_network_of_which_a_part_was_taken_is_read_as_before():
    """Keras notes a second call at the layers of a part, in a graph that begins with another input."""
    model = kc.ResNet20()

    def read():
        reads = (complexity.layer_table, complexity.stage_costs, complexity.memory, complexity.trunk)
        return [*(read(model) for read in reads), architecture.blocks(model)]

    before = read()
    head = keras.Model(model.get_layer("conv3_block1_out").output, model.output)
    assert read() == before
    assert kc.feature_pyramid(model, (1, 4)).output_shape == [(None, 32, 32, 16), (None, 8, 8, 64)]
    assert complexity.depth(head) == 20 - 9
    assert complexity.memory(head) < complexity.memory(model)


@pytest.mark.structure
def test_a_graph_with_operations_is_not_read():
    inputs = keras.Input((8, 8, 3))
    first = keras.layers.Conv2D(4, 1)(inputs)
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(first + keras.layers.Conv2D(4, 1)(first)))
    for reads in (complexity.memory, complexity.depth, complexity.layer_table):
        with pytest.raises(kc.ClassicsError, match="has the operation add beside its layers"):
            reads(model)
