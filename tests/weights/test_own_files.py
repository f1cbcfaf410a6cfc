"""Files that our own models write say which network they are of, in which form, and how its pixels are prepared."""

import json
from dataclasses import replace

import h5py
import keras
import numpy as np
import peers
import pytest
from answers import answers

import keras_classics as kc
from keras_classics import preprocessing
from keras_classics.exported import class_names_of
from keras_classics.hub_folder import name_classes
from keras_classics.preprocessing import carried_protocol
from keras_classics.spec import PLUS_MINUS_ONE, InputProtocol

everywhere = pytest.mark.every_backend

KINDS = ("net.keras", "net.weights.h5", "net.h5")
OTHER_PIXELS = InputProtocol("cifar10", PLUS_MINUS_ONE, 32, 40, "bicubic")


def run(model, batch=None):
    batch = peers.images(2, 32, 32, 3) if batch is None else batch
    return answers(model, batch)


def write(model, path):
    """As its user saves a model, in any of the kinds."""
    (model.save_weights if path.name.endswith(".weights.h5") else model.save)(path)
    return path


@pytest.fixture
def resnet20_b():
    """ResNet-20 in a form that is not its default, with pixels that are not its record's."""
    model = kc.ResNet20(shortcut="B", seed=0)
    preprocessing.provenance(model).protocol = OTHER_PIXELS
    return model


@everywhere
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("kind", KINDS)
def test_a_model_around_the_network_that_prepares_pixels_is_told(kind, tmp_path):
    """Its weights were trained on other pixels than its record's, which the network alone would read."""
    inputs, base = keras.Input((32, 32, 3)), kc.ResNet20(classes=5, seed=0)
    path = write(keras.Model(inputs, base(keras.layers.Rescaling(1 / 255)(inputs))), tmp_path / kind)
    with pytest.warns(UserWarning, match="prepares pixels itself, by Rescaling. .* are prepared as resnet20 has them"):
        kc.ResNet20(weights=path, classes=6)


@pytest.mark.parametrize("kind", ["net.keras", "net.h5"])
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
def test_operations_before_the_network_are_told(kind, tmp_path):
    inputs, base = keras.Input((32, 32, 3)), kc.ResNet20(classes=5, seed=0)
    path = write(keras.Model(inputs, base(keras.applications.vgg16.preprocess_input(inputs))), tmp_path / kind)
    with pytest.warns(UserWarning, match="prepares pixels itself, by Add and GetItem. .* as resnet20 has them"):
        kc.ResNet20(weights=path, classes=6)


@pytest.mark.parametrize("build", [kc.LeNet5, kc.ResNet20], ids=lambda build: build.name)
@pytest.mark.parametrize("kind", KINDS)
def test_what_a_network_of_ours_does_to_pixels_itself_is_not_told(build, kind, tmp_path, recwarn):
    """Nor what stands behind it, such as a temperature."""
    model = build(seed=0, include_preprocessing=True)
    behind = keras.Model(model.input, keras.layers.Rescaling(0.5)(model.output)) if kind != "net.weights.h5" else model
    for made in (model, keras.Model(model.input, model.output / 2.0), behind):
        build(weights=write(made, tmp_path / kind))
    assert not [w for w in recwarn if "prepares pixels" in str(w.message)]


def test_a_classifier_that_is_kept_is_told(tmp_path):
    """Four classes of other things would bear the names of the file's."""
    model = kc.ResNet20(classes=4, seed=0)
    protocol = preprocessing.provenance(model).protocol
    preprocessing.provenance(model).protocol = replace(protocol, class_names=("daisy", "rose", "tulip", "lily"))
    path = write(model, tmp_path / "flowers.keras")
    with pytest.warns(UserWarning, match="keeps the classifier of '.*flowers.keras' .* that has 4 classes too"):
        kc.ResNet20(weights=path, classes=4)


def test_names_are_of_the_classifier_that_had_them(tmp_path):
    """Another in its place, with as many classes, has others; named itself, it keeps its own through a file."""
    model = kc.ResNet20(classes=3, seed=0)
    name_classes(model, ("a", "b", "c"))
    loaded = kc.load(write(model, tmp_path / "named.keras"))
    assert class_names_of(loaded) == ("a", "b", "c")
    features = loaded.get_layer("predictions").input
    other = keras.Model(loaded.input, keras.layers.Dense(3, name="vehicles")(features))
    assert class_names_of(other) == ()
    name_classes(other, ("car", "bus", "tram"))
    assert class_names_of(kc.load(write(other, tmp_path / "other.keras"))) == ("car", "bus", "tram")


def test_a_body_has_no_classes(tmp_path):
    """Else a classifier of one's own, called "predictions" as well, would be taken for the data set's."""
    for weights in ("keras_classics", None):
        body = kc.ResNet20(weights=weights, include_top=False, pooling="avg")
        own = keras.Model(body.input, keras.layers.Dense(10, name="predictions")(body.output))
        assert not class_names_of(own)
    assert class_names_of(kc.ResNet20(weights="keras_classics"))[0] == "airplane"


