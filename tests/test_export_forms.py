"""What an export can be asked for besides its format: a batch, whole pixels, folded norms, a report."""

import json
import signal
import subprocess
import sys
import threading
import time
import weakref

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics import cli, exporting, runtimes
from keras_classics.copies import in_float32
from keras_classics.exporting import converting, report
from keras_classics.scenes import scenes

SMALL = {"input_shape": (16, 16, 3), "seed": 0}
FORMATS = [("saved_model", "folder"), ("tflite", "x.tflite"), ("onnx", "x.onnx")]


def trained_norms(model, seed=0):
    """The model with batch norms that do something, as after training."""
    random = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([random.uniform(0.5, 1.5, w.shape) for w in layer.get_weights()])
    return model


@pytest.mark.parametrize(("to", "name"), FORMATS)
def test_a_fixed_batch_answers_any_number_of_pictures(to, name, tmp_path):
    model = trained_norms(kc.ResNet20(**SMALL))
    report = kc.export(model, tmp_path / name, to, batch=2)
    assert report.input_shape == (2, 16, 16, 3)
    images = scenes(5, 16, 16).astype("float32")
    expected = exporting.with_preprocessing(model, kc.ResNet20.normalization).predict(images, verbose=0)
    np.testing.assert_allclose(exporting.run_exported(tmp_path / name, images), expected, atol=1e-5)
    if to == "tflite":
        (taken,) = runtimes.tflite_interpreter(tmp_path / name).get_input_details()
        assert tuple(taken["shape_signature"]) == (2, 16, 16, 3)


def test_a_fixed_batch_may_have_8_bits(tmp_path):
    """Of a network that flattens its maps, which TFLite does to a batch of that number alone."""
    model, pictures = kc.LeNet5(weights="mnist"), scenes(8, 32, 32, 1)
    report = kc.export(model, tmp_path / "x.tflite", quantize="int8", representative=pictures, batch=2)
    assert report.input_shape == (2, 32, 32, 1)
    assert exporting.run_exported(tmp_path / "x.tflite", pictures[:3]).shape == (3, 10)


@pytest.mark.parametrize(("to", "name"), FORMATS)
def test_whole_pixels_are_taken_on_request(to, name, tmp_path):
    model = trained_norms(kc.ResNet20(**SMALL))
    kc.export(model, tmp_path / name, to, input_dtype="uint8")
    images = scenes(5, 16, 16).astype("float32")
    expected = exporting.with_preprocessing(model, kc.ResNet20.normalization).predict(images, verbose=0)
    np.testing.assert_allclose(exporting.run_exported(tmp_path / name, images + 0.3), expected, atol=1e-5)
    if to == "tflite":
        (taken,) = runtimes.tflite_interpreter(tmp_path / name).get_input_details()
        assert taken["dtype"] == np.uint8
    picture = scenes(1, 20, 30)[0]
    ours, theirs = kc.predict(model, picture, 10), kc.predict(kc.load_export(tmp_path / name), picture, 10)
    assert [n for _, n, _ in theirs[0]] == [n for _, n, _ in ours[0]]


def test_whole_pixels_of_int8_are_the_pictures_own(tmp_path):
    """A phone hands its pixels over as they are, so the input's scale must be 1 and its zero 0."""
    model = kc.ResNet20(weights="keras_classics")
    dark = scenes(50, 32, 32).astype("float32") / 2 + 20  # reach neither 0 nor 255
    report = kc.export(model, tmp_path / "x.tflite", quantize="int8", representative=dark, input_dtype="uint8")
    (taken,) = runtimes.tflite_interpreter(tmp_path / "x.tflite").get_input_details()
    assert taken["dtype"] == np.uint8
    assert taken["quantization"] == (1.0, 0)
    assert report.input_dtype == "uint8"


