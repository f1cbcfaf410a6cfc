"""He et al. 2015, sentence by sentence, and beside independent code."""

import keras
import numpy as np
import peers
import pytest
from answers import answers
from conftest import SHARED

import keras_classics as kc
from keras_classics import complexity, datasets, evaluation


def weighted_layers(model):
    """Convolutions and dense layers on the main path: projections are not counted in a network's depth."""
    return [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense) and "_0_" not in layer.name
    ]


@pytest.mark.structure
def test_the_name_is_the_number_of_weighted_layers():
    assert len(weighted_layers(kc.ResNet50())) == 50


@pytest.mark.structure
@pytest.mark.parametrize("name", ["resnet18", "resnet50", "plainnet34"])
def test_table_1_gives_the_output_sizes(name):
    model = kc.create_model(name)
    blocks = {"resnet18": (2, 2, 2, 2), "resnet50": (3, 4, 6, 3), "plainnet34": (3, 4, 6, 3)}[name]
    width = 4 if name == "resnet50" else 1
    assert model.get_layer("conv1_relu").output.shape[1:] == (112, 112, 64)
    for stage, (count, side, filters) in enumerate(zip(blocks, (56, 28, 14, 7), (64, 128, 256, 512), strict=True), 2):
        output = model.get_layer(f"conv{stage}_block{count}_out").output
        assert output.shape[1:] == (side, side, filters * width)


@pytest.mark.structure
def test_cifar_sizes_of_section_4_2():
    model = kc.ResNet20()
    shapes = [model.get_layer(f"conv{stage}_block3_out").output.shape[1:] for stage in (2, 3, 4)]
    assert shapes == [(32, 32, 16), (16, 16, 32), (8, 8, 64)]


@pytest.mark.structure
@pytest.mark.parametrize(
    ("depth", "millions"), [(20, 0.27), (32, 0.46), (44, 0.66), (56, 0.85), (110, 1.7), (1202, 19.4)]
)
def test_parameters_of_table_6(depth, millions):
    digits = 2 if millions < 1 else 1
    assert round(kc.get_model(f"resnet{depth}").params / 1e6, digits) == millions


@pytest.mark.structure
@pytest.mark.parametrize("depth", [20, 32, 44, 56, 110, 1202])
def test_cifar_multiply_adds_in_closed_form(depth):
    """6n 3x3 layers of one cost, for halving the map doubles the filters; the two that do both cost half as much."""
    n, layer = (depth - 2) // 6, 32 * 32 * 9 * 16 * 16
    expected = 32 * 32 * 9 * 3 * 16 + 6 * n * layer - 2 * layer // 2 + 64 * 10
    assert kc.get_model(f"resnet{depth}").macs == expected


@pytest.mark.structure
def test_shortcut_options():
    """Option A adds no parameter; B only projections where the filters grow; C one for each block."""

    def projections(option):
        return sum("_0_conv" in layer.name for layer in kc.ResNet34(shortcut=option).layers)

    assert [projections(option) for option in "ABC"] == [0, 3, 16]
    option_a = complexity.count_params(kc.ResNet34(shortcut="A"))
    assert option_a == kc.PlainNet34.params
    with pytest.raises(kc.ClassicsError, match="Known: A, B, C"):
        kc.ResNet34(shortcut="D")


@pytest.mark.every_backend
def test_option_a_subsamples_and_pads_with_zeros():
    model = kc.ResNet20(input_shape=(8, 8, 3), seed=0)
    name = "conv3_block1"
    taps = [model.get_layer("conv2_block3_out").output, model.get_layer(f"{name}_0_zeros").output]
    below, padded = (keras.ops.convert_to_numpy(t) for t in keras.Model(model.input, taps)(peers.images(2, 8, 8, 3)))
    expected = np.zeros((2, 4, 4, 32), "float32")
    expected[..., 8:24] = below[:, ::2, ::2]
    np.testing.assert_array_equal(padded, expected)


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("name", "module", "options"),
    [("resnet18", "resnet", {}), ("resnet50", "resnet", {}), ("resnet20", "resnet_cifar", {"shortcut": "B"})],
)
def test_equals_pytorchcv(name, module, options):
    size = kc.get_model(name).image_size
    net, tensors = peers.pytorchcv(module, name if module == "resnet" else f"{name}_cifar10")
    batch = peers.images(2, size, size, 3)
    model = kc.create_model(name, classifier_activation=None, **options)
    assert peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5


@pytest.mark.structure
@pytest.mark.parametrize("name", ["resnet50", "resnet101", "resnet152"])
def test_the_form_called_v1_5_has_the_same_weights_and_more_to_do(name):
    variant = kc.get_model(name).with_options(form="3x3")
    model = variant()
    assert (complexity.count_params(model), complexity.count_macs(model)) == (variant.params, variant.macs)
    assert variant.params == kc.get_model(name).params
    assert model.get_layer("conv3_block1_1_relu").output.shape[1:] == (56, 56, 128)
    assert any("v1.5" in departure for departure in variant.departures)
    with pytest.raises(kc.ClassicsError, match="Known: 1x1, 3x3"):
        kc.create_model(name, form="v1.5")
    with pytest.raises(kc.ClassicsError, match="Unknown option of resnet18 'form'"):
        kc.ResNet18(form="3x3")


@pytest.mark.every_backend
def test_the_form_called_v1_5_equals_torchvision():
    tensors, outputs = peers.golden("torchvision", "resnet50")
    model = kc.ResNet50(classifier_activation=None, form="3x3")
    assert peers.error(model, "torchvision", tensors, peers.images(2, 224, 224, 3), outputs["output_logits"]) < 1e-5


@pytest.mark.every_backend
def test_equals_keras_applications():
    net = keras.applications.ResNet50(weights=None, classifier_activation=None)
    tensors = peers.keras_applications(net)
    batch = peers.images(2, 224, 224, 3)
    model = kc.ResNet50(classifier_activation=None)
    expected = answers(net, batch)
    assert peers.error(model, "keras", tensors, batch, expected) < 1e-4  # its batch norms have an epsilon of 1.001e-5


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("name", "file", "published"),
    [
        pytest.param("resnet20", "resnet20-12fca82f.th", 8.27, marks=peers.LONG),
        pytest.param("resnet56", "resnet56-4bfd9763.th", 6.61, marks=pytest.mark.heavy),
    ],
)
def test_a_public_checkpoint_gives_its_published_error(name, file, published, tfds_dir):
    """github.com/akamaster/pytorch_resnet_cifar10: on the 10,000 test images, with pixels as the file is known to need
    them, which are not the record's."""
    path = SHARED / "checkpoints" / file
    if not path.exists():
        pytest.skip(f"no {file} on this machine")
    model = kc.create_model(name, weights=path)
    result = evaluation.evaluate(model, datasets.load("cifar10", tfds_dir), verbose=0)
    assert round(result.top1, 2) == published
