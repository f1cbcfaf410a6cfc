"""`weights="hf-hub:timm/<name>"`: from folders here in the place of the hub, for there is no network in the tests."""

import dataclasses
import json
import pathlib
import shutil
import sys
import types
import warnings

import keras
import numpy as np
import peers
import pytest
from answers import answers

import keras_classics as kc
from keras_classics import cli, preprocessing
from keras_classics.spec import IMAGENET_STATISTICS, PLUS_MINUS_ONE, Normalization
from keras_classics.weights import entries, timm_config
from keras_classics.weights.locate import locate

everywhere = pytest.mark.every_backend

NEW = "timm/resnet18.new_in1k"  # a repository that has no entry
NAMES = ("daisy", "rose", "tulip")
# As timm 1.0.31 writes it (`timm.models.save_config_for_hf`) of a ResNet-18.
CONFIG = {
    "architecture": "resnet18",
    "num_classes": 1000,
    "num_features": 512,
    "global_pool": "avg",
    "model_args": {"in_chans": 3, "num_classes": 1000, "global_pool": "avg"},
    "pretrained_cfg": {
        **{"tag": "new_in1k", "custom_load": False, "fixed_input_size": False},
        **{"input_size": [3, 224, 224], "test_input_size": [3, 288, 288], "pool_size": [7, 7]},
        **{"interpolation": "bicubic", "crop_pct": 0.875, "test_crop_pct": 0.95, "crop_mode": "center"},
        **{"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5], "num_classes": 1000},
        **{"first_conv": "conv1", "classifier": "fc", "license": "apache-2.0"},
    },
}


def changed(**fields):
    """`CONFIG` with other fields, in the place where they stand."""
    top = {name: value for name, value in fields.items() if name in CONFIG or name == "label_names"}
    rest = {name: value for name, value in fields.items() if name not in top}
    return {**CONFIG, **top, "pretrained_cfg": {**CONFIG["pretrained_cfg"], **rest}}


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """Puts a file into a repository, by (repository, name, content), and tells what was asked for."""
    served = tmp_path / "served"
    asked = []

    def download(repository, name, cache_dir):
        asked.append((repository, name))
        assert pathlib.Path(cache_dir).is_relative_to(tmp_path)
        if not (served / repository / name).exists():
            raise ConnectionError("there is no network in the tests")
        return str(served / repository / name)

    def publish(repository, name, content):
        path = served / repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, pathlib.Path):
            shutil.copy(content, path)
        else:
            path.write_text(content if isinstance(content, str) else json.dumps(content), "utf-8")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(hf_hub_download=download))
    return types.SimpleNamespace(publish=publish, asked=asked)


@pytest.fixture(scope="module")
def timm(tmp_path_factory):
    """A ResNet-18 of timm's names and shapes: the file, with another for three classes, and its outputs."""
    tensors, outputs = peers.golden("timm", "resnet18")
    folder = tmp_path_factory.mktemp("timm")
    few = {name: array[:3] if name.startswith("fc.") else array for name, array in tensors.items()}
    body = {name: array for name, array in tensors.items() if not name.startswith("fc.")}
    paths = {n: peers.write_safetensors(folder / n, t) for n, t in {"all": tensors, "few": few, "body": body}.items()}
    return types.SimpleNamespace(**paths, outputs=outputs["output_logits"])


@everywhere
def test_a_repository_without_an_entry(hub, timm):
    """Its answers are timm's, and those of the same file by its path; its pixels are what config.json says."""
    hub.publish(NEW, "config.json", CONFIG)
    hub.publish(NEW, "model.safetensors", timm.all)
    model = kc.ResNet18(weights=f"hf-hub:{NEW}", classifier_activation=None)
    assert hub.asked == [(NEW, "config.json"), (NEW, "model.safetensors")]
    batch = peers.images(2, 224, 224, 3)
    got = answers(model, batch)
    assert np.abs(got - timm.outputs).max() < 1e-4 * np.abs(timm.outputs).max()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # by its names the file may be of several
        by_path = kc.ResNet18(weights=timm.all, classifier_activation=None)
    np.testing.assert_array_equal(got, answers(by_path, batch))
    protocol = preprocessing.carried_protocol(model)
    assert (protocol.dataset, protocol.class_names) == ("imagenet2012", ())
    assert protocol.normalization == PLUS_MINUS_ONE
    assert (protocol.image_size, protocol.resize_size) == (288, 303)
    assert (protocol.interpolation, protocol.squash) == ("bicubic", False)
    assert abs(kc.preprocess_input(np.full((1, 8, 8, 3), 127.5), model)).max() < 1e-6


