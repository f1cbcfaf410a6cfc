"""What a data set may be made of: folders of any size, tables, arrays, sets of tensorflow-datasets; and parts of it."""

import builtins
import os

import numpy as np
import PIL.Image
import pytest

import keras_classics as kc
from keras_classics import choices, datasets, pictures


def picture(path, grey=100):
    path.parent.mkdir(parents=True, exist_ok=True)
    PIL.Image.new("L", (4, 4), grey).save(path)
    return path


def read(data, split="train"):
    """The mean grey of each image, and the labels."""
    images, labels = zip(*data.split(split).as_numpy_iterator(), strict=True)
    return [round(float(image.mean())) for image in images], [int(label) for label in labels]


def refused(name) -> str:
    with pytest.raises(kc.ClassicsError) as told:
        datasets.load(str(name))
    assert "\n" not in str(told.value)
    return str(told.value)


def test_opening_a_folder_opens_no_picture_and_asks_for_none(tmp_path, monkeypatch):
    """Of many files only the folders' lists are read, each once, and nothing for each file."""
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            (tmp_path / split / name).mkdir(parents=True)
            for i in range(50):
                (tmp_path / split / name / f"{i}.jpg").touch()
    counts = dict.fromkeys(("scandir", "stat", "lstat", "open"), 0)

    def counted(name, function):
        def call(*args, **kwargs):
            counts[name] += 1
            return function(*args, **kwargs)

        return call

    for name in ("scandir", "stat", "lstat"):
        monkeypatch.setattr(os, name, counted(name, getattr(os, name)))
    monkeypatch.setattr(builtins, "open", counted("open", builtins.open))
    data = datasets.load(str(tmp_path))
    assert data.sizes == {"train": 100, "test": 100}
    assert counts["scandir"] == 1 + 2 + 4
    assert counts["open"] == 0
    assert counts["stat"] + counts["lstat"] < 20


@pytest.mark.parametrize("link", [os.link, os.symlink])
@pytest.mark.parametrize("places", [("train/cat/1.png", "val/cat/7.png"), ("train/cat/1.png", "train/dog/1b.png")])
def test_one_file_in_two_places_is_refused_by_name(link, places, tmp_path):
    for split in ("train", "val"):
        for name in ("cat", "dog"):
            picture(tmp_path / split / name / "1.png")
    link(tmp_path / places[0], tmp_path / places[1])
    said = refused(tmp_path)
    assert all(str(tmp_path / place) in said for place in places)
    assert "are one file, linked" in said


def test_a_folder_that_may_not_be_read(tmp_path, monkeypatch):
    picture(tmp_path / "cat" / "1.png")
    scandir = os.scandir

    def forbidden(path):
        if str(path).endswith("cat"):
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", forbidden)
    assert f"'{tmp_path / 'cat'}' cannot be read (Permission denied); correct its permissions." in refused(tmp_path)


def test_a_picture_that_may_not_be_read(tmp_path, monkeypatch):
    def forbidden(*_, **__):
        raise PermissionError(13, "Permission denied")

    path = picture(tmp_path / "1.png")
    monkeypatch.setattr(builtins, "open", forbidden)
    with pytest.raises(kc.ClassicsError, match=r"1.png' may not be read. Correct its permissions.$"):
        pictures.read_image(path)


def test_pictures_beside_each_other_are_no_classes(tmp_path):
    picture(tmp_path / "1.png")
    assert "holds pictures, but no class folders: put the images of each class" in refused(tmp_path)


def test_names_beyond_ascii(tmp_path):
    for name in ("chat", "Küche", "猫"):
        picture(tmp_path / name / "ü ñ 猫.png")
    data = datasets.load(str(tmp_path))
    assert data.class_names == ("Küche", "chat", "猫")
    assert read(data) == ([100] * 3, [0, 1, 2])


def test_a_file_of_class_names_gives_their_order(tmp_path):
    for name, grey in (("cat", 10), ("dog", 20), ("eel", 30)):
        picture(tmp_path / name / "1.png", grey)
    (tmp_path / "classes.txt").write_text("eel\ncat\n\ndog\n")
    data = datasets.load(str(tmp_path))
    assert data.class_names == ("eel", "cat", "dog")
    assert read(data) == ([30, 10, 20], [0, 1, 2])
    for text, reason in (
        ("eel\ncat", "'dog' not"),
        ("eel\ncat\ndog\nowl", "'owl' and"),
        ("eel\ncat\ndog\ncat", "twice"),
    ):
        (tmp_path / "classes.txt").write_text(text)
        assert reason in refused(tmp_path)


def table(folder, text):
    path = folder / "data.csv"
    path.write_text(text, "utf-8")
    return path