def classifier_upon_a_network():
    """Which normalises pixels; its classifier has LoRA whose alpha is another than its rank."""
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.BatchNormalization()(keras.layers.Conv2D(8, 3, use_bias=False)(inputs))
    body = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(x)))
    classifier = keras.layers.Dense(10)
    model = exporting.with_preprocessing(keras.Sequential([body, classifier]), kc.ResNet20.normalization)
    classifier.enable_lora(2, lora_alpha=16)
    return model


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_a_model_in_mixed_precision_is_exported_in_float32(policy, tmp_path):
    full, before = classifier_upon_a_network(), keras.config.dtype_policy()
    full.set_weights([np.random.default_rng(0).uniform(0.1, 1, w.shape) for w in full.get_weights()])
    keras.config.set_dtype_policy(policy)
    try:
        mixed = classifier_upon_a_network()
        mixed.set_weights(full.get_weights())
        kc.export(mixed, tmp_path / "x.tflite")
    finally:
        keras.config.set_dtype_policy(before)
    images = scenes(5, 16, 16).astype("float32")
    expected, rough = (model.predict(images, verbose=0) for model in (full, mixed))
    got = exporting.run_exported(tmp_path / "x.tflite", images)
    np.testing.assert_allclose(got, expected, rtol=1e-5)
    assert np.abs(rough - expected).max() > 10 * np.abs(got - expected).max()
    assert exporting.compare(mixed, tmp_path / "x.tflite", images).holds


def test_a_copy_in_float32_shares_what_keras_does_not_copy():
    inputs = keras.Input((4,))
    shared = keras.layers.Lambda(lambda x: x * 2)
    model = keras.Model(inputs, shared(keras.layers.Dense(3, dtype="mixed_bfloat16")(inputs)))
    _, dense, last = in_float32(model).layers
    assert dense.compute_dtype == "float32"
    assert last is shared
    np.testing.assert_array_equal(dense.kernel, model.layers[1].kernel)


def test_batch_norms_are_folded(tmp_path):
    model = trained_norms(kc.ResNet20(**SMALL))
    report = kc.export(model, tmp_path / "x.onnx")
    assert report.operations["Conv"] == 19
    assert "BatchNormalization" not in report.operations
    assert report.operations["Mul"] == 1  # the pixels' normalisation
    assert report.max_abs_error < 1e-5


def test_a_shufflenet_is_one_part_of_xnnpack(tmp_path):
    """Each convolution is one operation, and nothing stands outside; a shuffle moves its maps whole."""
    model = trained_norms(kc.ShuffleNetG3(input_shape=(64, 64, 3), width_multiplier=0.5, classes=10, seed=0))
    convolutions = [layer for layer in model.layers if isinstance(layer, keras.layers.Conv2D)]
    depthwise = [layer for layer in model.layers if isinstance(layer, keras.layers.DepthwiseConv2D)]
    for quantize in (None, "float16"):
        report = kc.export(model, tmp_path / f"{quantize}.tflite", quantize=quantize, batch=1)
        assert report.operations["CONV_2D"] == len(convolutions)
        assert report.operations["DEPTHWISE_CONV_2D"] == len(depthwise) == 16
        assert report.operations["TRANSPOSE"] == 3 * 16
        assert report.operations["RESHAPE"] == 2 * 16
        assert (report.partitions, report.outside) == (1, {})


def test_a_shuffle_moves_its_maps_once_where_they_are_whole(tmp_path):
    """ONNX has the channels first. Beside the shuffles only the pictures are transposed."""
    model = trained_norms(kc.ShuffleNetG3(input_shape=(64, 64, 3), width_multiplier=0.5, classes=10, seed=0))
    assert kc.export(model, tmp_path / "x.onnx").operations["Transpose"] == 16 + 1


def test_pixels_are_scaled_by_rows(tmp_path):
    """Of constants of three numbers a runtime takes a pixel at a time. The user's own model keeps its three."""
    model = kc.ResNet20(**SMALL, include_preprocessing=True)
    scale = model.get_layer("normalization").get_config()["scale"]
    kc.export(model, tmp_path / "x.tflite")
    interpreter = runtimes.tflite_interpreter(tmp_path / "x.tflite", delegates=False)
    shapes = [tuple(t["shape"]) for t in interpreter.get_tensor_details()]
    _, width, channels = model.input_shape[1:]
    assert shapes.count((1, width, channels)) == 2  # what they are multiplied by, and what is added
    assert model.get_layer("normalization").get_config()["scale"] == scale
    assert np.shape(scale) == (1, 1, channels)


