"""Errors, counted by hand; and answers about pictures."""

import pathlib
import re
from dataclasses import replace

import keras
import numpy as np
import PIL.Image
import pytest
from pseudo_random import pixels

import keras_classics as kc
from keras_classics import datasets, evaluation, exporting, feed, preprocessing


def test_errors_of_scores_with_known_ranks():
    labels = np.array([0, 1, 2, 3])
    scores = np.zeros((4, 10))
    scores[0, 0] = 1.0  # rank 0
    scores[1, [0, 1]] = 1.0, 0.5  # rank 1
    scores[2, :7] = [7, 6, 0.5, 5, 4, 3, 2]  # rank 6
    scores[3, :7] = [7, 6, 5, 2, 4, 1, 0]  # rank 4
    result = evaluation.score(scores, labels)
    assert (result.images, result.top1, result.top5) == (4, 75.0, 25.0)
    expected = np.zeros((10, 10), int)
    expected[0, 0] = expected[1, 0] = expected[2, 0] = expected[3, 0] = 1
    np.testing.assert_array_equal(result.confusion, expected)


def test_a_network_that_says_nothing_gets_no_credit():
    labels = np.arange(10)
    assert evaluation.score(np.full((10, 10), 0.1), labels).top1 == 90.0
    with pytest.raises(kc.ClassicsError, match="not finite"):
        evaluation.score(np.full((10, 10), np.nan), labels)


@pytest.mark.every_backend
def test_evaluates_in_order_whatever_the_batch_size(picture_folder):
    """The answers of the whole pipeline are those of the network on images that are prepared by hand."""
    data = datasets.load(str(picture_folder))
    model = kc.LeNet5(seed=0)
    pixels = [image @ [0.2989, 0.587, 0.114] for image, _ in data.split("test").as_numpy_iterator()]
    inputs = (np.pad(np.stack(pixels), ((0, 0), (2, 2), (2, 2)))[..., None] - 20) / 200
    scores = keras.ops.convert_to_numpy(model(inputs.astype("float32")))
    labels = np.repeat(range(10), 4)
    expected = evaluation.score(scores, labels)
    for batch_size in (7, 40):
        result = evaluation.evaluate(model, data, batch_size=batch_size, verbose=0)
        np.testing.assert_array_equal(result.confusion, expected.confusion)
        assert result.top1 == expected.top1
    inside = evaluation.evaluate(kc.LeNet5(seed=0, include_preprocessing=True), data, verbose=0)
    np.testing.assert_array_equal(inside.confusion, expected.confusion)


@pytest.mark.parametrize(("batch_size", "shapes"), [(7, [7] * 6), (40, [40]), (128, [40])])
def test_all_batches_have_one_shape(batch_size, shapes, picture_folder, monkeypatch):
    """Forty images; each shape would be compiled anew."""
    seen = []
    predict = keras.Model.predict_on_batch

    def recorded(model, images):
        seen.append(len(images))
        return predict(model, images)

    monkeypatch.setattr(keras.Model, "predict_on_batch", recorded)
    data = datasets.load(str(picture_folder))
    assert evaluation.evaluate(kc.LeNet5(), data, batch_size=batch_size, verbose=0).images == 40
    assert seen == shapes


def test_other_classes_are_refused(picture_folder):
    data = datasets.load(str(picture_folder))
    with pytest.raises(kc.ClassicsError, match="has 7 classes and .* has 10"):
        evaluation.evaluate(kc.ResNet20(classes=7), data)


def test_geometry_follows_the_models_own_size():
    def sizes(model, variant):
        made = feed.feed_of(model, variant)
        return made.resize_size, made.image_size, made.channels

    assert sizes(kc.ResNet50(input_shape=(112, 112, 3)), kc.ResNet50) == (128, 112, 3)
    assert sizes(kc.ResNet20(input_shape=(None, None, 1)), kc.ResNet20) == (32, 32, 1)


