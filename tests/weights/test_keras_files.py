"""What people save of keras.applications' networks, in any kind of Keras' files, answers on pixels as theirs do."""

import functools
import importlib
import pathlib
import warnings

import h5py
import keras
import numpy as np
import peers
import pytest

import keras_classics as kc
from keras_classics import preprocessing

heavy = pytest.mark.heavy
pytestmark = pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")

KINDS = ("legacy", "net.h5", "net.keras", "net.weights.h5")
# Of keras.applications: the builder, its module, ours, the form that ours must take, and a small image's side.
NETS = {
    "VGG16": ("vgg16", {}, 32),
    "ResNet50": ("resnet", {}, 32),
    "ResNet50V2": ("resnet_v2", {"form": "keras"}, 32),
    "InceptionV3": ("inception_v3", {}, 75),
    "InceptionResNetV2": ("inception_resnet_v2", {}, 75),
    "Xception": ("xception", {}, 71),
    "DenseNet121": ("densenet", {}, 32),
    "NASNetMobile": ("nasnet", {"counts_padding": True}, 32),
}


def write(net, folder: pathlib.Path, kind: str) -> pathlib.Path:
    """As its user saves a model, or as keras.applications publishes them."""
    from keras.src.legacy.saving import legacy_h5_format

    if kind == "legacy":
        with h5py.File(folder / "net_notop.h5", "w") as file:
            legacy_h5_format.save_weights_to_hdf5_group(file, net)
        return folder / "net_notop.h5"
    (net.save_weights if kind == "net.weights.h5" else net.save)(folder / kind)
    return folder / kind


def around(body, how: str) -> keras.Model:
    """A body as it is, or in what people put it."""
    inputs, dense = keras.Input(body.input.shape[1:]), keras.layers.Dense(3)
    return {
        "alone": lambda: body,
        "Sequential": lambda: keras.Sequential([inputs, body, dense]),
        "a model": lambda: keras.Model(inputs, dense(keras.layers.BatchNormalization()(body(inputs)))),
        "layers behind": lambda: keras.Model(body.input, dense(keras.layers.Dense(4, "relu")(body.output))),
    }[how]()


def answers(builder: str, net, path, **arguments) -> float:
    """How far ours and theirs are apart on pixels, each by its own preparation, as a share of the answers' scale."""
    module, form, size = NETS[builder]
    pixels = peers.pixels(2, size, size, 3).astype("float32")
    prepared = importlib.import_module(f"keras.applications.{module}").preprocess_input(pixels.copy())
    expected = keras.ops.convert_to_numpy(net(prepared, training=False))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        model = getattr(kc, builder)(weights=path, input_shape=(size, size, 3), **arguments)
    told = [str(warning.message) for warning in caught if warning.category is UserWarning]
    assert len(told) == len(form)  # a form that is taken is told, and nothing else is
    assert all(f"is built with {name}={value!r}" in told[0] for name, value in form.items())
    assert form.items() <= preprocessing.provenance(model).form.items()
    got = keras.ops.convert_to_numpy(model(kc.preprocess_input(pixels, model), training=False))
    assert got.shape == expected.shape
    difference = float(np.max(np.abs(got - expected)) / np.max(np.abs(expected)))
    print(f"{builder} from {path.name}: {difference:.1e} of the answers' scale")
    return difference


def peer(builder: str, **arguments) -> keras.Model:
    size = NETS[builder][2]
    net = getattr(keras.applications, builder)(weights=None, input_shape=(size, size, 3), **arguments)
    peers.keras_applications(net)
    return net


BODIES = [
    *(("ResNet50", "alone", kind) for kind in KINDS),
    *(("ResNet50", "Sequential", kind) for kind in KINDS),
    ("ResNet50", "a model", "net.keras"),
    ("ResNet50", "layers behind", "net.weights.h5"),
    ("VGG16", "layers behind", "net.keras"),
    ("NASNetMobile", "Sequential", "net.keras"),
    ("InceptionV3", "layers behind", "net.weights.h5"),
    *(
        pytest.param(builder, how, kind, marks=heavy)
        for builder in ("ResNet50V2", "InceptionResNetV2", "Xception", "DenseNet121")
        for how in ("alone", "layers behind", "a model")
        for kind in KINDS
    ),
]


@functools.cache
def shared_body(builder: str) -> keras.Model:
    """One for all kinds of files."""
    return peer(builder, include_top=False, pooling="avg")


@pytest.mark.parametrize(("builder", "how", "kind"), BODIES)
def test_a_body(builder, how, kind, tmp_path):
    body = shared_body(builder)
    path = write(around(body, how), tmp_path, kind)
    assert answers(builder, body, path, include_top=False, pooling="avg") < 1e-5


