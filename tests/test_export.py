"""Exports do what the Keras model does, on every backend."""

import importlib.util
import inspect
import json
import pathlib
import subprocess
import sys
import warnings
from dataclasses import replace

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics import cli, datasets, exporting, preprocessing, runtimes
from keras_classics.errors import ExportError
from keras_classics.exporting import contents, converting
from keras_classics.exporting.converting import OPSET
from keras_classics.hub_folder import name_classes
from keras_classics.opening import open_source
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
@pytest.mark.parametrize(
    ("to", "name"), [("saved_model", "folder"), ("tflite", "model.tflite"), ("onnx", "model.onnx")]
)
def test_an_export_takes_pixels_and_agrees(to, name, tmp_path):
    bare = lenet(0)
    model = exporting.with_preprocessing(bare, kc.LeNet5.normalization)
    path = tmp_path / name
    agreement = exporting.export(model, path, to)
    assert agreement.images == 16
    assert agreement.holds
    images = pixels(model)
    expected = keras.ops.convert_to_numpy(bare(kc.preprocess_input(images, "lenet5")))
    np.testing.assert_allclose(exporting.run_exported(path, images), expected, atol=1e-5)
    agreement = exporting.compare(model, path, images)
    assert agreement.images == 5
    assert agreement.max_abs_error < 1e-5
    assert agreement.same_answers == 100.0
    other = exporting.with_preprocessing(lenet(1), kc.LeNet5.normalization)
    assert exporting.compare(other, path, images).max_abs_error > 0.1
    assert not exporting.compare(other, path, images).holds
    assert sorted(p.name for p in tmp_path.iterdir()) == [name, f"{name}.json"]
    with pytest.raises(kc.ClassicsError, match="exists and is not overwritten"):
        exporting.export(model, path, to)


def test_more_or_fewer_names_than_classes_are_refused(tmp_path):
    with pytest.raises(kc.ClassicsError, match="lenet5 has 10 classes, and 2 names were given"):
        exporting.export(kc.LeNet5(), tmp_path / "x.tflite", "tflite", class_names=["cats", "dogs"])
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


def test_an_export_with_another_normalisation_does_not_agree(tmp_path):
    model, path = sure(RIGHT), tmp_path / "x.tflite"
    assert exporting.export(model, path, "tflite").images == 8
    images = scenes(8, 16, 16).astype("float32")
    assert model.predict(images, verbose=0)[:, 3].min() == 1.0
    for normalization in WRONG.values():
        agreement = exporting.compare(sure(normalization), path, images)
        assert agreement.same_answers == 100
        assert agreement.max_abs_error < 1e-6
        assert not agreement.holds


def test_rounded_probabilities_that_no_longer_add_up_to_one_agree():
    """As of 16 bits: what the model puts out tells whether logarithms are compared, on both sides."""
    expected = np.float32([[0.9, 0.1], [0.2, 0.8]])
    for share in (1.002, 1.015):
        assert exporting.agreement(expected, share * expected, "float16").holds
    assert not exporting.agreement(expected, 1.1 * expected, "float16").holds


def poisoned(model):
    weights = model.get_weights()
    weights[0][..., 0] = np.nan
    model.set_weights(weights)
    return model


def test_what_fails_the_check_leaves_no_file(tmp_path, monkeypatch):
    with pytest.raises(kc.ClassicsError, match="sure has weights or outputs that are not finite numbers"):
        exporting.export(poisoned(sure(RIGHT)), tmp_path / "x.tflite", "tflite")
    convert = exporting.convert
    monkeypatch.setattr(exporting, "convert", lambda model, *how: convert(poisoned(sure(RIGHT)), *how))
    with pytest.raises(ExportError, match="does not agree with it: the answers to 8 pictures differ") as failed:
        exporting.export(sure(RIGHT), tmp_path / "x.tflite", "tflite")
    assert (failed.value.converts, failed.value.runs, failed.value.agrees) == (True, True, False)
    assert not failed.value.agreement.holds
    assert list(tmp_path.iterdir()) == []
    assert not exporting.Agreement(8, np.nan, np.nan, np.nan, 1.0, 100.0).holds