def test_classes_of_its_own_come_along(hub, timm, tmp_path, capsys):
    """Into the model, its file and the commands."""
    args = {"in_chans": 3, "num_classes": 3}
    hub.publish(NEW, "config.json", changed(num_classes=3, model_args=args, label_names=NAMES, crop_mode="squash"))
    hub.publish(NEW, "model.safetensors", timm.few)
    model = kc.ResNet18(weights=f"hf-hub:{NEW}")
    assert model.output_shape == (None, 3)
    model.save(tmp_path / "flowers.keras")
    for carried in (model, kc.ResNet18(weights=tmp_path / "flowers.keras")):
        protocol = preprocessing.carried_protocol(carried)
        assert (protocol.dataset, protocol.class_names, protocol.squash) == (NEW, NAMES, True)
    picture = tmp_path / "a.png"
    keras.utils.save_img(picture, peers.pixels(300, 320, 3), scale=False)
    (named,) = kc.predict(model, picture, top=3)
    assert {name for _, name, _ in named} == set(NAMES)
    cli.main(["predict", "resnet18", str(picture), "--weights", f"hf-hub:{NEW}"])
    printed = capsys.readouterr().out
    assert all(name in printed for name in NAMES)


def test_a_body_without_a_classifier(hub, timm):
    hub.publish(NEW, "config.json", changed(num_classes=0))
    hub.publish(NEW, "model.safetensors", timm.body)
    body = kc.ResNet18(weights=f"hf-hub:{NEW}", include_top=False, pooling="avg", input_shape=(64, 64, 3))
    assert body.output_shape == (None, 512)
    with pytest.raises(kc.ClassicsError, match="without its classifier"):
        kc.ResNet18(weights=f"hf-hub:{NEW}")


def test_class_counts_that_differ(hub, timm):
    hub.publish(NEW, "config.json", changed(num_classes=4))
    hub.publish(NEW, "model.safetensors", timm.few)
    with pytest.raises(kc.ClassicsError, match="holds resnet18 with 3 classes; give classes=3"):
        kc.ResNet18(weights=f"hf-hub:{NEW}")


@pytest.mark.parametrize(("architecture", "record"), [("vgg16_bn", kc.VGG16), ("resnet50", kc.ResNet50)])
def test_the_network_takes_the_form_of_timms(architecture, record, hub, tmp_path):
    repository = f"timm/{architecture}.new"
    head = "head.fc" if architecture.startswith("vgg") else "fc"
    file = peers.write_safetensors(tmp_path / "file", {f"{head}.weight": np.zeros((3, 4), "float32")})
    hub.publish(repository, "config.json", changed(architecture=architecture))
    hub.publish(repository, "model.safetensors", file)
    taken = locate(f"hf-hub:{repository}", record)
    option, value = ("batch_norm", True) if architecture.startswith("vgg") else ("form", "3x3")
    assert taken.options == {option: value}
    assert {table.split()[0] for table in taken.tables} == {"timm" if option == "batch_norm" else "torchvision"}
    record = record.with_options(**{option: record.options[option]})
    with pytest.raises(kc.ClassicsError, match=f"another form of {record.name}: with {option}"):
        locate(f"hf-hub:{repository}", record)


def known(name="resnet18.a1_in1k"):
    return next(e for e in entries.ENTRIES if e.address == f"hf-hub:timm/{name}")


def published(hub, timm, **fields):
    """The repository of an entry, whose config.json has some fields."""
    entry = known()
    repository = entry.address.removeprefix("hf-hub:")
    hub.publish(repository, "model.safetensors", timm.all)
    if fields:
        hub.publish(repository, "config.json", changed(**fields))
    return entry


@pytest.mark.parametrize("fields", [{}, {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225], "crop_pct": 0.7}])
def test_the_entry_decides_where_there_is_one(fields, hub, timm):
    """With its config.json or, offline, without."""
    entry = published(hub, timm, **fields)
    taken = locate(entry.address, kc.ResNet18)
    assert (taken.name, taken.protocol, taken.notes) == (entry.tag, entry.protocol, ())
    assert taken.classes == 1000


def test_other_constants_than_those_of_the_entry_are_told(hub, timm):
    entry = published(hub, timm, mean=[0.5, 0.5, 0.5])
    with pytest.warns(UserWarning, match=r"tells other pixels, mean \(127.5, .* which are taken"):
        model = kc.ResNet18(weights=entry.address)
    assert preprocessing.carried_protocol(model).normalization == IMAGENET_STATISTICS


def test_a_config_json_that_has_come_to_be_damaged_keeps_no_weights_back(hub, timm):
    entry = published(hub, timm, mean="red")
    assert locate(entry.address, kc.ResNet18).notes == ()


