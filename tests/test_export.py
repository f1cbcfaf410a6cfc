"""Exports do what the Keras model does, on every backend."""

import json
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics import cli, datasets, export, exported, preprocessing
from keras_classics.scenes import scenes
from keras_classics.spec import IMAGENET_STATISTICS, PLUS_MINUS_ONE, Normalization


def pixels(model, count=5):
    return np.random.default_rng(0).integers(0, 256, (count, *model.input_shape[1:])).astype("float32")


def lenet(seed):
    """LeNet-5 with weights ten times the initial ones, so that its answers are not all alike."""
    model = kc.LeNet5(seed=seed)
    for layer in model.layers:
        layer.set_weights([10 * w for w in layer.get_weights()] if layer.name in ("c5", "f6") else layer.get_weights())
    return model


@pytest.mark.every_backend
@pytest.mark.parametrize(("to", "name"), [("saved_model", "folder"), ("tflite", "model.tflite")])
def test_an_export_takes_pixels_and_agrees(to, name, tmp_path):
    bare = lenet(0)
    model = export.with_preprocessing(bare, kc.LeNet5.normalization)
    path = tmp_path / name
    agreement = export.export(model, path, to)
    assert agreement.images == 16
    assert agreement.holds
    images = pixels(model)
    expected = keras.ops.convert_to_numpy(bare(kc.preprocess_input(images, "lenet5")))
    np.testing.assert_allclose(export.run_exported(path, images, batch_size=2), expected, atol=1e-5)
    agreement = export.compare(model, path, images)
    assert agreement.images == 5
    assert agreement.max_abs_error < 1e-5
    assert agreement.same_answers == 100.0
    other = export.with_preprocessing(lenet(1), kc.LeNet5.normalization)
    assert export.compare(other, path, images).max_abs_error > 0.1
    assert not export.compare(other, path, images).holds
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]
    with pytest.raises(kc.ClassicsError, match="exists and is not overwritten"):
        export.export(model, path, to)


def test_more_or_fewer_names_than_classes_are_refused(tmp_path):
    with pytest.raises(kc.ClassicsError, match="lenet5 has 10 classes, and 2 names were given"):
        export.export(kc.LeNet5(), tmp_path / "x.tflite", "tflite", ["cats", "dogs"])
    assert list(tmp_path.iterdir()) == []


RIGHT = kc.ResNet20.normalization
WRONG = {
    "of another source": IMAGENET_STATISTICS,
    "blue for red": Normalization(RIGHT.mean[::-1], RIGHT.std[::-1]),
    "one level brighter": Normalization(tuple(m + 1 for m in RIGHT.mean), RIGHT.std),
    "two percent more contrast": Normalization(RIGHT.mean, tuple(0.98 * s for s in RIGHT.std)),
}


def sure(normalization):
    """A small ResNet with this normalisation in front that gives all to one class whatever it sees, as untrained ones
    do; of its logits only the least differ between pictures."""
    body = keras.Sequential(kc.ResNet20(seed=0, input_shape=(16, 16, 3)).layers[1:6], name="body")
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.GlobalAveragePooling2D()(body(preprocessing.normalization_layer(normalization, inputs)))
    model = keras.Model(inputs, keras.layers.Dense(10, "softmax", name="predictions")(x), name="sure")
    kernel = np.random.default_rng(0).normal(size=model.get_layer("predictions").kernel.shape)
    model.get_layer("predictions").set_weights([kernel, 40.0 * (np.arange(10) == 3)])
    return model


@pytest.mark.every_backend
def test_an_export_with_another_normalisation_does_not_agree(tmp_path):
    model, path = sure(RIGHT), tmp_path / "x.tflite"
    assert export.export(model, path, "tflite").images == 8
    images = scenes(8, 16, 16).astype("float32")
    assert model.predict(images, verbose=0)[:, 3].min() == 1.0
    for normalization in WRONG.values():
        agreement = export.compare(sure(normalization), path, images)
        assert agreement.same_answers == 100
        assert agreement.max_abs_error < 1e-6
        assert not agreement.holds


