"""Liu et al. 2017, figure by figure, and beside independent code."""

import dataclasses
from functools import partial

import peers
import pytest
from keras.layers import MaxPooling2D, SeparableConv2D

import keras_classics as kc
from keras_classics import complexity
from keras_classics.cells import Cell
from keras_classics.models.pnasnet import PNASNET_5, features


@pytest.mark.structure
def test_counts_are_the_papers():
    """Mobile 5.1M parameters and 588M multiply-adds, large 86.1M; our count of the multiply-adds is 0.1% lower."""
    assert round(kc.PNASNet5Mobile.params, -5) == 5_100_000
    assert 0.998 < kc.PNASNet5Mobile.macs / 588e6 < 1
    assert round(kc.PNASNet5Large.params, -5) == 86_100_000


@pytest.mark.structure
def test_parameters_of_the_mobile_network_by_the_rules_of_the_published_code():
    """Cell by cell, by hand: nobody prints more than 5.1M."""

    def project(inputs, filters):
        return inputs * filters + 2 * filters

    def twice(kernel_size, inputs, filters):
        return sum(kernel_size**2 * i + i * filters + 2 * filters for i in (inputs, filters))

    def cell(h, p, f, reduces=False, first=False):
        of_p = p if first else f
        total = project(h, f) + twice(7, f, f) + twice(5, f, f) + 2 * twice(3, f, f)
        total += twice(5, of_p, f) + twice(3, of_p, f)
        total += project(p, f)  # of the previous output; in the first cell, behind the max pooling of it
        return total + (project(f, f) if reduces else 0)  # an identity that strides

    total, p, h = 3 * 9 * 32 + 2 * 32, 32, 32
    steps = [(13, True), (27, True)]
    for f in (54, 108, 216):
        steps += [(f, f > 54), (f, False), (f, False)]
    for i, (f, reduces) in enumerate(steps):
        total += cell(h, p, f, reduces, first=i == 0)
        p, h = h, 5 * f
    assert total + 1080 * 1000 + 1000 == kc.PNASNet5Mobile.params


@pytest.mark.structure
def test_figure_1_gives_the_output_sizes():
    sizes = {
        "stem_bn": (165, 165, 96),
        "stem1_output": (83, 83, 270),
        "stem2_output": (42, 42, 540),
        "stage1_cell4_output": (42, 42, 1080),
        "stage2_cell1_output": (21, 21, 2160),
        "stage3_cell4_output": (11, 11, 4320),
    }
    model = kc.PNASNet5Large()
    assert {name: model.get_layer(name).output.shape[1:] for name in sizes} == sizes
    assert kc.PNASNet5Mobile().get_layer("stage3_cell3_output").output.shape[1:] == (7, 7, 1080)


@pytest.mark.structure
@pytest.mark.parametrize("cell", ["stage2_cell2", "stage3_cell1"])
def test_figure_1_is_what_a_cell_is_made_of(cell):
    """The same cell everywhere, whether it halves the map or not."""
    layers = [layer for layer in kc.PNASNet5Mobile().layers if layer.name.startswith(f"{cell}_block")]
    sides = sorted(layer.kernel_size[0] for layer in layers if isinstance(layer, SeparableConv2D))
    assert sides == [3] * 6 + [5] * 4 + [7] * 2
    assert sum(isinstance(layer, MaxPooling2D) for layer in layers) == 3


@pytest.mark.structure
def test_another_genotype_and_what_cannot_be():
    cell = Cell(blocks=((("avg 3x3", 1), ("identity", 0)),), outputs=(2,))
    model = kc.PNASNet5Mobile(cell=cell, drop_path=0.1)
    assert model.get_layer("stage3_cell3_output").output.shape[1:] == (7, 7, 216)
    assert kc.PNASNet5Mobile.with_options(cell=cell).params is None
    with pytest.raises(kc.ClassicsError, match="`cell` must be a Cell"):
        kc.PNASNet5Mobile(cell=((("avg 3x3", 1), ("identity", 0)),))
    with pytest.raises(kc.ClassicsError, match="below 1"):
        kc.PNASNet5Mobile(drop_path=-0.1)


@pytest.mark.structure
@pytest.mark.parametrize(("variant", "tap"), [(kc.PNASNet5Mobile, "stage2_cell3"), (kc.PNASNet5Large, "stage2_cell4")])
def test_the_auxiliary_head_stands_before_the_second_halving(variant, tap):
    model = variant(aux_heads=True)
    assert {name: output.shape for name, output in model.output.items()} == dict.fromkeys(
        ("predictions", "aux_1"), (None, 1000)
    )
    assert variant.loss_weights == {"predictions": 1.0, "aux_1": 0.4}
    assert model.get_layer("aux_1_pool").input is model.get_layer(f"{tap}_relu").output
    channels, side = model.get_layer("aux_1_pool").output.shape[-1], model.get_layer("aux_1_pool").output.shape[1]
    convolutions = channels * 128 + 2 * 128 + side**2 * 128 * 768 + 2 * 768
    assert complexity.count_params(model) == variant.params + convolutions + 769 * 1000


@pytest.mark.every_backend
def test_a_narrow_one_equals_pytorchcv():
    """Eight filters and two cells a stage. The maps are odd and even where the large network's are: 21, 11, 6, 3, 2."""
    import torch
    from pytorchcv.models.pnasnet import PNASNet

    net = PNASNet([[20, 40, 40], [80, 80], [160, 160]], init_block_channels=12, stem1_blocks_channels=10)
    net.features.final_pool = torch.nn.AvgPool2d(2)
    tensors = peers.torch_tensors(net)
    narrow = dataclasses.replace(
        kc.PNASNet5Large,
        protocol=dataclasses.replace(kc.PNASNet5Large.protocol, image_size=43),
        features=partial(features, cell=PNASNET_5, filters=8, repeats=2, first=12, drop_path=0.0),
        vary=None,
    )
    batch = peers.images(2, 43, 43, 3)
    expected = peers.torch_outputs(net, batch)
    assert peers.error(narrow(classifier_activation=None), "pytorchcv", tensors, batch, expected) < 1e-5


@pytest.mark.heavy
@pytest.mark.every_backend
def test_large_equals_pytorchcv():
    net, tensors = peers.pytorchcv("pnasnet", "pnasnet5large")
    batch = peers.images(1, 331, 331, 3)
    model = kc.PNASNet5Large(classifier_activation=None)
    assert peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5