REFUSED = [
    (kc.ResNet18, "timm/resnet34.new", {"architecture": "resnet34"}, "holds weights of resnet34, and this is resnet18"),
    (kc.ResNet18, "timm/vgg11_bn.new", {"architecture": "vgg11_bn"}, r"of vgg11 \(batch_norm=True\), and this is"),
    (kc.ResNet50, "timm/resnet50d.new", {"architecture": "resnet50d"}, "timm's resnet50d, .* nearest network is resne"),
    (kc.NASNetLarge, "timm/n.new", {"architecture": "nasnetalarge"}, "timm's nasnetalarge, .* nasnet_large"),
    (kc.ResNet50, "timm/vit.new", {"architecture": "vit_tiny_patch16_224"}, "of which no network here has the form"),
    (kc.LeNet5, "timm/resnet18.new", {}, "holds weights of resnet18, and this is lenet5"),
    (kc.ResNet18, "timm/resnet34.a1_in1k", {}, "holds weights of resnet34, and this is resnet18"),
    (kc.ResNet18, "someone/resnet18", {}, "no repository of timm: write 'hf-hub:timm/<name>'"),
    (kc.ResNet18, "timm/../x", {}, "no repository of timm"),
    (kc.ResNet18, "timm/", {}, "no repository of timm"),
    (kc.ResNet18.with_options(shortcut="A"), NEW, {}, "with shortcut='B', and shortcut='A' was asked for"),
]


@pytest.mark.parametrize(("record", "repository", "fields", "message"), REFUSED, ids=[r[1] for r in REFUSED])
def test_another_network_is_refused_before_its_weights_are_fetched(record, repository, fields, message, hub):
    if ".." not in repository and not repository.endswith("/"):
        hub.publish(repository, "config.json", changed(**fields))
    with pytest.raises(kc.ClassicsError, match=message) as caught:
        record(weights=f"hf-hub:{repository}")
    assert "\n" not in str(caught.value)
    assert not any(name == "model.safetensors" for _, name in hub.asked)


def test_weights_that_are_not_what_config_json_says(hub, tmp_path):
    hub.publish(NEW, "config.json", CONFIG)
    hub.publish(NEW, "model.safetensors", peers.write_safetensors(tmp_path / "x", {"a.b": np.zeros((3, 3), "float32")}))
    with pytest.raises(kc.ClassicsError, match="holds no weights of resnet18"):
        kc.ResNet18(weights=f"hf-hub:{NEW}")


HOSTILE = {
    "no JSON": ("{", "it is no JSON"),
    "no object": ("[1, 2]", "it is no JSON object"),
    "deep": ("[" * 100_000, "it is no JSON"),
    "long numbers": ('{"num_classes": ' + "9" * 5000 + "}", "it is no JSON"),
    "a pretrained_cfg that is none": ({**CONFIG, "pretrained_cfg": 3}, "its pretrained_cfg must be an object"),
    "no architecture": ({**CONFIG, "architecture": None}, "its architecture must be a name, not None"),
    "an architecture that is no name": ({**CONFIG, "architecture": ["resnet18"]}, "must be a name"),
    "a negative size": (changed(test_input_size=[3, -288, -288]), r"with a side of up to 4096, not \[3, -288, -288\]"),
    "no size": (changed(test_input_size=[3, 0, 0]), "with a side of up to 4096"),
    "a huge size": (changed(test_input_size=[3, 1 << 40, 1 << 40]), "with a side of up to 4096"),
    "an oblong": (changed(test_input_size=[3, 224, 320]), r"must be \[3, side, side\]"),
    "one channel": (changed(test_input_size=[1, 224, 224]), r"must be \[3, side, side\]"),
    "sizes of text": (changed(test_input_size=[3, "224", "224"]), "its input_size must be"),
    "a size of true": (changed(test_input_size=[3, True, True]), "its input_size must be"),
    "nothing to see": (changed(test_crop_pct=0), "its crop_pct must be a number from 0.1 to 2, not 0"),
    "a part of text": (changed(test_crop_pct="0.95"), "its crop_pct must be a number"),
    "a part that is no number": (changed(test_crop_pct=float("nan")), "its crop_pct must be a number .* not nan"),
    "a huge part": (changed(test_crop_pct=10**400), "its crop_pct must be a number"),
    "a mean of two channels": (changed(mean=[0.5, 0.5]), r"its mean must be three numbers, not \[0.5, 0.5\]"),
    "a mean of text": (changed(mean=["0.5"] * 3), "its mean must be three numbers"),
    "a mean of pixels of 0..255": (changed(mean=[123.675, 116.28, 103.53]), "three numbers from 0 to 1"),
    "no deviation": (changed(std=[0, 0, 0]), "its std must be three numbers from 0.001 to 1"),
    "an endless deviation": (changed(std=[float("inf")] * 3), "its std must be three numbers"),
    "pixels that are not told": (changed(mean=None), "its mean must be three numbers, not None"),
    "an interpolation": (changed(interpolation="lanczos"), "its interpolation must be 'bilinear' or 'bicubic'"),
    "a crop": (changed(crop_mode="border"), "its crop_mode must be 'center' or 'squash', not 'border'"),
    "negative classes": (changed(num_classes=-1), "its num_classes must be an integer up to 100000, not -1"),
    "many classes": (changed(num_classes=10**9), "its num_classes must be"),
    "classes of text": (changed(num_classes="1000"), "its num_classes must be .* not '1000'"),
    "too few names": (changed(num_classes=3, label_names=NAMES[:2]), "label_names are not those of its 3 classes"),
    "names by other numbers": (changed(num_classes=2, label_names={"1": "a", "2": "b"}), "label_names are not all"),
    "names that are none": (changed(num_classes=3, label_names=[1, 2, 3]), "label_names are not all text"),
    "a name of a book's length": (changed(num_classes=1, label_names=["x" * 10_000]), "not all text of up to 1000"),
    "an offset of the labels": (changed(label_offset=1), "its label_offset must be 0, not 1"),
    "another network": (changed(model_args={"act_layer": "gelu"}), "make another network of it by act_layer"),
    "another pool": (changed(global_pool="max"), "its global_pool must be 'avg', not 'max'"),
}