def test_a_part_that_an_export_shares_with_the_users_model_keeps_its_numbers():
    scaling = keras.layers.Rescaling([1.0, 2.0, 3.0])
    inputs = keras.Input((8, 6, 3))
    model = keras.Model(inputs, keras.Sequential([keras.Input((8, 6, 3)), scaling])(inputs))
    exporting._widened(kc.fuse(model))
    assert np.shape(scaling.scale) == (3,)


def test_what_refers_to_itself_goes_while_onnx_is_written():
    """tf2onnx leaves dozens of such copies of all weights."""

    class Copy:
        def __init__(self):
            self.itself = self

    copies = [Copy() for _ in range(3)]
    gone = threading.Event()
    weakref.finalize(copies[0], gone.set)
    with converting._collecting():
        copies.clear()
        assert gone.wait(10)


def test_a_saved_model_holds_each_weight_once(tmp_path):
    """Keras' own export of a model writes them twice."""
    model = kc.ResNet20(**SMALL, include_preprocessing=True)  # with both signatures
    kc.export(model, tmp_path / "folder", "saved_model")
    written = sum(p.stat().st_size for p in (tmp_path / "folder" / "variables").iterdir())
    assert written < 1.1 * 4 * model.count_params()


@pytest.mark.parametrize(("to", "name"), FORMATS)
def test_the_report_stands_beside_the_export(to, name, tmp_path):
    report = kc.export(kc.LeNet5(seed=0), tmp_path / name, to)
    told = json.loads((tmp_path / f"{name}.json").read_text("utf-8"))
    assert told["max_abs_error"] == report.max_abs_error
    assert (told["path"], told["network"]) == (name, "lenet5")
    assert {"commit", "versions", "hardware", "backend", "date"} <= told.keys()
    files = [p for p in (tmp_path / name).rglob("*") if p.is_file()] if to == "saved_model" else [tmp_path / name]
    assert told["bytes"] == sum(p.stat().st_size for p in files)
    assert list(told["milliseconds"]) == (["any"] if to == "saved_model" else ["1", "2"])
    assert all(0 < ms < 1e4 for ms in told["milliseconds"].values())
    assert (told["operations"] is None) == (to == "saved_model")
    (tmp_path / name).rename(tmp_path / f"other-{name}")
    with pytest.raises(kc.ClassicsError, match=r"x?\w+\.json' exists and is not overwritten"):
        kc.export(kc.LeNet5(seed=0), tmp_path / name, to)


def test_a_killed_export_leaves_nothing_under_the_name(tmp_path):
    """Killed when the file is written and not yet checked."""
    program = f"""
import os, signal
import keras_classics as kc
from keras_classics import exporting
def killed(path, images):
    assert path.stat().st_size > 1000
    os.kill(os.getpid(), signal.SIGKILL)
exporting.run_exported = killed
kc.export(kc.LeNet5(seed=0), {str(tmp_path / "x.tflite")!r})
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    left = [p.name for p in tmp_path.iterdir()]
    assert any(name.endswith("-x.tflite") for name in left)
    assert all(name.startswith(".") for name in left)
    assert kc.export(kc.LeNet5(seed=0), tmp_path / "x.tflite").holds


def test_the_time_is_of_one_picture_however_many_a_step_takes():
    waits = lambda images: time.sleep(0.02)  # noqa: E731
    assert 20 < report._latency(waits, np.zeros((1, 2))) < 30
    assert 5 < report._latency(waits, np.zeros((4, 2))) < 7.5


def test_the_command_tells_what_the_export_costs(capsys, tmp_path):
    trained_norms(kc.ResNet20(**SMALL)).save(tmp_path / "net.keras")
    command = ["export", str(tmp_path / "net.keras"), "--to", "tflite", "--out", str(tmp_path / "x.tflite")]
    cli.main([*command, "--batch", "1", "--uint8"])
    told = " ".join(capsys.readouterr().out.split())
    assert "uint8 (1, 16, 16, 3)" in told
    assert "19 CONV_2D" in told
    assert "XNNPACK takes all but 2 MAX_POOL_2D, 1 CAST, in 3 parts" in told
    assert "ms at 1 thread" in told
