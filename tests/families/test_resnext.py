"""Xie et al. 2016, sentence by sentence, and beside independent code."""

import keras
import peers
import pytest

import keras_classics as kc


@pytest.mark.structure
def test_an_error_of_320_pixels_is_none_of_224():
    assert [(r.top1, r.views) for r in kc.ResNeXt101_64x4d.reported] == [(20.4, "1 crop"), (19.1, "1 crop of 320")]


@pytest.mark.structure
@pytest.mark.parametrize("name", kc.list_models(family="resnext"))
def test_the_name_is_depth_cardinality_and_width(name):
    model = kc.create_model(name)
    depth, cardinality, width = (
        int(figure) for figure in name.removeprefix("resnext").replace("d", "").replace("_", "x").split("x")
    )
    weighted = [
        layer
        for layer in model.layers
        if isinstance(layer, keras.layers.Conv2D | keras.layers.Dense) and "_0_" not in layer.name
    ]
    assert len(weighted) == depth
    grouped = [layer for layer in weighted if isinstance(layer, keras.layers.Conv2D) and layer.groups > 1]
    assert len(grouped) == (depth - 2) // 3
    assert {layer.groups for layer in grouped} == {cardinality}
    assert {layer.kernel_size for layer in grouped} == {(3, 3)}
    assert grouped[0].filters == cardinality * width


@pytest.mark.structure
def test_table_1_gives_the_output_sizes():
    model = kc.ResNeXt50_32x4d()
    assert model.get_layer("conv1_relu").output.shape[1:] == (112, 112, 64)
    for stage, (count, side, filters) in enumerate(
        zip((3, 4, 6, 3), (56, 28, 14, 7), (256, 512, 1024, 2048), strict=True), 2
    ):
        assert model.get_layer(f"conv{stage}_block{count}_out").output.shape[1:] == (side, side, filters)
        assert model.get_layer(f"conv{stage}_block1_2_relu").output.shape[1:] == (side, side, filters // 2)


@pytest.mark.structure
def test_the_complexity_is_that_of_resnet_50():
    """Table 1: 25.0 million parameters beside 25.5, 4.2 billion multiply-adds beside 4.1 of ResNet-50 in this form."""
    resnet = kc.ResNet50.with_options(form="3x3")
    assert [round(v.params / 1e6, 1) for v in (kc.ResNeXt50_32x4d, resnet)] == [25.0, 25.6]
    assert [round(v.macs / 1e9, 1) for v in (kc.ResNeXt50_32x4d, resnet)] == [4.2, 4.1]


@pytest.mark.structure
def test_cifar_sizes_of_section_5_3():
    model = kc.ResNeXt29_32x4d()
    shapes = [model.get_layer(f"conv{stage}_block3_out").output.shape[1:] for stage in (2, 3, 4)]
    assert shapes == [(32, 32, 256), (16, 16, 512), (8, 8, 1024)]
    assert round(kc.ResNeXt29_16x64d.params / 1e6, 1) == 68.2


def equals_pytorchcv(name, module, peer):
    size = kc.get_model(name).image_size
    net, tensors = peers.pytorchcv(module, peer)
    batch = peers.images(1, size, size, 3)
    model = kc.create_model(name, classifier_activation=None)
    return peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch))


@pytest.mark.every_backend
@pytest.mark.parametrize(
    ("name", "module", "peer"),
    [
        ("resnext50_32x4d", "resnext", "resnext50_32x4d"),
        ("resnext29_32x4d", "resnext_cifar", "resnext29_32x4d_cifar10"),
        pytest.param("resnext101_32x4d", "resnext", "resnext101_32x4d", marks=pytest.mark.heavy),
        pytest.param("resnext101_64x4d", "resnext", "resnext101_64x4d", marks=pytest.mark.heavy),
        pytest.param("resnext29_16x64d", "resnext_cifar", "resnext29_16x64d_cifar10", marks=pytest.mark.heavy),
    ],
)
def test_equals_pytorchcv(name, module, peer):
    assert equals_pytorchcv(name, module, peer) < 1e-5


@pytest.mark.every_backend
def test_equals_torchvision():
    tensors, outputs = peers.golden("torchvision", "resnext50_32x4d")
    model = kc.ResNeXt50_32x4d(classifier_activation=None)
    assert peers.error(model, "torchvision", tensors, peers.images(2, 224, 224, 3), outputs["output_logits"]) < 1e-5
