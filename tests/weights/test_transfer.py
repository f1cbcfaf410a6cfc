"""A checkpoint in a network of other classes, channels and ends; its protocol goes with the model."""

import dataclasses
import hashlib
import zipfile

import keras
import numpy as np
import peers
import pytest
from answers import answers

import keras_classics as kc
from keras_classics import datasets, exported, exporting, feed, preprocessing
from keras_classics.weights import entries

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.every_backend


def images(channels=3):
    return peers.images(2, 32, 32, channels)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """ResNet-20 in torch's format, of 10 classes, by the names of its public checkpoints."""
    net, _ = peers.pytorchcv("resnet_cifar", "resnet20_cifar10")
    path = tmp_path_factory.mktemp("net") / "resnet20.pth"
    torch.save(net.state_dict(), path)
    return path


def resnet20(checkpoint, **arguments):
    return kc.ResNet20(weights=checkpoint, shortcut="B", **arguments)


@pytest.fixture
def published(checkpoint, tmp_path, monkeypatch):
    """The file as a public checkpoint with pixels of its own."""
    true = next(e for e in entries.ENTRIES if e.tag == "pytorchcv/resnet20_cifar10")
    sha1 = hashlib.sha1(checkpoint.read_bytes(), usedforsecurity=False).hexdigest()
    entry = dataclasses.replace(true, address=checkpoint.as_uri(), checksum=f"sha1:{sha1}")
    monkeypatch.setattr(entries, "ENTRIES", (entry,))
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    return entry


def test_other_classes_start_a_fresh_head_and_say_so(checkpoint):
    whole = resnet20(checkpoint)
    with pytest.warns(UserWarning, match="but for predictions, which start afresh"):
        model = resnet20(checkpoint, classes=5, seed=1)
    assert model.output_shape == (None, 5)
    fresh = kc.ResNet20(shortcut="B", classes=5, seed=1)
    for ours, theirs, new in zip(model.layers, whole.layers, fresh.layers, strict=True):
        expected = new if ours.name == "predictions" else theirs
        for a, b in zip(ours.get_weights(), expected.get_weights(), strict=True):
            np.testing.assert_array_equal(a, b)


def test_the_class_count_is_the_files(checkpoint, tmp_path):
    """A file of five classes: its head is taken whether `classes` says five or nothing, and no five have its names."""
    state = torch.load(checkpoint, weights_only=True)
    state["output.weight"], state["output.bias"] = state["output.weight"][:5].clone(), state["output.bias"][:5].clone()
    torch.save(state, tmp_path / "five.pth")
    for options in ({"classes": 5}, {}):
        model = kc.ResNet20(weights=tmp_path / "five.pth", shortcut="B", **options)
        np.testing.assert_array_equal(model.get_layer("predictions").bias, state["output.bias"].numpy())
        assert exported.class_names_of(model) == ()


def test_without_the_top(checkpoint):
    whole, batch = resnet20(checkpoint), images()
    features = answers(keras.Model(whole.input, whole.get_layer("avg_pool").output), batch)
    body = resnet20(checkpoint, include_top=False, pooling="avg")
    np.testing.assert_allclose(answers(body, batch), features, atol=1e-6)
    maps = resnet20(checkpoint, include_top=False, input_shape=(None, None, 3))
    assert answers(maps, peers.images(1, 64, 48, 3)).shape == (1, 16, 12, 64)


def test_other_channels(checkpoint):
    """Grey images give what the same in three channels does; four share the three kernels, with the same sum."""
    whole = resnet20(checkpoint, include_top=False, pooling="avg")
    grey = images(1)
    one = resnet20(checkpoint, include_top=False, pooling="avg", input_shape=(32, 32, 1))
    np.testing.assert_allclose(answers(one, grey), answers(whole, np.repeat(grey, 3, -1)), atol=1e-4)
    four = resnet20(checkpoint, include_top=False, pooling="avg", input_shape=(32, 32, 4))
    kernel, rgb = (m.get_layer("conv1_conv").get_weights()[0] for m in (four, whole))
    np.testing.assert_allclose(kernel, 0.75 * rgb[:, :, [0, 1, 2, 0]], rtol=1e-6)