@everywhere
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("kind", KINDS)
def test_the_form_and_the_pixels_are_the_files(kind, resnet20_b, tmp_path):
    path = write(resnet20_b, tmp_path / kind)
    with pytest.warns(UserWarning, match="resnet20 is built with shortcut='B', the form of the weights in '.*net"):
        model = kc.ResNet20(weights=path)
    np.testing.assert_array_equal(run(model), run(resnet20_b))
    assert preprocessing.carried_protocol(model) == OTHER_PIXELS
    pixels = 127.5 * (peers.images(2, 32, 32, 3) + 1)
    inside = kc.ResNet20(weights=path, shortcut="B", include_preprocessing=True)
    np.testing.assert_allclose(run(inside, pixels), run(model), atol=1e-5)


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("kind", KINDS)
def test_another_network_or_form_is_refused(kind, resnet20_b, tmp_path):
    path = write(resnet20_b, tmp_path / kind)
    with pytest.raises(kc.ClassicsError, match=r"holds weights of resnet20 \(shortcut='B'\), and this is plainnet20"):
        kc.PlainNet20(weights=path)
    with pytest.raises(kc.ClassicsError, match="with shortcut='B', and shortcut='A' was asked for") as caught:
        kc.ResNet20(weights=path, shortcut="A")
    assert str(path) in str(caught.value)
    with pytest.raises(kc.ClassicsError, match="is a file of keras_classics, and not of idelbayev"):
        kc.ResNet20(weights=f"idelbayev:{path}")


def test_forms_that_have_the_same_weights(tmp_path):
    """Where the bottlenecks stride no shape tells."""
    model = kc.ResNet50(form="3x3", seed=0, include_top=False, input_shape=(33, 33, 3), pooling="avg")
    path = write(model, tmp_path / "net.weights.h5")
    with pytest.warns(UserWarning, match="form='3x3'"):
        again = kc.ResNet50(weights=path, include_top=False, input_shape=(33, 33, 3), pooling="avg")
    batch = peers.images(1, 33, 33, 3)
    np.testing.assert_array_equal(run(again, batch), run(model, batch))


@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("around", ["alone", "Sequential", "a model", "layers behind"])
def test_a_body_is_taken_wherever_it_stands(around, kind, tmp_path):
    body = kc.ResNet20(include_top=False, seed=0, input_shape=(32, 32, 3), pooling="avg")
    inputs = keras.Input((32, 32, 3))
    saved = {
        "alone": lambda: body,
        "Sequential": lambda: keras.Sequential([inputs, body, keras.layers.Dense(3)]),
        "a model": lambda: keras.Model(inputs, keras.layers.Dense(3)(keras.layers.BatchNormalization()(body(inputs)))),
        "layers behind": lambda: keras.Model(body.input, keras.layers.Dense(3, name="mine")(body.output)),
    }[around]()
    path = write(saved, tmp_path / kind)
    again = kc.ResNet20(weights=path, include_top=False, pooling="avg")
    np.testing.assert_array_equal(run(again), run(body))
    with pytest.warns(UserWarning, match="but for predictions, which start afresh") as told:
        ten = kc.ResNet20(weights=path, classes=10)
    assert ("The file's own" in str(told[0].message)) == (around != "alone")
    np.testing.assert_array_equal(run(keras.Model(ten.input, ten.get_layer("avg_pool").output)), run(body))
    with pytest.raises(kc.ClassicsError, match=r"without its classifier \(predictions\)\. Give `include_top=False`"):
        kc.ResNet20(weights=path)


def test_two_networks_in_one_file(tmp_path):
    inputs = keras.Input((32, 32, 3))
    both = [kc.ResNet20(name="one"), kc.ResNet20(name="two", shortcut="B")]
    path = write(keras.Model(inputs, [net(inputs) for net in both]), tmp_path / "net.keras")
    with pytest.raises(kc.ClassicsError, match="It holds several networks"):
        kc.ResNet20(weights=path)


def test_two_networks_of_one_form_in_one_file(tmp_path):
    inputs = keras.Input((32, 32, 3))
    both = [kc.ResNet20(name="one", seed=0), kc.ResNet20(name="two", seed=1)]
    path = write(keras.Model(inputs, [net(inputs) for net in both]), tmp_path / "net.keras")
    with pytest.raises(kc.ClassicsError, match="several networks of one form"):
        kc.ResNet20(weights=path)


def test_other_classes_are_not_called_what_the_files_are(tmp_path):
    model = kc.ResNet20(classes=3)
    found = model.get_layer("provenance")
    found.protocol = replace(found.protocol, class_names=("a", "b", "c"))
    path = write(model, tmp_path / "net.keras")
    with pytest.warns(UserWarning, match="predictions, which start afresh"):
        other = carried_protocol(kc.ResNet20(weights=path, classes=4))
    body = carried_protocol(kc.ResNet20(weights=path, include_top=False, pooling="avg"))
    assert (other.class_names, other.dataset) == ((), "")
    assert (body.class_names, body.dataset) == ((), "")
    with pytest.warns(UserWarning, match="keeps the classifier"):
        assert carried_protocol(kc.ResNet20(weights=path, classes=3)).class_names == ("a", "b", "c")


