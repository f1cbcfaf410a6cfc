"""From pictures to what a network reads."""

import functools
import pathlib
import zlib

import keras
import numpy as np
import PIL.Image
import pytest
from conftest import SHARED
from pseudo_random import pixels

import keras_classics as kc
from keras_classics import feed, preprocessing
from keras_classics.pictures import read_image
from keras_classics.spec import IMAGENET_STATISTICS


def test_imagenets_statistics_are_those_of_torch_for_255():
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pixels = np.random.default_rng(0).integers(0, 256, (2, 4, 4, 3)).astype("uint8")
    expected = (pixels / 255 - mean) / std
    np.testing.assert_allclose(kc.preprocess_input(pixels, "resnet50"), expected, atol=1e-5)
    np.testing.assert_allclose(kc.preprocess_input(pixels.tolist(), kc.ResNet50), expected, atol=1e-5)


def test_statistics_serve_other_channel_counts():
    grey = IMAGENET_STATISTICS.for_channels(1)
    assert grey.mean == pytest.approx((114.495,))
    assert len(IMAGENET_STATISTICS.for_channels(4).std) == 4
    assert IMAGENET_STATISTICS.for_channels(3) is IMAGENET_STATISTICS


def test_fit_takes_the_centre_of_the_resized_shorter_side():
    image = np.zeros((50, 100, 3), "uint8")
    image[:, 40:60] = 200  # a bar in the middle of the longer side
    fitted = preprocessing.fit(image, 25, 20, 3).numpy()  # half the size: the bar is 10 wide, columns 20..30 of 50
    assert fitted.shape == (20, 20, 3)
    assert (fitted[:, 6:14] > 190).all()
    assert (fitted[:, :4] < 1).all()
    assert (fitted[:, -4:] < 1).all()


def test_of_a_very_long_image_the_middle_is_taken():
    """As a whole, resized to a shorter side of 224, this one would need 90 GB."""
    image = np.zeros((1, 150_000, 3), "uint8")
    image[:, 74_996:75_004] = 200
    for turned in (image, image.transpose(1, 0, 2)):
        fitted = preprocessing.fit(turned, 224, 224, 3).numpy()
        assert fitted.shape == (224, 224, 3)
        np.testing.assert_allclose(fitted, 200, atol=1e-3)


def test_channels_that_are_not_pictures_are_refused():
    with pytest.raises(kc.ClassicsError, match="reads 4 channels and the pictures have 3"):
        preprocessing.fit(np.zeros((8, 8, 3), "uint8"), 8, 8, 4)


def test_an_interpolation_that_there_is_not():
    with pytest.raises(kc.ClassicsError, match=r"Unknown interpolation 'bicubik'\. Did you mean 'bicubic'\?"):
        preprocessing.fit(np.zeros((8, 8, 3), "uint8"), 9, 8, 3, "bicubik")


NOISE = np.random.default_rng(0).integers(0, 256, (2, 8, 8, 3))


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (NOISE / 255, "go from 0 to 1: multiply those of 0..1 by 255"),
        (NOISE / 243, "go from 0 to 1.04938: multiply those of 0..1"),
        (NOISE > 100, "go from 0 to 1: multiply"),
        (NOISE / 127.5 - 1, "go from -1 to 1: these look normalised already"),
        (NOISE - 128.0, "go from -128 to 127: bring them to that range"),
        (NOISE.astype("uint16") * 257, "go from 0 to 65535: bring them to that range"),
        (np.where(NOISE == 3, np.nan, NOISE), "go from nan to nan"),
        (np.moveaxis(NOISE, -1, 1), r"Images of shape \(2, 3, 8, 8\) .* put the channels last"),
        (NOISE[0, ..., 0], r"Images of shape \(8, 8\) are not \(..., height, width, channels\)\.$"),
        (NOISE[..., 0], r"Images of shape \(2, 8, 8\) are not"),
    ],
)
def test_what_is_certainly_no_picture_is_not_normalised(images, message):
    import tensorflow as tf

    for given in (images, tf.constant(images)):
        with pytest.raises(kc.ClassicsError, match=message):
            kc.preprocess_input(given, "resnet50")


def test_what_may_be_a_picture_is_normalised():
    mean, std = (np.array(v) for v in (kc.ResNet20.normalization.mean, kc.ResNet20.normalization.std))
    overshot = np.where(NOISE > 250, 280.5, np.where(NOISE < 5, -25.5, NOISE))
    for images in (NOISE, overshot, np.zeros((1, 2, 2, 3)), np.ones((1, 2, 2, 3), "int32")):
        np.testing.assert_allclose(kc.preprocess_input(images, kc.ResNet20), (images - mean) / std, atol=1e-5)


def test_pixels_stay_as_they_are_for_a_model_that_normalises_them():
    model = kc.ResNet20(include_preprocessing=True)
    np.testing.assert_array_equal(kc.preprocess_input(NOISE, model), NOISE.astype("float32"))