@pytest.mark.parametrize(
    "options",
    [{"input_shape": (16, 16, 4)}, {"input_shape": (None, None, 3), "include_top": False, "pooling": "avg"}],
    ids=["four channels", "any size"],
)
def test_other_inputs_are_exported_too(options, tmp_path):
    bare = kc.ResNet20(seed=0, **options)
    model = exporting.with_preprocessing(bare, kc.ResNet20.normalization)
    assert exporting.export(model, tmp_path / "x.tflite", "tflite").holds
    for side in (16, 20) if "include_top" in options else (16,):
        images = scenes(2, side, side, model.input_shape[-1]).astype("float32")
        assert exporting.compare(model, tmp_path / "x.tflite", images).holds


def test_auxiliary_heads_stay_behind(tmp_path):
    inputs = keras.Input((16, 16, 3))
    body = keras.layers.Conv2D(4, 3)(inputs)
    head = keras.layers.GlobalAveragePooling2D()
    outputs = {name: keras.layers.Dense(5, "softmax", name=name)(head(body)) for name in ("predictions", "aux_1")}
    model = keras.Model(inputs, outputs, name="mine")
    for made in (model, exporting.with_preprocessing(model, PLUS_MINUS_ONE)):
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.tflite"
        assert exporting.export(made, path, "tflite", include_preprocessing=False).holds
        images = pixels(made)
        answers = made.predict(images, verbose=0)
        expected = answers["predictions"] if made is model else answers
        np.testing.assert_allclose(exporting.run_exported(path, images), expected, atol=1e-5)
    with pytest.raises(kc.ClassicsError, match="mine has several outputs, and none is named 'predictions'"):
        exporting.export(keras.Model(inputs, list(outputs.values()), name="mine"), tmp_path / "x.tflite")


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    """A limit on the size of files stands in for the full disk: writing past it fails in the same way."""
    program = f"""
import resource, signal
import keras_classics as kc
from keras_classics import exporting
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
model = kc.ResNet20()
resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000))
try:
    exporting.export(model, {str(tmp_path / "x")!r}, "saved_model")
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
    assert exporting.with_preprocessing(inside, kc.LeNet5.normalization) is inside


@pytest.mark.every_backend
def test_bad_requests(tmp_path):
    model = kc.LeNet5()
    with pytest.raises(kc.ClassicsError, match="Did you mean 'tflite'"):
        exporting.export(model, tmp_path / "x", "tf-lite")
    with pytest.raises(kc.ClassicsError, match="must be named"):
        exporting.export(model, tmp_path / "x.bin", "tflite")
    (tmp_path / "file").touch()
    with pytest.raises(kc.ClassicsError, match="Cannot write"):
        exporting.export(model, tmp_path / "file" / "model", "saved_model")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize(
    ("to", "name", "included"),
    [
        ("saved_model", "folder", False),
        ("tflite", "model.tflite", True),
        ("tflite", "model.tflite", False),
        ("onnx", "model.onnx", True),
    ],
)
def test_an_export_is_judged_and_asked_like_its_model(to, name, included, tmp_path):
    """Through its own preparation of the pictures, alone and beside another."""
    bare, path = lenet(0), tmp_path / name
    names = [f"digit {i}" for i in range(10)]
    exporting.export(bare, path, to, class_names=names, include_preprocessing=included)
    shipped = kc.load_export(path)
    assert (shipped.network, shipped.classes, shipped.class_names[3]) == ("lenet5", 10, "digit 3")
    data = datasets.limited(datasets.load("mnist_sample"), 50, ["test"])
    files = [tmp_path / "keras.npz", tmp_path / "exported.npz"]
    for one, file in zip((bare, shipped), files, strict=True):
        kc.evaluate([one, lenet(1)], data, "2", verbose=0, class_names=data.class_names, predictions=file)
    expected, got = (np.load(file)["predictions"] for file in files)
    assert np.ptp(expected) > 0.1
    np.testing.assert_allclose(got, expected, atol=1e-5)
    picture = scenes(1, 40, 50, 1)[0]
    ours, theirs = kc.predict(bare, picture, 10), kc.predict(shipped, picture, 10)
    names = [f"digit {i}" for _, i, _ in ours[0]]
    assert [name for _, name, _ in theirs[0]] == names
    with pytest.raises(kc.ClassicsError, match="lenet5 and lenet5 tell other classes apart"):
        kc.predict([bare, shipped], picture)
    with pytest.raises(kc.ClassicsError, match=r"classes are digit 0, digit 1, digit 2, \.\.\."):
        kc.evaluate(shipped, data, verbose=0)
    np.testing.assert_allclose([p for *_, p in theirs[0]], [p for *_, p in ours[0]], atol=1e-5)
    with pytest.raises(kc.ClassicsError, match="lenet5 is an export, which takes pictures of one size"):
        kc.evaluate(shipped, data, "dense-1", verbose=0)


def test_an_export_tells_the_form_so_no_error_of_another_form_stands_beside_it(tmp_path):
    """The paper's 8.75% is of option A."""
    path = tmp_path / "x.tflite"
    kc.export(kc.ResNet20(seed=0, shortcut="B"), path)
    opened = open_source(str(path), None, exports=True)
    assert opened.model.form["shortcut"] == "B"
    assert kc.get_model("resnet20").reported
    assert not opened.variant.reported


