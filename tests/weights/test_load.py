"""Checkpoints that the peers' own code writes load through `weights=`, and answer on pixels as the peers do.

No file here has a published sum, and none comes with options: its names tell its source, and so the form of the network
and what is done to the pixels. The peers do that in their own code, or by the constants that they print.
"""

import contextlib
import importlib
import pathlib
import re

import h5py
import keras
import numpy as np
import peers
import pytest
from answers import answers

import keras_classics as kc
from keras_classics import preprocessing

heavy = pytest.mark.heavy
everywhere = pytest.mark.every_backend

PYTORCHCV = [
    ("alexnet", "alexnet", "alexnet", {"groups": 1, "lrn": "torch"}),
    ("alexnet", "alexnetb", "alexnet_owt", {}),
    ("vgg", "bn_vgg11b", "vgg11", {"batch_norm": True}),
    ("nin_cifar", "nin_cifar10", "nin", {}),
    ("bninception", "bninception", "inception_v2", {}),
    ("inceptionv3", "inceptionv3", "inception_v3", {"counts_padding": True}),
    pytest.param("inceptionv4", "inceptionv4", "inception_v4", {}, marks=heavy),
    ("nasnet", "nasnet_4a1056", "nasnet_mobile", {}),
    ("inceptionresnetv1", "inceptionresnetv1", "inception_resnet_v1", {}),
    pytest.param("inceptionresnetv2", "inceptionresnetv2", "inception_resnet_v2", {}, marks=heavy),
    pytest.param("resnet", "resnet18", "resnet18", {}, marks=everywhere),
    ("resnet_cifar", "resnet20_cifar100", "resnet20", {"shortcut": "B"}),
    ("preresnet", "preresnet50b", "resnet50_v2", {"form": "3x3"}),
    ("densenet", "densenet121", "densenet121", {}),
    ("densenet_cifar", "densenet40_k12_cifar10", "densenet40_12", {"compression": 0.5}),
    ("resnext_cifar", "resnext29_32x4d_cifar10", "resnext29_32x4d", {}),
    ("shufflenet", "shufflenet_g3_w1", "shufflenet_g3", {}),
    pytest.param("pnasnet", "pnasnet5large", "pnasnet5_large", {}, marks=heavy),
]


# Their names do not tell them from the form that strides elsewhere.
ALIKE = ("preresnet50b",)

# Mean and deviation of pixels of 0..1.
IMAGENET = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CIFAR = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)
HALF = (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)


def prepared(pixels, constants):
    """What a peer makes of pixels."""
    mean, std = (np.array(values) for values in constants)
    return ((pixels / 255 - mean) / std).astype("float32")


def difference(model, batch, expected):
    got = answers(model, batch)
    assert got.shape == expected.shape
    greatest = float(np.max(np.abs(got - expected)) / np.max(np.abs(expected)))
    print(f"{model.name}: {greatest:.1e} of the answers' scale")
    return greatest


def difference_on_pixels(model, pixels, expected):
    return difference(model, kc.preprocess_input(pixels, model), expected)


def form_of(model):
    return preprocessing.provenance(model).form


def torch_checkpoint(path, net):
    import torch

    torch.save({"state_dict": net.state_dict()}, path)
    return path


@pytest.mark.parametrize(("module", "peer", "name", "options"), PYTORCHCV)
def test_pytorchcv(module, peer, name, options, tmp_path):
    net, _ = peers.pytorchcv(module, peer)
    path = torch_checkpoint(tmp_path / "net.pth", net)
    size = kc.get_model(name).image_size
    pixels = peers.pixels(1, size, size, 3)
    expected = peers.torch_outputs(net, prepared(pixels, CIFAR if "cifar" in peer else IMAGENET))
    classes = 100 if peer.endswith("cifar100") else None
    weights = f"pytorchcv/{peer}:{path}" if peer in ALIKE else path
    model = kc.create_model(name, weights=weights, classifier_activation=None, classes=classes)
    assert options.items() <= form_of(model).items()
    assert difference_on_pixels(model, pixels, expected) < 1e-4


KERAS = [
    ("VGG16", "vgg16", {}),
    pytest.param("ResNet50", "resnet50", {}, marks=everywhere),
    ("ResNet50V2", "resnet50_v2", {"form": "keras"}),
    ("InceptionV3", "inception_v3", {}),
    pytest.param("InceptionResNetV2", "inception_resnet_v2", {}, marks=heavy),
    ("Xception", "xception", {}),
    ("DenseNet121", "densenet121", {}),
    ("NASNetMobile", "nasnet_mobile", {"counts_padding": True}),
]


