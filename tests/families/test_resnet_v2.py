"""He et al. 2016, sentence by sentence, and beside independent code."""

import keras
import numpy as np
import peers
import pytest
from answers import answers

import keras_classics as kc
from keras_classics import complexity
from keras_classics.models.resnet_v2 import UNITS

STRIDES_3X3 = [(name, {"form": "3x3"}) for name in ("resnet50_v2", "resnet164_v2")]


@pytest.mark.structure
@pytest.mark.parametrize(("name", "options"), STRIDES_3X3)
def test_counts_and_the_number_of_weighted_layers(name, options):
    variant = kc.get_model(name).with_options(**options)
    model = variant()
    assert complexity.count_params(model) == variant.params
    assert complexity.count_macs(model) == variant.macs
    weighted = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense) and "_0_" not in layer.name
    ]
    assert len(weighted) == int(name.removeprefix("resnet").removesuffix("_v2"))


@pytest.mark.structure
@pytest.mark.parametrize(
    ("name", "form", "widths"),
    [
        ("resnet50_v2", "1x1", {"conv2_block3": 56, "conv3_block4": 28, "conv4_block6": 14, "conv5_block3": 7}),
        ("resnet50_v2", "keras", {"conv2_block2": 56, "conv3_block3": 28, "conv4_block5": 14, "conv5_block3": 7}),
        ("resnet164_v2", "1x1", {"conv2_block18": 32, "conv3_block18": 16, "conv4_block18": 8}),
    ],
)
def test_output_sizes(name, form, widths):
    """Each stage halves the map: in its first unit, but in its last with keras.applications."""
    model = kc.create_model(name, form=form)
    filters = 256 if name == "resnet50_v2" else 64
    for stage, (block, side) in enumerate(widths.items()):
        assert model.get_layer(f"{block}_out").output.shape[1:] == (side, side, filters * 2**stage)


@pytest.mark.structure
def test_the_signal_is_added_and_not_touched():
    """Equations 4 to 6: within a stage the input of each unit, and nothing else, is what the addition gets beside F."""
    model = kc.ResNet110V2()
    for stage in (2, 3, 4):
        for block in range(2, 19):
            addition = model.get_layer(f"conv{stage}_block{block}_out")
            shortcut = addition.input[0]._keras_history.operation
            assert shortcut.name == f"conv{stage}_block{block - 1}_out"


@pytest.mark.structure
def test_resnet_200_has_16_more_units_on_28x28():
    """Section 5."""
    assert np.subtract(UNITS[200], UNITS[152]).tolist() == [0, 16, 0, 0]


@pytest.mark.structure
def test_unknown_form():
    with pytest.raises(kc.ClassicsError, match="Known: 1x1, 3x3, keras"):
        kc.ResNet50V2(form="5x5")
    with pytest.raises(kc.ClassicsError, match="Known: 1x1, 3x3"):
        kc.ResNet164V2(form="keras")


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("name", "peer", "options"),
    [
        ("resnet50_v2", "preresnet50", {}),
        ("resnet110_v2", "preresnet110_cifar10", {}),
        ("resnet164_v2", "preresnet164bn_cifar10", {"form": "3x3"}),
    ],
)
def test_equals_pytorchcv(name, peer, options):
    size = kc.get_model(name).image_size
    net, tensors = peers.pytorchcv("preresnet_cifar" if "cifar" in peer else "preresnet", peer)
    batch = peers.images(2, size, size, 3)
    model = kc.create_model(name, classifier_activation=None, **options)
    assert peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5


@pytest.mark.heavy
@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("name", "module", "peer"),
    [("resnet200_v2", "preresnet", "preresnet200b"), ("resnet1001_v2", "preresnet_cifar", "preresnet1001_cifar10")],
)
def test_the_deepest_equal_pytorchcv(name, module, peer):
    size = kc.get_model(name).image_size
    net, tensors = peers.pytorchcv(module, peer)
    batch = peers.images(1, size, size, 3)
    model = kc.create_model(name, classifier_activation=None, form="3x3")
    assert peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5


def equals_keras_applications(builder):
    net = getattr(keras.applications, builder)(weights=None, classifier_activation=None)
    tensors = peers.keras_applications(net)
    batch = peers.images(1, 224, 224, 3)
    model = getattr(kc, builder)(classifier_activation=None, form="keras")
    expected = answers(net, batch)
    # its batch norms have an epsilon of 1.001e-5
    return peers.error(model, "keras", tensors, batch, expected) < 1e-4


@pytest.mark.every_backend
def test_resnet50_v2_equals_keras_applications():
    assert equals_keras_applications("ResNet50V2")


@pytest.mark.heavy
@pytest.mark.every_backend
@pytest.mark.parametrize("builder", ["ResNet101V2", "ResNet152V2"])
def test_the_deeper_equal_keras_applications(builder):
    assert equals_keras_applications(builder)