def test_names_that_are_numbers_and_models_of_two_pictures_are_told_in_one_line(tmp_path):
    with pytest.raises(kc.ClassicsError, match="Class names are words, not 0"):
        kc.export(lenet(0), tmp_path / "x.tflite", class_names=range(10))
    two = [keras.Input((8, 8, 3)) for _ in range(2)]
    model = keras.Model(two, keras.layers.Flatten()(keras.layers.Add()(two)), name="pair")
    with pytest.raises(kc.ClassicsError, match="pair reads 2 inputs, and not one batch of images"):
        kc.export(model, tmp_path / "x.tflite", include_preprocessing=False)


def test_exports_that_are_none_or_do_not_tell(tmp_path):
    with pytest.raises(kc.ClassicsError, match="There is no export"):
        kc.load_export(tmp_path / "none.tflite")
    path, strange = tmp_path / "x.tflite", tmp_path / "strange.tflite"
    inputs = keras.Input((16, 16, 3))
    outputs = keras.layers.Dense(5, name="predictions")(keras.layers.GlobalAveragePooling2D()(inputs))
    exporting.export(keras.Model(inputs, outputs), path, include_preprocessing=False)  # which no record made
    with pytest.raises(kc.ClassicsError, match="does not tell how its pictures are prepared"):
        kc.load_export(path)
    for text, message in (("{}", "What '.*' tells of itself is damaged"), ("no JSON", "tells of itself is damaged")):
        strange.unlink(missing_ok=True)
        strange.write_bytes(path.read_bytes())
        contents.add(strange, (), text)
        with pytest.raises(kc.ClassicsError, match=message):
            kc.load_export(strange)
    broken = tmp_path / "broken.tflite"
    broken.write_text("no network")
    contents.add(broken, (), contents.facts_of(kc.LeNet5(), True, False))
    with pytest.raises(ExportError, match="The export cannot be run here") as failed:
        kc.load_export(broken)
    assert failed.value.runs is False


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


def digits(count, start=0):
    """Embedded digits as LeNet-5's export takes them, pixels of 0..255."""
    stream = datasets.load("mnist_sample").split("test").skip(start).take(count)
    return np.stack([preprocessing.fit(image, 28, 32, 1).numpy() for image, _ in stream])


@pytest.mark.parametrize(
    ("quantize", "part"),
    [("float16", 0.6), ("dynamic", 0.4), pytest.param("int8", 0.4, marks=pytest.mark.every_backend)],
)
def test_fewer_bits_answer_alike_in_a_smaller_file(quantize, part, tmp_path):
    """The shipped LeNet-5 on a hundred digits, none of which chose its scales."""
    model, images = kc.LeNet5(weights="mnist"), digits(100)
    kc.export(model, tmp_path / "full.tflite")
    agreement = kc.export(
        model,
        tmp_path / "small.tflite",
        quantize=quantize,
        representative=digits(100, 500),
        class_names=list("0123456789"),
    )
    assert agreement.holds
    assert agreement.images == 116
    full, small = (exporting.run_exported(tmp_path / f"{name}.tflite", images) for name in ("full", "small"))
    assert (tmp_path / "small.tflite").stat().st_size < part * (tmp_path / "full.tflite").stat().st_size
    assert 0 < np.abs(small - full).max() < (0.01 if quantize == "float16" else 0.5)
    assert np.mean(small.argmax(1) == full.argmax(1)) >= 0.97
    assert kc.load_export(tmp_path / "small.tflite").class_names[7] == "7"


