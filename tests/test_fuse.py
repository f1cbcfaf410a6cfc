"""Fused networks give the same outputs in inference, with nothing left that could have been folded."""

import keras
import numpy as np
import peers
import pytest
from answers import answers
from keras import layers

import keras_classics as kc
from keras_classics.blocks import batch_norm, conv, relu
from keras_classics.complexity import layer_table
from keras_classics.fusion import fuse

RNG = np.random.default_rng(6)


def randomized(model):
    """Every weight pseudo-random, so that no batch norm does nothing."""
    for layer in model._flatten_layers(include_self=False):
        for variable in layer.weights if not isinstance(layer, keras.Model) else ():
            shape = tuple(variable.shape)
            value = peers.tensor(variable.path, (shape[-1], *shape[:-1]))  # (out, in, ...), as `tensor` counts fan-in
            variable.assign(np.moveaxis(value, 0, -1))
    return model


def run(model, images):
    outputs = answers(model, images)
    return outputs if isinstance(outputs, dict) else {"predictions": outputs}


def norms(model):
    return [layer.name for layer in model.layers if isinstance(layer, layers.BatchNormalization)]


def assert_same_outputs(model, fused, images):
    expected, got = run(model, images), run(fused, images)
    assert expected.keys() == got.keys()
    for name, y in expected.items():
        assert np.abs(y).max() > 0
        np.testing.assert_allclose(got[name], y, atol=1e-4 * np.abs(y).max(), rtol=0)


def network(form):
    """A layer of each kind and a batch norm: (N, 6, 6, 8) to numbers."""
    inputs = keras.Input((6, 6, 8))
    x = inputs
    if form == "convolution":
        x = batch_norm(conv(x, 6, 3, name="conv"), "bn")
    elif form == "convolution with bias":
        x = batch_norm(conv(x, 6, 3, use_bias=True, name="conv"), "bn")
    elif form == "grouped":
        x = batch_norm(conv(x, 12, 3, groups=4, name="conv"), "bn")
    elif form == "depthwise":
        x = batch_norm(layers.DepthwiseConv2D(3, depth_multiplier=2, use_bias=False)(x), "bn")
    elif form == "separable":
        x = batch_norm(layers.SeparableConv2D(6, 3, depth_multiplier=2)(x), "bn")
    elif form == "dense":
        x = layers.BatchNormalization(name="bn")(layers.Dense(5, use_bias=False)(layers.Flatten()(x)))
    elif form == "dense on pixels":
        x = batch_norm(layers.Dense(5)(x), "bn")
    elif form == "neither scale nor centre":
        x = layers.BatchNormalization(scale=False, center=False, name="bn")(conv(x, 6, 3, name="conv"))
    elif form == "activation before":
        x = batch_norm(relu(conv(x, 6, 3, name="conv"), "relu"), "bn")
    elif form == "activation within":
        x = batch_norm(layers.Conv2D(6, 3, activation="relu")(x), "bn")
    elif form == "pad before":
        x = batch_norm(layers.ZeroPadding2D(1)(conv(x, 6, 3, name="conv")), "bn")
    elif form == "another reader":
        x = conv(x, 6, 3, name="conv")
        x = layers.Add()([x, batch_norm(x, "bn")])
    elif form == "an output":
        x = conv(x, 6, 3, name="conv")
        return keras.Model(inputs, {"predictions": batch_norm(x, "bn"), "conv": x}, name="net")
    elif form == "shared":
        shared = layers.Conv2D(8, 3, padding="same", name="conv")
        x = layers.Add()([batch_norm(shared(x), "bn"), shared(relu(x, "relu"))])
    elif form == "another axis":
        x = layers.BatchNormalization(axis=1, name="bn")(conv(x, 6, 3, name="conv"))
    return keras.Model(inputs, x, name="net")


@pytest.mark.every_backend
@pytest.mark.parametrize(
    "form",
    [
        "convolution",
        "convolution with bias",
        "grouped",
        "depthwise",
        "separable",
        "dense",
        "dense on pixels",
        "neither scale nor centre",
    ],
)
def test_folds(form):
    model = randomized(network(form))
    fused = fuse(model)
    assert not norms(fused)
    assert fused.name == "net"
    assert_same_outputs(model, fused, RNG.standard_normal((3, 6, 6, 8)).astype("float32"))


@pytest.mark.every_backend
@pytest.mark.parametrize(
    "form",
    ["activation before", "activation within", "pad before", "another reader", "an output", "shared", "another axis"],
)
def test_leaves_what_cannot_fold(form):
    model = randomized(network(form))
    fused = fuse(model)
    assert norms(fused) == ["bn"]
    assert_same_outputs(model, fused, RNG.standard_normal((3, 6, 6, 8)).astype("float32"))


