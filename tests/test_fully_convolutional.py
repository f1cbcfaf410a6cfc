"""The dense networks as convolutions."""

import keras
import numpy as np
import peers
import pytest
from answers import answers
from keras import ops
from small import SMALL as SMALL_FORMS

import keras_classics as kc
from keras_classics.fully_convolutional import any_size
from keras_classics.layers import channel_axis

SMALL = {"alexnet": 99, "alexnet_owt": 95, "vgg11": 64}  # sizes at which the last pooling leaves 2x2


def small(name, **kwargs):
    shape = [SMALL[name], SMALL[name]]
    shape.insert(2 if channel_axis() == -1 else 0, 3)
    options = {"initialization": "glorot"} if name == "vgg11" else {}
    return kc.create_model(name, input_shape=tuple(shape), classes=5, seed=1, **options, **kwargs)


def sharp(model):
    """Scores that differ: a last layer of larger weights than training starts with."""
    kernel = model.get_layer("predictions").kernel
    kernel.assign(30.0 * ops.convert_to_tensor(kernel))
    return model


def images(*shape):
    batch = 60.0 * peers.images(*shape)
    return batch if channel_axis() == -1 else np.ascontiguousarray(batch.transpose(0, 3, 1, 2))


def check_same_at_the_size_of_the_dense_network(name):
    model = sharp(small(name))
    turned = kc.to_fully_convolutional(model)
    batch = images(2, SMALL[name], SMALL[name], 3)
    expected, got = answers(model, batch), answers(turned, batch)
    assert got.shape == ((2, 1, 1, 5) if channel_axis() == -1 else (2, 5, 1, 1))
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(got.reshape(2, 5), expected, rtol=1e-4, atol=1e-6)


def test_a_network_upon_a_tensor():
    model = kc.LeNet5(output="softmax", input_tensor=keras.Input((32, 32, 1)))
    assert model.input_shape == (None, 32, 32, 1)
    assert kc.to_fully_convolutional(model).output_shape == (None, None, None, 10)
    assert any_size(model).output_shape == (None, 10)


@pytest.mark.parametrize("name", ["alexnet", "resnet20"])
def test_a_model_of_lists(name):
    """As `keras.Model(network.inputs, network.outputs)` is."""
    network = sharp(small("alexnet")) if name == "alexnet" else kc.ResNet20(seed=1)
    batch = images(2, *network.input_shape[1:])
    turned = any_size(keras.Model(network.inputs, network.outputs))
    assert turned.output_shape == network.output_shape
    np.testing.assert_allclose(answers(turned, batch), answers(network, batch), rtol=1e-4, atol=1e-6)


@pytest.mark.every_backend
@pytest.mark.parametrize("name", SMALL)
def test_same_output_at_the_size_of_the_dense_network(name):
    check_same_at_the_size_of_the_dense_network(name)


@pytest.mark.every_backend
def test_channels_first(channels_first):
    check_same_at_the_size_of_the_dense_network("alexnet")


@pytest.mark.every_backend
def test_a_model_in_the_other_data_format(channels_first):
    model, batch = sharp(small("alexnet")), images(2, SMALL["alexnet"], SMALL["alexnet"], 3)
    keras.config.set_image_data_format("channels_last")
    got = answers(kc.to_fully_convolutional(model), batch)
    assert got.shape == (2, 5, 1, 1)
    np.testing.assert_allclose(got.reshape(2, 5), answers(model, batch), rtol=1e-4, atol=1e-6)


@pytest.mark.every_backend
@pytest.mark.parametrize("name", ["alexnet", "vgg11"])
def test_a_larger_image_gives_the_dense_layers_at_each_place_of_the_map(name):
    model = sharp(small(name, batch_norm=True) if name == "vgg11" else small(name))
    turned = kc.to_fully_convolutional(model)
    batch = images(1, SMALL[name] + 32, SMALL[name] + 64, 3)
    features = keras.Model(turned.input, turned.get_layer("pool5").output)
    maps, scores = answers(features, batch), answers(turned, batch)
    assert scores.shape == (1, 2, 3, 5)
    places = np.concatenate([maps[:, i : i + 2, j : j + 2] for i in range(2) for j in range(3)])
    dense = keras.Sequential(model.layers[[layer.name for layer in model.layers].index("flatten") :])
    np.testing.assert_allclose(scores.reshape(6, 5), answers(dense, places), rtol=1e-4, atol=1e-6)


@pytest.mark.every_backend
def test_the_new_network_saves_and_leaves_the_old_one_alone(tmp_path):
    model = kc.LeNet5(output="softmax")
    turned = kc.to_fully_convolutional(model)
    turned.save(tmp_path / "turned.keras")
    again = keras.models.load_model(tmp_path / "turned.keras")
    batch = peers.images(1, 44, 48, 1)
    assert answers(turned, batch).shape == (1, 4, 5, 10)
    np.testing.assert_array_equal(answers(turned, batch), answers(again, batch))
    before = answers(model, batch[:, :32, :32])
    turned.set_weights([0 * w for w in turned.get_weights()])
    np.testing.assert_array_equal(answers(model, batch[:, :32, :32]), before)


