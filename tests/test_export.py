"""Exports do what the Keras model does, on every backend."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics import export

pytestmark = pytest.mark.every_backend


def pixels(model, count=5):
    return np.random.default_rng(0).integers(0, 256, (count, *model.input_shape[1:])).astype("float32")


def lenet(seed):
    """LeNet-5 with weights ten times the initial ones, so that its answers are not all alike."""
    model = kc.LeNet5(seed=seed)
    for layer in model.layers:
        layer.set_weights([10 * w for w in layer.get_weights()] if layer.name in ("c5", "f6") else layer.get_weights())
    return model


@pytest.mark.parametrize(("to", "name"), [("saved_model", "folder"), ("tflite", "model.tflite")])
def test_an_export_takes_pixels_and_agrees(to, name, tmp_path):
    bare = lenet(0)
    model = export.with_preprocessing(bare, kc.LeNet5.normalization)
    path = export.export(model, tmp_path / name, to)
    images = pixels(model)
    expected = keras.ops.convert_to_numpy(bare(kc.preprocess_input(images, "lenet5")))
    np.testing.assert_allclose(export.run_exported(path, images, batch_size=2), expected, atol=1e-5)
    agreement = export.compare(model, path, images)
    assert agreement.images == 5
    assert agreement.max_abs_error < 1e-5
    assert agreement.same_answers == 100.0
    other = export.with_preprocessing(lenet(1), kc.LeNet5.normalization)
    assert export.compare(other, path, images).max_abs_error > 0.1
    assert sorted(p.name for p in tmp_path.iterdir()) == [name]
    with pytest.raises(kc.ClassicsError, match="exists and is not overwritten"):
        export.export(model, path, to)


def test_preprocessing_is_put_before_a_model_once():
    inside = kc.LeNet5(include_preprocessing=True)
    assert export.with_preprocessing(inside, kc.LeNet5.normalization) is inside


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