def test_fit_leaves_the_pixels_of_an_image_of_the_size_and_pads_with_zeros():
    digit = np.random.default_rng(0).integers(0, 256, (28, 28, 1)).astype("uint8")
    fitted = preprocessing.fit(digit, 28, 32, 1).numpy()
    np.testing.assert_array_equal(fitted, np.pad(digit, ((2, 2), (2, 2), (0, 0))))


PEERS = np.load(pathlib.Path(__file__).parent / "golden" / "fitted.npz")  # made by golden/make_fitted.py
TRANSFORMS = list(zip(PEERS["resize_size"].tolist(), PEERS["image_size"].tolist(), PEERS["interpolation"], strict=True))


def checksums(image):
    """Of the image as each of the peers' transforms fits it."""
    fitted = [preprocessing.fit(image, size, crop, 3, interpolation) for size, crop, interpolation in TRANSFORMS]
    return [zlib.crc32(image.numpy().astype("uint8").tobytes()) for image in fitted]


@pytest.mark.parametrize(
    "case", range(len(PEERS["shapes"])), ids=lambda case: "x".join(map(str, PEERS["shapes"][case]))
)
def test_fit_is_that_of_torchvision_and_timm_to_the_pixel(case):
    assert checksums(pixels(*PEERS["shapes"][case], 3)) == PEERS["made"][case].tolist()


@pytest.mark.parametrize(
    "case",
    [pytest.param(i, marks=[pytest.mark.heavy] if i % 5 else []) for i in range(len(PEERS["photographs"]))],
)
def test_so_it_is_for_photographs(case):
    path = SHARED / "data" / "imagenet_samples" / PEERS["photographs"][case]
    if not path.exists():
        pytest.skip("no sample photographs on this machine (KERAS_CLASSICS_SHARED names their place)")
    assert checksums(read_image(path)) == PEERS["taken"][case].tolist()


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_resized_pixels_are_those_of_pillow(interpolation):
    """Of Pillow's two passes in the order that it had when the peers' figures were measured."""
    random, method = np.random.default_rng(0), getattr(PIL.Image.Resampling, interpolation.upper())
    for _ in range(20):
        height, width, size = (int(n) for n in random.integers(1, 100, 3))
        crop = min(size, 32)
        longer = int(size * max(height, width) / min(height, width))
        to = (size, longer) if width <= height else (longer, size)
        image = pixels(height, width, 3)
        resized = PIL.Image.fromarray(image).resize((to[0], height), method).resize(to, method)
        left, top = (round((side - crop) / 2) for side in to)
        expected = np.asarray(resized.crop((left, top, left + crop, top + crop)))
        np.testing.assert_array_equal(preprocessing.fit(image, size, crop, 3, interpolation), expected)


@pytest.mark.parametrize("shape", [(60, 80), (70, 60), (45, 45), (1, 90)])
def test_squashed_pixels_are_those_of_keras(shape, tmp_path):
    """Those that its `load_img` gives, which takes the nearest pixel unless it is told otherwise."""
    image, path = pixels(*shape, 3), tmp_path / "image.png"
    PIL.Image.fromarray(image).save(path)
    loaded = np.asarray(keras.utils.load_img(path, target_size=(45, 45), interpolation="bilinear"))
    np.testing.assert_array_equal(preprocessing.fit(image, 45, 40, 3, squash=True), loaded[2:42, 2:42])


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_fit_is_that_of_keras_but_for_rounding(interpolation):
    """Keras' Resizing cuts out the centre first, so what lies outside of it does not reach its rim."""
    image = 90 + pixels(60, 80, 3) // 4
    batch = image[None].astype("float32")
    resized = keras.ops.image.resize(batch, (30, 40), interpolation, antialias=True)
    cropped = keras.layers.Resizing(30, 30, interpolation, crop_to_aspect_ratio=True, antialias=True)(batch)
    resized, cropped = (keras.ops.convert_to_numpy(images)[0] for images in (resized, cropped))
    fitted = preprocessing.fit(image, 30, 30, 3, interpolation).numpy()
    np.testing.assert_allclose(fitted, resized[:, 5:35], atol=1.01)  # rounded twice
    np.testing.assert_allclose(fitted[2:-2, 2:-2], cropped[2:-2, 2:-2], atol=1.01)


def test_fit_rounds_what_it_resizes_and_leaves_the_rest():
    fractions = pixels(12, 10, 3) * np.float32(0.9)
    np.testing.assert_array_equal(preprocessing.fit(fractions, 10, 10, 3), fractions[1:11])
    resized = preprocessing.fit(fractions, 8, 8, 3).numpy()
    np.testing.assert_array_equal(resized, preprocessing.fit(np.round(fractions).astype("uint8"), 8, 8, 3))
    extremes = preprocessing.fit(255 * (pixels(60, 80, 3) > 125).astype("uint8"), 120, 100, 3, "bicubic").numpy()
    assert (extremes.min(), extremes.max()) == (0, 255)


