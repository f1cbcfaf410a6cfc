"""The table of checkpoints is consistent, and `weights=` finds in it what it says."""

import csv
import math
import pathlib
import re
from dataclasses import replace

import pytest

import keras_classics as kc
from keras_classics.spec import IMAGENET_STATISTICS, PLUS_MINUS_ONE, InputProtocol, Normalization
from keras_classics.weights import NAMES
from keras_classics.weights.entries import DATASETS, ENTRIES, entries_of, find

pytestmark = pytest.mark.structure

# No public checkpoint is known whose network is the same in any form.
WITHOUT = {"plainnet18", "plainnet34", "densenet264", "pnasnet5_mobile"}
OWN_LENET = "keras_classics/lenet5_distorted-mnist"  # the better of two
# Public ones have another form, which a tag takes.
OTHER_FORMS = {"alexnet", "resnet200_v2"}


def chosen(name, weights, **options):
    variant = kc.get_model(name)
    return find(name, variant.protocol, weights, variant.options, options)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda e: f"{e.variant}-{e.tag}")
def test_an_entry_is_sound(entry):
    variant = kc.get_model(entry.variant)
    variant.with_options(**dict(entry.options))
    assert all(variant.options[name] != value for name, value in entry.options)
    assert 0 < entry.top1 < 100
    assert entry.top5 is None or 0 < entry.top5 < entry.top1
    assert entry.reported
    assert entry.licence
    if entry.address.startswith("package:"):  # LeNet-5 surrounds its digits; test_shipped.py has more of our own
        assert re.fullmatch(r"sha256:[0-9a-f]{64}", entry.checksum)
        return
    assert entry.protocol.resize_size >= entry.protocol.image_size
    names = {source.split()[0] for family, source in NAMES if family == variant.family}
    assert names & {entry.source, "torchvision" if entry.source == "timm" else "caffe"}
    if entry.address.startswith("hf-hub:"):
        assert entry.checksum == ""
        return
    assert entry.address.startswith("https://")
    algorithm, digits = entry.checksum.split(":")
    length = {"md5": 32, "sha1": 40, "sha256": 64}[algorithm]
    assert re.fullmatch(rf"[0-9a-f]{{{length}}}", digits) or (digits in entry.file and len(digits) >= 8)


def peers_protocols():
    """By name, those that tests/golden/make_fitted.py read from torchvision and timm, and the licences."""
    with (pathlib.Path(__file__).parents[1] / "golden" / "protocols.csv").open() as file:
        for row in csv.DictReader(file):
            pixels = Normalization(*(tuple(255 * float(v) for v in row[name].split()) for name in ("mean", "std")))
            sides = int(row["image_size"]), int(row["resize_size"])
            protocol = InputProtocol("imagenet2012", pixels, *sides, row["interpolation"])
            yield row["name"], (protocol, row["licence"])


PEERS_PROTOCOLS = dict(peers_protocols())


@pytest.mark.parametrize("entry", [e for e in ENTRIES if e.source in ("torchvision", "timm")], ids=lambda e: e.address)
def test_pictures_are_prepared_as_the_peers_prepare_them(entry):
    (theirs, licence), ours = PEERS_PROTOCOLS[entry.file], entry.protocol
    assert entry.licence.lower() == licence
    if entry.source == "torchvision" and ours.normalization == PLUS_MINUS_ONE:
        assert theirs.normalization.mean == pytest.approx(IMAGENET_STATISTICS.mean)
        assert entry.variant in ("inception_v1", "inception_v3")  # its networks bring the pixels to -1..1 themselves
    else:
        assert ours.normalization.mean == pytest.approx(theirs.normalization.mean)
        assert ours.normalization.std == pytest.approx(theirs.normalization.std)
    assert replace(ours, normalization=theirs.normalization) == theirs


def test_image_sizes_are_those_of_pytorchcv():
    table = pathlib.Path(pytest.importorskip("pytorchcv").__file__).parent / "models" / "common" / "model_metainfos.csv"
    with table.open() as file:
        rows = {row["model_name"]: row for row in csv.DictReader(file)}
    entries = [e for e in ENTRIES if e.source == "pytorchcv" and e.protocol.dataset == "imagenet2012"]
    assert len(entries) > 30
    for entry in entries:
        row = rows[entry.tag.split("/")[1]]
        size = 227 if entry.variant == "alexnet" else int(row["img_size"])  # its AlexNet rounds the size of pools up
        resized = math.ceil(size / float(row["img_scale"]))
        assert (entry.protocol.image_size, entry.protocol.resize_size) == (size, resized), entry.tag