def test_a_table_of_paths_and_labels(tmp_path):
    for i in range(4):
        picture(tmp_path / "pics" / f"ü {i}.png", 10 * i)
    rows = ['"pics/ü 3.png",dog,train', "pics/ü 0.png,cat,train", "pics/ü 1.png,cat,test", "./pics/ü 2.png,dog,test"]
    data = datasets.load(str(table(tmp_path, "\ufeff" + "\r\n".join(["path,label,split", *rows]))))
    assert data.name == "data.csv"
    assert data.class_names == ("cat", "dog")
    assert data.sizes == {"train": 2, "test": 2}
    assert read(data) == ([30, 0], [1, 0])
    assert read(data, "test") == ([10, 20], [0, 1])
    everything = datasets.load(str(table(tmp_path, f"label,path\n10,{tmp_path}/pics/ü 1.png\n9,pics/ü 2.png\n")))
    assert everything.class_names == ("9", "10")  # by value
    assert everything.sizes == {"train": 2}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("file,label\n1.png,cat", "must begin with the header path,label or path,label,split, not 'file,label'"),
        ("", "must begin with the header"),
        ("path,label", "lists no pictures"),
        ("path,label\n1.png,cat\n2.png", "line 3: a row needs path,label, and nothing more"),
        ("path,label\n1.png,cat\n2.png,", "line 3: a row needs path,label, and nothing more"),
        ("path,label\n1.png,cat,train", "line 2: a row needs path,label, and nothing more"),
        ("path,label,split\n1.png,cat,train\n2.png,cat,trian", "line 3: the split is train, test, validation, not 'tr"),
        ("path,label,split\n1.png,cat,train\n./1.png,cat,test", "line 3: line 2 has this picture already"),
        ("path,label\npics/1.png,cat", "line 2: there is no file"),
        ("path,label,split\n1.png,cat,train\n2.png,dog,test", "has no row of 'dog' in train; each class needs some"),
        ("path,label\n1.png,rose\n2.png,rose ", "The classes 'rose' and 'rose ' differ only in white space; give both"),
    ],
)
def test_a_bad_row_is_told_by_its_line(rows, message, tmp_path):
    picture(tmp_path / "1.png")
    assert message in refused(table(tmp_path, rows))


def test_a_table_that_is_not_there_or_not_text(tmp_path):
    assert "There is no table" in refused("nowhere.csv")
    path = tmp_path / "data.csv"
    path.write_bytes(b"path,label\ncaf\xe9.png,cat")
    assert "cannot be read as a table in UTF-8" in refused(path)


def test_images_in_memory():
    images = np.arange(6, dtype="uint8")[:, None, None] * np.ones((1, 4, 4), "uint8")
    labels = np.array([[0], [2], [1], [2], [2], [1]])
    data = datasets.from_arrays(images, labels, ["a", "b", "c"], test=(images[:1], labels[:1]))
    assert (data.sizes, data.channels, data.in_memory) == ({"train": 6, "test": 1}, 1, True)
    assert read(data) == ([0, 1, 2, 3, 4, 5], [0, 2, 1, 2, 2, 1])
    assert datasets.from_arrays(images, labels).class_names == ("0", "1", "2")
    assert data.class_weights() == {0: 2.0, 1: 1.0, 2: pytest.approx(6 / 9)}


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (np.zeros((2, 4, 4), "float32"), [0, 1], "must be uint8 of 0..255"),
        (np.zeros((2, 4, 4, 4), "uint8"), [0, 1], r"not uint8 \(2, 4, 4, 4\)"),
        (np.zeros((2, 4, 4), "uint8"), [0, 1, 1], r"one for each of the 2 images, not int64 \(3,\)"),
        (np.zeros((2, 4, 4), "uint8"), [0.0, 1.0], "must be whole numbers"),
        (np.zeros((2, 4, 4), "uint8"), [-1, 1], "count from 0"),
        (np.zeros((0, 4, 4), "uint8"), np.zeros(0, int), "There must be train images"),
        (np.zeros((2, 4, 4), "uint8"), [0, 2], "has 2 class names and the label 2"),
    ],
)
def test_arrays_that_are_no_images_and_labels(images, labels, message):
    with pytest.raises(kc.ClassicsError, match=message):
        datasets.from_arrays(images, labels, ["a", "b"])


def test_class_weights_give_each_class_the_same_weight(tmp_path):
    for name, count in (("cat", 6), ("dog", 2)):
        for i in range(count):
            picture(tmp_path / name / f"{i}.png")
    assert datasets.load(str(tmp_path)).class_weights() == {0: 8 / 12, 1: 2.0}
    absent = datasets.from_arrays(np.zeros((2, 4, 4), "uint8"), [1, 1], ["a", "b"])
    assert absent.class_weights() == {0: 0.0, 1: 1.0}