def poisoned(model):
    weights = model.get_weights()
    weights[0][..., 0] = np.nan
    model.set_weights(weights)
    return model


@pytest.mark.every_backend
def test_what_fails_the_check_leaves_no_file(tmp_path, monkeypatch):
    with pytest.raises(kc.ClassicsError, match="sure has weights or outputs that are not finite numbers"):
        export.export(poisoned(sure(RIGHT)), tmp_path / "x.tflite", "tflite")
    write = export._write
    monkeypatch.setattr(export, "_write", lambda model, path, to: write(poisoned(sure(RIGHT)), path, to))
    with pytest.raises(kc.ClassicsError, match="does not agree with it: the logits of 8 pictures differ"):
        export.export(sure(RIGHT), tmp_path / "x.tflite", "tflite")
    assert list(tmp_path.iterdir()) == []
    assert not export.Agreement(8, np.nan, np.nan, 1.0, 100.0).holds


@pytest.mark.parametrize(
    "options",
    [{"input_shape": (16, 16, 4)}, {"input_shape": (None, None, 3), "include_top": False, "pooling": "avg"}],
    ids=["four channels", "any size"],
)
def test_other_inputs_are_exported_too(options, tmp_path):
    bare = kc.ResNet20(seed=0, **options)
    model = export.with_preprocessing(bare, kc.ResNet20.normalization)
    assert export.export(model, tmp_path / "x.tflite", "tflite").holds
    for side in (16, 20) if "include_top" in options else (16,):
        images = scenes(2, side, side, model.input_shape[-1]).astype("float32")
        assert export.compare(model, tmp_path / "x.tflite", images).holds


