"""Pixels that are whitened: the numbers against their definitions, and what ships against what was trained."""

import json

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics import datasets, evaluation, exporting, feed
from training import get_recipe, train, train_batches, validation_batches
from training.assign import assign
from training.augment import (
    AffineDistortion,
    AugMix,
    Flip,
    PadAndCrop,
    PCAColour,
    PhotometricDistortion,
    RandAugment,
    RandomAreaCrop,
    RandomErasing,
)
from training.augment.whitening import ContrastAndZCA, PerPixelMean
from training.judge import copy_weights, papers_error, shipped_form
from training.networks import network
from training.run_folder import RunFolder
from training.whitening import numbers_of, whitened

RNG = np.random.default_rng(0)
# 600 images of 4x3 pixels, in which neighbours are alike
IMAGES = (120 + 40 * np.cumsum(RNG.standard_normal((600, 4, 3, 2)), 1)).astype("float32")
RULES = [PerPixelMean(), ContrastAndZCA(), ContrastAndZCA(scale=3.0, filter_bias=0.01)]
RESNET = get_recipe("resnet20-cifar10").replace(pixels="per_pixel_mean", epochs=1, batch_size=8, hold_out=4)
NIN = get_recipe("nin-cifar10")


def stream(images):
    import tensorflow as tf

    return tf.data.Dataset.from_tensor_slices(images)


def contrast_normalized(images, scale):
    """pylearn2's global_contrast_normalize of images (N, ...), in float64."""
    flat = images.reshape(len(images), -1).astype("float64")
    flat -= flat.mean(1, keepdims=True)
    return flat * scale / np.sqrt((flat**2).sum(1, keepdims=True))


@pytest.mark.every_backend
@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize("data_format", ["channels_last", "channels_first"])
def test_the_layers_do_what_is_done_to_the_data(rule, data_format, request):
    if data_format == "channels_first":
        request.getfixturevalue("channels_first")
    numbers = rule.fit(stream(IMAGES))
    others = IMAGES[:7] + RNG.uniform(-9, 9, (7, 4, 3, 2)).astype("float32")
    if isinstance(rule, PerPixelMean):
        expected = others - IMAGES.mean(0, dtype="float64")
    else:
        values = contrast_normalized(IMAGES, rule.scale)
        covariance = np.cov(values, rowvar=False, bias=True)
        variances, components = np.linalg.eigh(covariance + rule.filter_bias * np.eye(24))
        matrix = components @ np.diag(variances**-0.5) @ components.T
        expected = (contrast_normalized(others, rule.scale) - values.mean(0)) @ matrix
    expected = expected.reshape(others.shape)
    np.testing.assert_allclose(rule.whiten(others, numbers), expected, atol=2e-3)
    as_read = others if data_format == "channels_last" else others.transpose(0, 3, 1, 2)
    inputs = keras.Input(as_read.shape[1:])
    model = keras.Model(inputs, rule.layers(inputs, numbers))
    got = keras.ops.convert_to_numpy(model(as_read))
    got = got if data_format == "channels_last" else got.transpose(0, 2, 3, 1)
    np.testing.assert_allclose(got, expected, atol=2e-3)
    assert not model.trainable_weights


def test_zcas_output_has_unit_covariance():
    """But for the one direction that contrast normalisation has taken out, and for the bias: v / (v + bias)."""
    variances = np.linalg.eigvalsh(np.cov(contrast_normalized(IMAGES, 55.0), rowvar=False, bias=True))[1:]
    for bias in (1e-3, 0.1, 30.0):
        rule = ContrastAndZCA(filter_bias=bias)
        output = rule.whiten(IMAGES, rule.fit(stream(IMAGES))).numpy().reshape(600, -1)
        found = np.linalg.eigvalsh(np.cov(output, rowvar=False, bias=True))
        np.testing.assert_allclose(found[0], 0, atol=1e-3)
        np.testing.assert_allclose(found[1:], variances / (variances + bias), atol=1e-3)


