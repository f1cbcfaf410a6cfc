"""Where networks look, against gradients that are worked out by hand."""

import keras
import numpy as np
import pytest
from keras import layers, ops
from pseudo_random import images
from small import batch, build

import keras_classics as kc
from keras_classics import complexity
from keras_classics.layers import data_format_of

SIDE = 8


def seeded(units=4, **options):
    return {"kernel_initializer": keras.initializers.RandomNormal(stddev=0.5, seed=units), **options}


def pooled(activation="softmax", separate=False, data_format=None):
    """Convolution, ReLU, global average pooling and a dense layer, whose softmax may be a layer of its own."""
    channels_first = (data_format or keras.config.image_data_format()) == "channels_first"
    image = keras.Input((3, SIDE, SIDE) if channels_first else (SIDE, SIDE, 3))
    x = layers.Conv2D(6, 3, padding="same", data_format=data_format, **seeded(6), name="conv")(image)
    x = layers.ReLU(name="relu")(x)
    x = layers.GlobalAveragePooling2D(data_format=data_format)(x)
    x = layers.Dense(4, activation=None if separate else activation, **seeded(4), name="predictions")(x)
    if separate:
        x = layers.Activation(activation, name="answers")(x)
    return keras.Model(image, x)


def values(model, layer, read):
    """What a layer puts out, channels last."""
    found = ops.convert_to_numpy(keras.Model(model.input, model.get_layer(layer).output)(read, training=False))
    return found if data_format_of(model) == "channels_last" else found.transpose(0, 2, 3, 1)


@pytest.mark.every_backend
@pytest.mark.parametrize("options", [{}, {"separate": True}, {"activation": None}, {"activation": "sigmoid"}])
def test_the_mean_gradient_weighs_the_maps(options):
    """A score is the mean of the maps by the dense kernel, so each place has its share of a kernel's column; but one
    with a sigmoid, which is no softmax, has the sigmoid's slope before it."""
    model = pooled(**options)
    read = 3 * images(5, SIDE, SIDE, 3)  # so that some answers are all but certain, where a softmax has no slope
    classes = [0, 1, 2, 3, 1]
    maps = values(model, "relu", read)
    kernel, bias = model.get_layer("predictions").get_weights()
    weights = kernel.T[classes] / SIDE**2
    if options.get("activation") == "sigmoid":
        score = (maps.mean((1, 2)) @ kernel + bias)[range(5), classes]
        weights = weights * (np.exp(-score) / (1 + np.exp(-score)) ** 2)[:, None]
    expected = np.maximum(np.einsum("nhwc,nc->nhw", maps, weights), 0)
    assert expected.max() > 1e-3
    found = kc.grad_cam(model, read, classes)
    assert found.dtype == "float32"
    np.testing.assert_allclose(found, expected, atol=1e-5, rtol=1e-5)
    one = kc.grad_cam(model, read, 1)
    np.testing.assert_array_equal(one[[1, 4]], found[[1, 4]])
    likeliest = ops.convert_to_numpy(model(read)).argmax(1)
    np.testing.assert_array_equal(kc.grad_cam(model, read), kc.grad_cam(model, read, likeliest))


@pytest.mark.every_backend
def test_channels_first(channels_first):
    """The same weights, the same maps: convolutions and dense layers have the same kernels in both formats."""
    read = images(2, SIDE, SIDE, 3)
    first, last = pooled(data_format="channels_first"), pooled(data_format="channels_last")
    first.set_weights(last.get_weights())
    found, expected = kc.grad_cam(first, read.transpose(0, 3, 1, 2), 2), kc.grad_cam(last, read, 2)
    assert expected.max() > 0
    np.testing.assert_allclose(found, expected, atol=1e-6)


@pytest.mark.every_backend
def test_a_dense_head_by_finite_differences():
    """The head's own arithmetic in float64, moved a little at each place of the maps. A layer in the middle of the
    network has a shortcut past it, whose maps stay as they are."""
    image = keras.Input((SIDE, SIDE, 3))
    x = layers.Conv2D(5, 3, strides=2, data_format="channels_last", activation="relu", **seeded(5), name="conv1")(image)
    y = layers.Conv2D(5, 1, data_format="channels_last", activation="tanh", **seeded(6), name="branch")(x)
    x = layers.Flatten(data_format="channels_last")(layers.Add(name="sum")([x, y]))
    x = layers.Dense(7, activation="tanh", **seeded(7), name="hidden")(layers.Dropout(0.5)(x))
    model = keras.Model(image, layers.Dense(3, activation="softmax", **seeded(3), name="predictions")(x))
    read, classes, step = images(2, SIDE, SIDE, 3), [2, 0], 1e-5
    (w1, b1), (w2, b2) = (model.get_layer(n).get_weights() for n in ("hidden", "predictions"))

    def score(maps):
        hidden = np.tanh(maps.reshape(2, -1) @ w1.astype("float64") + b1)
        return (hidden @ w2.astype("float64") + b2)[range(2), classes]

    shortcut = values(model, "conv1", read).astype("float64")
    for layer, beside in (("sum", 0), ("branch", shortcut)):
        maps = values(model, layer, read).astype("float64")
        weights = np.empty((2, maps.shape[-1]))
        for channel in range(maps.shape[-1]):
            slopes = []
            for place in np.ndindex(maps.shape[1:3]):
                moved = np.zeros_like(maps)
                moved[:, *place, channel] = step
                slopes.append((score(maps + moved + beside) - score(maps - moved + beside)) / (2 * step))
            weights[:, channel] = np.mean(slopes, 0)
        expected = np.maximum(np.einsum("nhwc,nc->nhw", maps, weights), 0)
        assert expected.max() > 1e-3
        np.testing.assert_allclose(kc.grad_cam(model, read, classes, layer), expected, atol=1e-5)
    np.testing.assert_array_equal(kc.grad_cam(model, read, classes), kc.grad_cam(model, read, classes, "sum"))