@pytest.mark.parametrize(
    ("builder", "kind"),
    [
        ("ResNet50", "net.keras"),
        ("VGG16", "net.weights.h5"),
        *(
            pytest.param(builder, kind, marks=heavy)
            for builder in NETS
            for kind in KINDS
            if (builder, kind) not in (("ResNet50", "net.keras"), ("VGG16", "net.weights.h5"))
        ),
    ],
)
def test_ten_classes(builder, kind, tmp_path):
    """The class count of what was fine-tuned; the names that Keras makes up are counted from where the process was."""
    net = peer(builder, classes=10, classifier_activation=None, name="mine")
    path = write(net, tmp_path, kind)
    asked = {} if kind == "net.keras" else {"classes": 10}
    assert answers(builder, net, path, classifier_activation=None, **asked) < 1e-5


@pytest.mark.parametrize(
    ("how", "kind"),
    [
        *(("Rescaling", kind) for kind in KINDS),
        *(("preprocess_input", kind) for kind in ("net.h5", "net.keras")),  # weights alone do not hold operations
    ],
)
def test_pixels_that_the_file_prepares_itself(how, kind, tmp_path):
    """Such a network may have been fine-tuned on others than its source's, which the weights do not tell."""
    body = shared_body("VGG16")
    inputs = keras.Input((32, 32, 3))
    x = (
        keras.layers.Rescaling(1 / 255)(inputs)
        if how == "Rescaling"
        else keras.applications.vgg16.preprocess_input(inputs)
    )
    path = write(keras.Model(inputs, body(x)), tmp_path, kind)
    with pytest.warns(
        UserWarning, match="prepares pixels itself, by (Rescaling|Add and GetItem). .* are prepared as 'keras' has"
    ):
        kc.VGG16(weights=path, include_top=False, input_shape=(32, 32, 3))


def test_bodies_that_are_not_asked_for(tmp_path):
    """A file without a classifier is none with one, unless `classes` asks for a fresh one."""
    body = shared_body("ResNet50")
    path = write(around(body, "Sequential"), tmp_path, "net.keras")
    with pytest.raises(kc.ClassicsError, match=r"holds resnet50 without its classifier \(predictions\)"):
        kc.ResNet50(weights=path)
    with pytest.warns(UserWarning, match="but for predictions, which start afresh. The file's own dense.* is left out"):
        kc.ResNet50(weights=path, classes=10)
    with pytest.raises(kc.ClassicsError, match="is left over|finds no"):
        kc.ResNet101(weights=path, include_top=False)
    with pytest.raises(kc.ClassicsError, match="with form='1x1', and form='3x3' was asked for") as caught:
        kc.ResNet50(weights=path, form="3x3", include_top=False)
    assert str(path) in str(caught.value)


def test_an_input_that_is_called_as_ours_is(tmp_path):
    """Only the layer that tells it makes a file of weights ours."""
    net = keras.Sequential([keras.Input((8, 8, 3), name="image"), keras.layers.Conv2D(2, 3, name="mine")])
    path = write(net, tmp_path, "net.weights.h5")
    with pytest.raises(kc.ClassicsError, match="holds no weights of resnet50: expected are layers such as"):
        kc.ResNet50(weights=path)


@pytest.mark.structure
def test_the_form_of_a_source_contradicts(tmp_path):
    """NASNet's counted padding and ResNet v2's strides, without building what they are of."""
    from keras_classics.weights.locate import locate

    layers = [keras.layers.Dense(1000, name="predictions")]
    path = write(keras.Sequential([keras.Input((4,)), *layers]), tmp_path, "net.keras")
    for variant, option in ((kc.NASNetMobile, {"counts_padding": False}), (kc.ResNet50V2, {"form": "1x1"})):
        (name,) = option
        with pytest.raises(kc.ClassicsError, match=f"another form of {variant.name}: with {name}=") as caught:
            locate(path, variant.with_options(**option))
        assert str(path) in str(caught.value)


@pytest.mark.parametrize("kind", KINDS)
def test_a_wholly_foreign_file(kind, tmp_path):
    """One line says what was expected, what is there and what is read."""
    net = keras.Sequential([keras.Input((8, 8, 3)), keras.layers.Conv2D(2, 3, name="mine"), keras.layers.Flatten()])
    path = write(net, tmp_path, kind)
    with pytest.raises(
        kc.ClassicsError,
        match=r"holds no weights of resnet50: expected are layers such as 'conv1_conv'"
        r" \(keras\), and it has 'mine'. Read are a file of Keras'",
    ) as caught:
        kc.ResNet50(weights=path)
    assert "\n" not in str(caught.value)
    assert "\\" not in str(caught.value)