def test_tags_and_files_are_unique():
    keys = [(e.variant, e.tag) for e in ENTRIES]
    assert len(set(keys)) == len(keys)
    files = [e.address for e in ENTRIES]
    assert len(set(files)) == len(files)


@pytest.mark.parametrize("name", kc.list_models(dataset="imagenet2012"))
def test_every_imagenet_network_has_a_checkpoint_or_is_known_to_have_none(name):
    assert bool(entries_of(name)) == (name not in WITHOUT)
    if name in WITHOUT:
        with pytest.raises(kc.ClassicsError, match="no public checkpoint"):
            chosen(name, "imagenet")
    elif name in OTHER_FORMS:
        with pytest.raises(kc.ClassicsError, match="A tag takes another form"):
            chosen(name, "imagenet")
    else:
        best = chosen(name, "imagenet")
        assert not best.options
        exact = [e for e in entries_of(name) if not e.options and e.protocol.dataset == "imagenet2012"]
        sound = [e for e in exact if not e.noncommercial]
        of_this_size = [e for e in sound if e.protocol.image_size == kc.get_model(name).image_size]
        assert best.top1 == min(e.top1 for e in of_this_size or sound)


def test_the_words_that_choose():
    assert chosen("resnet50", "imagenet").tag == "pytorchcv/resnet50"
    assert chosen("resnet50", "imagenet", form="1x1").tag == "pytorchcv/resnet50"
    assert chosen("resnet50", "imagenet", form="3x3").tag == "torchvision/IMAGENET1K_V2"
    assert chosen("resnet50", "keras").tag == "keras"
    assert chosen("vgg11", "tv_in1k").address == "hf-hub:timm/vgg11.tv_in1k"
    assert chosen("vgg11", "timm/vgg11_bn.tv_in1k").options == (("batch_norm", True),)
    assert chosen("resnet50", "torchvision").tag == "torchvision/IMAGENET1K_V2"
    assert chosen("resnet50", "torchvision/IMAGENET1K_V1").file == "resnet50-0676ba61.pth"
    assert chosen("resnet20", "cifar10").tag == "idelbayev"
    assert chosen("resnet20", "pytorchcv").tag == "pytorchcv/resnet20_cifar10"  # and not the easier SVHN
    assert chosen("resnet20", "cifar100", shortcut="B").classes == 100
    assert chosen("densenet121", "imagenet", dropout=0.2).tag == chosen("densenet121", "imagenet").tag
    assert chosen("lenet5", "mnist").tag == chosen("lenet5", "keras_classics").tag == OWN_LENET
    assert chosen("nin", "svhn").protocol.dataset == DATASETS["svhn"]


def test_what_may_not_be_used_commercially_has_to_be_named():
    """The best of ResNet-18's published errors is of such a checkpoint."""
    best = min(entries_of("resnet18"), key=lambda e: e.top1)
    assert (best.tag, best.noncommercial) == ("timm/fb_swsl_ig1b_ft_in1k", True)
    for word in ("imagenet", "timm"):
        assert not chosen("resnet18", word).noncommercial
    assert chosen("resnet18", "fb_swsl_ig1b_ft_in1k") == best


def test_an_error_of_a_larger_image_chooses_no_network_for_the_usual_one():
    """timm's a1_in1k errs 26.84% at 288 pixels, and more than pytorchcv's 26.94% at 224."""
    assert chosen("resnet18", "timm/a1_in1k").protocol.image_size == 288
    assert chosen("resnet18", "imagenet").tag == "pytorchcv/resnet18"


def test_words_that_do_not():
    with pytest.raises(kc.ClassicsError, match="Did you mean 'torchvision'"):
        kc.ResNet18(weights="torchvison")
    with pytest.raises(kc.ClassicsError, match="Known: cifar10, .*idelbayev"):
        kc.ResNet20(weights="imagenet")
    with pytest.raises(kc.ClassicsError, match="has another form of resnet50: .*form='3x3'"):
        kc.ResNet50(weights="torchvision", form="1x1")
    with pytest.raises(kc.ClassicsError, match="There is no weights file 'resnet18.pth'"):
        kc.ResNet18(weights="resnet18.pth")
    with pytest.raises(kc.ClassicsError, match="no public checkpoint"):
        kc.PlainNet20(weights="cifar10")


def test_a_record_keeps_the_options_that_it_was_made_with():
    form = kc.ResNet50.with_options(form="3x3")
    assert dict(form.with_options(shortcut="A").chosen) == {"form": "3x3", "shortcut": "A"}
    with pytest.raises(kc.ClassicsError, match="No public checkpoint"):
        kc.ResNet34.with_options(shortcut="A")(weights="imagenet")
