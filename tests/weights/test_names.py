"""A file that is known by its names alone: as which checkpoint it is taken, what is told, and how to choose."""

import dataclasses
import hashlib
import re

import numpy as np
import peers
import pytest
from answers import answers

import keras_classics as kc
from keras_classics import preprocessing
from keras_classics.weights import entries
from keras_classics.weights.locate import locate
from keras_classics.weights.mapping import readable

torch = pytest.importorskip("torch")

CIFAR = (0.4914, 0.4822, 0.4465), (0.2023, 0.1994, 0.2010)


def write(tensors, folder, kind):
    """A state dict in each kind of file that torch's users have."""
    path = folder / f"net.{kind}"
    if kind == "safetensors":
        peers.write_safetensors(path, {name: array.numpy() for name, array in tensors.items() if array.ndim})
    elif kind == "parallel":
        torch.save({"state_dict": {f"module.{name}": array for name, array in tensors.items()}, "epoch": 3}, path)
    else:
        torch.save(tensors, path, _use_new_zipfile_serialization=kind != "legacy")
    return path


def answer(model, pixels):
    return answers(model, kc.preprocess_input(pixels, model))


@pytest.mark.every_backend
@pytest.mark.parametrize("kind", ["pth", "legacy", "parallel", "safetensors"])
@pytest.mark.parametrize(("peer", "classes"), [("resnet20_cifar10", 10), ("resnet20_cifar100", 100), ("no top", None)])
def test_kinds_and_classes(kind, peer, classes, tmp_path):
    """pytorchcv's ResNet-20, its body too, on pixels of 0..255."""
    net, _ = peers.pytorchcv("resnet_cifar", "resnet20_cifar10" if classes is None else peer)
    state = dict(net.state_dict())
    if classes is None:
        state = {name: array for name, array in state.items() if not name.startswith("output")}
        net.output = torch.nn.Identity()
    path = write(state, tmp_path, kind)
    pixels, (mean, std) = peers.pixels(2, 32, 32, 3), (np.array(values) for values in CIFAR)
    expected = peers.torch_outputs(net, ((pixels / 255 - mean) / std).astype("float32"))
    top = {"classes": classes, "classifier_activation": None} if classes else {"include_top": False, "pooling": "avg"}
    with pytest.warns(UserWarning, match="is built with shortcut='B'"):
        model = kc.ResNet20(weights=path, **top)
    got = answer(model, pixels)
    print(f"resnet20 from {path.name}, {peer}: {np.abs(got - expected).max() / np.abs(expected).max():.1e}")
    assert np.abs(got - expected).max() < 1e-5 * np.abs(expected).max()
    told = {100: "cifar100", 10: "cifar10", None: ""}[classes]  # a body answers nothing
    assert preprocessing.carried_protocol(model).dataset == told


@pytest.mark.parametrize("head", [{"fc": (10, 1024)}, {"fc.0": (8, 1024), "fc.3": (10, 8)}])
def test_a_body_of_torchvision_with_another_head(head, tmp_path):
    """What fine-tuning in torch leaves: its layers of torchvision's names, and a classifier of its own."""
    tensors, _ = peers.golden("torchvision", "shufflenet_v2_x1_0")
    state = {n: torch.from_numpy(a) for n, a in tensors.items() if not n.startswith("fc.")}
    whole = kc.ShuffleNetV2_x1_0(weights=write({n: torch.from_numpy(a) for n, a in tensors.items()}, tmp_path, "pth"))
    for name, shape in head.items():
        state |= {f"{name}.weight": torch.ones(shape), f"{name}.bias": torch.ones(shape[0])}
    path = write(state, tmp_path, "safetensors")
    body = kc.ShuffleNetV2_x1_0(weights=path, include_top=False, pooling="avg", input_shape=(64, 64, 3))
    for layer in body.layers:
        for ours, theirs in zip(layer.get_weights(), whole.get_layer(layer.name).get_weights(), strict=True):
            np.testing.assert_array_equal(ours, theirs)
    if "fc" not in head:
        with pytest.raises(kc.ClassicsError, match="without its classifier"):
            kc.ShuffleNetV2_x1_0(weights=path)