def test_fit_changes_between_grey_and_colour():
    colour = np.random.default_rng(0).integers(0, 256, (8, 8, 3)).astype("uint8")
    grey = preprocessing.fit(colour, 8, 8, 1).numpy()
    np.testing.assert_allclose(grey[..., 0], colour @ [0.2989, 0.587, 0.114], atol=0.1)
    np.testing.assert_array_equal(preprocessing.fit(grey, 8, 8, 3).numpy(), np.repeat(grey, 3, -1))


def test_decodes_imagenet_predictions():
    scores = np.zeros((2, 1000), "float32")
    scores[0, [0, 1, 999]] = 0.2, 0.5, 0.3
    scores[1, 386] = 1.0
    decoded = kc.decode_predictions(scores, top=3)
    assert decoded[0] == [
        ("n01443537", "goldfish", 0.5),
        ("n15075141", "toilet paper", pytest.approx(0.3)),
        ("n01440764", "tench", pytest.approx(0.2)),
    ]
    assert decoded[1][0] == ("n02504458", "African bush elephant", 1.0)


def test_decodes_predictions_of_named_classes():
    assert kc.decode_predictions([[0.2, 0.7, 0.1]], 2, ["a", "b", "c"]) == [[("1", "b", 0.7), ("0", "a", 0.2)]]
    with pytest.raises(kc.ClassicsError, match="do not match 2 class names"):
        kc.decode_predictions([[0.2, 0.7, 0.1]], 2, ["a", "b"])


def _of_ones_own(form):
    """LeNet-5 inside another model, whose answers do not matter."""
    inputs = keras.Input((32, 32, 1))
    network = kc.LeNet5(
        include_top=False, pooling="avg", input_shape=(32, 32, 1), include_preprocessing=form.startswith("inside")
    )
    if form == "a layer before it":
        return keras.Sequential([inputs, keras.layers.Rescaling(1 / 255), network, keras.layers.Dense(2)])
    prepared = {
        "operations before it": lambda: inputs / 127.5 - 1,
        "Keras' preprocess_input": lambda: keras.ops.stack([inputs[..., i] for i in (0,)], -1) + np.float32([-103.9]),
        "a Lambda before it": lambda: keras.layers.Lambda(lambda x: x / 255)(inputs),
        "inside, behind a convolution": lambda: keras.layers.Conv2D(1, 1)(inputs),
        "a channel chosen": lambda: inputs[..., :1],
        "a Lambda that chooses one": lambda: keras.layers.Lambda(lambda x: x[..., :1])(inputs),
        "a Lambda that pads": lambda: keras.layers.Lambda(lambda x: keras.ops.pad(x, [(0, 0), (2, 2), (2, 2), (0, 0)]))(
            inputs[:, 2:-2, 2:-2]
        ),
        "a Lambda of several": lambda: keras.layers.Lambda(lambda x: x[0] + 0 * x[1])([inputs, inputs]),
    }
    x = network(prepared.get(form, lambda: inputs)())
    x = keras.layers.Normalization()(x) if form == "of features" else x
    return keras.Model(inputs, keras.layers.Dense(2)(x))


PREPARING = ("inside", "inside, behind a convolution", "a layer before it", "operations before it")
PREPARING += ("Keras' preprocess_input", "a Lambda before it")


@pytest.mark.parametrize(
    "form",
    [
        *PREPARING,
        *("a channel chosen", "a Lambda that chooses one", "a Lambda that pads", "a Lambda of several"),
        *("of features", "nowhere"),
    ],
)
def test_a_model_of_ones_own_that_scales_pixels_is_given_pixels(form):
    model, scales = _of_ones_own(form), form in PREPARING
    assert preprocessing.normalizes(model) == scales
    shown = pixels(32, 32, 1)[None]
    assert (kc.preprocess_input(shown, model) == shown).all() == scales


@pytest.mark.parametrize(
    ("own", "refused"), [((True, False), True), ((False, False), True), ((True, True), False), (None, False)]
)
def test_networks_of_other_pixels_in_one_model(own, refused):
    """One of them would be given the other's, unless each normalises itself, or the model does so for each."""
    inputs, shape = keras.Input((32, 32, 3)), (32, 32, 3)
    builds = [functools.partial(kc.ResNet20, input_shape=shape), functools.partial(kc.Xception, input_shape=shape)]
    answers = [
        build(classes=2, include_preprocessing=bool(own and own[i]))(inputs if own else inputs / (i + 1.0))
        for i, build in enumerate(builds)
    ]
    model = keras.Model(inputs, keras.layers.average(answers), name="both")
    if not refused:
        assert feed.feed_of(model, kc.ResNet20).normalization is None
        return
    for ask in (lambda: feed.feed_of(model, kc.ResNet20), lambda: kc.preprocess_input(NOISE, model)):
        with pytest.raises(kc.ClassicsError, match="both holds resnet20 and xception, which read .* build each of"):
            ask()
