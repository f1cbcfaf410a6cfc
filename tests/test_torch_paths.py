"""Which of torch's operations a layer of ours calls, on a CPU and on another device, beside Keras' layer.

The other device is torch's "meta", whose tensors have a shape and a type but no numbers, so it needs no hardware: what
is called there is what an accelerator gets.
"""

from collections import Counter

import keras
import pytest

from keras_classics.layers import (
    AveragePooling2D,
    BatchNormalization,
    Conv2D,
    DepthwiseConv2D,
    FusedBatchNormalization,
    FusedConv2D,
    MaxPooling2D,
    SeparableConv2D,
    onednn,
)

pytestmark = [
    pytest.mark.every_backend,
    pytest.mark.skipif(keras.config.backend() != "torch", reason="what torch does"),
]
SHAPE = (2, 9, 8, 6)
ONEDNN = ("mkldnn._reorder_convolution_weight", "mkldnn._convolution_pointwise")
LAYERS = {
    "convolution": (Conv2D, {"filters": 4, "kernel_size": 3, "activation": "relu"}),
    "same, strided": (Conv2D, {"filters": 4, "kernel_size": 3, "strides": 2, "padding": "same"}),
    "1x1 in groups": (Conv2D, {"filters": 4, "kernel_size": 1, "groups": 2}),
    "3x3 in groups": (Conv2D, {"filters": 4, "kernel_size": 3, "groups": 2}),
    "depthwise": (DepthwiseConv2D, {"kernel_size": 3}),
    "separable": (SeparableConv2D, {"filters": 4, "kernel_size": 3}),
    "greatest": (MaxPooling2D, {"pool_size": 3, "strides": 2}),
    "average": (AveragePooling2D, {"pool_size": 3, "strides": 2, "padding": "same"}),
    "norm": (BatchNormalization, {}),
}


def operations(layer, device, *shapes, gradients=False):
    """How often torch's operations are called by a layer, without those that only look at what is there, make room, or
    try what oneDNN can do."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    class Recorder(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            names.append(str(function.overloadpacket))
            return function(*args, **(kwargs or {}))

    onednn._works()
    names: list[str] = []
    with keras.device(device):
        maps, *added = [torch.ones(shape, device=device) for shape in shapes or [SHAPE]]
        with torch.set_grad_enabled(gradients), Recorder():
            made = layer(maps, added=added[0]) if added else layer(maps)
    assert made.device.type == device
    looks = (
        "aten.permute",
        "aten.view",
        "aten.unsqueeze",
        "aten.alias",
        "aten.detach",
        "aten.empty",
        "aten.empty_like",
    )
    return Counter(name for name in names if name not in looks)


def built(kind, options):
    layer = kind(**options)
    layer.build(SHAPE)
    return layer


@pytest.mark.parametrize("case", LAYERS)
def test_an_accelerator_gets_no_more_operations_than_from_keras(case):
    kind, options = LAYERS[case]
    ours = operations(built(kind, options), "meta")
    theirs = operations(built(getattr(keras.layers, kind.__name__), options), "meta")
    assert ours
    assert not any(name.startswith("mkldnn") for name in ours)
    # A norm is one operation of torch's in the place of six, and the ReLU overwrites what the layer has made.
    assert ours - theirs <= Counter(["aten.native_batch_norm", "aten.relu_"])
    assert ours["aten.clone"] <= max(0, theirs["aten.clone"] - 1), "maps with the channels last are copied"
    assert sum(ours.values()) <= sum(theirs.values())


@pytest.mark.parametrize("case", ["convolution", "same, strided", "3x3 in groups"])
def test_onednn_is_for_a_cpu_alone(case):
    if not onednn._works():
        pytest.skip("this torch lacks the operations")
    layer = built(*LAYERS[case])
    on_cpu, elsewhere = operations(layer, "cpu"), operations(layer, "meta")
    assert all(on_cpu[name] == 1 for name in ONEDNN)
    assert (on_cpu["aten.convolution"], elsewhere["aten.convolution"]) == (0, 1)
    assert operations(layer, "cpu", gradients=True)["aten.convolution"] == 1


def test_fused_layers_take_the_same_ways():
    layer = built(FusedConv2D, {"filters": 4, "kernel_size": 3, "zeros": (1, 1), "activation": "relu"})
    shapes = SHAPE, (*SHAPE[:3], 4)
    elsewhere = Counter(["aten.clone", "aten.convolution", "aten.add_", "aten.relu_"])
    assert operations(layer, "meta", *shapes) == elsewhere
    if onednn._works():
        assert operations(layer, "cpu", *shapes) == Counter([*ONEDNN, "aten.clone"])
    norm = built(FusedBatchNormalization, {"activation": "relu"})
    for device in ("cpu", "meta"):
        assert operations(norm, device) == Counter(["aten.native_batch_norm", "aten.relu_"])


def test_1x1_in_groups_are_matrix_products_on_a_cpu_alone():
    layer = built(*LAYERS["1x1 in groups"])
    on_cpu, elsewhere = operations(layer, "cpu"), operations(layer, "meta")
    assert (on_cpu["aten.bmm"], on_cpu["aten.convolution"]) == (1, 0)
    assert (elsewhere["aten.bmm"], elsewhere["aten.convolution"]) == (0, 1)


def test_a_kernel_that_has_moved_is_laid_out_anew(monkeypatch):
    """torch's `to` changes what is in the same tensor, whose version stays."""
    import torch

    monkeypatch.setattr(onednn, "_works", lambda: False)
    layer = built(*LAYERS["convolution"])
    with torch.no_grad():
        before = layer(torch.ones(SHAPE))
        layer.double()
        after = layer._torch_op(torch.ones(SHAPE, dtype=torch.float64))
    assert after.dtype == torch.float64
    torch.testing.assert_close(after.float(), before)


@pytest.mark.parametrize("by_onednn", [True, False])
def test_a_kernel_that_is_put_into_data_is_laid_out_anew(by_onednn, monkeypatch):
    """As torch's `vector_to_parameters` does."""
    import torch

    if not by_onednn:
        monkeypatch.setattr(onednn, "_works", lambda: False)
    layer = built(*LAYERS["convolution"])
    maps = torch.ones(SHAPE)
    for value in (1.0, 2.0, 3.0):
        layer.kernel.value.data = torch.full(tuple(layer.kernel.shape), value)
        with torch.no_grad():
            assert layer(maps).amax() == 54 * value


@pytest.mark.parametrize("by_onednn", [True, False])
@pytest.mark.parametrize("dtype", ["float32", "mixed_bfloat16"])
def test_in_torchs_inference_mode_as_without(dtype, by_onednn, monkeypatch):
    """Tensors that are made in it, such as those of a layer that is built there, do not tell whether they changed."""
    import torch

    if not by_onednn:
        monkeypatch.setattr(onednn, "_works", lambda: False)
    maps = torch.rand(SHAPE)
    outside = built(Conv2D, {"filters": 4, "kernel_size": 3, "dtype": dtype})
    with torch.no_grad():
        expected = outside(maps)
    with torch.inference_mode():
        inside = built(Conv2D, {"filters": 4, "kernel_size": 3, "dtype": dtype})
        inside.kernel.assign(outside.kernel)
        for layer in (outside, inside):
            torch.testing.assert_close(layer(maps).clone(), expected)
        inside.kernel.assign(2 * outside.kernel)
        torch.testing.assert_close(inside(maps).clone(), 2 * expected)