def resnet50_names(tmp_path, kind="pth"):
    """A file with the names of torchvision's ResNet-50 and no sum that anybody published."""
    tensors, _ = peers.golden("torchvision", "resnet50")
    return write({name: torch.from_numpy(array) for name, array in tensors.items()}, tmp_path, kind)


def test_several_checkpoints_have_these_names(tmp_path):
    """torchvision's two and timm's two differ in the size that pictures come to: which is taken, and how to choose."""
    path = resnet50_names(tmp_path)
    taken = locate(path, kc.ResNet50)
    assert taken.options == {"form": "3x3"}
    network = kc.ResNet50
    found = entries.find("resnet50", network.protocol, "torchvision", network.options, {})
    assert taken.protocol == dataclasses.replace(found.protocol, assumed=True)  # names of layers tell no data set
    form, several = taken.notes
    assert form == f"resnet50 is built with form='3x3', the form of the weights in '{path}'."
    assert several.startswith(
        f"'{path}' may be of several checkpoints by its names, and is taken as 'torchvision/IMAGENET"
    )
    assert "232 pixels" in several
    others = re.findall(r"'([^']*)'", several.partition("If it is of another (")[2].partition(")")[0])
    known = {e.tag: e.protocol for e in entries.entries_of("resnet50")}
    assert len({known[tag] for tag in others} - {found.protocol}) == len(others) > 3  # one of each kind
    for entry in entries.entries_of("resnet50"):
        if entry.source in ("torchvision", "timm"):
            chosen = locate(f"{entry.tag}:{path}", kc.ResNet50)
            assert chosen.protocol == entry.protocol
            assert len(chosen.notes) == 1
    assert locate(f"IMAGENET1K_V1:{path}", kc.ResNet50).protocol.resize_size == 256
    with pytest.raises(kc.ClassicsError, match="is not of keras: it has the names of torchvision"):
        locate(f"keras:{path}", kc.ResNet50)
    with pytest.raises(kc.ClassicsError, match="with form='3x3', and form='1x1' was asked for") as caught:
        locate(path, kc.ResNet50.with_options(form="1x1"))
    assert str(path) in str(caught.value)


def test_forms_whose_names_are_alike(tmp_path):
    """pytorchcv has both forms of ResNet-50's bottlenecks: the network's own is taken where nothing says more."""
    net, _ = peers.pytorchcv("resnet", "resnet50b")
    path = write(net.state_dict(), tmp_path, "pth")
    taken = locate(path, kc.ResNet50)
    assert taken.options == {}
    assert "pytorchcv/resnet50b" in taken.notes[-1]
    assert locate(f"pytorchcv/resnet50b:{path}", kc.ResNet50).options == {"form": "3x3"}
    assert locate(path, kc.ResNet50.with_options(form="3x3")).options == {"form": "3x3"}


def test_a_body_tells_its_source_by_its_layers(tmp_path):
    """Without a classifier the names of two sources have to be tried, where the form is the same."""
    net, _ = peers.pytorchcv("resnet", "resnet18")
    state = {name: array for name, array in net.state_dict().items() if not name.startswith("output")}
    taken = locate(write(state, tmp_path, "pth"), kc.ResNet18)
    assert set(taken.tables) == {"pytorchcv"}
    found = entries.find("resnet18", kc.ResNet18.protocol, "pytorchcv", {}, {})
    assert taken.protocol == dataclasses.replace(found.protocol, assumed=True)
    assert taken.notes == ()