@pytest.mark.parametrize("changed", [{"squash": True}, {"interpolation": "bicubic"}, {"resize_size": 40}])
def test_pictures_are_fitted_as_the_protocol_has_them(changed):
    protocol = replace(kc.ResNet20.protocol, **changed)
    made = feed.feed_of(replace(kc.ResNet20, protocol=protocol)(), kc.ResNet20)
    fields = {"resize_size": 32, "image_size": 32, "channels": 3} | changed
    picture = pixels(50, 80, 3)
    np.testing.assert_array_equal(made.fit(picture), preprocessing.fit(picture, **fields))
    words = {"squash": "squashed to 32, ", "interpolation": ", bicubic", "resize_size": ", shorter side 40, "}
    assert words[next(iter(changed))] in made.described()


def test_a_model_is_fed_in_its_own_data_format(channels_first):
    """Which need not be the current one."""
    model = kc.ResNet20(input_shape=(3, 40, 40))
    keras.config.set_image_data_format("channels_last")
    made = feed.feed_of(model, kc.ResNet20)
    assert (made.channels, made.image_size, made.data_format) == (3, 40, "channels_first")
    pixels = np.random.default_rng(0).uniform(0, 255, (2, 40, 40, 3)).astype("float32")
    expected = kc.preprocess_input(pixels, kc.ResNet20).transpose(0, 3, 1, 2)
    np.testing.assert_array_equal(made.model_input(pixels), expected)
    assert feed.feed_of(exporting.with_preprocessing(model, kc.ResNet20.normalization), kc.ResNet20).channels == 3


def test_class_names_are_compared_as_people_would(picture_folder):
    data = datasets.load("mnist_sample")
    evaluation.check_class_names("0123456789", data)
    imagenet = replace(data, class_names=datasets.known_class_names("imagenet2012"))
    identifiers = preprocessing.imagenet_classes()[0]
    evaluation.check_class_names(identifiers, imagenet)
    evaluation.check_class_names([n.upper().replace(" ", "_") for n in imagenet.class_names], imagenet)
    evaluation.check_class_names(imagenet.class_names, replace(data, class_names=identifiers))
    spaced = replace(data, class_names=tuple(f"digit  {i}\u00a0" for i in range(10)))  # models have one space for these
    evaluation.check_class_names([f"digit {i}" for i in range(10)], spaced)
    for names in ("1023456789", "012345678", [f"digit {i}" for i in range(10)], identifiers):
        with pytest.raises(kc.ClassicsError, match="not the same, or not in the same order"):
            evaluation.check_class_names(names, data)


def asked(model, pixels, protocol):
    """The model's answer to an image that is prepared by hand."""
    x = kc.preprocess_input(np.asarray(pixels, "float32"), protocol)[None]
    return keras.ops.convert_to_numpy(model(x))[0]


@pytest.mark.every_backend
def test_predict_takes_whatever_holds_pictures(tmp_path):
    """Arrays of any sizes, batches and files, RGB and grey: each as its pixels alone would be answered."""
    model = kc.ResNet20(seed=0)
    images = np.random.default_rng(0).integers(0, 256, (3, 32, 32, 3), "uint8")
    expected = [asked(model, image, "resnet20") for image in images]
    PIL.Image.fromarray(images[0]).save(tmp_path / "image.png")
    wide = np.concatenate([np.zeros((32, 8, 3), "uint8"), images[1], np.zeros((32, 8, 3), "uint8")], axis=1)
    files = [tmp_path / "image.png", str(tmp_path / "image.png")]
    for given, wanted in (
        (images, expected),
        (images[0], expected[:1]),
        ([images[0], wide, images[2].astype("float64")], expected),
        (files, [expected[0]] * 2),
        (files[0], expected[:1]),
    ):
        answers = kc.predict(model, given, top=10, batch_size=2)
        assert len(answers) == len(wanted)
        for answer, scores in zip(answers, wanted, strict=True):
            named = dict(zip(datasets.CIFAR10_CLASSES, scores, strict=True))
            assert {name: p for _, name, p in answer} == pytest.approx(named, abs=1e-5)
            assert [p for _, _, p in answer] == sorted((p for _, _, p in answer), reverse=True)
    assert [len(best) for best in kc.predict(model, images, top=3)] == [3, 3, 3]
    assert kc.predict(model, []) == []
    grey = kc.predict(kc.ResNet20(seed=0, input_shape=(32, 32, 1)), images)
    assert len(grey) == 3
    bare = kc.predict(kc.ResNet20(seed=0, include_preprocessing=True), images, top=10)
    assert [p for _, _, p in bare[0]] == pytest.approx(sorted(expected[0], reverse=True), abs=1e-5)