@pytest.mark.parametrize("case", HOSTILE)
def test_a_config_json_that_cannot_be_used(case, hub):
    content, message = HOSTILE[case]
    hub.publish(NEW, "config.json", content)
    with pytest.raises(kc.ClassicsError, match=message) as caught:
        kc.ResNet18(weights=f"hf-hub:{NEW}")
    assert str(caught.value).startswith(f"The config.json of {NEW} cannot be used: ")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400
    assert hub.asked == [(NEW, "config.json")]


def test_a_config_json_of_a_hundred_megabytes_is_not_read(hub, tmp_path, monkeypatch):
    file = tmp_path / "huge"
    with open(file, "wb") as sparse:
        sparse.truncate(100 << 20)
    hub.publish(NEW, "config.json", file)
    monkeypatch.setattr(timm_config.pathlib.Path, "read_text", None)
    with pytest.raises(kc.ClassicsError, match="it has 104,857,600 bytes, and at most 8,388,608 are read"):
        kc.ResNet18(weights=f"hf-hub:{NEW}")


def read(tmp_path, content):
    path = tmp_path / "config.json"
    path.write_text(json.dumps(content), "utf-8")
    return timm_config.read_config(path, NEW)


def test_what_a_config_json_may_leave_out(tmp_path):
    """An older one has all in one object; timm's own defaults stand for what is not there."""
    flat = {
        "architecture": "resnet18",
        "input_size": [3, 224, 224],
        "mean": [0.485, 0.456, 0.406],
        "test_crop_pct": None,
    }
    found = read(tmp_path, {**flat, "std": [0.229, 0.224, 0.225], "num_classes": 2, "labels": ["cat", "dog"]})
    assert found.protocol.normalization == IMAGENET_STATISTICS
    assert (found.protocol.image_size, found.protocol.resize_size, found.protocol.interpolation) == (
        224,
        256,
        "bicubic",
    )
    assert found.protocol.class_names == ("cat", "dog")
    assert read(tmp_path, changed(num_classes=2, label_names={"1": "dog", "0": "cat"})).protocol == dataclasses.replace(
        read(tmp_path, changed(num_classes=2)).protocol, class_names=("cat", "dog")
    )
    assert read(tmp_path, CONFIG).protocol.normalization == Normalization((127.5,) * 3, (127.5,) * 3)


def test_offline(hub, timm):
    """Whichever of the two files is missing, the message names what to fetch."""
    place = f"https://huggingface.co/{NEW}/resolve/main/model.safetensors"
    for name, content in (("config.json", CONFIG), ("model.safetensors", timm.all)):
        with pytest.raises(kc.ClassicsError, match=rf"Cannot download {name} of {NEW} .* Fetch {place}") as caught:
            kc.ResNet18(weights=f"hf-hub:{NEW}")
        assert "\n" not in str(caught.value)
        hub.publish(NEW, name, content)
    assert locate(f"hf-hub:{NEW}", kc.ResNet18).classes == 1000
    with pytest.raises(kc.ClassicsError, match="Cannot download model.safetensors of timm/resnet18.a1_in1k"):
        kc.ResNet18(weights="hf-hub:timm/resnet18.a1_in1k")
