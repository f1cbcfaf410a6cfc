"""Zoph et al. 2017, figure by figure, and beside independent code."""

import dataclasses
from functools import partial

import keras
import numpy as np
import peers
import pytest
import small
from answers import answers
from keras.layers import AveragePooling2D, MaxPooling2D, SeparableConv2D

import keras_classics as kc
from keras_classics import complexity
from keras_classics.cells import Cell
from keras_classics.layers import ScheduledDropPath
from keras_classics.models.nasnet import NORMAL, REDUCTION, cifar_features, imagenet_features

BOTH = {"normal": NORMAL, "reduction": REDUCTION}
TINY = dataclasses.replace(
    kc.NASNetCIFAR, features=partial(cifar_features, **BOTH, filters=4, repeats=1, drop_path=0.5), vary=None
)
FORM = {"keeps_previous": True, "drop_path": 0.0, "counts_padding": False}
NARROW = dataclasses.replace(
    kc.NASNetLarge, features=partial(imagenet_features, **BOTH, filters=8, repeats=2, first=12, **FORM), vary=None
)


@pytest.mark.structure
def test_counts_are_the_papers():
    """Tables 1 to 3: 5.3M parameters and 564M multiply-adds, 88.9M and 23.8B, 3.3M on CIFAR-10."""
    assert round(kc.NASNetMobile.params, -5) == 5_300_000
    assert round(kc.NASNetMobile.macs, -6) == 564_000_000
    assert abs(kc.NASNetLarge.params / 88.9e6 - 1) < 0.002
    assert round(kc.NASNetLarge.macs, -8) == 23_800_000_000
    assert round(kc.NASNetCIFAR.params, -5) == 3_300_000


def project(inputs, filters):
    """A 1x1 convolution or a factorised reduction, and batch norm."""
    return inputs * filters + 2 * filters


def twice(kernel_size, inputs, filters):
    """Two separable convolutions, each with batch norm."""
    return sum(kernel_size**2 * i + i * filters + 2 * filters for i in (inputs, filters))


@pytest.mark.structure
def test_parameters_of_the_cifar_network_by_the_rules_of_the_published_code():
    """Cell by cell, by hand: nobody prints more than 3.3M."""

    def normal(h, p, f, of_p):
        """`of_p` is the width of the state that is made of p: the first cell takes it as it is."""
        from_p = twice(3, of_p, f) + twice(5, of_p, f) + twice(3, of_p, f)
        return project(h, f) + twice(5, f, f) + from_p + twice(3, f, f) + (0 if of_p != f else project(p, f))

    def reduction(h, p, f):
        return project(h, f) + project(p, f) + twice(5, f, f) + 2 * twice(7, f, f) + twice(5, f, f) + twice(3, f, f)

    total, p, h = 3 * 9 * 96 + 2 * 96, 96, 96
    for f in (32, 64, 128):
        if f > 32:
            total, p, h = total + reduction(h, p, f), h, 4 * f
        for _ in range(6):
            first = p == h == 96
            total += normal(h, p, f, 96 if first else f)
            if first:  # the identity, two average pools and the output bring 96 channels to 32
                total += 4 * project(96, 32)
            p, h = h, 6 * f
    assert total + 768 * 10 + 10 == kc.NASNetCIFAR.params


@pytest.mark.structure
def test_figure_2_gives_the_output_sizes():
    model = kc.NASNetMobile()
    sizes = {
        "stem_bn": (111, 111, 32),
        "stem1_output": (56, 56, 44),
        "stem2_output": (28, 28, 88),
        "stage1_cell4_output": (28, 28, 264),
        "reduction1_output": (14, 14, 352),
        "stage2_cell4_output": (14, 14, 528),
        "reduction2_output": (7, 7, 704),
        "stage3_cell4_output": (7, 7, 1056),
    }
    assert {name: model.get_layer(name).output.shape[1:] for name in sizes} == sizes
    assert kc.NASNetLarge().get_layer("stage3_cell6_output").output.shape[1:] == (11, 11, 4032)
    assert kc.NASNetCIFAR().get_layer("stage3_cell6_output").output.shape[1:] == (8, 8, 768)


