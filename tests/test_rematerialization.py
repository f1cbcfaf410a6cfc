"""Training with maps that are computed again ends where training without ends, and keeps less for the gradient."""

import dataclasses
import itertools
from functools import partial

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics import cli
from keras_classics.models import densenet, resnet_v2
from keras_classics.rematerialization import Rematerialized, _cuts, _size

RESIDUAL = dataclasses.replace(
    kc.ResNet164V2,
    features=partial(resnet_v2.cifar_features, block=resnet_v2.bottleneck_block, blocks=(2, 1), form="1x1"),
    vary=None,
)
DENSE = dataclasses.replace(
    kc.DenseNet40_12,
    features=partial(
        densenet.cifar_features,
        first=8,
        blocks=(2, 2),
        growth_rate=4,
        bottleneck=True,
        compression=0.5,
        dropout=0.2,
    ),
    vary=None,
)


def trained(network, remat, steps=2):
    """The model after so many steps from the same weights and with the same dropout, and its variables' values."""
    keras.utils.set_random_seed(1)
    model = network(seed=0, input_shape=(8, 8, 3), remat=remat)
    before = [keras.ops.convert_to_numpy(v).copy() for v in model.variables]
    images = np.random.default_rng(0).standard_normal((6, 8, 8, 3)).astype("float32")
    model.compile(keras.optimizers.SGD(0.05, momentum=0.9), "sparse_categorical_crossentropy")
    for _ in range(steps):
        model.train_on_batch(images, np.arange(6))
    return model, before, [keras.ops.convert_to_numpy(v) for v in model.variables]


@pytest.mark.every_backend
@pytest.mark.parametrize("network", [RESIDUAL, DENSE], ids=["residual", "dense, dropout"])
def test_the_weights_and_moments_are_those_of_a_training_without(network):
    """Two updates of a moment in a step, or another dropout the second time, would be as large as what is learnt."""
    model, _, plain = trained(network, remat=False)
    again, before, values = trained(network, remat=True)
    assert type(again) is Rematerialized
    assert type(model) is not Rematerialized
    assert len(again._plan.stretches) >= 3
    for variable, old, one, other in zip(again.variables, before, plain, values, strict=True):
        is_weight = not variable.path.startswith("seed_generator")  # on torch dropout draws by none
        assert not is_weight or not np.array_equal(old, other), f"{variable.path} has not moved"
        np.testing.assert_allclose(other, one, rtol=1e-5, atol=1e-6, err_msg=variable.path)


@pytest.mark.every_backend
def test_in_mixed_precision_the_weights_are_read_as_they_are():
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        (_, _, plain), (_, _, values) = (trained(RESIDUAL, remat, steps=1) for remat in (False, True))
    finally:
        keras.config.set_dtype_policy("float32")
    for one, other in zip(plain, values, strict=True):
        assert other.dtype == np.float32
        np.testing.assert_allclose(other, one, rtol=0.02, atol=2e-3)