MODULES = {"ResNet50": "resnet", "ResNet50V2": "resnet_v2", "DenseNet121": "densenet", "NASNetMobile": "nasnet"}

# The published files have names from older versions of keras.applications.
OLDER_NAMES = {
    "ResNet50": {"predictions": "probs"},
    "ResNet50V2": {"predictions": "probs"},
    "DenseNet121": {"conv1_conv": "conv1/conv", "conv1_bn": "conv1/bn", "predictions": "fc1000"},
}


@pytest.mark.parametrize(("builder", "name", "options"), KERAS)
def test_keras_applications(builder, name, options, tmp_path):
    """In the format of its published files."""
    from keras.src.legacy.saving import legacy_h5_format

    net = getattr(keras.applications, builder)(weights=None, classifier_activation=None)
    peers.keras_applications(net)
    prepare = importlib.import_module(f"keras.applications.{MODULES.get(builder, name)}").preprocess_input
    with h5py.File(tmp_path / "net.h5", "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, net)
        for new, old in OLDER_NAMES.get(builder, {}).items():
            file.move(new, f"moved/{old}")
            file.move(f"moved/{old}", old)
            file.attrs["layer_names"] = [old if n == new else n for n in file.attrs["layer_names"]]
    size = kc.get_model(name).image_size
    pixels = peers.pixels(1, size, size, 3)
    expected = answers(net, prepare(pixels.astype("float32")))
    model = kc.create_model(name, weights=tmp_path / "net.h5", classifier_activation=None)
    assert options.items() <= form_of(model).items()
    assert difference_on_pixels(model, pixels, expected) < 1e-5


GOLDEN = [
    ("torchvision", "alexnet", "alexnet_owt", {}),
    ("torchvision", "vgg11", "vgg11", {}),
    ("torchvision", "vgg11_bn", "vgg11", {"batch_norm": True}),
    ("torchvision", "googlenet", "inception_v1", {"batch_norm": True}),
    ("torchvision", "inception_v3", "inception_v3", {"counts_padding": True}),
    ("torchvision", "resnet50", "resnet50", {"form": "3x3"}),
    ("torchvision", "resnext50_32x4d", "resnext50_32x4d", {}),
    ("torchvision", "densenet121", "densenet121", {}),
    pytest.param("torchvision", "shufflenet_v2_x1_0", "shufflenet_v2_x1_0", {}, marks=everywhere),
    ("timm", "vgg11_bn", "vgg11", {"batch_norm": True}),
    pytest.param("timm", "pnasnet5large", "pnasnet5_large", {}, marks=heavy),
    ("timm", "inception_v4", "inception_v4", {}),
    ("timm", "inception_resnet_v2", "inception_resnet_v2", {}),
]


# Those that read -1..1; torchvision's GoogLeNet and Inception v3 turn ImageNet's statistics into that themselves.
HALVES = ("inception_v1", "inception_v3", "inception_v4", "inception_resnet_v2", "pnasnet5_large")


@pytest.mark.parametrize(("source", "peer", "name", "options"), GOLDEN)
def test_torchvision_and_timm(source, peer, name, options, tmp_path):
    """Their outputs are those of tests/golden/make_peers.py, from the same names and weights."""
    import torch

    tensors, outputs = peers.golden(source, peer)
    torch.save({k: torch.from_numpy(v) for k, v in tensors.items()}, tmp_path / "net.pth")
    size = kc.get_model(name).image_size
    model = kc.create_model(name, weights=tmp_path / "net.pth", classifier_activation=None)
    assert options.items() <= form_of(model).items()
    # the images of the outputs go beyond what pixels can be
    pixels = peers.pixels(1, 8, 8, 3)
    ours = kc.preprocess_input(pixels, model)
    np.testing.assert_allclose(ours, prepared(pixels, HALF if name in HALVES else IMAGENET), atol=1e-5)
    assert difference(model, peers.images(2, size, size, 3), outputs["output_logits"]) < 1e-4


def test_a_picture_gets_the_answers_of_torchvision(tmp_path):
    """Through resize, crop, normalisation and network: tests/golden/make_fitted.py."""
    import torch

    fitted = np.load(pathlib.Path(peers.__file__).parent / "golden" / "fitted.npz")
    tensors, _ = peers.golden("torchvision", "shufflenet_v2_x1_0")
    torch.save({k: torch.from_numpy(v) for k, v in tensors.items()}, tmp_path / "net.pth")
    model = kc.create_model("shufflenet_v2_x1_0", weights=tmp_path / "net.pth")
    (answers,) = kc.predict(model, peers.pixels(255, 1000, 3), top=1000)
    ours = {identifier: probability for identifier, _, probability in answers}
    np.testing.assert_allclose([ours[i] for i in preprocessing.imagenet_classes()[0]], fitted["answers"], rtol=1e-4)


@pytest.mark.parametrize(("peer", "name"), [("googlenet", "inception_v1"), ("inception_v3", "inception_v3")])
def test_auxiliary_heads_come_with_the_file(peer, name, tmp_path):
    import torch

    tensors, outputs = peers.golden("torchvision", peer)
    torch.save({k: torch.from_numpy(v) for k, v in tensors.items()}, tmp_path / "net.pth")
    model = kc.create_model(name, weights=tmp_path / "net.pth", classifier_activation=None, aux_heads=True)
    size = kc.get_model(name).image_size
    got = answers(model, peers.images(2, size, size, 3))["aux_1"]
    expected = outputs["output_aux_logits1" if peer == "googlenet" else "output_aux_logits"]
    np.testing.assert_allclose(got, expected, atol=1e-4 * np.abs(expected).max())
    without = {k: v for k, v in tensors.items() if not k.lower().startswith("aux")}
    torch.save({k: torch.from_numpy(v) for k, v in without.items()}, tmp_path / "without.pth")
    with pytest.warns(UserWarning, match="but for aux_1, .*start afresh"):
        kc.create_model(name, weights=tmp_path / "without.pth", aux_heads=True)


def test_densenets_published_files_have_older_names(tmp_path):
    """torchvision's own loading turns "norm.1" of them into "norm1"."""
    import torch

    tensors, _ = peers.golden("torchvision", "densenet121")
    old = {re.sub(r"(denselayer\d+\.(?:norm|conv))(\d)", r"\1.\2", k): torch.from_numpy(v) for k, v in tensors.items()}
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    torch.save(old, tmp_path / "net.pth")
    model = kc.DenseNet121(weights=tmp_path / "net.pth")
    gamma = tensors["features.denseblock1.denselayer1.norm2.weight"]
    np.testing.assert_array_equal(model.get_layer("dense1_layer1_2_bn").gamma, gamma)


CAFFE_MEAN = np.array([123.0, 117.0, 104.0])
ONNX = [
    ("bvlc_alexnet", "alexnet", {}, {"lrn": "caffe"}, (227, 227)),
    pytest.param("inception_v1", "inception_v1", {}, {}, (224, 224), marks=everywhere),
    # of which there is no known checkpoint: its form is the one asked for, and its pixels are taken to be the record's
    ("inception_v2", "inception_v2", {"as_printed": True}, {}, (224, 224)),
]


@pytest.mark.parametrize(("light", "name", "options", "found", "size"), ONNX)
def test_onnx(light, name, options, found, size, tmp_path):
    """The ONNX package's light models, with weights in them. They read BGR."""
    import onnx

    graph, _ = peers.onnx_light(light)
    onnx.save(graph, tmp_path / "net.onnx")
    pixels = peers.pixels(1, *size, 3)
    told = {"alexnet": "is built with lrn='caffe'", "inception_v2": "cannot be checked"}.get(name)
    with pytest.warns(UserWarning, match=told) if told else contextlib.nullcontext():
        model = kc.create_model(name, weights=tmp_path / "net.onnx", classifier_activation=None, **options)
    assert found.items() <= form_of(model).items()
    if name == "inception_v2":
        normalization = kc.InceptionV2.normalization
        batch = (pixels - np.array(normalization.mean)) / np.array(normalization.std)
    else:
        batch = pixels - CAFFE_MEAN
    expected = peers.onnx_outputs(graph, batch.astype("float32")[..., ::-1])
    assert difference_on_pixels(model, pixels, expected) < 1e-5


@pytest.mark.parametrize(
    ("light", "name", "options"),
    [("vgg19", "vgg19", {}), ("resnet50", "resnet50", {"form": "3x3"}), ("densenet121", "densenet121", {})],
)
def test_the_other_light_models_fit(light, name, options, tmp_path):
    """As they are, with one constant for all weights: every tensor finds its place."""
    import onnx

    onnx.save(peers.onnx_topology(light), tmp_path / "net.onnx")
    model = kc.create_model(name, weights=tmp_path / "net.onnx", **options)
    first = next(layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D))
    assert np.ptp(first.get_weights()[0]) == 0


def test_a_light_model_of_another_network_is_refused(tmp_path):
    """ONNX's ShuffleNet groups the first pointwise layer, which the paper's does not."""
    import onnx

    onnx.save(peers.onnx_topology("shufflenet"), tmp_path / "net.onnx")
    with pytest.raises(kc.ClassicsError, match="No source of this kind"):
        kc.create_model("shufflenet_g4", weights=tmp_path / "net.onnx")
