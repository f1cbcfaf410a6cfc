"""Zhang et al. 2017, sentence by sentence, and beside independent code."""

import importlib

import keras
import peers
import pytest
import torch

import keras_classics as kc
from keras_classics import complexity
from keras_classics.models.shufflenet import CIFAR_COUNTS, COUNTS, ERRORS, FILTERS, NARROW_DEPARTURE


@pytest.mark.structure
@pytest.mark.parametrize(
    ("name", "filters"),
    [
        ("shufflenet_g1", (144, 288, 576)),
        ("shufflenet_g2", (200, 400, 800)),
        ("shufflenet_g3", (240, 480, 960)),
        ("shufflenet_g4", (272, 544, 1088)),
        ("shufflenet_g8", (384, 768, 1536)),
    ],
)
def test_table_1(name, filters):
    model = kc.create_model(name)
    assert model.get_layer("conv1_relu").output.shape[1:] == (112, 112, 24)
    assert model.get_layer("pool1").output.shape[1:] == (56, 56, 24)
    for stage, (count, side, maps) in enumerate(zip((4, 8, 4), (28, 14, 7), filters, strict=True), 2):
        assert model.get_layer(f"stage{stage}_unit1_out").output.shape[1:] == (side, side, maps)
        assert model.get_layer(f"stage{stage}_unit{count}_out").output.shape[1:] == (side, side, maps)
        assert model.get_layer(f"stage{stage}_unit1_2_bn").output.shape[1:] == (side, side, maps // 4)


@pytest.mark.structure
def test_only_pointwise_layers_have_groups_and_the_first_of_stage_2_has_none():
    model = kc.ShuffleNetG3()
    groups = {
        layer.name: layer.groups
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D) and not isinstance(layer, keras.layers.DepthwiseConv2D)
    }
    assert groups.pop("conv1_conv") == groups.pop("stage2_unit1_1_conv") == 1
    assert len(groups) == 2 * 16 - 1
    assert set(groups.values()) == {3}


@pytest.mark.structure
def test_a_unit_is_that_of_figure_2():
    """1x1 in groups, batch norm, ReLU, shuffle, depthwise 3x3, batch norm, no ReLU, 1x1 in groups, batch norm."""
    names = [layer.name for layer in kc.ShuffleNetG3().layers if layer.name.startswith("stage3_unit2_")]
    parts = ["1_conv", "1_bn", "1_relu", "shuffle", "2_conv", "2_bn", "3_conv", "3_bn", "add", "out"]
    assert names == [f"stage3_unit2_{part}" for part in parts]
    strided = [layer.name for layer in kc.ShuffleNetG3().layers if layer.name.startswith("stage3_unit1_")]
    assert {"stage3_unit1_0_pool", "stage3_unit1_concat"} <= set(strided)
    assert "stage3_unit1_add" not in strided


@pytest.mark.structure
@pytest.mark.parametrize(("groups", "width"), COUNTS)
def test_counts_of_other_widths(groups, width):
    variant = kc.get_model(f"shufflenet_g{groups}").with_options(width_multiplier=width)
    model = variant()
    assert (complexity.count_params(model), complexity.count_macs(model)) == (variant.params, variant.macs)
    assert [r.top1 for r in variant.reported] == ([ERRORS[groups, width]] if (groups, width) in ERRORS else [])


@pytest.mark.structure
@pytest.mark.parametrize(
    ("groups", "width", "millions"), [(1, 1.0, 143), (1, 0.5, 38), (3, 0.5, 38), (3, 1.5, 292), (3, 2.0, 524)]
)
def test_complexities_that_the_paper_prints(groups, width, millions):
    """1.5x has 292 million multiply-adds with 24 filters in conv1, as 1x, and more with 36."""
    assert abs(COUNTS[groups, width][1] / 1e6 - millions) < 1


