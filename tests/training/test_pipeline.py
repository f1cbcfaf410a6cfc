"""Which images are trained on, in which order."""

import math

import numpy as np
import pytest

import keras_classics as kc
from keras_classics import datasets, feed
from training import get_recipe, train, train_batches, validation_batches
from training.augment import PCAColour, PhotometricDistortion, RandomAreaCrop

LENET = get_recipe("lenet5-mnist").replace(batch_size=32, augment=())  # so that images can be told by their pixels


@pytest.fixture(scope="module")
def data():
    return datasets.load("mnist_sample")


@pytest.fixture(scope="module")
def model():
    return kc.LeNet5()


def epochs(stream, steps, count):
    """The images and labels of each epoch."""
    batches = list(stream.take(steps * count).as_numpy_iterator())
    for i in range(count):
        images, labels = zip(*batches[i * steps : (i + 1) * steps], strict=True)
        yield np.concatenate(images), np.concatenate(labels)


def keys(images):
    return {image.tobytes() for image in images}


def test_an_epoch_is_every_image_once_and_none_that_is_held_out(data, model):
    stream, steps = train_batches(LENET, data, model, seed=0)
    assert steps == math.ceil(5500 / 32)
    (first, first_labels), (second, second_labels) = epochs(stream, steps, 2)
    assert len(first) == len(second) == 5500
    assert keys(first) == keys(second)
    assert not np.array_equal(first_labels, second_labels)  # another order
    held = np.concatenate([images for images, _ in validation_batches(LENET, data, model).as_numpy_iterator()])
    assert len(held) == 500
    assert not keys(held) & keys(first)
    assert len(keys(held) | keys(first)) == 6000
    assert first.shape[1:] == (32, 32, 1)
    assert (first.min(), first.max()) == (pytest.approx(-0.1), pytest.approx(1.175))


def test_images_of_all_classes_are_held_out_where_these_are_stored_in_turns(model):
    images = np.arange(200, dtype="uint8")[:, None, None] + np.zeros((28, 28), "uint8")
    data, recipe = datasets.from_arrays(images, np.arange(200) % 10), LENET.replace(hold_out=10)
    held = np.concatenate([labels for _, labels in validation_batches(recipe, data, model).as_numpy_iterator()])
    assert np.bincount(held).tolist() == [2] * 10
    ((_, trained),) = epochs(*train_batches(recipe, data, model), 1)
    assert np.bincount(trained).tolist() == [18] * 10


def test_nobody_waits_for_the_thread_that_tunes_when_a_stream_ends(data, model):
    trained, _ = train_batches(LENET, data, model)
    judged = feed.batches(data.split("test"), model, kc.LeNet5, 10)
    for stream in (trained, validation_batches(LENET, data, model), judged):
        assert stream.options().autotune.enabled is False
    assert data.split("test").options().autotune.enabled is None  # what others make of it is theirs to tune


def test_the_seed_and_the_epoch_decide_the_order(data, model):
    def labels(seed, first_epoch, count):
        stream, steps = train_batches(LENET, data, model, seed, first_epoch)
        return [labels for _, labels in epochs(stream, steps, count)]

    zero, one, two = labels(0, 0, 3)
    np.testing.assert_array_equal(labels(0, 1, 2), [one, two])
    assert not np.array_equal(labels(1, 0, 1)[0], zero)
    import keras

    keras.utils.set_random_seed(0)  # the global seed does not matter
    np.testing.assert_array_equal(labels(0, 2, 1)[0], two)


def test_augmentation_differs_from_epoch_to_epoch_and_comes_back_with_the_seed(picture_folder):
    """CIFAR's recipe on pictures: shifted and mirrored, 32x32x3, and resumed in the middle as if never stopped."""
    recipe = get_recipe("resnet20-cifar10").replace(batch_size=8, hold_out=0)
    data, model = datasets.load(str(picture_folder)), kc.ResNet20()
    stream, steps = train_batches(recipe, data, model, seed=3)
    assert steps == 10
    first, second = (images for images, _ in epochs(stream, steps, 2))
    assert first.shape == (80, 32, 32, 3)
    assert len(keys(first) & keys(second)) < 10  # of 80, each in one of 162 ways
    resumed, _ = train_batches(recipe, data, model, seed=3, first_epoch=1)
    ((again, _),) = epochs(resumed, steps, 1)
    np.testing.assert_array_equal(again, second)
    assert validation_batches(recipe, data, model) is None


def test_imagenet_recipe_takes_pictures_of_any_size(picture_folder):
    recipe = get_recipe("resnet18-imagenet").replace(batch_size=4)
    model = kc.ResNet18(classes=10)
    stream, _ = train_batches(recipe.replace(hold_out=2), datasets.load(str(picture_folder)), model)
    images, labels = next(iter(stream.as_numpy_iterator()))
    assert images.shape == (4, 224, 224, 3)
    assert labels.shape == (4,)


def test_crops_have_the_networks_channels(data, picture_folder):
    """Of grey arrays for a network of colours, and of pictures in colour for a grey one."""
    recipe = get_recipe("resnet20-cifar10").replace(batch_size=4, augment=(RandomAreaCrop(32), PCAColour()))
    grey = recipe.replace(augment=(RandomAreaCrop(32),))
    for given, of, channels in ((recipe, data, 3), (grey, datasets.load(str(picture_folder)), 1)):
        stream, _ = train_batches(given, of, kc.ResNet20(input_shape=(32, 32, channels)))
        images, _ = next(stream.as_numpy_iterator())
        assert images.shape == (4, 32, 32, channels)
        assert images.std() > 0.1


def test_a_crop_of_another_size_or_shape_than_the_network_reads_is_refused(data, tmp_path):
    recipe = get_recipe("resnet20-cifar10").replace(augment=(RandomAreaCrop(32),), build={"input_shape": (24, 24, 3)})
    message = r"cuts images of 32 pixels, and the network reads 24; build it with input_shape=\[32,32,3\], or in Python"
    with pytest.raises(kc.ClassicsError, match=f"^RandomAreaCrop of resnet20-cifar10 {message}"):
        train_batches(recipe, data, kc.ResNet20(input_shape=(24, 24, 3)))
    with pytest.raises(
        kc.ClassicsError, match=r"resnet20 reads pictures of the shape \(24, 32, 3\), and pictures are cut"
    ):
        train_batches(recipe, data, kc.ResNet20(input_shape=(24, 32, 3)))
    with pytest.raises(kc.ClassicsError, match=message):
        train.run(recipe, "mnist_sample", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("operation", [PCAColour(), PhotometricDistortion()], ids=lambda of: type(of).__name__)
def test_colours_of_a_network_that_reads_grey_are_refused(operation, tmp_path):
    recipe = get_recipe("resnet20-cifar10").replace(augment=(operation,), build={"input_shape": (32, 32, 1)})
    message = f"^{type(operation).__name__} of resnet20-cifar10 changes colours, and the network reads grey; build it"
    with pytest.raises(kc.ClassicsError, match=message):
        train.run(recipe, "mnist_sample", out=tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_other_classes_and_nothing_to_train_on(picture_folder, tmp_path):
    import shutil

    with pytest.raises(kc.ClassicsError, match="has 1000 classes"):
        train_batches(LENET, datasets.load(str(picture_folder)), kc.ResNet18())
    for digit in range(10):
        (tmp_path / str(digit)).mkdir()
        shutil.copy(picture_folder / "train" / f"digit_{digit}" / "0.png", tmp_path / str(digit))
    assert train_batches(LENET, datasets.load(str(tmp_path)), kc.LeNet5())[1] == 1