def test_data_may_be_a_path_and_the_answers_place_is_looked_at_first(picture_folder, tmp_path, monkeypatch):
    model = kc.LeNet5(seed=0)
    by_name = kc.evaluate(model, str(picture_folder), verbose=0)
    assert kc.evaluate(model, pathlib.Path(picture_folder), verbose=0).top1 == by_name.top1
    monkeypatch.setattr(evaluation, "ensemble", None)
    (tmp_path / "file").touch()
    with pytest.raises(kc.ClassicsError, match=r"Cannot write '.*p.npz': '.*file' is a file"):
        kc.evaluate(model, picture_folder, predictions=tmp_path / "file" / "p.npz")


def test_predict_names_the_classes():
    image = np.zeros((32, 32, 3), "uint8")
    assert {n for _, n, _ in kc.predict(kc.ResNet20(), image, 10)[0]} == set(datasets.CIFAR10_CLASSES)
    assert {n for _, n, _ in kc.predict(kc.ResNet20(classes=3), image)[0]} == {"class 0", "class 1", "class 2"}
    assert {n for _, n, _ in kc.predict(kc.ResNet20(classes=2), image, class_names=["cat", "dog"])[0]} == {"cat", "dog"}
    ((identifier, name, _),) = kc.predict(kc.ShuffleNetV2_x0_5(seed=0, input_shape=(64, 64, 3)), image, top=1)[0]
    assert (identifier, name) in set(zip(*preprocessing.imagenet_classes(), strict=True))
    model = kc.LeNet5(seed=0)
    heads = keras.Model(model.inputs, {"predictions": model.output, "aux_1": model.get_layer("f6").output})
    assert kc.predict(heads, image) == kc.predict(model, image)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.zeros((32, 32)),), "arrays (height, width, channels) or batches of them, not (32, 32)"),
        (([np.zeros((2, 32, 32, 3))],), "A picture is an array (height, width, channels), not (2, 32, 32, 3)"),
        ((np.zeros((32, 32, 4), "uint8"),), "resnet20 reads 3 channels, and the picture has 4"),
        ((np.random.default_rng(0).random((32, 32, 3)),), "Pixels must be 0..255, and these go from"),
        ((np.full((32, 32, 3), np.nan),), "Pixels must be 0..255, and these go from nan to nan"),
        ((np.full((32, 32, 3), 65535, "uint16"),), "from 65535 to 65535"),
        (("nowhere.png",), "There is no file 'nowhere.png'"),
        ((np.zeros((32, 32, 3), "uint8"), 0), "`top` and `batch_size` must be at least 1"),
        ((np.zeros((32, 32, 3), "uint8"), 5, ["cat", "dog"]), "resnet20 has 10 classes, and 2 names were given"),
    ],
)
def test_predict_refuses_in_one_line(arguments, message):
    with pytest.raises(kc.ClassicsError, match=re.escape(message)):
        kc.predict(kc.ResNet20(seed=0), *arguments)


def test_predict_refuses_models_that_cannot_answer():
    image = np.zeros((32, 32, 3), "uint8")
    with pytest.raises(kc.ClassicsError, match=re.escape("resnet20 puts out (None, None, None, 64) and so has no")):
        kc.predict(kc.ResNet20(include_top=False), image)
    with pytest.raises(kc.ClassicsError, match="resnet20 reads 4 channels, and the picture has 3"):
        kc.predict(kc.ResNet20(input_shape=(32, 32, 4)), image)
    model = kc.ResNet20(seed=0)
    layer = model.get_layer("conv3_block1_1_conv")
    layer.set_weights([np.full_like(w, np.inf) for w in layer.get_weights()])
    with pytest.raises(kc.ClassicsError, match="weights of resnet20 are not finite, first those of its layer conv3_b"):
        kc.predict(model, image)
    inputs = keras.Input((32, 32, 3))
    foreign = keras.Model(inputs, keras.layers.Dense(10)(keras.layers.Flatten()(inputs)), name="mine")
    with pytest.raises(kc.ClassicsError, match="'mine' does not tell which network of the zoo it is"):
        kc.predict(foreign, image)