@pytest.mark.every_backend
@pytest.mark.parametrize("change", ["int8", "int4", "float8", "LoRA"])
def test_a_layer_that_computes_with_other_numbers_than_its_kernel_stays(change):
    model = randomized(network("dense on pixels"))
    dense = model.layers[1]
    if change == "LoRA":
        dense.enable_lora(2, lora_alpha=16)
        dense.lora_kernel_b.assign(np.ones((2, 5)))
    else:
        dense.quantize(change)
    fused = fuse(model)
    assert norms(fused) == ["bn"]
    assert_same_outputs(model, fused, RNG.standard_normal((3, 6, 6, 8)).astype("float32"))


@pytest.mark.every_backend
def test_channels_first(channels_first):
    inputs = keras.Input((8, 6, 6))
    model = randomized(keras.Model(inputs, batch_norm(conv(inputs, 6, 3, name="conv"), "bn")))
    keras.config.set_image_data_format("channels_last")  # the model keeps its own
    fused = fuse(model)
    assert not norms(fused)
    assert_same_outputs(model, fused, RNG.standard_normal((3, 8, 6, 6)).astype("float32"))


@pytest.mark.every_backend
def test_a_model_within_a_model_and_saving(tmp_path):
    inner = network("convolution")
    inputs = keras.Input((6, 6, 8))
    model = randomized(keras.Model(inputs, inner(layers.Rescaling(0.5)(inputs)), name="outer"))
    before = model.get_weights()
    fused = fuse(model)
    assert not norms(fused.get_layer("net"))
    images = RNG.standard_normal((3, 6, 6, 8)).astype("float32")
    assert_same_outputs(model, fused, images)
    for weight, kept in zip(model.get_weights(), before, strict=True):
        np.testing.assert_array_equal(weight, kept)
    fused.save(tmp_path / "fused.keras")
    assert_same_outputs(fused, keras.saving.load_model(tmp_path / "fused.keras"), images)


@pytest.fixture(scope="module")
def residual():
    """Pads, sums, and norms before and after the convolutions; a ReLU whose input is read twice stays."""
    inputs = keras.Input((9, 8, 8))
    x = conv(layers.ZeroPadding2D(1, name="pad")(inputs), 6, 3, 2, padding="valid", name="first")
    x = relu(batch_norm(x, "first_bn"), "first_relu")
    y = relu(batch_norm(conv(x, 6, 3, name="second"), "second_bn"), "second_relu")
    y = batch_norm(conv(y, 6, 1, name="third"), "third_bn")
    x = relu(layers.Add(name="add")([x, y]), "relu")
    y = conv(relu(batch_norm(x, "before"), "before_relu"), 6, 3, groups=2, name="fourth")
    y = layers.Add(name="plain_add")([y, x])
    outputs = layers.Concatenate(name="both")([relu(y, "last_relu"), y])
    return randomized(keras.Model(inputs, outputs, name="net"))


@pytest.mark.every_backend
def test_pads_sums_and_relus_go_into_the_layers_before_them(residual, tmp_path):
    fused = fuse(residual)
    assert [layer.name for layer in fused.layers[1:]] == [
        "first", "second", "third", "before", "fourth", "last_relu", "both",
    ]  # fmt: skip
    images = RNG.standard_normal((3, 9, 8, 8)).astype("float32")
    assert_same_outputs(residual, fused, images)
    np.testing.assert_allclose(fused.predict(images, verbose=0), residual.predict(images, verbose=0), atol=1e-4)
    fused.save(tmp_path / "fused.keras")
    loaded = keras.saving.load_model(tmp_path / "fused.keras")
    np.testing.assert_array_equal(loaded.predict(images, verbose=0), fused.predict(images, verbose=0))
    theirs, ours = ({row.name: row for row in layer_table(model)} for model in (residual, fused))
    assert ours["third"].receptive_field == theirs["relu"].receptive_field
    assert ours["first"].offset == theirs["first"].offset


@pytest.mark.every_backend
def test_no_map_of_another_layer_is_overwritten(residual):
    """All maps at the end of a prediction are those of a network that ends there."""
    fused = fuse(residual)
    images = RNG.standard_normal((3, 9, 8, 8)).astype("float32")
    before = images.copy()
    every = keras.Model(fused.inputs, [layer.output for layer in fused.layers[1:]])
    for layer, found in zip(fused.layers[1:], every.predict(images, verbose=0), strict=True):
        alone = keras.Model(fused.inputs, layer.output).predict(images, verbose=0)
        np.testing.assert_allclose(found, alone, atol=1e-5, err_msg=layer.name)
    np.testing.assert_array_equal(images, before)


@pytest.mark.every_backend
def test_zeros_of_other_kinds_stay():
    inputs = keras.Input((6, 6, 8))
    lopsided = conv(layers.ZeroPadding2D(((0, 1), (0, 1)))(inputs), 6, 3, padding="valid", name="lopsided")
    twice = conv(layers.ZeroPadding2D(1)(inputs), 6, 3, padding="same", name="twice")
    model = randomized(keras.Model(inputs, {"a": lopsided, "b": twice}, name="net"))
    fused = fuse(model)
    assert sum(isinstance(layer, layers.ZeroPadding2D) for layer in fused.layers) == 2
    assert_same_outputs(model, fused, RNG.standard_normal((3, 6, 6, 8)).astype("float32"))


