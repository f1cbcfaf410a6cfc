"""Freezing by the paper's stages, and training the rest on a small folder of pictures."""

import keras
import numpy as np
import peers
import pytest

import keras_classics as kc
from keras_classics import datasets, feed
from keras_classics.fine_tuning import freeze


def stages(layers):
    return {layer.name.split("_")[0] for layer in layers if layer.weights}


@pytest.mark.every_backend
def test_fine_tunes_on_a_folder_and_leaves_the_frozen_part_as_it_is(picture_folder):
    """Weights, and the moving moments of the batch norms; what is not frozen learns the pictures."""
    data = datasets.load(str(picture_folder))
    model = kc.ResNet20(seed=0, input_shape=(32, 32, 1))
    assert kc.freeze(model, up_to="conv3") is model
    before = {layer.name: layer.get_weights() for layer in model.layers}
    model.compile(keras.optimizers.Adam(3e-3), "sparse_categorical_crossentropy", metrics=["accuracy"])
    stream = feed.batches(data.split("train"), model, kc.ResNet20, 16)
    history = model.fit(stream, epochs=8, verbose=0).history["accuracy"]
    assert history[-1] > 0.6 > history[0]
    changed = [
        layer
        for layer in model.layers
        if any((a != b).any() for a, b in zip(layer.get_weights(), before[layer.name], strict=True))
    ]
    assert stages(changed) == {"conv4", "predictions"}
    assert {layer.name for layer in changed if "_bn" in layer.name} == {
        layer.name for layer in model.layers if layer.name.startswith("conv4") and layer.name.endswith("_bn")
    }


@pytest.mark.every_backend
def test_frozen_batch_norms_use_their_moments_in_training():
    model = freeze(kc.ResNet20(seed=0), "conv4")
    images = 3 + peers.images(4, 32, 32, 3)
    features = keras.Model(model.input, model.get_layer("avg_pool").output)
    trained, judged = (keras.ops.convert_to_numpy(features(images, training=t)) for t in (True, False))
    np.testing.assert_array_equal(trained, judged)


@pytest.mark.structure
@pytest.mark.parametrize(
    ("name", "up_to", "frozen", "free"),
    [
        ("resnet50", "conv4", {"conv1", "conv2", "conv3", "conv4"}, {"conv5", "predictions"}),
        ("vgg16", "conv3", {"conv1", "conv2", "conv3"}, {"conv4", "conv5", "fc6", "fc7", "predictions"}),
        ("densenet121", "dense2", {"conv1", "dense1", "transition1", "dense2"}, None),
        ("xception", "block1", {"block1"}, None),
        ("inception_v1", "inception_3", {"conv1", "conv2", "inception"}, {"inception", "predictions"}),
    ],
)
def test_stages(name, up_to, frozen, free):
    model = kc.freeze(kc.create_model(name), up_to)
    assert stages(layer for layer in model.layers if not layer.trainable) == frozen
    if free:
        assert stages(layer for layer in model.layers if layer.trainable) == free
    fresh = kc.create_model(name)
    assert len(model.trainable_weights) < len(fresh.trainable_weights)


@pytest.mark.structure
def test_what_stands_beside_the_stage_stays_free():
    """Auxiliary heads that branch off within or before it."""
    model = kc.freeze(kc.InceptionV1(aux_heads=True), up_to="inception_4b")
    assert not model.get_layer("inception_4b_5x5").trainable
    assert not model.get_layer("inception_4a_1x1").trainable
    assert model.get_layer("aux_1_fc").trainable
    assert model.get_layer("inception_4c_1x1").trainable


@pytest.mark.structure
def test_a_network_inside_a_model():
    body = kc.ResNet18(include_top=False, pooling="avg")
    model = keras.Sequential([keras.Input((None, None, 3)), body, keras.layers.Dense(3)])
    kc.freeze(model, up_to="conv5")
    assert len(model.trainable_weights) == 2


def test_what_a_network_reads_is_frozen_with_it_and_so_is_a_second_network():
    inputs = keras.Input((32, 32, 1))
    colours = keras.layers.Conv2D(3, 1, name="colours")(inputs)
    bodies = [kc.ResNet20(include_top=False, pooling="avg", name=name) for name in ("one", "two")]
    features = keras.layers.Average()([body(colours) for body in bodies])
    model = keras.Model(inputs, keras.layers.Dense(3)(features))
    kc.freeze(model, up_to="conv4")
    assert len(model.trainable_weights) == 2


