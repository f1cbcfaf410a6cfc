"""The data sets: contents, order, and what is said when one is not there."""

import importlib.resources
import os
import shutil
import subprocess
import sys
import types

import numpy as np
import PIL.Image
import pytest

import keras_classics as kc
from keras_classics import datasets, feed
from keras_classics.datasets import parts


def arrays(data, split):
    images, labels = zip(*data.split(split).as_numpy_iterator(), strict=True)
    return images, np.array(labels)


def test_the_first_of_images_whose_classes_are_not_told_are_the_first():
    """`evaluate` saves predictions of such a split, whose rows are known by their places."""
    chosen = parts._first(np.full(60_000, -1), 10)
    np.testing.assert_array_equal(np.nonzero(chosen)[0], np.arange(10))
    np.testing.assert_array_equal(parts._first(np.array([0, 0, 1, 1, 0]), 4), [True, True, True, True, False])


def test_the_embedded_sample():
    data = datasets.load("mnist_sample")
    assert data.sizes == {"train": 6000, "test": 1000}
    assert data.class_names == tuple("0123456789")
    assert data.test_split == data.judged_split == "test"
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
    assert data.test_split is None
    assert data.judged_split == "train"


def test_folders_that_will_not_do(tmp_path):
    with pytest.raises(kc.ClassicsError, match="no class folders"):
        datasets.load(str(tmp_path))
    (tmp_path / "cat").mkdir()
    with pytest.raises(kc.ClassicsError, match="holds no images"):
        datasets.load(str(tmp_path))
    PIL.Image.new("L", (4, 4)).save(tmp_path / "cat" / "good.png")
    (tmp_path / "cat" / "bad.png").write_text("no image")
    with pytest.raises(kc.ClassicsError, match="bad.png' is no image"), datasets.reading():
        arrays(datasets.load(str(tmp_path)), "train")
    with pytest.raises(kc.ClassicsError, match="The data has no name"):
        datasets.load("")


def pictures(*places):
    """A small picture in each of the places."""
    for place in places:
        place.parent.mkdir(parents=True, exist_ok=True)
        PIL.Image.new("L", (4, 4), 100).save(place)


@pytest.mark.parametrize("suffix", [".jfif", ".jpe", ".avif", ".webp", ".JPG"])
def test_a_folder_has_the_pictures_of_every_kind_that_can_be_read(suffix, tmp_path):
    pictures(tmp_path / "cat" / "1.png", tmp_path / "dog" / f"1{suffix}")
    data = datasets.load(str(tmp_path))
    assert data.sizes == {"train": 2}
    assert arrays(data, "train")[0][1].shape == (4, 4, 3)


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_what_a_validation_folder_may_be_called(name, tmp_path):
    pictures(*(tmp_path / split / label / "1.png" for split in ("train", name) for label in ("cat", "dog")))
    data = datasets.load(str(tmp_path))
    assert data.sizes == {"train": 2, "validation": 2}
    assert data.test_split == "validation"
    pictures(tmp_path / "test" / "cat" / "1.png", tmp_path / "test" / "dog" / "1.png")
    assert datasets.load(str(tmp_path)).test_split == "test"


def test_two_folders_for_one_split_are_refused(tmp_path):
    pictures(*(tmp_path / split / "cat" / "1.png" for split in ("train", "val", "valid")))
    with pytest.raises(kc.ClassicsError, match="has the folders valid and val for one split"):
        datasets.load(str(tmp_path))


@pytest.mark.parametrize(("has_it", "lacks_it"), [("train", "val"), ("val", "train")])
def test_a_class_that_only_one_split_has_is_refused(has_it, lacks_it, tmp_path):
    pictures(*(tmp_path / split / "cat" / "1.png" for split in ("train", "val")))
    pictures(tmp_path / has_it / "dog" / "1.png")
    with pytest.raises(kc.ClassicsError, match=f"{lacks_it}/dog' holds no images; each class needs some in each split"):
        datasets.load(str(tmp_path))


def test_what_programs_leave_in_folders_is_no_class_and_no_picture(tmp_path):
    pictures(tmp_path / "cat" / "1.png", tmp_path / "dog" / "1.png")
    for name in (".ipynb_checkpoints", "__MACOSX", ".hidden", "cat/.ipynb_checkpoints"):
        pictures(tmp_path / name / "1.png")
    (tmp_path / "cat" / "._1.png").write_bytes(b"Mac OS X")
    (tmp_path / "cat" / "Thumbs.db").touch()
    data = datasets.load(str(tmp_path))
    assert data.class_names == ("cat", "dog")
    assert data.sizes == {"train": 2}