@pytest.mark.structure
@pytest.mark.parametrize(
    ("builder", "width", "message"),
    [
        ("ShuffleNetG3", 0.2, "from 0.25 to 2.0, not 0.2"),
        ("ShuffleNetG3", 2.5, "from 0.25 to 2.0, not 2.5"),
        ("ShuffleNetG4", 0.5, "34 bottleneck channels.* 4 groups; the nearest that do: 128/272, 144/272"),
        ("ShuffleNetG8", 0.3, "28.8 bottleneck channels"),
        ("ShuffleNetG2", 0.25, "the nearest that do: 56/200"),
    ],
)
def test_widths_that_do_not_divide(builder, width, message):
    with pytest.raises(kc.ClassicsError, match=message):
        getattr(kc, builder)(width_multiplier=width)


@pytest.mark.structure
def test_reported_errors_are_of_networks_that_can_be_built():
    for groups, width in ERRORS:
        assert kc.get_model(f"shufflenet_g{groups}").with_options(width_multiplier=width).reported
    networks = map(kc.get_model, kc.list_models(family="shufflenet"))
    lacking = [network.name for network in networks if NARROW_DEPARTURE in network.departures]
    assert lacking == ["shufflenet_g2", "shufflenet_g4"]


@pytest.mark.structure
def test_widths_that_divide():
    for groups, filters in ((2, 56), (4, 128), (4, 144), (8, 416)):
        model = kc.create_model(f"shufflenet_g{groups}", width_multiplier=filters / FILTERS[groups])
        assert model.get_layer("stage2_unit1_out").output.shape[-1] == filters


@pytest.mark.structure
@pytest.mark.parametrize(("groups", "width"), CIFAR_COUNTS)
def test_the_form_for_cifar_has_maps_of_16_8_and_4_pixels(groups, width):
    model = kc.ShuffleNetG3CIFAR(width_multiplier=width)
    sides = [model.get_layer(f"stage{stage}_unit{n}_out").output.shape[1] for stage, n in ((2, 4), (3, 8), (4, 4))]
    assert sides == [16, 8, 4]
    record = kc.ShuffleNetG3CIFAR.with_options(width_multiplier=width)
    assert (complexity.count_params(model), complexity.count_macs(model)) == (record.params, record.macs)
    larger = kc.create_model(f"shufflenet_g{groups}", width_multiplier=width, classes=10)
    assert {w.path: w.shape for w in model.weights} == {w.path: w.shape for w in larger.weights}


def equals_pytorchcv(groups, suffix, width):
    net, tensors = peers.pytorchcv("shufflenet", f"shufflenet_g{groups}_{suffix}")
    batch = peers.images(2, 224, 224, 3)
    model = kc.create_model(f"shufflenet_g{groups}", classifier_activation=None, width_multiplier=width)
    return peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch))


@pytest.mark.every_backend
@pytest.mark.parametrize(("groups", "suffix", "width"), [(3, "w1", 1.0), (1, "wd4", 0.25)])
def test_equals_pytorchcv(groups, suffix, width):
    assert equals_pytorchcv(groups, suffix, width) < 1e-5


WIDTHS = [(3, 0.25), (1, 0.5), (3, 0.5), (1, 0.75), (3, 0.75), (1, 1.0), (2, 1.0), (4, 1.0), (8, 1.0)]
SUFFIXES = {0.25: "wd4", 0.5: "wd2", 0.75: "w3d4", 1.0: "w1"}


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("groups", "suffix", "width"),
    [pytest.param(groups, SUFFIXES[width], width, marks=peers.LONG) for groups, width in WIDTHS],
)
def test_every_width_and_group_count_equals_pytorchcv(groups, suffix, width):
    assert equals_pytorchcv(groups, suffix, width) < 1e-5


@pytest.mark.every_backend
def test_the_form_for_cifar_equals_pytorchcv_with_the_same_strides():
    module = importlib.import_module("pytorchcv.models.shufflenet")
    net = module.shufflenet_g3_wd2(in_size=(32, 32), num_classes=10)
    net.features.init_block.conv.stride = (1, 1)
    net.features.init_block.pool = torch.nn.Identity()
    net.features.final_pool = torch.nn.AvgPool2d(4)
    tensors = peers.torch_tensors(net)
    batch = peers.images(2, 32, 32, 3)
    model = kc.ShuffleNetG3CIFAR(classifier_activation=None)
    assert peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5
