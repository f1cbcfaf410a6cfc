"""Downloads, their sums, and what is kept of them; from files, for there is no network in the tests."""

import dataclasses
import hashlib
import os
import pathlib
import sys
import types
import zipfile

import keras
import numpy as np
import peers
import pytest

import keras_classics as kc
from keras_classics import datasets
from keras_classics.opening import open_source
from keras_classics.weights import entries, fetch

torch = pytest.importorskip("torch")


def images():
    return peers.images(2, 32, 32, 3)


def run(model):
    return keras.ops.convert_to_numpy(model(images(), training=False))


@pytest.fixture
def published(tmp_path, monkeypatch):
    """A checkpoint of ResNet-20 as pytorchcv publishes them, in place of its true one; its entry and its outputs."""
    net, _ = peers.pytorchcv("resnet_cifar", "resnet20_cifar10")
    torch.save(net.state_dict(), tmp_path / "net.pth")
    sha1 = hashlib.sha1((tmp_path / "net.pth").read_bytes(), usedforsecurity=False).hexdigest()
    packed = tmp_path / "server" / "net-0597.pth.zip"
    packed.parent.mkdir()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(tmp_path / "net.pth", "net.pth")
    (tmp_path / "net.pth").unlink()
    true = next(e for e in entries.ENTRIES if e.tag == "pytorchcv/resnet20_cifar10")
    entry = dataclasses.replace(true, address=packed.as_uri(), checksum=f"sha1:{sha1}")
    monkeypatch.setattr(entries, "ENTRIES", (entry,))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    return entry, peers.torch_outputs(net, images())


def files(folder):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.is_file())


def test_a_download_is_checked_and_kept(published, tmp_path, monkeypatch):
    _, expected = published
    model = kc.ResNet20(weights="pytorchcv", classifier_activation=None)
    assert np.abs(run(model) - expected).max() < 1e-5 * np.abs(expected).max()
    assert files(tmp_path / "home" / "keras_classics") == ["net-0597.pth.zip"]
    monkeypatch.setattr(keras.utils, "get_file", None)  # the second load asks nobody
    again = kc.ResNet20(weights="pytorchcv", classifier_activation=None)
    np.testing.assert_array_equal(run(again), run(model))


def test_what_was_kept_is_checked_whenever_it_is_read(published, tmp_path):
    """Whole weights of somebody else's in their place, or a bit of them, are not loaded."""
    entry, _ = published
    kc.ResNet20(weights="pytorchcv")
    kept = tmp_path / "home" / "keras_classics" / entry.file
    net, _ = peers.pytorchcv("resnet_cifar", "resnet20_cifar10")
    with torch.no_grad():
        net.output.bias.add_(1)
    torch.save(net.state_dict(), tmp_path / "net.pth")
    with zipfile.ZipFile(kept, "w") as archive:
        archive.write(tmp_path / "net.pth", "net.pth")
    with pytest.raises(kc.ClassicsError, match="is not the file that pytorchcv published"):
        kc.ResNet20(weights="pytorchcv")
    with pytest.raises(kc.ClassicsError, match="is not the file that pytorchcv published"):
        kc.ResNet20(weights="cifar10", shortcut="B")


def test_another_file_is_refused_and_not_kept(published, tmp_path):
    path = tmp_path / "server" / "net-0597.pth.zip"
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(kc.ClassicsError, match="is not the file that pytorchcv published"):
        kc.ResNet20(weights="pytorchcv")
    assert files(tmp_path / "home") == []


def test_offline_tells_what_to_fetch_and_where_to_put_it(published, tmp_path):
    entry, expected = published
    content = (tmp_path / "server" / entry.file).read_bytes()
    (tmp_path / "server" / entry.file).unlink()
    place = tmp_path / "home" / "keras_classics" / entry.file
    with pytest.raises(kc.ClassicsError, match="Cannot download") as caught:
        kc.ResNet20(weights="pytorchcv")
    assert entry.address in str(caught.value)
    assert f"put it at '{place}'" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert files(tmp_path / "home") == []
    place.write_bytes(content)
    model = kc.ResNet20(weights="pytorchcv", classifier_activation=None)
    assert np.abs(run(model) - expected).max() < 1e-5 * np.abs(expected).max()


def test_a_file_in_the_cache_is_checked_too(published, tmp_path):
    entry, _ = published
    place = tmp_path / "home" / "keras_classics" / entry.file
    place.parent.mkdir(parents=True)
    place.write_bytes(b"half")
    with pytest.raises(kc.ClassicsError, match="Remove it to download it anew"):
        kc.ResNet20(weights="pytorchcv")