@pytest.mark.structure
def test_figure_4_is_what_a_cell_is_made_of():
    layers = kc.NASNetMobile().layers

    def kinds(cell):
        found = [layer for layer in layers if layer.name.startswith(f"{cell}_block")]
        sides = [layer.kernel_size[0] for layer in found if isinstance(layer, SeparableConv2D)]
        pools = [sum(isinstance(layer, kind) for layer in found) for kind in (AveragePooling2D, MaxPooling2D)]
        return sorted(sides), pools

    assert kinds("stage2_cell2") == ([3] * 6 + [5] * 4, [3, 0])
    assert kinds("reduction2") == ([3, 3, 5, 5, 5, 5, 7, 7, 7, 7], [2, 2])
    cells = [layer.name for layer in layers if layer.name.startswith("stage") and layer.name.endswith("_output")]
    assert [sum(name.startswith(f"stage{i}") for name in cells) for i in (1, 2, 3)] == [4, 4, 4]


@pytest.mark.structure
@pytest.mark.parametrize(("variant", "source"), [(kc.NASNetMobile, "cell4"), (kc.NASNetLarge, "cell5")])
def test_behind_a_reduction_the_large_network_reads_what_the_reduction_read(variant, source):
    model = variant()
    read = model.get_layer("stage2_cell1_previous_path1_conv").input
    assert read is model.get_layer(f"stage1_{source}_relu").output


