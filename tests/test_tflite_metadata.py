"""A TFLite file tells Android's tools what its pixels are and where its labels lie."""

import json
import os
import subprocess
import zipfile

import keras
import numpy as np
import PIL.Image
import pytest

import keras_classics as kc
from keras_classics import exporting
from keras_classics.exporting.tflite_metadata import NAME
from keras_classics.scenes import scenes


class Table:
    """A table of a flat buffer, read by the places of its fields; the schema is metadata_schema.fbs."""

    def __init__(self, buffer, position):
        import flatbuffers.table

        self.table = flatbuffers.table.Table(buffer, position)

    def place(self, field):
        return self.table.Offset(4 + 2 * field)

    def text(self, field):
        return self.table.String(self.place(field) + self.table.Pos).decode()

    def byte(self, field):
        return self.table.Bytes[self.place(field) + self.table.Pos]

    def floats(self, field):
        start, count = self.table.Vector(self.place(field)), self.table.VectorLen(self.place(field))
        return np.frombuffer(self.table.Bytes, "<f4", count, start).tolist()

    def inner(self, field):
        return Table(self.table.Bytes, self.table.Indirect(self.place(field) + self.table.Pos))

    def first(self, field):
        return Table(self.table.Bytes, self.table.Indirect(self.table.Vector(self.place(field))))


def metadata(path):
    """The root table of a file's metadata."""
    from tensorflow.lite.tools import flatbuffer_utils

    network = flatbuffer_utils.read_model(str(path))
    (entry,) = (entry for entry in network.metadata if entry.name.decode() == NAME)
    buffer = bytes(network.buffers[entry.buffer].data)
    assert buffer[4:8] == b"M001"
    return Table(buffer, int.from_bytes(buffer[:4], "little"))


@pytest.mark.parametrize(("make", "included"), [(kc.ResNet20, False), (kc.LeNet5, True)], ids=["colour", "grey"])
def test_the_pixels_and_the_labels(make, included, tmp_path):
    path = tmp_path / "x.tflite"
    kc.export(make(seed=0), path, include_preprocessing=included, class_names=list("abcdefghij"))
    root = metadata(path)
    assert root.text(0) == make.name
    assert root.text(7) == "1.0.0"
    image, scores = root.first(3).first(2), root.first(3).first(3)
    assert (image.text(0), scores.text(0)) == ("image", "predictions")
    content, options = image.inner(3), image.first(4)
    assert content.byte(0) == 2  # an image
    assert content.inner(1).byte(0) == (1 if make is kc.ResNet20 else 2)  # RGB or grey
    assert options.byte(0) == 1  # a normalisation
    normalization = make.normalization
    mean, std = ([0.0], [1.0]) if included else (normalization.mean, normalization.std)
    if len(mean) < make.channels:
        mean, std = (tuple(values) * make.channels for values in (mean, std))
    np.testing.assert_allclose(options.inner(1).floats(0), mean, rtol=1e-6)
    np.testing.assert_allclose(options.inner(1).floats(1), std, rtol=1e-6)
    labels = scores.first(6)
    assert (labels.text(0), labels.byte(2)) == ("labels.txt", 2)  # labels of an axis
    with zipfile.ZipFile(path) as archive:
        assert archive.read("labels.txt").decode().split() == list("abcdefghij")
        assert archive.getinfo("labels.txt").compress_type == zipfile.ZIP_STORED  # as Android maps it


def test_a_network_without_a_record_says_nothing(tmp_path):
    inputs = keras.Input((16, 16, 3))
    outputs = keras.layers.Dense(5, name="predictions")(keras.layers.GlobalAveragePooling2D()(inputs))
    kc.export(keras.Model(inputs, outputs), tmp_path / "x.tflite", include_preprocessing=False)
    with pytest.raises(ValueError, match="not enough values"):
        metadata(tmp_path / "x.tflite")


MEDIAPIPE = """
import json, sys
import mediapipe
from mediapipe.tasks.python import BaseOptions, vision
model, *pictures = sys.argv[1:]
options = vision.ImageClassifierOptions(base_options=BaseOptions(model_asset_path=model), max_results=3)
with vision.ImageClassifier.create_from_options(options) as classifier:
    answers = [classifier.classify(mediapipe.Image.create_from_file(p)).classifications[0].categories for p in pictures]
print(json.dumps([[(c.category_name, c.score) for c in answer] for answer in answers]))
"""


@pytest.mark.heavy
@pytest.mark.parametrize(
    "bits", [{}, {"quantize": "float16", "batch": 1}, {"quantize": "int8", "input_dtype": "uint8"}]
)
def test_mediapipe_answers_as_predict_does(bits, tmp_path):
    """MEDIAPIPE_PYTHON names the Python of an environment that has mediapipe, which Android's own library is."""
    if "MEDIAPIPE_PYTHON" not in os.environ:
        pytest.skip("MEDIAPIPE_PYTHON is not set")
    model, path = kc.ResNet20(weights="keras_classics"), tmp_path / "x.tflite"
    kc.export(model, path, representative=scenes(50, 32, 32).astype("float32"), **bits)
    images = scenes(8, 32, 32)
    files = [tmp_path / f"{i}.png" for i in range(len(images))]
    for image, file in zip(images, files, strict=True):
        PIL.Image.fromarray(image).save(file)
    command = [os.environ["MEDIAPIPE_PYTHON"], "-c", MEDIAPIPE, path, *files]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    answers = json.loads(done.stdout.splitlines()[-1])
    ours = kc.predict(kc.load_export(path), list(images), 3)
    for answer, expected in zip(answers, ours, strict=True):
        np.testing.assert_allclose([p for _, p in answer], [p for *_, p in expected], atol=2e-3)
        assert answer[0][0] == expected[0][1]
    assert len({answer[0][0] for answer in answers}) > 1
    assert exporting.compare(exporting.with_preprocessing(model, kc.ResNet20.normalization), path, images).images == 8
