"""Ma et al. 2018, sentence by sentence, and beside independent code."""

import keras
import peers
import pytest

import keras_classics as kc


@pytest.mark.structure
@pytest.mark.parametrize(
    ("name", "filters"),
    [
        ("shufflenet_v2_x0_5", (48, 96, 192, 1024)),
        ("shufflenet_v2_x1_0", (116, 232, 464, 1024)),
        ("shufflenet_v2_x1_5", (176, 352, 704, 1024)),
        ("shufflenet_v2_x2_0", (244, 488, 976, 2048)),
    ],
)
def test_table_5(name, filters):
    model = kc.create_model(name)
    layers = ("stage2_unit4_shuffle", "stage3_unit8_shuffle", "stage4_unit4_shuffle", "conv5_relu")
    for layer, side, maps in zip(layers, (28, 14, 7, 7), filters, strict=True):
        assert model.get_layer(layer).output.shape[1:] == (side, side, maps)


@pytest.mark.structure
def test_guidelines():
    """G1: equal widths in and out of a unit's layers; G2: no groups; G4: nothing is added."""
    model = kc.ShuffleNetV2_x1_0()
    assert not any(isinstance(layer, keras.layers.Add) for layer in model.layers)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv2D) and layer.name.startswith("stage"):
            assert layer.groups == 1
            if "unit1_" not in layer.name:
                assert layer.input.shape == layer.output.shape


@pytest.mark.structure
@pytest.mark.parametrize(("width", "millions"), [("x0_5", 1.4), ("x1_0", 2.3), ("x1_5", 3.5), ("x2_0", 7.4)])
def test_parameters_of_the_authors_repository(width, millions):
    assert round(kc.get_model(f"shufflenet_v2_{width}").params / 1e6, 1) == millions


@pytest.mark.every_backend
@pytest.mark.parametrize(("name", "peer"), [("shufflenet_v2_x0_5", "wd2"), ("shufflenet_v2_x1_0", "w1")])
def test_equals_pytorchcv(name, peer):
    """Its first pooling is Caffe's, whose windows lie a pixel to the right of the authors'; so it gets theirs."""
    import torch

    net, tensors = peers.pytorchcv("shufflenetv2", f"shufflenetv2_{peer}")
    net.features.init_block.pool = torch.nn.MaxPool2d(3, 2, 1)
    batch = peers.images(2, 224, 224, 3)
    model = kc.create_model(name, classifier_activation=None)
    assert peers.error(model, "pytorchcv", tensors, batch, peers.torch_outputs(net, batch)) < 1e-5


@pytest.mark.every_backend
def test_equals_torchvision():
    tensors, outputs = peers.golden("torchvision", "shufflenet_v2_x1_0")
    model = kc.ShuffleNetV2_x1_0(classifier_activation=None)
    assert peers.error(model, "torchvision", tensors, peers.images(2, 224, 224, 3), outputs["output_logits"]) < 1e-5