def test_a_flat_image_becomes_zero():
    flat = np.full((1, 4, 3, 2), 200.0, "float32")
    rule = ContrastAndZCA()
    inputs = keras.Input((4, 3, 2))
    numbers = {"mean": np.zeros((4, 3, 2), "float32"), "matrix": np.eye(24, dtype="float32")}
    assert not rule.whiten(flat, numbers).numpy().any()
    assert not keras.ops.convert_to_numpy(keras.Model(inputs, rule.layers(inputs, numbers))(flat)).any()


@pytest.fixture
def folder(tmp_path):
    return RunFolder.new(tmp_path / "run", "run")


def test_numbers_are_fitted_on_what_is_trained_on_and_stay_in_the_folder(folder, picture_folder):
    data, said = datasets.load(str(picture_folder)), []
    numbers = numbers_of(RESNET, data, folder, said.append)
    assert said == ["Fitting PerPixelMean() on the images to train on."]
    images = [image for i, (image, _) in enumerate(data.split("train")) if i % 4 != 3]  # one in 4 is held out
    fit = feed.feed_of(kc.ResNet20(), kc.ResNet20).fit
    np.testing.assert_allclose(numbers["mean"], np.mean([fit(image).numpy() for image in images], 0), atol=1e-3)
    again = numbers_of(RESNET, data, folder, said.append)
    np.testing.assert_array_equal(again["mean"], numbers["mean"])
    assert len(said) == 1
    content = bytearray(folder.whitening.read_bytes())
    content[len(content) // 2] ^= 1
    folder.whitening.write_bytes(content)
    mended = numbers_of(RESNET, data, folder, said.append)
    np.testing.assert_array_equal(mended["mean"], numbers["mean"])
    assert len(said) == 2
    assert numbers_of(get_recipe("resnet20-cifar10"), data, folder, said.append) is None


def test_the_network_is_trained_and_validated_on_whitened_pixels(folder, picture_folder):
    data = datasets.load(str(picture_folder))
    numbers = numbers_of(RESNET, data, folder, str)
    model, white = network(RESNET, seed=0), whitened(RESNET, data, numbers)
    plain = RESNET.replace(augment=())
    images = np.concatenate([i for i, _ in train_batches(plain, white, model)[0].take(8).as_numpy_iterator()])[:60]
    assert np.abs(images.mean(0)).max() < 1e-3
    assert images.std() > 20  # still in the pixels' own unit
    fit = feed.feed_of(model, kc.ResNet20).fit
    held_out = [fit(image).numpy() - numbers["mean"] for i, (image, _) in enumerate(data.split("train")) if i % 4 == 3]
    validation = np.concatenate([i for i, _ in validation_batches(RESNET, white, model).as_numpy_iterator()])
    np.testing.assert_allclose(validation, held_out, atol=1e-3)
    assert RESNET.augment[0].fill == (0.0, 0.0, 0.0)  # the mean, around a shifted image
    assert get_recipe("resnet20-cifar10").augment[0].fill != (0.0, 0.0, 0.0)


def test_whitened_files_are_shuffled_as_a_whole_like_others(picture_folder, monkeypatch):
    """Those of a class lie together in a folder: a part shuffled at once would be of a few classes."""
    monkeypatch.setattr("keras_classics.datasets.dataset.SHUFFLE_BUFFER", 2)
    data, plain = datasets.load(str(picture_folder)), RESNET.replace(augment=())
    model = network(plain, seed=0)
    numbers = {"mean": np.zeros((32, 32, 3), "float32")}
    labels = [
        np.concatenate([label for _, label in train_batches(plain, of, model)[0].take(2).as_numpy_iterator()])
        for of in (data, whitened(plain, data, numbers))
    ]
    assert len({*labels[0].tolist()}) > 1
    np.testing.assert_array_equal(*labels)


def test_a_crop_of_whitened_files_is_of_whitened_pixels(picture_folder):
    """Also of those that are left when some are held out."""
    recipe = RESNET.replace(augment=(RandomAreaCrop(32),))
    numbers = {"mean": np.full((32, 32, 3), 1000.0, "float32")}
    white = whitened(recipe, datasets.load(str(picture_folder)), numbers)
    images, _ = next(train_batches(recipe, white, network(recipe, seed=0))[0].as_numpy_iterator())
    assert recipe.hold_out
    assert images.max() < 0


def test_a_recipe_of_whitened_pixels_is_not_trained_on_others(picture_folder):
    message = r"^resnet20-cifar10 is for whitened pixels \(per_pixel_mean\), and the model for others; train by python"
    with pytest.raises(kc.ClassicsError, match=message):
        train_batches(RESNET, datasets.load(str(picture_folder)), kc.ResNet20())


@pytest.mark.parametrize(
    ("operation", "refused"),
    [
        (RandAugment(), ["per_pixel_mean", "gcn_zca"]),
        (AugMix(), ["per_pixel_mean", "gcn_zca"]),
        (RandomErasing(), ["per_pixel_mean", "gcn_zca"]),
        (PhotometricDistortion(), ["per_pixel_mean", "gcn_zca"]),
        (RandomAreaCrop(32, interpolations=("bilinear", "bicubic")), ["per_pixel_mean", "gcn_zca"]),
        (PCAColour(), ["gcn_zca"]),
        (RandomAreaCrop(32), []),
    ],
    ids=lambda of: type(of).__name__,
)
def test_what_changes_pixels_of_0_to_255_is_refused_on_whitened_ones(operation, refused):
    recipe, told = get_recipe("resnet20-cifar10").replace(augment=(operation,)), []
    for pixels in ("per_pixel_mean", "gcn_zca"):
        try:
            recipe.replace(pixels=pixels)
        except kc.ClassicsError as error:
            told.append(str(error))
    name = type(operation).__name__
    assert told == [
        f"{name} changes pixels of 0..255, and {pixels} has whitened them before; set pixels=normalized, or leave the "
        "operation out of the recipe's augment."
        for pixels in refused
    ]


def test_what_lies_around_a_whitened_digit_is_the_mean():
    recipe = get_recipe("lenet5-mnist").replace(augment=(AffineDistortion(fill=255.0),))
    assert recipe.replace(pixels="per_pixel_mean").augment == (AffineDistortion(fill=0.0),)


def test_what_lies_around_an_image_is_the_mean_colour_again_where_pixels_are_no_longer_whitened():
    mean = kc.NiN.normalization.mean
    assert assign(NIN, ["pixels=normalized"]).augment == (PadAndCrop(4, mean), Flip())
    assert RESNET.replace(pixels="normalized").augment == get_recipe("resnet20-cifar10").augment
    own = (PadAndCrop(4, (1.0, 2.0, 3.0)),)
    assert NIN.replace(pixels="normalized", augment=own).augment == own


def a_few_pictures(count=6):
    return RNG.integers(0, 256, (count, 32, 32, 3)).astype("float32")


def of_zca():
    """Numbers as they may be for CIFAR-10, whose fitting takes a minute."""
    mean = RNG.standard_normal((32, 32, 3)).astype("float32")
    matrix = np.eye(3072, dtype="float32") + 0.01 * RNG.standard_normal((3072, 3072)).astype("float32")
    return {"mean": mean, "matrix": (matrix + matrix.T) / 2}


@pytest.mark.parametrize("recipe", [RESNET, NIN], ids=lambda r: r.name)
def test_what_ships_takes_pixels_and_gives_the_trained_networks_answers(recipe, tmp_path):
    if recipe is RESNET:
        rng = np.random.default_rng(1)  # whichever tests ran before
        rule, numbers = PerPixelMean(), {"mean": rng.uniform(90, 150, (32, 32, 3)).astype("float32")}
        pixels = numbers["mean"] + rng.uniform(-0.5, 0.5, (6, 32, 32, 3)).astype("float32")  # lest softmax saturate
    else:
        rule, numbers, pixels = ContrastAndZCA(), of_zca(), a_few_pictures()
    trained, shipped = network(recipe, seed=3), shipped_form(recipe, datasets.CIFAR10_CLASSES, numbers)
    trained.compile()
    copy_weights(trained, shipped)
    shipped.save(tmp_path / "best.keras")
    loaded = keras.saving.load_model(tmp_path / "best.keras", compile=False)
    expected = keras.ops.convert_to_numpy(trained(rule.whiten(pixels, numbers)))
    assert np.ptp(expected, 0).max() > 1e-4  # the images differ
    got = keras.ops.convert_to_numpy(loaded(feed.feed_of(loaded, kc.get_model(recipe.model)).model_input(pixels)))
    np.testing.assert_allclose(got, expected, atol=1e-5)
    np.testing.assert_array_equal(kc.preprocess_input(pixels, loaded), pixels)
    assert exporting.with_preprocessing(loaded, kc.get_model(recipe.model).normalization) is loaded


def test_nin_is_held_against_the_error_with_augmentation():
    assert papers_error(NIN) == 8.81
    assert NIN.replace(epochs=2).augment == NIN.augment


@pytest.mark.parametrize(
    ("name", "build", "message"),
    [
        ("lenet5-mnist", {}, "lenet5 reads its pictures with a margin"),
        ("resnet20-cifar10", {"input_shape": (40, 40, 3)}, "resnet20 are whitened at 32x32x3 alone, and the network"),
        ("resnet20-cifar10", {"input_shape": (32, 32, 1)}, "resnet20 are whitened at 32x32x3 alone, and the network"),
    ],
)
def test_what_cannot_be_whitened_is_refused_before_the_start(name, build, message, tmp_path):
    recipe = get_recipe(name)
    recipe = recipe.replace(pixels="per_pixel_mean", build={**recipe.build, **build})
    with pytest.raises(kc.ClassicsError, match=message):
        train.run(recipe, "mnist_sample", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.heavy
@pytest.mark.parametrize("recipe", [RESNET, NIN.replace(epochs=1, batch_size=8, hold_out=4)], ids=lambda r: r.name)
def test_a_whole_run_on_whitened_pixels(recipe, picture_folder, tmp_path):
    """It judges and exports what takes pixels; damaged files are made again from the checkpoint and the numbers."""
    finish = train.judge

    def stopped(*arguments):
        raise KeyboardInterrupt

    train.judge = stopped
    try:
        with pytest.raises(KeyboardInterrupt):
            train.run(recipe, str(picture_folder), out=tmp_path / "run")
    finally:
        train.judge = finish
    before = keras.saving.load_model(tmp_path / "run" / "best.keras", compile=False)(a_few_pictures(3))
    (tmp_path / "run" / "best.keras").write_bytes(b"damaged")
    train.resume(tmp_path / "run")
    model = keras.saving.load_model(tmp_path / "run" / "best.keras", compile=False)
    assert model(a_few_pictures(3)).shape == before.shape
    result = evaluation.evaluate(model, datasets.load(str(picture_folder)), verbose=0)
    assert result.top1 == pytest.approx(
        json.loads(RunFolder(tmp_path / "run").metrics.read_text())["best"]["top1_error"]
    )


@pytest.mark.heavy
def test_cifar10s_whitened_pixels_have_unit_covariance(tfds_dir, folder):
    """Of the training images, in all directions in which they vary more than the bias."""
    data = datasets.load("cifar10", tfds_dir)
    recipe = NIN.replace(hold_out=0)
    numbers = numbers_of(recipe, data, folder, str)
    images = np.stack([image for image, _ in whitened(recipe, data, numbers).split("train").as_numpy_iterator()])
    flat = images.reshape(len(images), -1)
    covariance = flat.T @ flat / len(flat) - np.outer(flat.mean(0), flat.mean(0))
    np.testing.assert_allclose(flat.mean(0), 0, atol=1e-3)
    found = np.linalg.eigvalsh(covariance.astype("float64"))
    matrix = numbers["matrix"].astype("float64")
    variances = np.sort(np.linalg.eigvalsh(matrix) ** -2 - 0.1)
    np.testing.assert_allclose(found, np.sort(np.maximum(variances, 0) / (np.maximum(variances, 0) + 0.1)), atol=5e-3)
    assert abs(int((found > 0.9).sum()) - int((variances > 0.9).sum())) <= 2  # 239 of 3,072
    assert (found > 0.9).sum() > 200
    assert found.max() < 1.001