def test_auxiliary_heads_stay_behind(tmp_path):
    inputs = keras.Input((16, 16, 3))
    body = keras.layers.Conv2D(4, 3)(inputs)
    head = keras.layers.GlobalAveragePooling2D()
    outputs = {name: keras.layers.Dense(5, "softmax", name=name)(head(body)) for name in ("predictions", "aux_1")}
    model = keras.Model(inputs, outputs, name="mine")
    for made in (model, export.with_preprocessing(model, PLUS_MINUS_ONE)):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.tflite"
        assert export.export(made, path, "tflite").holds
        images = pixels(made)
        np.testing.assert_allclose(
            export.run_exported(path, images), made.predict(images, verbose=0)["predictions"], atol=1e-5
        )
    with pytest.raises(kc.ClassicsError, match="mine has several outputs and none of them is named 'predictions'"):
        export.export(keras.Model(inputs, list(outputs.values()), name="mine"), tmp_path / "x.tflite", "tflite")


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    """A limit on the size of files stands in for the full disk: writing past it fails in the same way."""
    program = f"""
import resource, signal
import keras_classics as kc
from keras_classics import cli, datasets, export, exported, preprocessing
from keras_classics.scenes import scenes
from keras_classics.spec import IMAGENET_STATISTICS, PLUS_MINUS_ONE, Normalization
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
model = kc.ResNet20()
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    export.export(model, {str(tmp_path / "x")!r}, "saved_model")
except kc.ClassicsError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.startswith(f"Cannot write '{tmp_path / 'x'}' (File too large). Free space"), done.stderr
    assert len(done.stdout.splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.every_backend
def test_preprocessing_is_put_before_a_model_once():
    inside = kc.LeNet5(include_preprocessing=True)
    assert export.with_preprocessing(inside, kc.LeNet5.normalization) is inside


@pytest.mark.every_backend
def test_bad_requests(tmp_path):
    model = kc.LeNet5()
    with pytest.raises(kc.ClassicsError, match="Did you mean 'tflite'"):
        export.export(model, tmp_path / "x", "tf-lite")
    with pytest.raises(kc.ClassicsError, match="must be named"):
        export.export(model, tmp_path / "x.bin", "tflite")
    (tmp_path / "file").touch()
    with pytest.raises(kc.ClassicsError, match="Cannot write"):
        export.export(model, tmp_path / "file" / "model", "saved_model")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.every_backend
@pytest.mark.parametrize(("to", "name"), [("saved_model", "folder"), ("tflite", "model.tflite")])
@pytest.mark.parametrize("included", [True, False])
def test_an_export_is_judged_and_asked_like_its_model(to, name, included, tmp_path):
    """Through its own preparation of the pictures, alone and beside another."""
    bare, path = lenet(0), tmp_path / name
    model = export.with_preprocessing(bare, kc.LeNet5.normalization) if included else bare
    export.export(model, path, to, [f"digit {i}" for i in range(10)])
    shipped = kc.load_export(path)
    assert (shipped.network, shipped.classes, shipped.class_names[3]) == ("lenet5", 10, "digit 3")
    data = datasets.limited(datasets.load("mnist_sample"), 50, ["test"])
    files = [tmp_path / "keras.npz", tmp_path / "exported.npz"]
    for one, file in zip((bare, shipped), files, strict=True):
        kc.evaluate([one, lenet(1)], data, "2", verbose=0, predictions=file)
    expected, got = (np.load(file)["predictions"] for file in files)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(got, expected, atol=1e-5)
    picture = scenes(1, 40, 50, 1)[0]
    ours, theirs = kc.predict(bare, picture, 10), kc.predict(shipped, picture, 10)
    names = [f"digit {i}" for _, i, _ in ours[0]]
    assert [name for _, name, _ in kc.predict(shipped, picture, 10, shipped.class_names)[0]] == names
    np.testing.assert_allclose([p for *_, p in theirs[0]], [p for *_, p in ours[0]], atol=1e-5)
    with pytest.raises(kc.ClassicsError, match="lenet5 is an export, which takes pictures of one size"):
        kc.evaluate(shipped, data, "dense-1", verbose=0)


def test_exports_that_are_none_or_do_not_tell(tmp_path):
    with pytest.raises(kc.ClassicsError, match="There is no export"):
        kc.load_export(tmp_path / "none.tflite")
    path, strange = tmp_path / "x.tflite", tmp_path / "strange.tflite"
    inputs = keras.Input((16, 16, 3))
    outputs = keras.layers.Dense(5, name="predictions")(keras.layers.GlobalAveragePooling2D()(inputs))
    export.export(keras.Model(inputs, outputs), path, "tflite")  # which no record made
    with pytest.raises(kc.ClassicsError, match="does not tell how its pictures are prepared"):
        kc.load_export(path)
    for text, message in (("{}", "What '.*' tells of itself is damaged"), ("no JSON", "tells of itself is damaged")):
        strange.unlink(missing_ok=True)
        strange.write_bytes(path.read_bytes())
        exported.add(strange, (), text)
        with pytest.raises(kc.ClassicsError, match=message):
            kc.load_export(strange)
    broken = tmp_path / "broken.tflite"
    broken.write_text("no network")
    exported.add(broken, (), exported.facts_of(kc.LeNet5()))
    with pytest.raises(kc.ClassicsError, match="The export cannot be run here"):
        kc.load_export(broken)


def test_the_commands_take_exports(capsys, tmp_path):
    lenet(0).save(tmp_path / "lenet.keras")
    cli.main(["export", str(tmp_path / "lenet.keras"), "--to", "tflite", "--out", str(tmp_path / "lenet.tflite")])
    judged = []
    for file in ("lenet.keras", "lenet.tflite"):
        capsys.readouterr()
        cli.main(["evaluate", str(tmp_path / file), "--data", "mnist_sample", "--limit", "50", "--json", "-"])
        judged.append(json.loads(capsys.readouterr().out))
    assert judged[0]["confusion"] == judged[1]["confusion"]
    assert judged[0]["loss"] == pytest.approx(judged[1]["loss"], rel=1e-4)
    with pytest.raises(SystemExit):
        cli.main(["export", str(tmp_path / "lenet.tflite"), "--to", "tflite", "--out", str(tmp_path / "again.tflite")])
    assert "is an export, and this takes the Keras model" in capsys.readouterr().err
