"""Files of Keras that are damaged, hostile or ruined: one line each, and nothing in them is run."""

import concurrent.futures
import io
import json
import zipfile

import h5py
import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics.model_file import open_model


@pytest.fixture(scope="module")
def lenet(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "lenet5.keras"
    kc.LeNet5(seed=0).save(path)
    return path


def changed(source, target, config=None, weights=None):
    """A copy of a file of Keras with another config or other weights."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if config and name == "config.json":
                parsed = json.loads(data)
                config({layer["config"]["name"]: layer for layer in parsed["config"]["layers"]})
                data = json.dumps(parsed).encode()
            if weights and name == "model.weights.h5":
                buffer = io.BytesIO(data)
                with h5py.File(buffer, "r+") as file:
                    weights(file["layers"])
                data = buffer.getvalue()
            new.writestr(name, data)
    return target


def test_a_sound_file(lenet):
    np.testing.assert_array_equal(open_model(lenet).get_layer("f6").kernel, kc.LeNet5(seed=0).get_layer("f6").kernel)


def test_weights_that_are_not_finite(tmp_path):
    model = kc.LeNet5(seed=0)
    for name in ("s4", "f6"):
        layer = model.get_layer(name)
        layer.set_weights([np.full_like(w, np.nan) for w in layer.get_weights()])
    model.save(tmp_path / "nan.keras")
    with pytest.raises(
        kc.ClassicsError,
        match="nan.keras' cannot be opened. The weights of lenet5 are not finite, first those of its layer s4;",
    ):
        open_model(tmp_path / "nan.keras")


def replace_f6(layers):
    del layers["dense"]["vars"]["0"]
    layers["dense"]["vars"]["0"] = np.zeros((3, 3), "float32")


def drop_c3(layers):
    del layers["sparse_conv2d"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"weights": replace_f6},
            r"The weights have the shape \(3, 3\) where \(120, 84\) is expected in its layer 'f6'",
        ),
        ({"weights": drop_c3}, "Layer 'c3' expected 2 variables, but received 0"),
        ({"config": lambda layers: layers["f6"].update(class_name="Foo", module="foo")}, "It needs Foo, which is not"),
        ({"config": lambda layers: layers["f6"]["config"].update(units="seven")}, "invalid value for `units`"),
        ({"config": lambda layers: layers["s2"].update(inbound_nodes=[])}, "Invalid Functional model configuration"),
    ],
)
def test_keras_reasons_are_one_line(lenet, tmp_path, change, message):
    with pytest.raises(kc.ClassicsError, match=f"broken.keras' cannot be opened. .*{message}") as told:
        open_model(changed(lenet, tmp_path / "broken.keras", **change))
    assert len(str(told.value).replace(str(tmp_path), "")) < 250
    assert "\n" not in str(told.value)


def test_code_is_not_run(tmp_path):
    inputs = keras.Input((4,))
    keras.Model(inputs, keras.layers.Lambda(lambda x: x * 2, name="twice")(inputs)).save(tmp_path / "code.keras")
    with pytest.raises(kc.ClassicsError, match="Its Lambda layer 'twice' holds code, which is not run") as told:
        open_model(tmp_path / "code.keras")
    assert "safe_mode" not in str(told.value)


def test_what_a_model_was_compiled_with_is_not_read(tmp_path):
    model = kc.LeNet5(seed=0)
    model.compile("sgd", loss=lambda told, found: keras.ops.mean(keras.ops.square(told - found)))
    model.save(tmp_path / "compiled.keras")
    opened = open_model(tmp_path / "compiled.keras")
    assert not opened.compiled
    np.testing.assert_array_equal(opened.get_layer("f6").kernel, model.get_layer("f6").kernel)
    inputs = keras.Input((32, 32, 1))
    keras.Model(inputs, model(inputs)).save(tmp_path / "inside.keras")  # Keras compiles models that are inside others
    with pytest.raises(kc.ClassicsError, match="Its config holds code, which is not run"):
        open_model(tmp_path / "inside.keras")


def test_every_flipped_byte_is_told_or_harmless(lenet, tmp_path):
    """Of the file's names and sizes, of the config and of the weights."""
    sound, told = lenet.read_bytes(), 0
    for place in np.random.default_rng(0).integers(0, len(sound), 12):
        (tmp_path / "flipped.keras").write_bytes(sound[:place] + bytes([sound[place] ^ 255]) + sound[place + 1 :])
        try:
            model = open_model(tmp_path / "flipped.keras")
        except kc.ClassicsError:
            told += 1
        else:
            for ours, theirs in zip(model.get_weights(), kc.LeNet5(seed=0).get_weights(), strict=True):
                np.testing.assert_array_equal(ours, theirs)
    assert told >= 10


def swell(layers):
    layers.create_dataset("zeros", shape=(1 << 26,), dtype="float32", compression="gzip", fillvalue=0)
    layers["zeros"][:1] = 1


def test_a_bomb_in_the_weights_is_refused_before_it_is_unpacked(lenet, tmp_path):
    with pytest.raises(kc.ClassicsError, match=r"would unpack to 268,\d+,\d+ bytes, which is too much"):
        open_model(changed(lenet, tmp_path / "bomb.keras", weights=swell))


def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path):
    with zipfile.ZipFile(tmp_path / "bomb.keras", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", "{}")
        archive.writestr("model.weights.h5", bytes(50 << 20))
    with pytest.raises(kc.ClassicsError, match="would unpack to 52,428,802 bytes, which is too much"):
        open_model(tmp_path / "bomb.keras")


def test_layers_that_a_small_file_makes_large_are_refused_before_they_are_built(lenet, tmp_path):
    def config(layers):
        layers["f6"]["config"]["units"] = 10**8

    built = keras.layers.Layer.add_weight
    with pytest.raises(kc.ClassicsError, match=r"would take 48,0\d\d,\d+,\d+ bytes|would take \d+,\d+,\d+,\d+ bytes"):
        open_model(changed(lenet, tmp_path / "large.keras", config))
    assert keras.layers.Layer.add_weight is built
    assert open_model(lenet).name == "lenet5"


def test_two_threads_may_open_models_at_once(lenet):
    built = keras.layers.Layer.add_weight
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        names = [model.name for model in pool.map(open_model, [lenet] * 8)]
    assert names == ["lenet5"] * 8
    assert keras.layers.Layer.add_weight is built


@pytest.mark.parametrize(("content", "message"), [(None, "there is no such file"), (b"text", "it is no .keras file")])
def test_no_model(tmp_path, content, message):
    path = tmp_path / "model.keras"
    if content:
        path.write_bytes(content)
    with pytest.raises(kc.ClassicsError, match=f"model.keras' is not a Keras model that can be read: {message}"):
        open_model(path)
