"""The data sets: contents, order, and what is said when one is not there."""

import importlib.resources
import sys

import numpy as np
import PIL.Image
import pytest

import keras_classics as kc
from keras_classics import datasets


def arrays(data, split):
    images, labels = zip(*data.split(split).as_numpy_iterator(), strict=True)
    return images, np.array(labels)


def test_the_embedded_sample():
    data = datasets.load("mnist_sample")
    assert data.sizes == {"train": 6000, "test": 1000}
    assert data.class_names == tuple("0123456789")
    assert data.test_split == "test"
    for split, each in (("train", 600), ("test", 100)):
        images, labels = arrays(data, split)
        assert images[0].shape == (28, 28, 1)
        assert images[0].dtype == "uint8"
        assert labels.dtype == "int64"
        np.testing.assert_array_equal(np.bincount(labels), [each] * 10)
    size = importlib.resources.files("keras_classics").joinpath("data/mnist_sample.npz").stat().st_size
    assert size < 2_000_000


def test_the_sample_is_what_its_script_makes_of_mnist(tfds_dir):
    from keras_classics.data.make_mnist_sample import sample

    images, labels = sample(datasets.load("mnist", tfds_dir), "test")
    ours = datasets.load("mnist_sample")
    our_images, our_labels = arrays(ours, "test")
    np.testing.assert_array_equal(np.stack(our_images)[..., 0], images)
    np.testing.assert_array_equal(our_labels, labels)


@pytest.mark.parametrize(
    ("name", "sizes", "shape", "first_class"),
    [
        ("mnist", {"train": 60_000, "test": 10_000}, (28, 28, 1), "0"),
        ("cifar10", {"train": 50_000, "test": 10_000}, (32, 32, 3), "airplane"),
    ],
)
def test_tensorflow_datasets(name, sizes, shape, first_class, tfds_dir):
    data = datasets.load(name, tfds_dir)
    assert dict(data.sizes) == sizes
    assert data.class_names[0] == first_class
    assert len(data.class_names) == 10
    once = [(image, label) for image, label in data.split("test").take(50).as_numpy_iterator()]
    again = [(image, label) for image, label in data.split("test").take(50).as_numpy_iterator()]
    assert once[0][0].shape == shape
    assert once[0][0].dtype == "uint8"
    for (image, label), (image_again, label_again) in zip(once, again, strict=True):
        np.testing.assert_array_equal(image, image_again)
        assert label == label_again


def test_a_folder_of_class_folders(picture_folder):
    data = datasets.load(str(picture_folder))
    assert data.sizes == {"train": 80, "test": 40}
    assert data.class_names == tuple(f"digit_{i}" for i in range(10))
    images, labels = arrays(data, "test")
    assert images[0].shape == (28, 28, 3)
    np.testing.assert_array_equal(labels, np.repeat(range(10), 4))
    sample = arrays(datasets.load("mnist_sample"), "test")
    first_seven = next(i for i, label in enumerate(sample[1]) if label == 7)
    np.testing.assert_array_equal(images[28][..., 0], sample[0][first_seven][..., 0])


def test_a_folder_without_splits_is_for_training(picture_folder):
    data = datasets.load(str(picture_folder / "train"))
    assert data.sizes == {"train": 80}
    assert data.test_split == "train"


def test_folders_that_will_not_do(tmp_path):
    with pytest.raises(kc.ClassicsError, match="no class folders"):
        datasets.load(str(tmp_path))
    (tmp_path / "cat").mkdir()
    with pytest.raises(kc.ClassicsError, match="holds no images"):
        datasets.load(str(tmp_path))
    PIL.Image.new("L", (4, 4)).save(tmp_path / "cat" / "good.png")
    (tmp_path / "cat" / "bad.png").write_text("no image")
    with pytest.raises(kc.ClassicsError, match="bad.png' is no image"):
        datasets.load(str(tmp_path))


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cifar-10", "Did you mean 'cifar10'"),
        ("./pictures", "There is no folder './pictures'"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises(kc.ClassicsError, match=message):
        datasets.load(name)


def test_a_set_that_is_not_prepared_and_cannot_be_fetched(tmp_path, monkeypatch):
    import tensorflow_datasets as tfds

    def no_network(*args, **kwargs):
        raise ConnectionError("Failed to resolve host\nand more lines")

    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", no_network)
    with pytest.raises(kc.ClassicsError, match="cifar100 is not prepared in .* by `tfds build cifar100`") as caught:
        datasets.load("cifar100", tmp_path)
    assert "\n" not in str(caught.value)


def test_splits_and_classes_are_checked():
    data = datasets.load("mnist_sample")
    with pytest.raises(kc.ClassicsError, match="Unknown split of mnist_sample 'tset'. Did you mean 'test'"):
        data.split("tset")
    with pytest.raises(kc.ClassicsError, match="resnet50 has 1000 classes and mnist_sample has 10"):
        data.check_classes(1000, "resnet50")


def test_loading_the_library_does_not_load_tensorflow_datasets():
    import subprocess

    program = "import sys, keras_classics.datasets; print('tensorflow_datasets' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["False"]