def test_a_saved_model_goes_on_so(tmp_path):
    model = RESIDUAL(input_shape=(8, 8, 3), remat=True)
    assert model._plan  # which is not saved
    model.save(tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    assert type(loaded) is Rematerialized
    x = np.random.default_rng(0).standard_normal((2, 8, 8, 3)).astype("float32")
    np.testing.assert_array_equal(model.predict_on_batch(x), loaded.predict_on_batch(x))
    plain = RESIDUAL(input_shape=(8, 8, 3), weights=str(tmp_path / "model.keras"))
    np.testing.assert_array_equal(plain.predict_on_batch(x), loaded.predict_on_batch(x))


def test_several_outputs_keep_their_names():
    x = inputs = keras.Input((4,))
    heads = {}
    for name in ("aux_1", "predictions"):
        x = keras.layers.Dense(6, activation="relu")(x)
        heads[name] = keras.layers.Dense(3, name=name)(x)
    model = Rematerialized(inputs, heads)
    x = np.random.default_rng(0).standard_normal((2, 4)).astype("float32")
    training, plain = model(x, training=True), model(x, training=False)
    assert {*training} == {"predictions", "aux_1"}
    for name in training:
        np.testing.assert_allclose(*map(keras.ops.convert_to_numpy, (training[name], plain[name])), rtol=1e-6)


def of_dense_layers():
    x = inputs = keras.Input((8,))
    for i in range(8):
        x = keras.layers.Dense(8 if i % 2 else 32, name=f"fc{i}")(x)  # cut where the map is small
    return Rematerialized(inputs, x), np.random.default_rng(0).standard_normal((5, 8)).astype("float32")


@pytest.mark.every_backend
def test_a_layer_that_is_quantised_afterwards_computes_so():
    model, vectors = of_dense_layers()
    before = keras.ops.convert_to_numpy(model(vectors, training=True))
    model.quantize("int8", filters="fc")
    after, plain = (keras.ops.convert_to_numpy(model(vectors, training=training)) for training in (True, False))
    assert not np.array_equal(after, before)
    np.testing.assert_allclose(after, plain, atol=1e-5 * np.abs(plain).max())


@pytest.mark.every_backend
def test_weights_that_come_afterwards_are_trained():
    model, vectors = of_dense_layers()
    first = model.get_layer("fc0")
    for change in (lambda: None, lambda: first.enable_lora(2)):
        change()
        model.compile(keras.optimizers.SGD(0.1), "mse")
        model.train_on_batch(vectors, vectors)
    assert len(model._plan.stretches) > 1  # the last is not computed again
    assert np.abs(keras.ops.convert_to_numpy(first.lora_kernel_b)).max() > 0


@pytest.mark.structure
@pytest.mark.parametrize(("name", "share"), [("resnet164_v2", 0.15), ("densenet121", 0.2), ("nasnet_mobile", 0.25)])
def test_few_maps_are_kept(name, share):
    """Those at the cuts and of the largest stretch, of all that the layers make."""
    stretches = kc.create_model(name, remat=True)._plan.stretches
    made = [sum(_size(at) for node in stretch.nodes for at in node.outputs) for stretch in stretches]
    tensors = {id(at): at for stretch in stretches for node in stretch.nodes for at in node.outputs}
    kept = sum(_size(tensors[at]) for stretch in stretches for at in stretch.writes)
    assert kept + max(made) < share * sum(made)
    assert [node.operation for stretch in stretches for node in stretch.nodes].count(None) == 0


@pytest.mark.every_backend
def test_torch_saves_less_for_the_gradient():
    torch = pytest.importorskip("torch")
    if keras.config.backend() != "torch":
        pytest.skip("torch tells what it saves")
    units = partial(resnet_v2.cifar_features, block=resnet_v2.bottleneck_block, blocks=(4, 4), form="1x1")
    images, bytes_saved = torch.ones((5, 8, 8, 3)), {}
    for remat in (False, True):
        model = dataclasses.replace(RESIDUAL, features=units)(input_shape=(8, 8, 3), remat=remat)
        saved = {}

        def pack(tensor, saved=saved):
            if len(tensor) == len(images):  # maps, no kernels
                saved[tensor.data_ptr()] = tensor.nbytes
            return tensor

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            outputs = model(images, training=True)
        bytes_saved[remat] = sum(saved.values())
        del outputs
    assert bytes_saved[True] < 0.4 * bytes_saved[False]


@pytest.mark.structure
def test_cuts_are_where_little_is_alive():
    made = [10, 10, 10, 10, 10, 10, 10, 10]
    alive = [10, 20, 20, 5, 20, 20, 5, 20, 5]
    assert _cuts(made, alive) == [0, 3, 6, 8]
    assert _cuts([10], [10, 1]) == [0, 1]
    for first, end in itertools.pairwise(_cuts(made * 20, alive[:-1] * 20 + [5])):
        assert end > first


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--remat", "Maps are computed again in training alone"),
        ("--train --against no-remat", "is the network itself without --remat; add it"),
    ],
)
def test_the_benchmark_refuses_what_means_nothing(arguments, message, capsys):
    with pytest.raises(SystemExit, match="2"):
        cli.main(["benchmark", "lenet5", *arguments.split()])
    assert message in capsys.readouterr().err