@pytest.mark.every_backend
@pytest.mark.parametrize("name", ["lenet5", "resnet20"])
def test_a_network_of_the_zoo_is_asked_before_its_softmax(name):
    """So it has the maps of the same network without one."""
    read = batch(name, 1)
    found, expected = (
        kc.grad_cam(build(name, seed=1, **options), read, 3) for options in ({}, {"classifier_activation": None})
    )
    assert expected.max() > 0
    np.testing.assert_allclose(found, expected, atol=1e-6 * expected.max())


@pytest.mark.every_backend
def test_a_classifier_with_lora_is_the_one_whose_kernel_has_it():
    model, merged = pooled(), pooled()
    classifier = model.get_layer("predictions")
    classifier.enable_lora(2, lora_alpha=16)
    classifier.lora_kernel_b.assign(np.arange(8.0).reshape(2, 4))
    merged.get_layer("predictions").kernel.assign(classifier.kernel)
    read = images(2, SIDE, SIDE, 3)
    expected = kc.grad_cam(merged, read, 3)
    assert expected.max() > 0
    np.testing.assert_allclose(kc.grad_cam(model, read, 3), expected, rtol=1e-4, atol=1e-6)


def test_auxiliary_heads_have_no_part():
    with_heads, without = (kc.InceptionV1(seed=2, classes=5, aux_heads=heads) for heads in (True, False))
    read = images(1, 224, 224, 3)
    np.testing.assert_allclose(kc.grad_cam(with_heads, read, 1), kc.grad_cam(without, read, 1), rtol=1e-4, atol=1e-6)
    head = next(layer.name for layer in with_heads.layers if layer.name.startswith("aux_1") and layer.output.ndim == 4)
    with pytest.raises(kc.ClassicsError, match=f"Unknown layer with maps of inception_v1 '{head}'"):
        kc.grad_cam(with_heads, read, layer=head)


@pytest.mark.structure
@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("lecun1989", "h2_tanh"),
        ("lenet5", "c3_tanh"),
        ("alexnet", "conv5_relu"),
        ("nin", "mlpconv3_3_relu"),
        ("vgg16", "conv5_3_relu"),
        ("inception_v1", "inception_5b_output"),
        ("resnet50", "conv5_block3_out"),
        ("densenet121", "post_relu"),
        ("shufflenet_v2_x1_0", "conv5_relu"),
    ],
)
def test_the_last_maps(name, layer):
    assert complexity.last_maps(kc.create_model(name, include_top=name in ("lenet5", "nin"))) == layer


def test_mistakes_are_told():
    model, read = pooled(), images(2, SIDE, SIDE, 3)
    for arguments, message in [
        ((read, 4), "must be numbers of 0 to 3, not 4"),
        ((read, [0, -1]), "must be numbers of 0 to 3"),
        ((read, [0, 1, 2]), "one for each of 2 images"),
        ((read, 0.5), "must be a class's number"),
        ((read[0],), "batch of four axes"),
        ((read, None, "rleu"), "Did you mean 'relu'?"),
        ((read, None, "predictions"), "Unknown layer with maps"),
    ]:
        with pytest.raises(kc.ClassicsError, match=message):
            kc.grad_cam(model, *arguments)
    with pytest.raises(kc.ClassicsError, match="build it with its top"):
        kc.grad_cam(kc.ResNet20(include_top=False), images(1, 32, 32, 3))
    with pytest.raises(kc.ClassicsError, match="build it with its top"):
        kc.grad_cam(kc.ResNet20(include_top=False, pooling="avg"), images(1, 32, 32, 3), 7)
    with pytest.raises(kc.ClassicsError, match="no graph of layers"):
        kc.grad_cam(keras.Sequential([model]), read)


@pytest.mark.structure
def test_a_backend_without_gradients_is_refused():
    with pytest.raises(kc.ClassicsError, match="numpy takes no gradients"):
        kc.grad_cam(pooled(), images(1, SIDE, SIDE, 3))