def test_1001_classes_of_our_own_keep_the_first(tmp_path):
    path = write(kc.ResNet20(classes=1001), tmp_path / "net.keras")
    with pytest.warns(UserWarning, match="predictions, which start afresh"):
        kc.ResNet20(weights=path, classes=1000)


def test_a_deeper_network_of_the_family_is_no_body(tmp_path):
    """Its layers have all the names and shapes that the shallower one looks for, and more between them."""
    for deep, shallow in ((kc.ResNet32, kc.ResNet20), (kc.VGG13, kc.VGG11)):
        arguments = {"include_top": False, "input_shape": (32, 32, 3)}
        path = write(deep(**arguments), tmp_path / "deep.weights.h5")
        _rewrite(path, network=shallow.name)
        with pytest.raises(kc.ClassicsError, match="is left over"):
            shallow(weights=path, **arguments)


def _rewrite(path, **changes):
    """Other facts in a file of weights."""
    with h5py.File(path, "a") as h5:
        group = h5["layers/provenance/vars"]
        facts = {**json.loads(bytes(np.asarray(group["provenance"]))), **changes}
        del group["provenance"]
        group["provenance"] = np.frombuffer(json.dumps(facts).encode(), "uint8")


def test_facts_that_are_damaged(tmp_path):
    path = write(kc.ResNet20(), tmp_path / "net.weights.h5")
    _rewrite(path, protocol={})
    with pytest.raises(kc.ClassicsError, match="cannot be read. It is damaged") as caught:
        kc.ResNet20(weights=path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", KINDS[:2])
def test_a_file_tells_its_class_count(kind, tmp_path):
    path = write(kc.ResNet20(classes=4, seed=0), tmp_path / kind)
    model = kc.ResNet20(weights=path)
    assert model.output_shape == (None, 4)
    assert not class_names_of(model)
    assert kc.ResNet20(weights=path, include_top=False).output_shape[-1] == 64
    path = write(kc.NiN(classes=4, seed=0), tmp_path / f"nin-{kind}")  # its classifier is no layer of that name
    with pytest.raises(kc.ClassicsError, match="holds nin with 4 classes; give classes=4"):
        kc.NiN(weights=path)
    assert kc.NiN(weights=path, classes=4).output_shape == (None, 4)


def test_an_epsilon_goes_with_the_weights(tmp_path):
    """A source's batch norms may divide by another root than ours; a file of weights alone has no layer's settings."""
    from keras_classics.weights.load import set_epsilon

    model = kc.ResNet20(seed=0)
    set_epsilon(model, 0.1)
    for kind in ("net.keras", "net.weights.h5"):
        path = write(model, tmp_path / kind)
        np.testing.assert_array_equal(run(kc.ResNet20(weights=path)), run(model))
        with pytest.raises(ValueError, match="give the file as `weights`"):
            kc.ResNet20().load_weights(path)


def test_keras_own_loading_takes_the_pixels_too(resnet20_b, tmp_path):
    path = write(resnet20_b, tmp_path / "net.weights.h5")
    model = kc.ResNet20(shortcut="B")
    model.load_weights(path)
    assert preprocessing.carried_protocol(model) == OTHER_PIXELS
    with pytest.raises(ValueError, match="need other pixels"):
        kc.ResNet20(shortcut="B", include_preprocessing=True).load_weights(path)


def test_options_that_are_no_single_values(tmp_path):
    """A cell of NASNet's is made of parts: the caller gives it again."""
    cell = kc.NASNetCIFAR.options["normal"]
    other = type(cell)(blocks=cell.blocks[::-1], outputs=cell.outputs)
    form = kc.NASNetCIFAR.with_options(normal=other)
    assert form.form != kc.NASNetCIFAR.form
    path = tmp_path / "net.weights.h5"
    write(kc.ResNet20(), path)
    _rewrite(path, network=form.name, form=form.form)
    with pytest.raises(kc.ClassicsError, match="give the options that it was built with: normal"):
        kc.NASNetCIFAR(weights=path)


@everywhere
@pytest.mark.parametrize("dtype", ["mixed_float16", "bfloat16", "float64"])
def test_weights_of_another_precision(dtype, tmp_path):
    """Half a float's digits stay half a float's digits."""
    if keras.config.backend() == "jax" and dtype == "float64":
        pytest.skip("jax has no float64 here")
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(dtype)
    try:
        model = kc.ResNet20(seed=0)
    finally:
        keras.config.set_dtype_policy(before)
    again = kc.ResNet20(weights=write(model, tmp_path / "net.weights.h5"))
    for ours, theirs in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(
            keras.ops.convert_to_numpy(ours), keras.ops.convert_to_numpy(keras.ops.cast(theirs, "float32"))
        )