def test_an_interrupted_download_leaves_nothing(published, tmp_path, monkeypatch):
    def interrupted(name, address, cache_dir, cache_subdir):
        (cache_dir / cache_subdir / name).write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(keras.utils, "get_file", interrupted)
    with pytest.raises(KeyboardInterrupt):
        kc.ResNet20(weights="pytorchcv")
    assert files(tmp_path / "home") == []


def test_a_file_that_is_a_known_checkpoint_is_as_good_as_its_tag(published, tmp_path):
    """Told by its sum: the network takes its form, and the model carries its pixels and its classes' names."""
    entry, expected = published
    assert open_source("resnet20", str(tmp_path / "server" / entry.file)).class_names == datasets.CIFAR10_CLASSES
    model = kc.ResNet20(weights=tmp_path / "server" / entry.file, classifier_activation=None)
    assert np.abs(run(model) - expected).max() < 1e-5 * np.abs(expected).max()
    pixels = np.full((1, 32, 32, 3), 125.307)
    assert abs(kc.preprocess_input(pixels, model)[..., 0]).max() < 1e-4
    with pytest.raises(kc.ClassicsError, match="another form of resnet20"):
        kc.ResNet20(weights=tmp_path / "server" / entry.file, shortcut="A")


def hub(monkeypatch, download):
    monkeypatch.setitem(sys.modules, "huggingface_hub", types.SimpleNamespace(hf_hub_download=download))


def test_an_archive_of_more_than_the_published_file_is_another(published, tmp_path):
    """Its first member may be the published one, and another be read."""
    entry, _ = published
    packed = tmp_path / "server" / "net-0597.pth.zip"
    assert fetch.published(packed, [entry]) is entry
    with zipfile.ZipFile(packed, "a") as archive:
        archive.writestr("archive/data.pkl", b"another")
    assert fetch.published(packed, [entry]) is None


def test_a_cache_that_cannot_be_written_is_told_before_the_download(published, monkeypatch):
    monkeypatch.setattr(os, "access", lambda *_: False)  # for who tests as root may write anywhere
    monkeypatch.setattr(keras.utils, "get_file", None)
    with pytest.raises(kc.ClassicsError, match="cannot be written to; name another folder for downloads by KERAS_HOME"):
        kc.ResNet20(weights="pytorchcv")


def test_the_hub(published, tmp_path, monkeypatch):
    entry, expected = published
    with zipfile.ZipFile(tmp_path / "server" / entry.file) as archive:
        content = archive.read("net.pth")
    monkeypatch.setattr(
        entries, "ENTRIES", (dataclasses.replace(entry, address="hf-hub:timm/resnet20.x", checksum="", tag="timm/x"),)
    )

    def download(repository, name, cache_dir):
        """As the hub's client lays files out: a link to a file that has the name of its sum."""
        assert (repository, name) == ("timm/resnet20.x", "model.safetensors")
        blob = pathlib.Path(cache_dir, "blobs", hashlib.sha256(content).hexdigest())
        blob.parent.mkdir(parents=True, exist_ok=True)
        blob.write_bytes(content if served else content[:-1])
        link = pathlib.Path(cache_dir, name)
        link.unlink(missing_ok=True)
        link.symlink_to(blob)
        return str(link)

    hub(monkeypatch, download)
    served = False
    with pytest.raises(kc.ClassicsError, match="was damaged and is removed"):
        kc.ResNet20(weights="timm")
    served = True
    model = kc.ResNet20(weights="timm", classifier_activation=None)
    assert np.abs(run(model) - expected).max() < 1e-5 * np.abs(expected).max()


def test_the_hub_offline(published, monkeypatch):
    entry = dataclasses.replace(published[0], address="hf-hub:timm/resnet20.x", checksum="", tag="timm/x")
    monkeypatch.setattr(entries, "ENTRIES", (entry,))
    place = "https://huggingface.co/timm/resnet20.x/resolve/main/model.safetensors"

    def offline(*args, **kwargs):
        raise ConnectionError

    hub(monkeypatch, offline)
    with pytest.raises(kc.ClassicsError, match=f"Cannot download .* Fetch {place}"):
        kc.ResNet20(weights="timm")


def test_the_cache_is_in_keras_home(monkeypatch):
    monkeypatch.delenv("KERAS_HOME", raising=False)
    assert fetch.cache_folder() == pathlib.Path(os.path.expanduser("~/.keras/keras_classics"))