def test_int8_computes_in_8_bits_throughout(tmp_path):
    model = kc.ResNet20(seed=0, input_shape=(16, 16, 3))
    kc.export(model, tmp_path / "x.tflite", quantize="int8", representative=scenes(8, 16, 16))
    interpreter = runtimes.tflite_interpreter(tmp_path / "x.tflite")
    kinds = [tensor["dtype"] for tensor in interpreter.get_tensor_details()]
    assert kinds.count(np.float32) == 2  # the input and the output
    kernels = [t for t in interpreter.get_tensor_details() if t["dtype"] == np.int8 and len(t["shape"]) == 4]
    per_channel = [len(t["quantization_parameters"]["scales"]) for t in kernels]
    assert max(per_channel) == 64


@pytest.mark.every_backend
def test_int8_sees_pictures_as_a_network_with_channels_first_takes_them(channels_first, tmp_path):
    model, pictures = kc.ResNet20(seed=0, input_shape=(3, 16, 16)), np.moveaxis(scenes(8, 16, 16), -1, 1)
    report = kc.export(model, tmp_path / "x.tflite", quantize="int8", representative=pictures)
    assert (report.holds, report.images, report.input_shape) == (True, 16, (None, 3, 16, 16))
    with pytest.raises(kc.ClassicsError, match="multiply those of 0..1 by 255"):
        kc.export(model, tmp_path / "y.tflite", quantize="int8", representative=pictures / 255)


def test_probabilities_too_close_for_256_steps_are_told(tmp_path):
    inputs = keras.Input((8, 8, 3))
    outputs = keras.layers.Dense(1000, "softmax")(keras.layers.Flatten()(inputs))
    with pytest.raises(
        kc.ClassicsError, match=r"in 256ths, and these differ by 0\.0\d+ at most\. Is the network trained"
    ):
        kc.export(
            keras.Model(inputs, outputs),
            tmp_path / "x.tflite",
            quantize="int8",
            representative=np.random.default_rng(0).uniform(-1, 1, (8, 8, 8, 3)),
            include_preprocessing=False,
        )


def test_an_export_that_has_lost_too_much_is_refused(tmp_path, monkeypatch):
    """Another network's in the place of one that 8 bits have spoilt."""
    convert, other = exporting.convert, exporting.with_preprocessing(lenet(1), kc.LeNet5.normalization)
    monkeypatch.setattr(exporting, "convert", lambda model, *how: convert(other, *how))
    with pytest.raises(kc.ClassicsError, match=r"does not agree with it: .* dynamic may not suit the network"):
        kc.export(kc.LeNet5(weights="mnist"), tmp_path / "x.tflite", quantize="dynamic", representative=digits(20))
    assert list(tmp_path.iterdir()) == []