def test_pictures_that_would_be_left_out_are_told(tmp_path):
    pictures(*(tmp_path / "train" / label / "1.png" for label in ("cat", "dog")), tmp_path / "more" / "other" / "1.png")
    assert datasets.load(str(tmp_path)).sizes == {"train": 2}
    for left_out in ("Test/cat", "cat"):
        pictures(tmp_path / left_out / "1.png")
        folder = left_out.split("/")[0]
        with pytest.raises(kc.ClassicsError, match=f"{folder}' holds images beside train, which would be left out"):
            datasets.load(str(tmp_path))
        shutil.rmtree(tmp_path / folder)
    for below in ("", "2023/june"):
        pictures(tmp_path / "train" / "cat" / "kittens" / below / "1.png")
        for root in (tmp_path, tmp_path / "train"):
            with pytest.raises(kc.ClassicsError, match="cat/kittens' holds images inside a class's folder"):
                datasets.load(str(root))
        shutil.rmtree(tmp_path / "train" / "cat" / "kittens")


@pytest.mark.parametrize("name", ["1.heic", "1.HEIF", "1.jp2", "1.Jxl", "1.tga", "1.pbm", "1.NEF", "1.dcm"])
def test_pictures_of_a_kind_that_is_not_read_are_told(name, tmp_path):
    pictures(tmp_path / "cat" / "1.png", tmp_path / "dog" / "1.png")
    (tmp_path / "dog" / f"._{name}").touch()
    assert datasets.load(str(tmp_path)).sizes == {"train": 2}
    (tmp_path / "dog" / name).touch()
    with pytest.raises(kc.ClassicsError, match=f"dog/{name}' is a picture of a kind that is not read.* convert"):
        datasets.load(str(tmp_path))


def test_folders_as_kaggle_has_them(tmp_path):
    """Splits of other names; and test pictures without labels."""
    for split in ("Training", "Testing"):
        pictures(*(tmp_path / "a" / split / label / "1.png" for label in ("cat", "dog")))
    with pytest.raises(kc.ClassicsError, match=r"a/Test.*' holds no .* splits are called train, test .* Rename it\."):
        datasets.load(str(tmp_path / "a"))
    pictures(
        *(tmp_path / "b" / "train" / label / "1.png" for label in ("cat", "dog")), tmp_path / "b" / "test" / "1.png"
    )
    with pytest.raises(
        kc.ClassicsError,
        match="b/test' holds pictures and no class folders, so they have no labels; .* answered by `predict`",
    ):
        datasets.load(str(tmp_path / "b"))


@pytest.mark.parametrize(("split", "others"), [("test", ["control"]), ("train", ["car", "plane"])])
def test_a_class_that_is_called_like_a_split_is_told(split, others, tmp_path):
    pictures(*(tmp_path / label / "1.png" for label in (split, *others)))
    with pytest.raises(kc.ClassicsError, match=f"{split}' holds pictures, but no .* If it is a class, rename it, for"):
        datasets.load(str(tmp_path))


def test_folders_inside_a_class_of_a_split_are_no_splits(tmp_path):
    pictures(*(tmp_path / "train" / label / "1.png" for label in ("cat/indoor", "cat/outdoor", "dog")))
    with pytest.raises(kc.ClassicsError, match="train/cat' holds no images, .* put these into '.*train/cat' itself"):
        datasets.load(str(tmp_path))


def test_names_that_are_not_utf8(tmp_path):
    pictures(tmp_path / "cat" / os.fsdecode(b"caf\xe9.png"), tmp_path / "dog" / "1.png")
    images, labels = arrays(datasets.load(str(tmp_path)), "train")
    assert [image.mean() for image in images] == [100, 100]
    np.testing.assert_array_equal(labels, [0, 1])
    pictures(tmp_path / os.fsdecode(b"caf\xe9") / "1.png")
    with pytest.raises(kc.ClassicsError, match=r"caf\\xe9' has a name that is not UTF-8; rename it"):
        datasets.load(str(tmp_path))