@pytest.mark.parametrize("in_files", [True, False])
def test_a_limit_takes_the_first_of_each_class(in_files, tmp_path):
    greys, labels = [0, 10, 20, 30, 40, 50], [0, 0, 0, 0, 1, 1]
    if in_files:
        for grey, label in zip(greys, labels, strict=True):
            picture(tmp_path / str(label) / f"{grey}.png", grey)
        data = datasets.load(str(tmp_path))
    else:
        images = np.array(greys, "uint8")[:, None, None] * np.ones((1, 4, 4), "uint8")
        data = datasets.from_arrays(images, labels)
    assert read(datasets.limited(data, 2)) == ([0, 40], [0, 1])
    assert read(datasets.limited(data, 3)) == ([0, 10, 40], [0, 0, 1])
    assert read(datasets.limited(data, 5)) == ([0, 10, 20, 40, 50], [0, 0, 0, 1, 1])  # no third of the class 1
    assert datasets.limited(data, 99).sizes == {"train": 6}
    with pytest.raises(kc.ClassicsError, match="at least 1, not 0"):
        datasets.limited(data, 0)


def test_a_limit_reads_no_further_than_it_must():
    import tensorflow as tf

    read_labels = []

    def stored(_):
        stream = tf.data.Dataset.range(1000)
        return stream.map(lambda i: (i, tf.numpy_function(lambda i: read_labels.append(i) or i % 2, [i], tf.int64)))

    data = datasets.Dataset("counted", ("a", "b"), {"train": 1000}, 1, True, stored, lambda image: image)
    assert [int(i) for i, _ in datasets.limited(data, 6).records("train").as_numpy_iterator()] == list(range(6))
    assert max(read_labels) < 20


@pytest.fixture(scope="module")
def own_sets(tmp_path_factory):
    """Sets of tensorflow-datasets that are prepared on the spot: one of images and labels, those of its split "test"
    kept secret, and one without labels."""
    import tensorflow_datasets as tfds

    features = tfds.features

    class OwnShapes(tfds.core.GeneratorBasedBuilder):
        """Pictures of any size."""

        VERSION = tfds.core.Version("1.0.0")
        KEYS = ("picture", "shape")
        FEATURES = features.FeaturesDict(
            {"picture": features.Image(), "shape": features.ClassLabel(names=["disc", "ring"])}
        )
        LABELS = (("train", ("disc", "ring")), ("validation", ("ring", "disc")), ("test", (-1, -1)))

        def _info(self):
            return tfds.core.DatasetInfo(builder=self, features=self.FEATURES, supervised_keys=self.KEYS)

        def _split_generators(self, dl_manager):
            return {split: self._generate_examples(labels) for split, labels in self.LABELS}

        def _generate_examples(self, labels):
            for i in range(4):
                image = np.full((2 + i, 3, 3), 10 * i, "uint8")
                yield i, dict(zip(self.FEATURES, (image, labels[i % 2]), strict=True))

    class OwnTexts(OwnShapes):
        """Pictures with words."""

        KEYS = ("image", "text")
        FEATURES = features.FeaturesDict({"image": features.Image(), "text": features.Text()})
        LABELS = OwnShapes.LABELS[:1]

    folder = tmp_path_factory.mktemp("tfds")
    for builder in (OwnShapes, OwnTexts):
        builder(data_dir=folder).download_and_prepare()
    return folder


def test_any_images_with_labels_of_tensorflow_datasets(own_sets):
    data = datasets.load("own_shapes", own_sets)
    assert data.class_names == ("disc", "ring")
    assert (data.sizes, data.channels, data.in_memory) == ({"train": 4, "validation": 4}, 3, False)
    assert data.judged_split == "validation"
    greys, labels = read(data)
    assert sorted(zip(greys, labels, strict=True)) == [(0, 0), (10, 1), (20, 0), (30, 1)]
    assert datasets.load("own_shapes:1.0.0", own_sets).sizes == {"train": 4, "validation": 4}


def test_other_sets_of_tensorflow_datasets_are_refused_before_they_are_fetched(own_sets, tmp_path):
    with pytest.raises(kc.ClassicsError, match="is not of images with one label each: its examples hold image, text"):
        datasets.load("own_texts", own_sets)
    for name in ("wine_quality", "coco"):
        with pytest.raises(kc.ClassicsError, match=f"{name} is not of images with one label each"):
            datasets.load(name, tmp_path)
    with pytest.raises(kc.ClassicsError, match="tensorflow-datasets has no 'own_shapes:9.9.9'"):
        datasets.load("own_shapes:9.9.9", tmp_path)


def test_imagenet_is_fetched_by_hand(tmp_path):
    with pytest.raises(kc.ClassicsError) as told:
        datasets.load("imagenet2012", tmp_path)
    said = str(told.value)
    for part in (f"into '{tmp_path}/downloads/manual'", "ILSVRC2012_img_train.tar", "ILSVRC2012_img_val.tar"):
        assert part in said
    assert "https://image-net.org" in said
    assert "\n" not in said
    assert os.listdir(tmp_path) == []


def test_a_name_is_looked_up_without_importing_tensorflow_datasets():
    for name in ("emnist", "svhn_cropped:3.1.0", "imagenet_resized/32x32", "cifar10_n"):
        assert choices.perhaps_of_tfds(name)
    for name in ("mnsit", "cifar-10", "", "../datasets"):
        assert not choices.perhaps_of_tfds(name)
