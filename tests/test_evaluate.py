"""Errors, counted by hand."""

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics import datasets, evaluate, export, feed


def test_errors_of_scores_with_known_ranks():
    labels = np.array([0, 1, 2, 3])
    scores = np.zeros((4, 10))
    scores[0, 0] = 1.0  # rank 0
    scores[1, [0, 1]] = 1.0, 0.5  # rank 1
    scores[2, :7] = [7, 6, 0.5, 5, 4, 3, 2]  # rank 6
    scores[3, :7] = [7, 6, 5, 2, 4, 1, 0]  # rank 4
    result = evaluate.score(scores, labels)
    assert (result.images, result.top1, result.top5) == (4, 75.0, 25.0)
    expected = np.zeros((10, 10), int)
    expected[0, 0] = expected[1, 0] = expected[2, 0] = expected[3, 0] = 1
    np.testing.assert_array_equal(result.confusion, expected)


def test_a_network_that_says_nothing_gets_no_credit():
    labels = np.arange(10)
    assert evaluate.score(np.full((10, 10), 0.1), labels).top1 == 90.0
    with pytest.raises(kc.ClassicsError, match="not finite"):
        evaluate.score(np.full((10, 10), np.nan), labels)


@pytest.mark.every_backend
def test_evaluates_in_order_whatever_the_batch_size(picture_folder):
    """The answers of the whole pipeline are those of the network on images that are prepared by hand."""
    data = datasets.load(str(picture_folder))
    model = kc.LeNet5(seed=0)
    pixels = [image @ [0.2989, 0.587, 0.114] for image, _ in data.split("test").as_numpy_iterator()]
    inputs = (np.pad(np.stack(pixels), ((0, 0), (2, 2), (2, 2)))[..., None] - 20) / 200
    scores = keras.ops.convert_to_numpy(model(inputs.astype("float32")))
    labels = np.repeat(range(10), 4)
    expected = evaluate.score(scores, labels)
    for batch_size in (7, 40):
        result = evaluate.evaluate(model, data, kc.LeNet5, batch_size=batch_size, verbose=0)
        np.testing.assert_array_equal(result.confusion, expected.confusion)
        assert result.top1 == expected.top1
    inside = evaluate.evaluate(kc.LeNet5(seed=0, include_preprocessing=True), data, kc.LeNet5, verbose=0)
    np.testing.assert_array_equal(inside.confusion, expected.confusion)


@pytest.mark.parametrize(("batch_size", "shapes"), [(7, [7] * 6), (40, [40]), (128, [40])])
def test_all_batches_have_one_shape(batch_size, shapes, picture_folder, monkeypatch):
    """Forty images; each shape would be compiled anew."""
    seen = []
    predict = keras.Model.predict

    def recorded(model, stream, **kwargs):
        seen.extend(len(images) for images, _ in stream.as_numpy_iterator())
        return predict(model, stream, **kwargs)

    monkeypatch.setattr(keras.Model, "predict", recorded)
    data = datasets.load(str(picture_folder))
    assert evaluate.evaluate(kc.LeNet5(), data, kc.LeNet5, batch_size=batch_size, verbose=0).images == 40
    assert seen == shapes


def test_other_classes_are_refused(picture_folder):
    data = datasets.load(str(picture_folder))
    with pytest.raises(kc.ClassicsError, match="has 7 classes and .* has 10"):
        evaluate.evaluate(kc.ResNet20(classes=7), data, kc.ResNet20)


def test_geometry_follows_the_models_own_size():
    def sizes(model, variant):
        made = feed.feed_of(model, variant)
        return made.resize_size, made.image_size, made.channels

    assert sizes(kc.ResNet50(input_shape=(112, 112, 3)), kc.ResNet50) == (128, 112, 3)
    assert sizes(kc.ResNet20(input_shape=(None, None, 1)), kc.ResNet20) == (32, 32, 1)


def test_a_model_is_fed_in_its_own_data_format(channels_first):
    """Which need not be the current one."""
    model = kc.ResNet20(input_shape=(3, 40, 40))
    keras.config.set_image_data_format("channels_last")
    made = feed.feed_of(model, kc.ResNet20)
    assert (made.channels, made.image_size, made.data_format) == (3, 40, "channels_first")
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 40, 40, 3)).astype("float32")
    expected = kc.preprocess_input(pixels, kc.ResNet20).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(made.model_input(pixels), expected)
    assert feed.feed_of(export.with_preprocessing(model, kc.ResNet20.normalization), kc.ResNet20).channels == 3