def test_a_published_file_of_another_network(tmp_path, monkeypatch):
    """PlainNet-20 has the layers of ResNet-20 with shortcuts of option A; the sum tells them apart."""
    net, _ = peers.pytorchcv("resnet_cifar", "resnet20_cifar10")
    path = write(net.state_dict(), tmp_path, "pth")
    sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
    true = next(e for e in entries.ENTRIES if (e.variant, e.tag) == ("resnet20", "idelbayev"))
    monkeypatch.setattr(entries, "ENTRIES", (dataclasses.replace(true, checksum=f"sha256:{sha256}"),))
    with pytest.raises(kc.ClassicsError, match="is the checkpoint idelbayev of resnet20, and this is plainnet20"):
        kc.PlainNet20(weights=path)
    with pytest.raises(kc.ClassicsError, match="is not of pytorchcv|There is no weights file"):
        kc.ResNet20(weights=f"pytorchcv:{path}")


def test_a_source_without_such_a_network_is_told(tmp_path):
    net, _ = peers.pytorchcv("resnet_cifar", "resnet20_cifar10")
    state = {n: a for n, a in net.state_dict().items() if "identity_conv" not in n}
    path = write(state, tmp_path, "pth")
    with pytest.warns(UserWarning, match="has the names of pytorchcv, of which no checkpoint of plainnet20 is known"):
        kc.PlainNet20(weights=path)


def test_a_tag_without_its_source(tmp_path):
    def find(weights):
        return entries.find("resnet50", kc.ResNet50.protocol, weights, kc.ResNet50.options, {}).tag

    assert find("IMAGENET1K_V1") == "torchvision/IMAGENET1K_V1"
    assert find("a1_in1k") == "timm/a1_in1k"
    with pytest.raises(kc.ClassicsError, match="Did you mean"):
        find("IMAGENET1K_V3")


@pytest.mark.parametrize("name", ["resnet50.a1_in1k", "timm/resnet50.a1_in1k"])
def test_timms_whole_name_is_no_file(name, monkeypatch):
    asked = []
    monkeypatch.setattr("keras_classics.weights.locate.fetch", lambda entry: asked.append(entry.tag) or "nowhere")
    with pytest.raises(kc.ClassicsError, match="no weights file 'nowhere'"):
        locate(name, kc.ResNet50)
    assert asked == ["timm/a1_in1k"]
    with pytest.raises(kc.ClassicsError, match=r"Unknown weights of resnet50 'resnet50\.a1_in2k'"):
        locate("resnet50.a1_in2k", kc.ResNet50)
    with pytest.raises(kc.ClassicsError, match="no weights file 'a1_in1k.pth'"):
        locate("a1_in1k.pth", kc.ResNet50)


def test_tensors_that_are_there_twice(tmp_path):
    net, _ = peers.pytorchcv("resnet_cifar", "resnet20_cifar10")
    state = dict(net.state_dict())
    state["module.output.bias"] = state["output.bias"] + 1
    with pytest.raises(kc.ClassicsError, match="output.bias twice"):
        kc.ResNet20(weights=write(state, tmp_path, "pth"))


def test_wholly_foreign_tensors(tmp_path):
    path = write({f"encoder.{i}.weight": torch.ones(3, 3) for i in range(9)}, tmp_path, "pth")
    with pytest.raises(kc.ClassicsError) as caught:
        kc.ResNet20(weights=path)
    message = str(caught.value)
    assert "holds no weights of resnet20: expected are layers such as " in message
    assert "'conv1' (idelbayev)" in message
    assert "'features.init_block.conv' (pytorchcv)" in message
    assert "it has 'encoder.0', 'encoder.1'" in message
    assert "\n" not in message
    assert "\\" not in message


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        (r"features\.init_block(?:\.conv)?\.conv", "features.init_block.conv"),
        (r"(?:predictions|probs)", "predictions"),
        (r"conv2d(?:_\d+)?", "conv2d"),
        (r"reduce_(?:\d+)", "reduce_1"),
        (re.escape("conv1/7x7_s2"), "conv1/7x7_s2"),
    ],
)
def test_names_in_messages_are_no_patterns(pattern, name):
    assert readable(pattern) == name