@pytest.mark.structure
@pytest.mark.parametrize(
    ("make", "left"),
    [
        (kc.ResNet18, {"predictions"}),
        (kc.VGG11, {"predictions"}),
        (kc.NiN, {"mlpconv3_3"}),
        (kc.LeCun1989, {"predictions"}),
        (lambda: kc.LeNet5(output="softmax"), {"predictions"}),
        (lambda: kc.InceptionV1(aux_heads=True), {"predictions", "aux_1", "aux_2"}),
    ],
)
def test_all_but_the_classifier(make, left):
    model = kc.freeze(make())
    assert {layer.name for layer in model.layers if layer.trainable_weights} == left
    for layer in model.layers:
        layer.trainable = True
    assert len(model.trainable_weights) == len(make().trainable_weights)


@pytest.mark.structure
def test_all_but_the_classifier_of_a_model_around_a_network():
    net = kc.ResNet18(input_shape=(32, 32, 3))
    inputs = keras.Input((32, 32, 3))
    around = kc.freeze(keras.Model(inputs, net(inputs)))
    assert [weight.path for weight in around.trainable_weights] == ["predictions/kernel", "predictions/bias"]
    body = kc.ResNet18(include_top=False, pooling="avg")
    around = kc.freeze(keras.Sequential([keras.Input((None, None, 3)), body, keras.layers.Dense(3, name="mine")]))
    assert around.trainable_weights == around.get_layer("mine").weights


@pytest.mark.structure
@pytest.mark.parametrize(
    "make",
    [
        lambda: kc.ResNet20(include_top=False),
        lambda: kc.ResNet20(include_top=False, pooling="avg"),
        lambda: kc.NiN(include_top=False, pooling="max"),
        lambda: keras.Sequential([keras.Input((32, 32, 3)), kc.NiN(include_top=False, pooling="avg")]),
    ],
)
def test_all_of_a_network_without_a_classifier(make):
    assert not kc.freeze(make()).trainable_weights


@pytest.mark.structure
def test_layers_behind_a_network_are_left_as_they_are():
    body = kc.ResNet20(include_top=False, pooling="avg")
    mine = [keras.layers.Dense(8, name="hidden"), keras.layers.Dense(8, name="still"), keras.layers.Dense(3)]
    mine[1].trainable = False
    before = keras.layers.Conv2D(3, 1)
    model = kc.freeze(keras.Sequential([keras.Input((None, None, 1)), before, body, keras.Sequential(mine)]))
    assert model.trainable_weights == mine[0].weights + mine[2].weights


def of_maps(before=()):
    """A body and a classifier of each place, in one graph, behind layers of one's own."""
    inputs = x = keras.Input((32, 32, 3))
    for layer in before:
        x = layer(x)
    body = kc.ResNet20(include_top=False, input_tensor=x)
    hidden = keras.Sequential([keras.layers.Conv2D(8, 1, name="hidden")])
    return keras.Model(inputs, keras.layers.Conv2D(5, 1, name="mine")(hidden(body.output)))


def small_vgg():
    return kc.to_fully_convolutional(kc.VGG11(classes=5, input_shape=(32, 32, 3)))


@pytest.mark.structure
@pytest.mark.parametrize(
    ("make", "left"),
    [
        (of_maps, {"hidden", "mine"}),
        (lambda: of_maps([keras.layers.Conv2D(3, 1), keras.Sequential([keras.layers.Dense(3)])]), {"hidden", "mine"}),
        (small_vgg, {"predictions"}),
        (lambda: keras.Sequential([keras.Input((None, None, 3)), small_vgg()]), {"predictions"}),
        (lambda: keras.Sequential([keras.Input((8, 8, 3)), keras.layers.MaxPooling2D()]), set()),
    ],
)
def test_all_but_a_classifier_that_gives_maps(make, left):
    assert {weight.path.split("/")[-2] for weight in kc.freeze(make()).trainable_weights} == left


@pytest.mark.structure
def test_a_classifier_of_fixed_bitmaps_cannot_be_trained_alone():
    with pytest.raises(kc.ClassicsError, match="lenet5 has no trained classifier in this form: behind its layer f6"):
        kc.freeze(kc.LeNet5())


@pytest.mark.structure
def test_bad_stages_change_nothing():
    model = kc.ResNet18()
    with pytest.raises(kc.ClassicsError, match="Did you mean 'conv4'\\? Known: conv1, pool1, conv2, conv3"):
        kc.freeze(model, up_to="conf4")
    with pytest.raises(kc.ClassicsError, match="Known: .*inception_3a"):
        kc.freeze(kc.InceptionV1(), up_to="stage3")
    with pytest.raises(kc.ClassicsError, match="would be left to train"):
        kc.freeze(model, up_to="predictions")
    assert all(layer.trainable for layer in model.layers)
    with pytest.raises(kc.ClassicsError, match="would be left to train"):
        kc.freeze(kc.ResNet18(include_top=False), up_to="conv5")