@pytest.mark.structure
def test_another_genotype():
    """States 0 and 1 themselves among the outputs, which a reduction has to bring to its size, and three blocks."""
    cell = Cell(
        blocks=((("max 3x3", 0), ("identity", 1)), (("sep 3x3", 2), ("avg 3x3", 0)), (("identity", 3), ("sep 7x7", 1))),
        outputs=(0, 1, 4),
    )
    for variant in (kc.NASNetMobile, kc.NASNetCIFAR):
        record = variant.with_options(normal=cell, reduction=cell)
        assert record.params is record.macs is None
        model = record(classes=7)
        before, after = (model.get_layer(name).output.shape for name in ("stage1_cell4_output", "reduction1_output"))
        assert after == (None, before[1] // 2, before[2] // 2, 2 * before[3])
        assert before[3] == 3 * (44 if variant is kc.NASNetMobile else 32)
        assert model.output_shape == (None, 7)
    assert kc.NASNetMobile.with_options(normal=NORMAL).params == kc.NASNetMobile.params


@pytest.mark.structure
@pytest.mark.parametrize(
    ("blocks", "outputs", "message"),
    [
        (((("sep 5x5", 0), ("sep 3x3", 2)),), (2,), "Block 1 of the cell reads state 2, .* states 0 to 1"),
        (((("sep 5x5", 0), ("sep 3x3", -1)),), (2,), "reads state -1"),
        (((("sep 5x4", 0), ("sep 3x3", 1)),), (2,), "Unknown operation 'sep 5x4'. Did you mean 'sep 5x5'"),
        (((("sep 5x5", 0), ("sep 3x3", 1)),), (3,), r"puts out the states \(3,\); choose some of 0 to 2"),
        (((("sep 5x5", 0), ("sep 3x3", 1)),), (), "choose some of 0 to 2"),
    ],
)
def test_a_genotype_that_cannot_be(blocks, outputs, message):
    with pytest.raises(kc.ClassicsError, match=message) as caught:
        Cell(blocks, outputs)
    assert "\n" not in str(caught.value)


@pytest.mark.structure
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"drop_path": 1.0}, "at least 0 and below 1"),
        ({"reduction": "sep 3x3"}, "`reduction` must be a Cell"),
        ({"genotype": NORMAL}, "Unknown option of nasnet_mobile 'genotype'"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(kc.ClassicsError, match=message):
        kc.NASNetMobile(**options)


@pytest.mark.structure
@pytest.mark.parametrize(("variant", "side", "smallest"), [(kc.NASNetMobile, 4, 67), (kc.NASNetCIFAR, 4, 9)])
def test_the_auxiliary_head_stands_at_two_thirds_of_the_depth(variant, side, smallest):
    model = variant(aux_heads=True)
    assert {name: output.shape[1:] for name, output in model.output.items()} == dict.fromkeys(
        ("predictions", "aux_1"), (variant.classes,)
    )
    assert variant.loss_weights == {"predictions": 1.0, "aux_1": 0.4}
    pool = model.get_layer("aux_1_pool")
    assert pool.output.shape[1] == side
    repeats = 4 if variant is kc.NASNetMobile else 6
    assert pool.input is model.get_layer(f"stage2_cell{repeats}_relu").output
    channels = pool.input.shape[-1]
    added = complexity.count_params(model) - variant.params
    convolutions = channels * 128 + 2 * 128 + side**2 * 128 * 768 + 2 * 768
    assert added == convolutions + 768 * variant.classes + variant.classes
    assert variant(aux_heads=True, input_shape=(smallest, smallest, 3)).get_layer("aux_1_pool").output.shape[1] == 1
    with pytest.raises(kc.ClassicsError, match=f"at least {smallest}x{smallest}"):
        variant(aux_heads=True, input_shape=(smallest, smallest - 1, 3))


@pytest.mark.structure
def test_drop_path_grows_with_the_depth():
    """The published code: cell i of n has i / n of the rate, and the identity has none."""
    model = kc.NASNetCIFAR(drop_path=0.4)
    rates = {layer.name: layer.rates for layer in model.layers if isinstance(layer, ScheduledDropPath)}
    assert len(rates) == 20 * 5
    assert rates["stage1_cell1_block1"] == pytest.approx((0.4 / 20, 0.4 / 20))
    assert rates["reduction1_block2"] == pytest.approx((0.4 * 7 / 20, 0.4 * 7 / 20))
    assert rates["stage3_cell6_block5"] == pytest.approx((0.4, 0.0))
    assert rates["reduction2_block4"] == pytest.approx((0.0, 0.4 * 14 / 20))
    assert complexity.count_params(model) == kc.NASNetCIFAR.params


@pytest.mark.structure
def test_the_other_data_format_gives_the_same_sizes(channels_first):
    model = kc.NASNetMobile(aux_heads=True, counts_padding=True)
    assert model.get_layer("avg_pool").input.shape[1:] == (1056, 7, 7)
    assert model.get_layer("aux_1_full_relu").output.shape[1:] == (768, 1, 1)
    assert complexity.count_macs(kc.NASNetMobile()) == kc.NASNetMobile.macs


def keras_applications(penultimate, size, **options):
    """The function below NASNetMobile and NASNetLarge: on torch keras.applications does not let the former through."""
    from keras.src.applications.nasnet import NASNet

    keras.utils.clear_session()
    net = NASNet(size, penultimate, classifier_activation=None, weights=None, include_top=True, classes=1000, **options)
    return net, peers.keras_applications(net)


keras_mobile = partial(
    keras_applications, 1056, num_blocks=4, stem_block_filters=32, skip_reduction=False, filter_multiplier=2
)
keras_large = partial(
    keras_applications, 4032, num_blocks=6, stem_block_filters=96, skip_reduction=True, filter_multiplier=2
)


@pytest.mark.every_backend
def test_zeros_around_the_maps_are_counted_at_unknown_sizes_too():
    """Of a batch whose maps have odd sides, and of one whose maps have even ones."""
    options = {"counts_padding": True, "normal": small.CELL, "reduction": small.CELL, "seed": 1}
    unknown = kc.NASNetMobile(include_top=False, **options)
    for shape in ((33, 32, 3), (31, 30, 3)):
        batch = peers.images(1, *shape)
        known = kc.NASNetMobile(include_top=False, input_shape=shape, **options)
        expected = answers(known, batch)
        error = np.abs(unknown.predict(batch, verbose=0) - expected).max() / np.abs(expected).max()
        assert error < 1e-5


@pytest.mark.every_backend
@pytest.mark.parametrize("shape", [(75, 96, 3), pytest.param((224, 224, 3), marks=pytest.mark.heavy)])
def test_equals_keras_applications(shape):
    """Of both sizes some maps have odd sides and some even ones. Its zeros around the maps matter."""
    net, tensors = keras_mobile(shape)
    batch = peers.images(1, *shape)
    expected = answers(net, batch)
    model = kc.NASNetMobile(classifier_activation=None, counts_padding=True, input_shape=shape)
    assert peers.error(model, "keras", tensors, batch, expected) < 1e-5
    model = kc.NASNetMobile(classifier_activation=None, input_shape=shape)
    assert peers.error(model, "keras", tensors, batch, expected) > 1e-3


@pytest.mark.every_backend
def test_equals_pytorchcv():
    net, tensors = peers.pytorchcv("nasnet", "nasnet_4a1056")
    batch = peers.images(2, 224, 224, 3)
    # drop path has no weights that a peer could have
    model = kc.NASNetMobile(classifier_activation=None, drop_path=0.5)
    assert peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5


@pytest.mark.every_backend
def test_a_narrow_form_of_the_large_network_equals_pytorchcv():
    """Eight filters and two cells a stage. The maps are odd and even where the large network's are: 21, 11, 6, 3, 2."""
    from pytorchcv.models.nasnet import get_nasnet

    net = get_nasnet(2, 192, 12, 2, extra_padding=False, skip_reduction_layer_input=True, in_size=(43, 43))
    tensors = peers.torch_tensors(net)
    batch = peers.images(2, 43, 43, 3)
    expected = peers.torch_outputs(net, batch)
    model = NARROW(classifier_activation=None, input_shape=(43, 43, 3))
    assert peers.error(model, "pytorchcv", tensors, batch, expected) < 1e-5


@pytest.mark.heavy
@pytest.mark.every_backend
def test_large_equals_pytorchcv():
    net, tensors = peers.pytorchcv("nasnet", "nasnet_6a4032")
    batch = peers.images(1, 331, 331, 3)
    model = kc.NASNetLarge(classifier_activation=None)
    assert peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5


@pytest.mark.heavy
@pytest.mark.every_backend
def test_large_equals_keras_applications():
    net, tensors = keras_large((331, 331, 3))
    batch = peers.images(1, 331, 331, 3)
    expected = answers(net, batch)
    model = kc.NASNetLarge(classifier_activation=None, counts_padding=True)
    assert peers.error(model, "keras", tensors, batch, expected) < 1e-5


@pytest.mark.every_backend
@pytest.mark.parametrize("shape", [(30, 17, 3), (3, 3, 3)])
def test_an_unknown_size_gives_the_same(shape):
    """Thirty pixels come to maps of 14, 7, 4, 2 and 1, seventeen to 8, 4, 2, 1 and 1."""
    batch = peers.images(2, *shape)
    known, unknown = (NARROW(seed=0, input_shape=s) for s in (shape, (None, None, 3)))
    np.testing.assert_allclose(answers(unknown, batch), answers(known, batch), atol=1e-6)
    assert np.isfinite(answers(known, batch)).all()


@pytest.mark.every_backend
@pytest.mark.skipif(
    keras.config.backend() == "tensorflow", reason="TensorFlow has no channels_first convolution on CPUs"
)
def test_channels_first_gives_the_same(channels_first):
    batch = peers.images(2, 14, 15, 3)
    got = answers(TINY(seed=0, input_shape=(3, 14, 15), classifier_activation=None), batch.transpose(0, 3, 1, 2))
    keras.config.set_image_data_format("channels_last")
    expected = answers(TINY(seed=0, input_shape=(14, 15, 3), classifier_activation=None), batch)
    np.testing.assert_allclose(got, expected, atol=1e-5 * np.abs(expected).max())


@pytest.mark.every_backend
def test_a_saved_network_comes_back(tmp_path):
    model = TINY(seed=0, aux_heads=True)
    model.save(tmp_path / "model.keras")
    again = keras.saving.load_model(tmp_path / "model.keras")
    batch = peers.images(2, 32, 32, 3)
    for name in ("predictions", "aux_1"):
        got, expected = (answers(m, batch)[name] for m in (again, model))
        np.testing.assert_array_equal(got, expected)


@pytest.mark.every_backend
@pytest.mark.parametrize("file", ["model.keras", "model.weights.h5"])
def test_weights_fit_with_drop_path_and_without(file, tmp_path):
    plain = dataclasses.replace(TINY, features=partial(TINY.features, drop_path=0.0))
    batch = peers.images(2, 32, 32, 3)
    for one, other in ((plain, TINY), (TINY, plain)):
        model = one(seed=0)
        (model.save_weights if file.endswith("h5") else model.save)(tmp_path / file)
        np.testing.assert_array_equal(answers(other(seed=1, weights=tmp_path / file), batch), answers(model, batch))