@pytest.mark.every_backend
def test_the_mean_of_the_map_is_that_of_the_crops_it_stands_for():
    """LeNet-5 pads nothing and has a stride of 4: its map over 36x40 pixels are its scores of 2x3 crops."""
    logits = sharp(kc.LeNet5(output="softmax", classifier_activation=None))
    model = kc.LeNet5(output="softmax")
    model.set_weights(logits.get_weights())
    batch = images(2, 36, 40, 1)
    crops = np.stack([answers(logits, batch[:, i : i + 32, j : j + 32]) for i in (0, 4) for j in (0, 4, 8)])
    mean = crops.mean(0)
    expected = np.exp(mean) / np.exp(mean).sum(1, keepdims=True)
    assert np.ptp(crops, 0).max() > 0.01
    np.testing.assert_allclose(answers(any_size(logits), batch), mean, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(answers(any_size(model), batch), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.every_backend
@pytest.mark.parametrize("name", ["resnet20", "densenet40_12", "inception_v1", "shufflenet_g3"])
def test_a_network_with_global_pooling_is_the_one_that_is_built_for_the_larger_image(name):
    options = {"aux_heads": True} if name == "inception_v1" else {}
    model = sharp(kc.create_model(name, input_shape=(80, 80, 3), classes=5, seed=1, **options))
    larger = kc.create_model(name, input_shape=(112, 80, 3), classes=5)
    for layer in larger.layers:
        layer.set_weights(model.get_layer(layer.name).get_weights())
    batch, free = images(2, 112, 80, 3), any_size(model)
    np.testing.assert_allclose(answers(free, batch), answers(larger, batch), rtol=1e-4, atol=1e-6)
    expected = answers(model, batch[:, :80])
    expected = expected["predictions"] if options else expected
    np.testing.assert_allclose(answers(free, batch[:, :80]), expected, rtol=1e-4, atol=1e-6)


@pytest.mark.structure
@pytest.mark.parametrize("name", sorted(set(SMALL_FORMS) - {"lenet5", "lecun1989"}))
def test_every_other_family_takes_images_of_any_size(name):
    model = any_size(kc.create_model(name))
    assert model.input_shape == (None, None, None, 3)
    assert model.output_shape == (None, kc.get_model(name).classes)


@pytest.mark.structure
@pytest.mark.parametrize("model", [kc.NiN, kc.ResNet20])
def test_a_network_that_needs_it_not(model):
    with pytest.raises(kc.ClassicsError, match="needs no fully-convolutional form"):
        kc.to_fully_convolutional(model())


@pytest.mark.structure
@pytest.mark.parametrize(("model", "layer"), [(kc.LeNet5, "rbf"), (kc.LeCun1989, "h1")])
def test_a_network_that_cannot_have_it(model, layer):
    with pytest.raises(kc.ClassicsError, match=f"its layer {layer}.* cannot slide"):
        kc.to_fully_convolutional(model())


@pytest.mark.structure
@pytest.mark.parametrize("change", [lambda dense: dense.quantize("int8"), lambda dense: dense.enable_lora(2)])
def test_a_dense_layer_that_computes_with_other_numbers_than_its_kernel_is_refused(change):
    model = kc.LeNet5(output="softmax")
    change(model.get_layer("f6"))
    with pytest.raises(kc.ClassicsError, match="The layer f6 of lenet5 is quantised or has LoRA, .* turn the network"):
        kc.to_fully_convolutional(model)


@pytest.mark.every_backend
def test_weights_of_another_size_point_here(tmp_path):
    kc.LeNet5(output="softmax").save_weights(tmp_path / "small.weights.h5")
    with pytest.raises(kc.ClassicsError, match=r"another needs weights of its own, or .*to_fully_convolutional"):
        kc.LeNet5(output="softmax", input_shape=(48, 48, 1), weights=tmp_path / "small.weights.h5")


def test_a_network_inside_another_model_is_bound_to_its_size():
    inputs = keras.Input((32, 32, 3))
    with pytest.raises(kc.ClassicsError, match=r"resnet20 inside, which takes images of \(32, 32, 3\) alone"):
        any_size(keras.Model(inputs, kc.ResNet20()(inputs)))


def test_what_a_normalization_has_learned_is_kept():
    batch = images(2, 12, 12, 3)
    learned = keras.layers.Normalization()
    learned.adapt(batch)
    inputs = keras.Input((12, 12, 3))
    model = keras.Model(inputs, keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(2, 3)(learned(inputs))))
    np.testing.assert_allclose(answers(any_size(model), batch), answers(model, batch), atol=1e-5)


@pytest.mark.parametrize("softmax", [keras.layers.Softmax(), keras.layers.Activation("softmax")])
def test_a_softmax_of_its_own_is_taken_after_the_mean(softmax):
    usual, bare = sharp(small("alexnet")), small("alexnet", classifier_activation=None)
    bare.set_weights(usual.get_weights())
    batch = images(1, 131, 131, 3)
    expected = answers(any_size(usual), batch)
    got = answers(any_size(keras.Model(bare.input, softmax(bare.output))), batch)
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(got, expected, rtol=1e-4)


@pytest.mark.every_backend
def test_layers_and_losses_of_ones_own_and_lora_stay_what_they_are():
    """LoRA also in a model inside. A Lambda is shared, since Keras cannot make it anew."""
    inside = keras.Input((None, None, 3))
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3)(inside))
    inner = keras.Model(inside, keras.layers.Dense(5, name="hidden")(x))
    inputs = keras.Input((16, 16, 3))
    x = keras.layers.Dense(4, "softmax", name="fc")(inner(keras.layers.Lambda(lambda x: x / 100.0)(inputs)))
    model = keras.Model(inputs, x)
    for dense in (inner.get_layer("hidden"), model.get_layer("fc")):
        dense.enable_lora(2, lora_alpha=16)
        dense.lora_kernel_b.assign(np.arange(2.0 * dense.units).reshape(2, -1))
    model.compile("sgd", lambda y, predicted: ops.mean(y - predicted))
    batch = images(2, 16, 16, 3)
    expected = answers(model, batch)
    assert np.ptp(expected) > 0.01
    np.testing.assert_allclose(answers(any_size(model), batch), expected, atol=1e-5)
