"""Views and models averaged: against a network that puts out the mean colour of a view, and NumPy."""

import functools
import re
import warnings
from dataclasses import replace

import keras
import numpy as np
import PIL.Image
import pytest
from conftest import SHARED
from pseudo_random import pixels

import keras_classics as kc
from keras_classics import datasets, evaluation, exported, feed, hub_folder, preprocessing
from keras_classics.crops import VIEWS, cut, whole
from keras_classics.datasets import Dataset
from keras_classics.exporting import with_preprocessing
from keras_classics.exporting.contents import facts_of
from keras_classics.exporting.serving import serving_bytes
from keras_classics.layers import Provenance
from keras_classics.spec import InputProtocol, Normalization

SIZE = 16
PROTOCOL = InputProtocol("cifar10", Normalization((0.0,) * 3, (1.0,) * 3), SIZE, 18)
PICTURES = [pixels(20 + i, 30 - i, 3) // (1 + np.arange(3) * (i % 3)).astype("uint8") for i in range(7)]
LABELS = np.array([0, 1, 2, 0, 1, 2, 0])


def colours(power=1.0, logits=False, side=SIZE, spoil=0):
    """A network whose answer is the share of each colour in the view, raised to a power; or the logarithm of that.
    Where the mean red is at most `spoil`, it is no number."""
    inputs = keras.Input((side, side, 3))
    x = keras.layers.GlobalAveragePooling2D()(Provenance("resnet20", {}, PROTOCOL)(inputs))
    x = x + (keras.ops.sqrt(x[:, :1] - spoil) * 0 if spoil else 0)
    x = x / keras.ops.sum(x, 1, keepdims=True)
    x = x**power / keras.ops.sum(x**power, 1, keepdims=True)
    return keras.Model(inputs, keras.ops.log(x) + 7 if logits else x, name=f"colours_{power:g}")


def shares(picture, views, power=1.0):
    """What that network answers, averaged over the views, in NumPy."""
    parts = whole(picture, VIEWS[views], SIZE, 3) if VIEWS[views].dense else [cut(picture, VIEWS[views], 18, SIZE, 3)]
    mean = np.concatenate([part.numpy().astype("float64").mean((1, 2)) for part in parts])
    powers = (mean / mean.sum(1, keepdims=True)) ** power
    return (powers / powers.sum(1, keepdims=True)).mean(0)


def data(labels=LABELS, decoded=None):
    """The pictures, as a data set; `decoded` counts how often one is decoded."""
    import tensorflow as tf

    def stored(split):
        return tf.data.Dataset.from_tensor_slices((np.arange(len(labels)), labels.astype("int64")))

    def read(i):
        if decoded is not None:
            decoded.append(int(i))
        return PICTURES[i]

    def decode(i):
        return tf.ensure_shape(tf.numpy_function(read, [i], tf.uint8), (None, None, 3))

    return Dataset("colours", ("red", "green", "blue"), {"test": len(labels)}, 3, True, stored, decode)


@pytest.mark.every_backend
@pytest.mark.parametrize(("views", "batch_size"), [("2", 128), ("10", 4), ("dense-3", 128)])
def test_views_and_models_are_averaged(views, batch_size, tmp_path):
    """Whatever the batches hold: parts of an image's views, or those of several images."""
    models = [colours(), colours(3.0, logits=True)]
    result = kc.evaluate(models, data(), views, batch_size=batch_size, verbose=0, predictions=tmp_path / "p.npz")
    expected = np.stack([(shares(p, views) + shares(p, views, 3.0)) / 2 for p in PICTURES])
    with np.load(tmp_path / "p.npz") as saved:
        np.testing.assert_allclose(saved["predictions"], expected, atol=1e-5)
        np.testing.assert_array_equal(saved["labels"], LABELS)
        assert saved["class_names"].tolist() == ["red", "green", "blue"]
    assert result.top1 == pytest.approx(100 * np.mean(expected.argmax(1) != LABELS))
    assert result.loss == pytest.approx(-np.mean(np.log(expected[np.arange(7), LABELS])), rel=1e-5)
    answers = kc.predict(models, PICTURES, 3, ["red", "green", "blue"], batch_size, views)
    told = [[{name: p for _, name, p in answer}[c] for c in ("red", "green", "blue")] for answer in answers]
    np.testing.assert_allclose(told, expected, atol=1e-5)


def test_an_image_is_decoded_once_and_batches_have_one_shape(monkeypatch):
    """70 views of 7 images in batches of 16, for two models that read other sizes."""
    decoded, shapes = [], []
    predict = keras.Model.predict_on_batch
    monkeypatch.setattr(
        keras.Model, "predict_on_batch", lambda model, x: (shapes.append(x.shape), predict(model, x))[1]
    )
    kc.evaluate([colours(), colours(side=8)], data(decoded=decoded), "10", batch_size=16, verbose=0)
    assert sorted(decoded) == list(range(7))
    assert shapes == [(16, 16, 16, 3), (16, 8, 8, 3)] * 5


def test_what_an_evaluation_tells():
    """In parts and as a whole, against sums written out."""
    rng = np.random.default_rng(0)
    scores = rng.dirichlet(np.ones(8) * 0.3, 500)
    labels = np.array([rng.choice(8, p=s**0.5 / (s**0.5).sum()) for s in scores])
    labels[labels == 3] = 4  # a class without images
    parts = [evaluation.score(scores[a:b], labels[a:b]) for a, b in ((0, 100), (100, 101), (101, 500))]
    result, whole = parts[0] + parts[1] + parts[2], evaluation.score(scores, labels)
    wrong = scores.argmax(1) != labels
    confidence, error = scores.max(1), 0.0
    for lower in np.arange(15) / 15:
        inside = (confidence > lower) & (confidence <= lower + 1 / 15)
        if inside.any():
            error += inside.mean() * abs(confidence[inside].mean() - (~wrong)[inside].mean())
    for one in (result, whole):
        assert one.images == 500
        assert one.top1 == pytest.approx(100 * wrong.mean())
        assert one.loss == pytest.approx(-np.log(scores[np.arange(500), labels]).mean())
        assert one.calibration_error == pytest.approx(error)
        np.testing.assert_array_equal(one.confusion, whole.confusion)
        assert np.isnan(one.class_accuracy).tolist() == [i == 3 for i in range(8)]
        assert one.class_accuracy[0] == pytest.approx(100 * (~wrong)[labels == 0].mean())
    assert error > 0.05  # else anything would pass


@pytest.mark.parametrize(
    ("errors", "images", "low", "high"),
    [(827, 10_000, 7.7461, 8.8260), (0, 100, 0.0, 3.6993), (100, 100, 96.3007, 100.0), (1, 10, 1.7876, 40.4150)],
)
def test_wilsons_interval(errors, images, low, high):
    """As scipy.stats.binomtest(errors, images).proportion_ci(method="wilson") gives it."""
    assert evaluation.wilson(errors, images) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize("views", ["1", "10"])
def test_answers_that_are_no_numbers_are_counted_and_named(views):
    """Some views of some images: an average over views or models must not hide them."""
    reds = sorted(shares_of_red(p, views) for p in PICTURES)
    bad = colours(2.0, spoil=(reds[1] + reds[2]) / 2)
    with pytest.raises(kc.ClassicsError, match="colours_2 puts out numbers that are not finite for 2 of 7 images, so"):
        kc.evaluate([colours(), bad], data(), views, batch_size=4, verbose=0)
    with pytest.raises(kc.ClassicsError, match="colours_2 puts out numbers that are not finite for 2 of 7 images"):
        kc.predict([colours(), bad], PICTURES, 1, ["a", "b", "c"], 128, views)


def shares_of_red(picture, views):
    """The least mean red of a view."""
    return cut(picture, VIEWS[views], 18, SIZE, 3).numpy().astype("float64").mean((1, 2))[:, 0].min()


def test_what_cannot_be_judged_is_refused():
    def refuses(message, *arguments, **kwargs):
        with pytest.raises(kc.ClassicsError, match=re.escape(message)):
            kc.evaluate(*arguments, verbose=0, **kwargs)

    refuses("must tell the same classes apart: colours_1 has 3 and resnet20 has 10", [colours(), kc.ResNet20()], data())
    refuses("There is no model to ask", [], data())
    refuses("Unknown views '11'. Did you mean '1'", colours(), data(), "11")
    refuses("Some images have no label of 0 to 2, so nothing can be judged", colours(), data(np.array([0, -1, 1])))
    refuses("has no images in its split 'test'", colours(), replace(data(), sizes={"test": 0}))
    refuses("Unknown split of colours 'tset'. Did you mean 'test'", colours(), data(), split="tset")
    refuses("not the same, or not in the same order", colours(), data(), class_names=["green", "red", "blue"])
    refuses(
        "resnet20 reads pictures of the shape (32, 40, 3), and pictures are cut square",
        kc.ResNet20(input_shape=(32, 40, 3), classes=3),
        data(),
    )
    refuses("its layer rbf cannot slide over an image", kc.LeNet5(), data(), "dense-1")


def test_predictions_are_saved_whole_or_not_at_all(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(kc.ClassicsError, match="Cannot write"):
        kc.evaluate(colours(), data(), verbose=0, predictions=tmp_path / "file" / "p.npz")
    bad = colours(2.0, spoil=300)
    with pytest.raises(kc.ClassicsError, match="for 7 of 7 images"):
        kc.evaluate(bad, data(), verbose=0, predictions=tmp_path / "p.npz")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_images_without_labels_are_answered_alone(tmp_path):
    """As ImageNet's test images, whose labels are -1; the file has what a labelled set's has."""
    for labels, file in ((LABELS, "labelled.npz"), (np.full(7, -1), "secret.npz")):
        result = kc.evaluate(colours(), data(labels), batch_size=2, verbose=0, predictions=tmp_path / file)
        assert (result.images, np.isnan(result.top1)) == ((7, False) if file == "labelled.npz" else (0, True))
        assert np.isnan([result.top5, result.loss, result.calibration_error]).all() == np.isnan(result.top1)
    labelled, secret = (np.load(tmp_path / file) for file in ("labelled.npz", "secret.npz"))
    np.testing.assert_array_equal(labelled["predictions"], secret["predictions"])
    for some in (np.array([-1, -1, 0, 1]), np.array([0, 1, -1, -1])):
        with pytest.raises(kc.ClassicsError, match=r"Some images .*have (no )?label"):
            kc.evaluate(colours(), data(some), batch_size=2, verbose=0, predictions=tmp_path / "mixed.npz")
    assert not (tmp_path / "mixed.npz").exists()


def test_progress_is_shown_in_images(capsys):
    kc.evaluate(colours(), data(), "2", batch_size=4, verbose=1)
    assert "7/7" in capsys.readouterr().out
    kc.evaluate(colours(), data(), "2", batch_size=4, verbose=0)
    assert capsys.readouterr().out == ""


@pytest.mark.heavy
def test_public_checkpoints_on_cifar10(tfds_dir):
    """8.27% as published; mirrored views and two networks err as often as NumPy's averages of their probabilities."""
    files = {"resnet20": "resnet20-12fca82f.th", "resnet56": "resnet56-4bfd9763.th"}
    paths = {name: SHARED / "checkpoints" / file for name, file in files.items()}
    if not all(path.exists() for path in paths.values()):
        pytest.skip("no public checkpoints on this machine")
    cifar = datasets.load("cifar10", tfds_dir)
    models = [kc.create_model(name, weights=path) for name, path in paths.items()]
    images, labels = (np.stack(part) for part in zip(*cifar.split("test").as_numpy_iterator(), strict=True))
    read = kc.preprocess_input(images, models[0])
    answers = [[m.predict(x, batch_size=250, verbose=0) for x in (read, read[:, :, ::-1])] for m in models]
    errors = {}
    for asked, own in ((models[0], answers[:1]), (models, answers)):
        for views in ("1", "2"):
            averaged = np.mean([part for one in own for part in one[: int(views)]], axis=0)
            result = kc.evaluate(asked, cifar, views, batch_size=250, verbose=0)
            errors[len(own), views] = result.top1
            assert result.images - result.wrong == np.sum(averaged.argmax(1) == labels)
    assert round(errors[1, "1"], 2) == 8.27
    assert errors[2, "2"] < errors[2, "1"] < errors[1, "2"] < errors[1, "1"]


def test_models_of_other_classes_are_no_ensemble():
    digits, things = kc.LeNet5(weights="mnist"), kc.ResNet20(weights="keras_classics")
    with pytest.raises(
        kc.ClassicsError, match=r"lenet5 and resnet20 tell other classes .*: 0, 1, 2, \.\.\. and airplane"
    ):
        kc.predict([digits, things], PICTURES[0])
    names = tuple("abcdefghij")
    assert {answer[1] for answer in kc.predict([digits, things], PICTURES[0], class_names=names)[0]} < set(names)


def test_names_that_nobody_gave_are_told_with_a_warning():
    fresh, trained = kc.ResNet20(seed=0), kc.ResNet20(weights="keras_classics")
    with pytest.warns(UserWarning, match="The answers of resnet20 have the class names of cifar10, .* airplane, autom"):
        kc.predict(fresh, PICTURES[0])
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        for models, names in (([fresh, trained], None), (fresh, tuple("abcdefghij"))):
            answers = kc.predict(models, PICTURES[0], 10, names)
            assert {name for _, name, _ in answers[0]} == set(names or datasets.CIFAR10_CLASSES)


def test_any_model_of_an_ensemble_may_tell_the_names():
    trained = kc.ResNet20(weights="keras_classics")
    unnamed = keras.Model(trained.input, keras.layers.Dense(10, "softmax", name="own")(trained.layers[-2].output))
    for models in ([unnamed, trained], [trained, unnamed]):
        assert {name for _, name, _ in kc.predict(models, PICTURES[0], 10)[0]} == set(datasets.CIFAR10_CLASSES)


def test_an_export_for_imagenet_tells_wordnets_identifiers_as_its_model_does():
    answers = np.eye(1000, dtype="float32")[[386]]
    shipped = exported.Exported(
        *("resnet50", "resnet50", {}, 1000, preprocessing.imagenet_classes()[1], kc.ResNet50.protocol),
        *(feed.feed_of_default(kc.ResNet50), True, lambda images: answers),
    )
    assert kc.predict(shipped, PICTURES[0], 1) == [[("n02504458", "African bush elephant", 1.0)]]


def test_the_probability_of_the_only_class_stays_what_it_is():
    inputs = keras.Input((SIZE, SIZE, 3))
    x = keras.layers.Flatten()(Provenance("resnet20", {}, PROTOCOL)(inputs))
    model = keras.Model(inputs, keras.layers.Dense(1, "sigmoid", kernel_initializer="zeros")(x))
    for views in ("1", "2"):
        assert kc.predict(model, PICTURES[0], views=views) == [[("0", "class 0", 0.5)]]


def test_maps_that_are_pooled_are_no_classes():
    for pooling in ("avg", "max"):
        with pytest.raises(
            kc.ClassicsError, match=r"puts out \(None, 64\) and so has no classes; build it with its top"
        ):
            kc.predict(kc.ResNet20(include_top=False, pooling=pooling), PICTURES[0])


def of_features(around=False):
    """A network without its top, which may be inside another model."""
    body = kc.ResNet20(include_top=False, pooling="avg", input_shape=(32, 32, 3))
    return with_preprocessing(body, kc.ResNet20.normalization) if around else body


@pytest.mark.parametrize(
    ("make", "has"),
    [
        (of_features, False),
        (functools.partial(of_features, around=True), False),
        (lambda: keras.Sequential([keras.Input((32, 32, 3)), of_features()]), False),
        (lambda: keras.Sequential([of_features(), keras.layers.Dense(3)]), True),
        (lambda: kc.ResNet20(include_top=False, input_shape=(32, 32, 3)), False),
        (kc.NiN, True),
        (lambda: with_preprocessing(kc.NiN(), kc.NiN.normalization), True),
    ],
)
def test_what_has_classes(make, has):
    """Whoever asks is told the same."""
    model = make()
    assert feed.has_classes(model) == has
    assert bool(facts_of(model, True, False)) == has
    assert (serving_bytes(model, (), True) is not None) == has


class Mirrored(keras.Model):
    """The mean answer to a picture and its mirror image."""

    def __init__(self, network, **options):
        super().__init__(**options)
        self.network = network

    def call(self, images):
        return (self.network(images) + self.network(keras.ops.flip(images, 2))) / 2


def test_a_model_that_ends_in_one_without_a_graph_is_asked_too():
    network, inputs = kc.ResNet20(seed=1), keras.Input((32, 32, 3))
    model = keras.Model(inputs, Mirrored(network, name="mirrored")(inputs))
    assert feed.has_classes(model)
    assert preprocessing.classifier_of(model) == "mirrored"
    (answer,), (expected,) = kc.predict(model, PICTURES[0], 10), kc.predict(network, PICTURES[0], 10, views="2")
    assert [place for place, _, _ in answer] == [place for place, _, _ in expected]


def test_a_network_inside_a_sequential_is_asked_as_inside_any_model():
    body, top = kc.ResNet20(include_top=False, pooling="avg", seed=1), keras.layers.Dense(3, "softmax")
    inputs = keras.Input((32, 32, 3))
    expected = kc.predict(keras.Model(inputs, top(body(inputs))), PICTURES[:2])
    assert kc.predict(keras.Sequential([body, top]), PICTURES[:2]) == expected


def test_a_picture_of_pillows_is_asked_about_as_its_file_is(tmp_path):
    """As its file says, it is turned upright; and its palette is none of its pixels."""
    model, exif = colours(), PIL.Image.Exif()
    exif[0x0112] = 6
    with PIL.Image.fromarray(PICTURES[1]) as picture:
        picture.convert("P").save(tmp_path / "x.png", exif=exif)
    expected = kc.predict(model, tmp_path / "x.png")
    with PIL.Image.open(tmp_path / "x.png") as picture:
        assert picture.mode == "P"
        assert kc.predict(model, picture) == kc.predict(model, [picture, tmp_path / "x.png"])[:1] == expected
    with PIL.Image.open(tmp_path / "x.png") as closed:
        pass
    with pytest.raises(kc.ClassicsError, match="'A picture' is no image that can be read whole"):
        kc.predict(model, closed)


def test_imagenets_names_have_their_identifiers_when_they_are_given():
    identifiers, names = preprocessing.imagenet_classes()
    for _, answers in zip(range(1), kc.predict(kc.ResNet20(classes=1000), PICTURES[0], class_names=names), strict=True):
        assert all(identifier == identifiers[names.index(name)] for identifier, name, _ in answers)


def test_what_cannot_be_asked_is_told_in_one_line():
    two = [keras.Input((8, 8, 3)) for _ in range(2)]
    model = keras.Model(two, keras.layers.Dense(2)(keras.layers.Flatten()(keras.layers.Add()(two))), name="pair")
    with pytest.raises(kc.ClassicsError, match="pair reads 2 inputs, and not one batch of images"):
        kc.predict(model, PICTURES[0])
    with pytest.raises(kc.ClassicsError, match="Pictures are paths or arrays, or a list of such, not int"):
        kc.predict(colours(), 7)
    with pytest.raises(kc.ClassicsError, match=r"A picture is an array \(height, width, channels\), not \(0, 5, 3\)"):
        kc.predict(colours(), np.zeros((0, 5, 3), "uint8"))
    with pytest.raises(kc.ClassicsError, match="`batch_size` must be at least 1, not 0"):
        kc.evaluate(colours(), data(), batch_size=0)
    with pytest.raises(kc.ClassicsError, match="`top` must be at least 1, not -1"):
        kc.decode_predictions([[0.2, 0.8]], -1, ["a", "b"])


def test_names_that_a_model_carries_are_held_against_the_data():
    """In another order every figure would be wrong; the data set of a network tells nothing."""
    model = colours()
    expected = evaluation.evaluate(model, data(), verbose=0)  # by number
    provenance = next(layer for layer in model.layers if isinstance(layer, Provenance))
    provenance.protocol = replace(PROTOCOL, class_names=("Red", "green", "blue"))
    assert evaluation.evaluate(model, data(), verbose=0).top1 == expected.top1
    provenance.protocol = replace(PROTOCOL, class_names=("blue", "green", "red"))
    with pytest.raises(kc.ClassicsError, match=r"classes are blue, green, red, .* class_names=data\.class_names"):
        evaluation.evaluate(model, data(), verbose=0)
    by_number = evaluation.evaluate(model, data(), verbose=0, class_names=data().class_names)
    assert by_number.top1 == expected.top1


@pytest.mark.parametrize("form", ["beside", "inside", "sequential"])
def test_a_classifier_of_ones_own_does_not_tell_the_classes_of_the_weights(form, tmp_path):
    """Ten of one's own are not the ten of CIFAR-10; a softmax behind the network's classifier changes nothing."""
    network = kc.ResNet20(weights="keras_classics", classifier_activation=None)
    body = keras.Model(network.input, network.layers[-2].output)
    tops = {True: [keras.layers.Softmax()], False: [keras.layers.Dense(10, "softmax"), keras.layers.Softmax()]}
    for kept, top in tops.items():
        start = network if kept else body
        x = keras.Input((32, 32, 3)) if form == "inside" else start.input
        outputs = start(x) if form == "inside" else start.output
        for layer in top:
            outputs = layer(outputs)
        model = keras.Sequential([start, *top]) if form == "sequential" else keras.Model(x, outputs)
        told = {name for _, name, _ in kc.predict(model, PICTURES[0], 10)[0]}
        assert told == (set(datasets.CIFAR10_CLASSES) if kept else {f"class {i}" for i in range(10)})
        assert exported.class_names_of(model) == (datasets.CIFAR10_CLASSES if kept else ())
    if form == "beside":
        kc.export(model, tmp_path / "own.tflite")
        assert kc.predict(kc.load_export(tmp_path / "own.tflite"), PICTURES[0], 1)[0][0][1].startswith("class ")


def test_dark_digits_on_paper_are_told(recwarn):
    image = next(iter(datasets.load("mnist_sample").split("test").as_numpy_iterator()))[0]
    model = kc.LeNet5(weights="mnist")
    kc.predict(model, image)
    assert not [w for w in recwarn if "light on black" in str(w.message)]
    with pytest.warns(UserWarning, match="lenet5 learned MNIST's digits, which are light on black"):
        kc.predict(model, 255 - image)


def test_dark_digits_are_other_data_sets_own(recwarn):
    model = kc.ResNet20(seed=0)
    hub_folder.name_classes(model, "0123456789")
    kc.predict(model, np.full((32, 32, 3), 255, "uint8"))
    assert not [w for w in recwarn if "light on black" in str(w.message)]


def test_numbers_are_held_against_no_names_that_nobody_gave(tmp_path):
    model = kc.ResNet20(weights="keras_classics")
    unnamed = datasets.from_arrays(np.zeros((10, 32, 32, 3), "uint8"), np.arange(10))
    kc.export(model, tmp_path / "resnet20.tflite")
    for asked in (model, kc.load_export(tmp_path / "resnet20.tflite")):
        assert kc.evaluate(asked, unnamed, verbose=0).images == 10
    digits = datasets.from_arrays(np.zeros((10, 28, 28, 1), "uint8"), np.arange(10), class_names=[*"abcdefghij"])
    with pytest.raises(kc.ClassicsError, match="The model's classes are airplane, automobile, bird"):
        kc.evaluate(model, digits, verbose=0)


def test_names_may_be_an_array():
    names = np.array([f"class of {i}" for i in range(10)])
    assert kc.predict(kc.LeNet5(), PICTURES[0], class_names=names)[0][0][1].startswith("class of ")


def test_names_are_given_to_all_networks_of_a_model():
    inputs = keras.Input((32, 32, 3))
    bodies = [of(include_top=False, pooling="avg")(inputs) for of in (kc.ResNet20, kc.ResNet56)]
    model = keras.Model(inputs, keras.layers.Dense(2, name="mine")(keras.layers.Concatenate()(bodies)))
    hub_folder.name_classes(model, ["cat", "dog"])
    assert exported.class_names_of(model) == ("cat", "dog")