def test_an_onnx_file_names_what_it_takes(tmp_path):
    import onnx

    kc.export(kc.ResNet20(seed=0, input_shape=(16, 16, 3)), tmp_path / "x.onnx", class_names=list("0123456789"))
    network = onnx.load(tmp_path / "x.onnx")
    (image,), (predictions,) = network.graph.input, network.graph.output
    assert (image.name, predictions.name) == ("image", "predictions")
    assert image.type.tensor_type.shape.dim[0].dim_param == "batch"
    assert network.opset_import[0].version == OPSET
    assert {p.key for p in network.metadata_props} == {"labels.txt", "network.json"}
    kernel = next(tensor for tensor in network.graph.initializer if tensor.name == "conv1_conv/kernel")
    assert tuple(kernel.dims) == (16, 3, 3, 3)
    assert "conv1_conv/convolution" in {node.name for node in network.graph.node}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantize": "int8"}, "int8 chooses its scales by pictures"),
        ({"quantize": "int4"}, "Unknown quantization 'int4'. Did you mean 'int8'"),
        ({"quantize": "int8", "representative": np.zeros((2, 28, 28, 1))}, r"are arrays \(None, 32, 32, 1\)"),
        ({"quantize": "int8", "representative": np.zeros((0, 32, 32, 1))}, r"are arrays \(None, 32, 32, 1\)"),
        ({"quantize": "int8", "representative": np.ones((2, 32, 32, 1)) / 2}, "multiply those of 0..1 by 255"),
        (
            {"quantize": "int8", "representative": np.full((2, 32, 32, 1), 200), "include_preprocessing": False},
            "go up to 200, as pixels do",
        ),
        ({"quantize": "float16", "format": "onnx"}, "must be named"),
        ({"batch": 0}, "at least 1 image at once, not 0"),
        ({"input_dtype": "int16"}, "Unknown input type 'int16'. Did you mean 'uint8'"),
        ({"input_dtype": "uint8", "include_preprocessing": False}, "takes normalised ones"),
    ],
)
def test_what_is_refused_before_time_is_spent(options, message, tmp_path, monkeypatch):
    monkeypatch.setattr(exporting, "convert", None)
    with pytest.raises(kc.ClassicsError, match=message):
        kc.export(kc.LeNet5(), tmp_path / "x.tflite", **options)
    assert list(tmp_path.iterdir()) == []


def test_other_refusals(tmp_path, monkeypatch):
    inputs = keras.Input((16, 16, 3))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(inputs), name="mine")
    with pytest.raises(kc.ClassicsError, match="mine does not tell how its pixels are normalised"):
        kc.export(model, tmp_path / "x.tflite")
    with pytest.raises(kc.ClassicsError, match="float16 is for tflite"):
        kc.export(kc.LeNet5(), tmp_path / "x.onnx", quantize="float16")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(kc.ClassicsError, match=r"run: pip install 'keras-classics\[onnx\]'"):
        kc.export(kc.LeNet5(), tmp_path / "x.onnx")


def test_class_names_that_nobody_told_are_warned_of(tmp_path):
    """A network that was trained from scratch on other data of ten classes bears MNIST's else. Told, they are known of
    the model as of its export."""
    model, places = lenet(0), [str(tmp_path / name) for name in ("x.keras", "x.tflite")]
    with pytest.warns(
        UserWarning, match=r"has the class names of mnist, .*: 0, 1, 2, \.\.\. .* give its `class_names`"
    ):
        kc.export(model, places[1])
    model.save(places[0])
    assert [open_source(place, None, exports=True).class_names for place in places] == [None, None]
    name_classes(model, "0123456789")
    with warnings.catch_warnings():
        warnings.filterwarnings("error", ".*class names")
        kc.export(model, places[1], overwrite=True)
    model.save(places[0])
    assert [open_source(place, None, exports=True).class_names for place in places] == [tuple("0123456789")] * 2


def test_a_file_is_replaced_once_the_new_one_is_checked(tmp_path, monkeypatch):
    path = tmp_path / "x.tflite"
    kc.export(lenet(0), path)
    before = path.read_bytes()
    with pytest.raises(kc.ClassicsError, match="weights or outputs that are not finite"):
        kc.export(poisoned(lenet(1)), path, overwrite=True)
    assert path.read_bytes() == before
    kc.export(lenet(1), path, overwrite=True)
    assert path.read_bytes() != before
    for seed in (0, 1):
        kc.export(lenet(seed), tmp_path / "folder", overwrite=True)
        assert exporting.compare(
            exporting.with_preprocessing(lenet(seed), kc.LeNet5.normalization), tmp_path / "folder", digits(5)
        ).holds


def test_probabilities_of_8_bits_are_taken_as_they_are(tmp_path):
    """They no longer add up to 1, which must not make scores of them, whose softmax would be nearly even."""
    kc.export(lenet(0), tmp_path / "x.tflite")
    whole = kc.load_export(tmp_path / "x.tflite")
    rough = replace(whole, predict_on_batch=lambda images: np.floor(16 * whole.predict_on_batch(images)) / 16)
    data = datasets.limited(datasets.load("mnist_sample"), 20, ["test"])
    for one in (whole, rough):
        kc.evaluate(one, data, verbose=0, predictions=tmp_path / "p.npz")
        answers = np.load(tmp_path / "p.npz")["predictions"]
        if one is whole:
            expected = np.floor(16 * answers) / 16
    assert (expected.sum(1) < 0.98).any()
    np.testing.assert_allclose(answers, expected, atol=1e-6)
    scores = kc.LeNet5(seed=0, classifier_activation=None)
    kc.export(scores, tmp_path / "scores.tflite")
    assert not kc.load_export(tmp_path / "scores.tflite").probabilities


