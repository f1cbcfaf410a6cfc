"""The ends of stages, and the maps there."""

import keras
import numpy as np
import peers
import pytest
from answers import answers
from small import SMALL, build

import keras_classics as kc
from keras_classics import complexity
from keras_classics.layers import data_format_of

# Channels at the strides 2, 4, 8, 16 and 32 as timm's `features_only` gives them (1.0.31, `feature_info.channels()`),
# but where a comment says otherwise.
TIMM = {
    "resnet18": [64, 64, 128, 256, 512],
    "resnet50": [64, 256, 512, 1024, 2048],
    "resnext50_32x4d": [64, 256, 512, 1024, 2048],
    "resnet50_v2": [64, 256, 512, 1024, 2048],
    "densenet121": [64, 256, 512, 1024, 1024],
    "inception_v3": [64, 192, 288, 768, 2048],
    "inception_v4": [64, 192, 384, 1024, 1536],  # at 4 timm takes 160, in the middle of the stem
    "inception_resnet_v2": [64, 192, 320, 1088, 1536],
    "xception": [64, 128, 256, 728, 2048],
    "nasnet_large": [96, 168, 1008, 2016, 4032],
    "pnasnet5_large": [96, 270, 1080, 2160, 4320],
    "vgg16": [128, 256, 512, 512, 512],  # and 64 at 1
}


def channels(model, name):
    shape = model.get_layer(name).output.shape
    return shape[-1] if data_format_of(model) == "channels_last" else shape[1]


@pytest.mark.structure
@pytest.mark.parametrize("name", TIMM)
def test_stages_have_timms_channels(name):
    model = kc.create_model(name)
    found = {stride: channels(model, layer) for layer, stride in complexity.stages(model).items()}
    found.pop(1, None)
    assert found == dict(zip((2, 4, 8, 16, 32), TIMM[name], strict=True))


@pytest.mark.structure
@pytest.mark.parametrize(
    ("name", "ends"),
    [
        ("alexnet", {"norm1": 4, "norm2": 8, "conv5_relu": 16, "pool5": 32}),
        ("resnet20", {"conv2_block3_out": 1, "conv3_block3_out": 2, "conv4_block3_out": 4}),
        ("shufflenet_g3_cifar", {"conv1_relu": 1, "stage2_unit4_out": 2, "stage3_unit8_out": 4, "stage4_unit4_out": 8}),
        ("nasnet_cifar", {"stage1_cell6_relu": 1, "stage2_cell6_relu": 2, "stage3_cell6_relu": 4}),
        ("lenet5", {"c1_tanh": 1, "c3_tanh": 2, "c5_tanh": 4}),
    ],
)  # fmt: skip
def test_the_last_layers_of_stages(name, ends):
    assert kc.get_model(name).stages == ends


@pytest.mark.structure
@pytest.mark.parametrize("name", sorted(SMALL))
def test_stages_of_every_family_halve_the_maps(name):
    model = build(name)
    ends = complexity.stages(model)
    strides = list(ends.values())
    assert strides == sorted(set(strides))
    assert len(strides) >= 2
    axis = 1 if data_format_of(model) == "channels_last" else 2
    sides = [model.get_layer(layer).output.shape[axis] for layer in ends]
    assert sides == sorted(sides, reverse=True)
    for side, stride in zip(sides, strides, strict=True):
        assert side <= np.ceil(model.input_shape[axis] / stride) + 1


def test_auxiliary_heads_are_no_stage():
    with_heads, without = kc.InceptionV1(aux_heads=True), kc.InceptionV1()
    assert complexity.stages(with_heads) == complexity.stages(without)
    assert list(complexity.stages(without).values()) == [2, 4, 8, 16, 32]


@pytest.mark.every_backend
def test_a_pyramid_gives_the_maps_of_the_model_with_its_weights():
    model = kc.ResNet20(seed=3, include_top=False)
    pyramid = kc.feature_pyramid(model, strides=(1, 4))
    shape = (2, 40, 48, 3) if data_format_of(model) == "channels_last" else (2, 3, 40, 48)
    images = peers.images(*shape)
    fine, coarse = answers(pyramid, images)
    np.testing.assert_array_equal(coarse, answers(model, images))
    assert fine.shape == ((2, 40, 48, 16) if shape[-1] == 3 else (2, 16, 40, 48))
    assert fine.std() > 0
    assert pyramid.get_layer("conv1_conv") is model.get_layer("conv1_conv")


@pytest.mark.structure
def test_a_stride_that_no_stage_has_is_refused():
    model = kc.ResNet20(include_top=False)
    with pytest.raises(kc.ClassicsError, match=r"of 1, 2, 4, which the stages of resnet20 have, not \(4, 8\)"):
        kc.feature_pyramid(model, strides=(4, 8))
    with pytest.raises(kc.ClassicsError, match="must be of 1, 2, 4"):
        kc.feature_pyramid(model, strides=())


@pytest.mark.structure
def test_a_model_without_a_graph_of_layers_is_refused():
    inner = kc.ResNet20(include_top=False)
    image = keras.Input((32, 32, 3))
    for model in (keras.Sequential([inner]), keras.Model(image, inner(image))):
        with pytest.raises(kc.ClassicsError, match="take the model that is inside it"):
            kc.feature_pyramid(model)
    layer = keras.layers.Conv2D(2, 3)(image)
    with pytest.raises(kc.ClassicsError, match="several outputs"):
        kc.feature_pyramid(keras.Model(image, [layer, layer]))