def test_tensors_of_another_network_are_listed(checkpoint, tmp_path):
    with pytest.raises(kc.ClassicsError, match="conv2_block4_1_conv/kernel finds no .*; and"):
        kc.ResNet32(weights=checkpoint, shortcut="B")
    state = torch.load(checkpoint, weights_only=True)
    state["extra.weight"] = torch.zeros(3)
    torch.save(state, tmp_path / "extra.pth")
    with pytest.raises(kc.ClassicsError, match="extra.weight is left over"):
        kc.ResNet20(weights=tmp_path / "extra.pth", shortcut="B")
    del state["extra.weight"]
    state["features.init_block.conv.weight"] = torch.zeros(16, 3, 5, 5)
    torch.save(state, tmp_path / "shape.pth")
    with pytest.raises(kc.ClassicsError, match=r"conv1_conv/kernel has the shape \(3, 3, 3, 16\), and the tensor"):
        kc.ResNet20(weights=tmp_path / "shape.pth", shortcut="B")


def test_1001_classes_lose_the_background(checkpoint, tmp_path):
    state = torch.load(checkpoint, weights_only=True)
    state["output.weight"] = torch.arange(1001.0)[:, None].repeat(1, 64)
    state["output.bias"] = torch.arange(1001.0)
    torch.save(state, tmp_path / "tf.pth")
    model = kc.ResNet20(weights=tmp_path / "tf.pth", shortcut="B", classes=1000)
    np.testing.assert_array_equal(model.get_layer("predictions").bias, np.arange(1, 1001))


def test_the_protocol_goes_with_the_model(published, tmp_path):
    """Through saving, another name, a model around it: pixels are prepared as the checkpoint's, not as the record's."""
    model = kc.ResNet20(weights="pytorchcv", name="mine")
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype("uint8")
    mean, std = np.array([0.4914, 0.4822, 0.4465]), np.array([0.2023, 0.1994, 0.2010])
    expected = (pixels / 255 - mean) / std
    model.save(tmp_path / "mine.keras")
    again = keras.saving.load_model(tmp_path / "mine.keras")
    around = keras.Sequential([keras.Input((32, 32, 3)), again])
    bodied = keras.Model(again.input, again.get_layer("avg_pool").output)
    for carrier in (model, again, around, bodied, keras.models.clone_model(model)):
        np.testing.assert_allclose(kc.preprocess_input(pixels, carrier), expected, atol=1e-5)
        assert preprocessing.carried_protocol(carrier) == published.protocol
    inside = kc.ResNet20(weights="pytorchcv", include_preprocessing=True)
    shipped = exporting.with_preprocessing(model, kc.ResNet20.normalization)
    for takes_pixels in (inside, shipped):
        np.testing.assert_allclose(
            answers(takes_pixels, pixels.astype("float32")), answers(model, expected.astype("float32")), atol=1e-5
        )
    assert feed.feed_of(inside, kc.ResNet20).normalization is None
    assert feed.feed_of(model, kc.ResNet20).normalization == published.protocol.normalization


def test_evaluate_prepares_pixels_by_the_protocol(published, picture_folder):
    data = datasets.load(str(picture_folder))
    model = kc.ResNet20(weights="pytorchcv")
    ((batch, _),) = feed.batches(data.split("test"), model, kc.ResNet20, 40).as_numpy_iterator()
    pixels = np.stack([preprocessing.fit(image, 32, 32, 3) for image, _ in data.split("test").as_numpy_iterator()])
    np.testing.assert_allclose(batch, kc.preprocess_input(pixels, model), atol=1e-5)
    assert np.abs(batch - kc.preprocess_input(pixels, kc.ResNet20)).max() > 0.1


def test_a_model_of_kerass_own_file_goes_on(published, tmp_path):
    """The layer that carries the protocol does not disturb the weights that Keras reads by the order of the layers."""
    model = kc.ResNet20(weights="pytorchcv")
    for name in ("model.keras", "model.weights.h5"):
        (model.save if name.endswith(".keras") else model.save_weights)(tmp_path / name)
        again = kc.ResNet20(weights=tmp_path / name, shortcut="B", seed=3)
        np.testing.assert_array_equal(answers(again, images()), answers(model, images()))
        assert preprocessing.carried_protocol(again) == published.protocol


def test_keras_own_files_are_checked_too(tmp_path):
    model = kc.ResNet20(seed=0)
    model.get_layer("predictions").bias.assign(np.full(10, np.nan))
    model.save(tmp_path / "nan.keras")
    with pytest.raises(kc.ClassicsError, match="not finite"):
        kc.ResNet20(weights=tmp_path / "nan.keras")
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", bytes(30 << 20))
    with pytest.raises(kc.ClassicsError, match="too much"):
        kc.ResNet20(weights=tmp_path / "bomb.keras")