def test_an_export_has_an_operation_for_each_that_counts(tmp_path):
    onnx = pytest.importorskip("onnx")
    kc.export(kc.ResNet20(), tmp_path / "net.onnx", include_preprocessing=False)
    kinds = [node.op_type for node in onnx.load(tmp_path / "net.onnx").graph.node]
    assert {kind: kinds.count(kind) for kind in ("Conv", "Relu", "Add", "Pad", "BatchNormalization", "Mul")} == {
        "Conv": 19, "Relu": 19, "Add": 9, "Pad": 2, "BatchNormalization": 0, "Mul": 0,
    }  # fmt: skip


# One small network a family, at a small size, and how many norms stay: those before an activation and a convolution.
FAMILIES = {
    "inception_v2": (64, 0),
    "inception_v3": (75, 0),
    "inception_resnet_v1": (80, 0),
    "inception_v4": (75, 0),
    "resnet20": (32, 0),
    "resnet50": (32, 0),
    "resnet110_v2": (32, 55),
    "resnext29_32x4d": (32, 0),
    "densenet_bc100_12": (32, 51),
    "xception": (71, 0),
    "shufflenet_g3": (32, 0),
    "shufflenet_v2_x0_5": (32, 0),
}


ALIKE = {"inception_v3", "inception_resnet_v1", "inception_v4", "resnet50", "resnet110_v2", "xception", "shufflenet_g3"}


@pytest.mark.every_backend
@pytest.mark.parametrize("name", [pytest.param(n, marks=pytest.mark.heavy) if n in ALIKE else n for n in FAMILIES])
def test_networks(name):
    size, left = FAMILIES[name]
    model = randomized(kc.create_model(name, input_shape=(size, size, 3), classifier_activation=None))
    fused = fuse(model)
    assert len(norms(fused)) == left
    assert_same_outputs(model, fused, peers.images(2, size, size, 3))


def test_auxiliary_heads():
    options = {"batch_norm": True, "aux_heads": True, "classifier_activation": None}
    model = randomized(kc.InceptionV1(input_shape=(96, 96, 3), **options))
    assert_same_outputs(model, fuse(model), peers.images(1, 96, 96, 3))


@pytest.mark.heavy
@pytest.mark.parametrize(
    "name", ["resnet152", "resnet1001_v2", "densenet264", "inception_resnet_v2", "resnext101_64x4d"]
)
def test_big_networks(name):
    size = kc.get_model(name).image_size
    model = randomized(kc.create_model(name, classifier_activation=None))
    assert_same_outputs(model, fuse(model), peers.images(1, size, size, 3))


def test_what_has_no_graph():
    with pytest.raises(kc.ClassicsError, match="net has no graph of layers to fuse"):
        fuse(keras.Sequential([keras.Input((4,)), layers.Dense(2)], name="net"))


@pytest.mark.every_backend
def test_a_convolution_of_ones_own_may_use_its_kernel_otherwise():
    class Standardized(layers.Conv2D):
        def convolution_op(self, inputs, kernel):
            return super().convolution_op(inputs, kernel / keras.ops.std(kernel))

    inputs = keras.Input((6, 6, 8))
    model = randomized(keras.Model(inputs, batch_norm(Standardized(4, 3)(inputs), "bn")))
    assert_same_outputs(model, fuse(model), peers.images(2, 6, 6, 8))


@pytest.mark.every_backend
def test_layers_before_the_network_do_what_they_did():
    """What Keras' normalisation has learned is kept, and nothing is augmented in inference."""
    batch = 60 * peers.images(4, 6, 6, 3)
    learned = layers.Normalization()
    learned.adapt(batch)
    inputs = keras.Input((6, 6, 3))
    x = batch_norm(conv(learned(layers.RandomFlip()(inputs)), 4, 3, name="conv"), "bn")
    model = keras.Model(inputs, x)
    expected = model.predict(batch, verbose=0)
    np.testing.assert_allclose(fuse(model).predict(batch, verbose=0), expected, atol=1e-4)


@pytest.mark.every_backend
def test_layers_that_keras_cannot_make_anew_are_shared():
    class Halved(layers.Layer):
        def __init__(self, how):
            super().__init__()
            self.how = how

        def call(self, x):
            return self.how(x)

    inputs = keras.Input((6, 6, 8))
    x = Halved(lambda x: 0.5 * x)(layers.Lambda(lambda x: x - 1.0)(inputs))
    model = randomized(keras.Model(inputs, batch_norm(conv(x, 6, 3, name="conv"), "bn")))
    fused = fuse(model)
    assert not norms(fused)
    assert_same_outputs(model, fused, RNG.standard_normal((3, 6, 6, 8)).astype("float32"))


@pytest.mark.every_backend
def test_a_loss_that_keras_does_not_find_again_is_left_behind():
    model = randomized(network("convolution"))
    model.compile("sgd", lambda y, predicted: keras.ops.mean((y - predicted) ** 2))
    fused = fuse(model)
    assert not fused.compiled
    assert_same_outputs(model, fused, RNG.standard_normal((3, 6, 6, 8)).astype("float32"))
