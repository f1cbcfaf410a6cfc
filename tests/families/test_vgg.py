"""Simonyan and Zisserman 2014, table by table, and beside independent code."""

import warnings

import keras
import numpy as np
import peers
import pytest
from answers import answers

import keras_classics as kc
from keras_classics import complexity

NAMES = ["vgg11", "vgg13", "vgg16", "vgg19"]
DENSE = 7 * 7 * 512 * 4096 + 4096 * 4096 + 4096 * 1000, 4096 + 4096 + 1000  # weights and biases of the three


@pytest.mark.structure
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("batch_norm", [False, True])
def test_tables_1_and_2(name, batch_norm):
    """The name is the number of weight layers; all convolutions are 3x3; the map halves five times."""
    record = kc.get_model(name).with_options(batch_norm=batch_norm)
    model = record(include_top=False, input_shape=(224, 224, 3))
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    assert len(convolutions) + 3 == int(name.removeprefix("vgg"))
    assert {layer.kernel_size for layer in convolutions} == {(3, 3)}
    shapes = [layer.output.shape[1:] for layer in model.layers if isinstance(layer, keras.layers.MaxPooling2D)]
    assert shapes == [(112, 112, 64), (56, 56, 128), (28, 28, 256), (14, 14, 512), (7, 7, 512)]
    weights, biases = DENSE
    assert complexity.count_params(model) + weights + biases == record.params
    assert complexity.count_macs(model) + weights == record.macs


@pytest.mark.structure
@pytest.mark.parametrize(("name", "params"), [("vgg11", 133), ("vgg13", 133), ("vgg16", 138), ("vgg19", 144)])
def test_millions_of_parameters_of_table_2(name, params):
    assert round(kc.get_model(name).params / 1e6) == params


@pytest.mark.structure
def test_initialisation_of_section_3_1():
    """ "the zero mean and 10^-2 variance. The biases were initialised with zero." """
    for layer in kc.VGG11(input_shape=(32, 32, 3)).layers:
        if layer.weights:
            assert np.std(np.asarray(layer.kernel)) == pytest.approx(0.1, rel=0.05), layer.name
            assert not np.any(np.asarray(layer.bias))
    kernel = np.asarray(kc.VGG11(include_top=False, initialization="glorot").get_layer("conv2_1").kernel)
    limit = np.sqrt(6 / (9 * (64 + 128)))
    assert 0.99 * limit < np.abs(kernel).max() <= limit
    with pytest.raises(kc.ClassicsError, match="Known: normal, glorot"):
        kc.VGG11(initialization="he")


@pytest.mark.structure
def test_half_precision_cannot_hold_what_the_printed_initialisation_starts_with(tmp_path):
    """The other forms, and weights from a file, are built without a word."""

    def build(**options):
        return kc.VGG11(include_top=False, input_shape=(32, 32, 3), **options)

    build(initialization="glorot").save_weights(tmp_path / "body.weights.h5")
    keras.config.set_dtype_policy("mixed_float16")
    try:
        with pytest.warns(UserWarning, match="vgg11 starts with numbers that float16 cannot hold.*'glorot'"):
            build()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for options in ({"initialization": "glorot"}, {"batch_norm": True}):
                build(**options)
            build(weights=tmp_path / "body.weights.h5")
            keras.config.set_dtype_policy("mixed_bfloat16")
            build()
    finally:
        keras.config.set_dtype_policy("float32")


@pytest.mark.structure
def test_the_smallest_input_is_the_smallest_that_fits():
    model = kc.VGG11(input_shape=(32, 32, 3))
    assert model.get_layer("pool5").output.shape[1:] == (1, 1, 512)
    assert complexity.count_params(model) == kc.VGG11.params - (7 * 7 - 1) * 512 * 4096
    with pytest.raises(kc.ClassicsError, match="at least 32x32"):
        kc.VGG16(input_shape=(31, 31, 3))
    with pytest.raises(ValueError, match="output size would be zero or negative"):
        kc.VGG16.features(keras.Input((31, 31, 3)))


@pytest.mark.structure
def test_topology_of_the_onnx_packages_vgg19():
    net = peers.onnx_topology("vgg19")
    theirs = []
    for node in net.graph.node:
        values = {a.name: list(a.ints) for a in node.attribute}
        if node.op_type in ("Conv", "MaxPool"):
            theirs.append((node.op_type, values["kernel_shape"], values["strides"], values["pads"]))
    ours = []
    for layer in kc.VGG19(include_top=False).layers:
        if isinstance(layer, keras.layers.Conv2D):
            border = layer.kernel_size[0] // 2 if layer.padding == "same" else 0
            ours.append(("Conv", list(layer.kernel_size), list(layer.strides), [border] * 4))
        if isinstance(layer, keras.layers.MaxPooling2D):
            ours.append(("MaxPool", list(layer.pool_size), list(layer.strides), [0] * 4))
    assert ours == theirs
    assert len(ours) == 16 + 5


def check_equals_pytorchcv(name, peer):
    net, tensors = peers.pytorchcv("vgg", peer)
    batch = peers.images(1, 224, 224, 3)
    model = kc.create_model(name, batch_norm="bn" in peer, classifier_activation=None, initialization="glorot")
    assert peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5


@pytest.mark.heavy
@pytest.mark.every_backend
def test_equals_pytorchcv_with_batch_norm_and_biases_before_it():
    check_equals_pytorchcv("vgg11", "bn_vgg11b")


@pytest.mark.parametrize("peer", ["vgg16", "bn_vgg16"])
def test_equals_pytorchcv(peer):
    check_equals_pytorchcv("vgg16", peer)


@pytest.mark.parametrize("name", ["VGG16", "VGG19"])
def test_equals_keras_applications(name):
    """At 96 pixels, where the first dense layer reads a map of 3x3 and costs little."""
    shape = (96, 96, 3)
    net = getattr(keras.applications, name)(weights=None, input_shape=shape, classifier_activation=None)
    tensors = peers.keras_applications(net)
    batch = peers.images(1, *shape)
    expected = answers(net, batch)
    model = kc.create_model(name, input_shape=shape, classifier_activation=None)
    assert peers.error(model, "keras", tensors, batch, expected) < 1e-5


@pytest.mark.structure
@pytest.mark.parametrize("name", ["vgg11", "vgg13", "vgg16", "vgg19"])
def test_the_tables_that_show_prints(name):
    """The output of each row, and the millions of parameters in all, as the paper prints them."""
    variant = kc.get_model(name)
    costs = complexity.row_costs(variant(), variant.table)
    assert all(cost.output_shape == row.output for row, cost in costs)
    total = costs[-1][1]
    assert (total.params, total.macs) == (variant.params, variant.macs)
    assert f"{total.params / 1e6:.0f}M" == variant.table[-1].params
    assert sum(cost.params for _, cost in costs[:-1]) == variant.params