def test_a_folder_that_is_no_export_is_not_replaced(tmp_path, monkeypatch):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    monkeypatch.setattr(exporting, "convert", None)
    with pytest.raises(kc.ClassicsError, match="is a folder and no such export, so it is not replaced"):
        kc.export(kc.LeNet5(), tmp_path / "mine", overwrite=True)
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("best.keras", "is a folder, and no .keras file"),
        ("net.weights.h5", "is a folder, and no .h5 file"),
        ("saved_model.pb", "is a folder, and no .pb file"),
        ("net.ONNX", r"An export as onnx must be named \*.onnx, not 'net.ONNX'"),
        ("thesis", "is a file and no such export, so it is not replaced"),
    ],
)
def test_a_file_that_is_no_export_is_not_replaced(name, message, tmp_path, monkeypatch):
    (tmp_path / name).write_text("years of work")
    monkeypatch.setattr(exporting, "convert", None)
    with pytest.raises(kc.ClassicsError, match=message):
        kc.export(kc.LeNet5(), tmp_path / name, overwrite=True)
    assert (tmp_path / name).read_text() == "years of work"


def test_an_onnx_file_runs_without_what_makes_it(tmp_path, monkeypatch):
    kc.export(lenet(0), tmp_path / "x.onnx")
    found = importlib.util.find_spec
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None if name in ("onnx", "tf2onnx") else found(name))
    assert len(kc.predict(kc.load_export(tmp_path / "x.onnx"), np.zeros((28, 28, 1), "uint8"))[0]) == 5
    with pytest.raises(
        kc.ClassicsError, match=r"onnx is needed, which is not installed; run: pip install 'keras-classics\[onnx\]'"
    ):
        kc.export(lenet(0), tmp_path / "y.onnx")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    (tmp_path / "x.tflite").touch()
    with pytest.raises(kc.ClassicsError, match="To run tflite files, ai-edge-litert is needed, which is not installed"):
        kc.load_export(tmp_path / "x.tflite")


def test_a_deep_graph_is_read_by_tensorflows_process(tmp_path, monkeypatch):
    """ResNet-1202's, which Keras walks by recursion; here its room is small."""
    inputs = x = keras.Input((8, 8, 3))
    for _ in range(300):
        x = keras.layers.Activation("relu")(x)
    keras.Model(inputs, x).save(tmp_path / converting.MODEL)
    (tmp_path / converting.SETTINGS).write_text(json.dumps({"format": "onnx"}))
    monkeypatch.setattr(converting, "_on_tensorflow", lambda model, *_: f"{len(model.layers)} layers")
    before, depth = sys.getrecursionlimit(), len(inspect.stack(0))
    sys.setrecursionlimit(depth + 250)
    try:
        told = converting.main(str(tmp_path), "")
    finally:
        sys.setrecursionlimit(before)
    assert told == "301 layers"


def test_class_names_may_be_more_than_a_command_line_takes(tmp_path, monkeypatch):
    """On jax and torch they go to TensorFlow's process, of whose arguments none may have more than 128 KiB."""
    called, names = [], tuple(f"a class with a long name, {i}" for i in range(6000))
    model, settings = kc.LeNet5(seed=0), converting.Settings("onnx", labels=names)
    monkeypatch.setattr(keras.config, "backend", lambda: "jax")

    def run(command, **_):
        told = json.loads(pathlib.Path(command[-2], converting.SETTINGS).read_text("utf-8"))
        called.append((tuple(told["labels"]), max(len(str(argument)) for argument in command)))
        return subprocess.CompletedProcess(command, 0)

    monkeypatch.setattr(subprocess, "run", run)
    converting.convert(model, tmp_path / "x.onnx", settings)
    assert [told for told, _ in called] == [names]
    assert called[0][1] < 2**17