@pytest.mark.every_backend
def test_a_truncated_picture_is_told_in_one_line_from_the_midst_of_a_run(picture_folder, tmp_path):
    root = shutil.copytree(picture_folder, tmp_path / "pictures")
    bad = root / "test" / "digit_7" / "2.jpg"
    PIL.Image.effect_noise((64, 64), 50).save(bad)
    bad.write_bytes(bad.read_bytes()[:1500])
    data, model = datasets.load(str(root)), kc.LeNet5()
    stream = feed.batches(data.split("test"), model, kc.LeNet5, 8)
    with pytest.raises(kc.ClassicsError, match="digit_7/2.jpg' is no image") as caught, datasets.reading():
        model.predict(stream, verbose=0)
    assert "\n" not in str(caught.value)
    assert str(caught.value).endswith("Replace or remove it.")
    with pytest.raises(ZeroDivisionError), datasets.reading():
        1 / 0  # noqa: B018


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
    """It is told after one question to the host, and nothing stays behind."""
    import requests
    import tensorflow_datasets as tfds

    asked = []

    def no_network(*args, **kwargs):
        asked.append(args)
        raise requests.ConnectionError("Failed to resolve host\nand more lines")

    monkeypatch.setattr(requests.Session, "request", no_network)
    with pytest.raises(kc.ClassicsError, match="cifar100 is not prepared in .*toronto.edu does not answer") as caught:
        datasets.load("cifar100", tmp_path)
    assert "by `tfds build cifar100`" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(asked) == 1
    assert os.listdir(tmp_path) == []

    def broken_off(builder):
        for name in ("downloads", "cifar100"):
            (tmp_path / name / "part").mkdir(parents=True)
        raise OSError("Connection reset\nby peer")

    monkeypatch.setattr(requests.Session, "request", lambda *args, **kwargs: None)
    monkeypatch.setattr(tfds.core.DatasetBuilder, "download_and_prepare", broken_off)
    (tmp_path / "mnist").mkdir()
    with pytest.raises(kc.ClassicsError, match=r"cannot be fetched \(Connection reset\)"):
        datasets.load("cifar100", tmp_path)
    assert os.listdir(tmp_path) == ["mnist"]


def test_a_data_dir_that_is_not_there_is_told_at_once(tmp_path):
    """Before tensorflow-datasets is imported, and it is not made."""
    program = f"""
import sys
from keras_classics import datasets, feed
from keras_classics.datasets import parts
try:
    datasets.load("cifar10", {str(tmp_path / "nowhere")!r})
except ValueError as error:
    print("tensorflow_datasets" in sys.modules, error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.startswith(f"False There is no folder '{tmp_path / 'nowhere'}'"), done.stderr
    assert os.listdir(tmp_path) == []


def test_a_bucket_is_left_to_tensorflow_datasets(monkeypatch):
    import tensorflow_datasets as tfds

    asked = []

    def builder(name, data_dir):
        asked.append(data_dir)
        raise ValueError("no network here")

    monkeypatch.setattr(tfds, "builder", builder)
    with pytest.raises(kc.ClassicsError, match="no network here"):
        datasets.load("mnist", "gs://bucket/sets")
    assert asked == ["gs://bucket/sets"]


def test_imagenets_secret_split_is_left_out_of_every_version(monkeypatch):
    import tensorflow as tf
    import tensorflow_datasets as tfds

    features = {"image": tfds.features.Image(), "label": tfds.features.ClassLabel(num_classes=1000)}

    def builder(name, data_dir):
        splits = {split: types.SimpleNamespace(num_examples=9) for split in ("train", "validation", "test")}
        info = types.SimpleNamespace(features=features, supervised_keys=("image", "label"), splits=splits)
        secret = tf.data.Dataset.from_tensors({"image": b"", "label": tf.constant(-1, tf.int64)})
        made = {"name": "imagenet2012", "is_prepared": lambda: True, "info": info}
        return types.SimpleNamespace(**made, as_dataset=lambda split, **_: secret)

    monkeypatch.setattr(tfds, "builder", builder)
    for name in ("imagenet2012", "imagenet2012:5.1.0"):
        data = datasets.load(name)
        assert (set(data.sizes), data.judged_split) == ({"train", "validation"}, "validation")
        assert data.class_names[0].startswith("tench")


def test_splits_and_classes_are_checked():
    data = datasets.load("mnist_sample")
    for read in (data.split, data.records):
        with pytest.raises(kc.ClassicsError, match="Unknown split of mnist_sample 'trian'. Did you mean 'train'"):
            read("trian")
    with pytest.raises(kc.ClassicsError, match="resnet50 has 1000 classes and mnist_sample has 10"):
        data.check_classes(1000, "resnet50")


def test_loading_the_library_does_not_load_tensorflow_datasets():
    program = "import sys, keras_classics.datasets; print('tensorflow_datasets' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.split() == ["False"]


def test_a_split_is_shuffled_before_its_pictures_are_read(picture_folder):
    data = datasets.load(picture_folder)
    in_order = list(data.labels("train"))
    stream = data.split("train", shuffle=True, seed=0)
    one, other = ([int(label) for _, label in stream.as_numpy_iterator()] for _ in range(2))
    assert sorted(one) == sorted(other) == sorted(in_order)
    assert one != other != in_order  # in another order each time
    again = [int(label) for _, label in data.split("train", shuffle=True, seed=0).as_numpy_iterator()]
    assert again == one
