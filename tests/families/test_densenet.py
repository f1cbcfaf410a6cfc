"""Huang et al. 2016, sentence by sentence, and beside independent code."""

import dataclasses

import keras
import peers
import pytest
from answers import answers

import keras_classics as kc


@pytest.mark.structure
def test_the_name_is_the_number_of_weighted_layers():
    """The transitions' convolutions count in a network's depth."""
    kinds = keras.layers.Conv2D | keras.layers.Dense
    assert sum(isinstance(layer, kinds) for layer in kc.DenseNet121().layers) == 121


@pytest.mark.structure
@pytest.mark.parametrize(
    ("name", "millions"), [("densenet40_12", 1.0), ("densenet_bc100_12", 0.8), ("densenet_bc190_40", 25.6)]
)
def test_parameters_of_table_2(name, millions):
    assert round(kc.get_model(name).params / 1e6, 1) == millions


@pytest.mark.structure
def test_table_1_gives_the_output_sizes():
    model = kc.DenseNet121()
    sizes = {
        "conv1_relu": (112, 112, 64),
        "pool1": (56, 56, 64),
        "dense1_layer6_concat": (56, 56, 256),
        "transition1_pool": (28, 28, 128),
        "dense2_layer12_concat": (28, 28, 512),
        "transition2_pool": (14, 14, 256),
        "dense3_layer24_concat": (14, 14, 1024),
        "transition3_pool": (7, 7, 512),
        "dense4_layer16_concat": (7, 7, 1024),
    }
    assert {name: model.get_layer(name).output.shape[1:] for name in sizes} == sizes


def sources(tensor):
    """The layers whose outputs a concatenation of concatenations joins."""
    layer = tensor._keras_history.operation
    if not isinstance(layer, keras.layers.Concatenate):
        return {layer.name}
    return set().union(*(sources(below) for below in layer.input))


@pytest.mark.structure
def test_a_block_of_l_layers_has_its_connections():
    """Section 1: L (L + 1) / 2, where an ordinary network has L."""
    model = kc.DenseNet40_12()
    for block in (1, 2, 3):
        read = [sources(model.get_layer(f"dense{block}_layer{i}_2_bn").input) for i in range(1, 13)]
        assert sum(len(names) for names in read) == 12 * 13 // 2
        assert all(f"dense{block}_layer{i}_2_conv" in names for i in range(1, 12) for names in read[i:])


@pytest.mark.structure
def test_options():
    """Section 4.2: dropout after each convolution but the first."""
    rates = [layer.rate for layer in kc.DenseNetBC100_12(dropout=0.2).layers if isinstance(layer, keras.layers.Dropout)]
    assert rates == [0.2] * (100 - 2)
    with pytest.raises(kc.ClassicsError, match="dropout rate"):
        kc.DenseNet121(dropout=1.0)
    with pytest.raises(kc.ClassicsError, match="compression"):
        kc.DenseNet40_12(compression=0)


@pytest.mark.structure
def test_the_smallest_image():
    assert kc.DenseNet121(input_shape=(29, 29, 3)).get_layer("post_relu").output.shape == (None, 1, 1, 1024)
    with pytest.raises(kc.ClassicsError, match="at least 29x29"):
        kc.DenseNet121(input_shape=(28, 29, 3))
    with pytest.raises(ValueError, match="zero or negative"):
        dataclasses.replace(kc.DenseNet121, min_size=1, vary=None)(input_shape=(28, 29, 3))


def equals_pytorchcv(module, name, peer, **options):
    size = kc.get_model(name).image_size
    net, tensors = peers.pytorchcv(module, peer)
    batch = peers.images(1, size, size, 3)
    model = kc.create_model(name, classifier_activation=None, **options)
    return peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5


@pytest.mark.every_backend
def test_densenet121_equals_pytorchcv():
    assert equals_pytorchcv("densenet", "densenet121", "densenet121")


@pytest.mark.every_backend
def test_densenet_bc_equals_pytorchcv():
    assert equals_pytorchcv("densenet_cifar", "densenet_bc100_12", "densenet100_k12_bc_cifar10")


@pytest.mark.every_backend
def test_densenet121_equals_torchvision():
    tensors, outputs = peers.golden("torchvision", "densenet121")
    model = kc.DenseNet121(classifier_activation=None)
    assert peers.error(model, "torchvision", tensors, peers.images(2, 224, 224, 3), outputs["output_logits"]) < 1e-5


@pytest.mark.every_backend
def test_densenet40_equals_pytorchcv():
    """Its network starts with 24 filters and halves them between its blocks, as no network of the paper does."""
    assert equals_pytorchcv("densenet_cifar", "densenet40_12", "densenet40_k12_cifar10", compression=0.5)


@pytest.mark.heavy
@pytest.mark.every_backend
@pytest.mark.parametrize("depth", [161, 169, 201])
def test_the_others_equal_pytorchcv(depth):
    assert equals_pytorchcv("densenet", f"densenet{depth}", f"densenet{depth}")


@pytest.mark.heavy
@pytest.mark.every_backend
def test_the_widest_equals_pytorchcv():
    assert equals_pytorchcv("densenet_cifar", "densenet_bc190_40", "densenet190_k40_bc_cifar10")


@pytest.mark.every_backend
@pytest.mark.parametrize(
    "builder",
    [
        "DenseNet121",
        pytest.param("DenseNet169", marks=pytest.mark.heavy),
        pytest.param("DenseNet201", marks=peers.LONG),
    ],
)
def test_equals_keras_applications(builder):
    net = getattr(keras.applications, builder)(weights=None, classifier_activation=None)
    tensors = peers.keras_applications(net)
    batch = peers.images(1, 224, 224, 3)
    model = getattr(kc, builder)(classifier_activation=None)
    expected = answers(net, batch)
    assert peers.error(model, "keras", tensors, batch, expected) < 1e-4  # its batch norms have an epsilon of 1.001e-5
