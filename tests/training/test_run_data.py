"""Which images a run trains on, chooses by and is judged on, where a folder does not tell."""

import dataclasses
import json
import os
import shutil

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics import datasets
from keras_classics.exported import class_names_of
from training import cli as command
from training import get_recipe, run_data, train, train_batches, validation_batches
from training import record as results
from training.augment import Flip
from training.checks import check_fit
from training.pipeline import trained_part
from training.progress import plan
from training.recipe import Plateau
from training.run_folder import RunFolder
from training.state import Place

RECIPE = get_recipe("lenet5-mnist").replace(batch_size=8, hold_out=4, augment=())


@pytest.fixture(scope="module")
def folders(picture_folder, tmp_path_factory):
    """The pictures as class folders alone; with train and val; and with all three splits."""
    root = tmp_path_factory.mktemp("folders")
    shutil.copytree(picture_folder / "train", root / "flat")
    shutil.copytree(picture_folder / "train", root / "with_val" / "train")
    shutil.copytree(picture_folder / "test", root / "with_val" / "val")
    shutil.copytree(picture_folder, root / "with_all")
    shutil.copytree(picture_folder / "test", root / "with_all" / "val")
    return root


def keys(examples):
    return [np.asarray(image).tobytes() for image, _ in examples.as_numpy_iterator()]


def batch_keys(batches, steps=None):
    return [image.tobytes() for images, _ in batches.take(steps or -1).as_numpy_iterator() for image in images]


@pytest.mark.parametrize("kind", ["flat", "with_val"])
def test_without_test_images_one_of_each_class_is_held_out_for_good(kind, folders):
    stored = datasets.load(str(folders / kind))
    data = run_data.load(str(folders / kind))
    assert data.judged_on == "held out of train"
    assert data.dataset.judged_split == "test"
    assert (data.dataset.sizes["train"], data.dataset.sizes["test"]) == (70, 10)
    test, train_images = keys(data.dataset.split("test")), keys(data.dataset.split("train"))
    assert (len(test), len(train_images)) == (10, 70)
    assert not set(test) & set(train_images)
    assert sorted(test + train_images) == sorted(keys(stored.split("train")))
    labels = [int(label) for _, label in data.dataset.split("test").as_numpy_iterator()]
    assert labels == list(range(10))
    assert keys(run_data.load(str(folders / kind)).dataset.split("test")) == test  # the next time too


def test_every_tenth_of_a_large_class_is_held_out():
    sample = datasets.load("mnist_sample")
    held_out = run_data.hold_out_test_split(dataclasses.replace(sample, sizes={"train": 6000}))
    labels = np.fromiter((label for _, label in held_out.records("test").as_numpy_iterator()), "int64")
    of_all = np.fromiter((label for _, label in sample.records("train").as_numpy_iterator()), "int64")
    assert list(np.bincount(labels)) == [count // 10 for count in np.bincount(of_all)]


def test_a_damaged_picture_puts_no_other_in_the_held_out_ones_places(tmp_path):
    """Of many pictures those held out alone are read before, so that one more of them would be read by no one."""
    for name in ("cat", "dog"):
        (tmp_path / name).mkdir()
        for i in range(30):
            (tmp_path / name / f"{i:02}.png").touch()
    held_out = [str(tmp_path / name / f"{i}9.png") for name in ("cat", "dog") for i in range(3)]
    damaged = [held_out[0], str(tmp_path / "dog" / "03.png")]
    for skipped in ([], damaged):
        data = run_data.load(str(tmp_path), skipped=skipped)
        test, kept = ([os.fsdecode(path) for path in data.dataset.files[split].paths] for split in ("test", "train"))
        assert test == [path for path in held_out if path not in skipped]
        assert (data.judged_on, len(test) + len(kept)) == ("held out of train", 60 - len(skipped))
        assert not set(kept) & {*test, *skipped}


def test_a_class_of_which_all_images_would_be_held_out_is_told(tmp_path):
    for name, count in (("common", 9), ("rare", 1)):
        (tmp_path / name).mkdir()
        for i in range(count):
            (tmp_path / name / f"{i}.png").touch()
    data = run_data.load(str(tmp_path))
    recipe = RECIPE.replace(build={**RECIPE.build, "classes": 2}, hold_out=10)
    with pytest.raises(kc.ClassicsError, match="No training image of 'rare' is left .*; give --hold-out 0, or more"):
        check_fit(recipe, data)
    for hold_out in (0, 9):
        check_fit(recipe.replace(hold_out=hold_out), data)


def test_class_weights_are_counted_from_the_images_that_are_trained_on(picture_folder, tmp_path, monkeypatch):
    given = []

    def stop(*_, class_weights, **__):
        given.append(class_weights)
        raise kc.ClassicsError("That is enough.")

    monkeypatch.setattr(train, "train_batches", stop)
    recipe = RECIPE.replace(hold_out=5)
    with pytest.raises(kc.ClassicsError, match="enough"):
        train.run(recipe, str(picture_folder), out=tmp_path / "run", class_weights="balanced")
    counts = (7, 6, 7, 6, 6, 7, 6, 7, 6, 6)  # of eight images of each class
    assert given == [{label: pytest.approx(6.4 / count) for label, count in enumerate(counts)}]


def test_validation_images_choose_the_best_epoch_and_none_are_held_out(folders):
    data, model = run_data.load(str(folders / "with_val")).dataset, kc.LeNet5()
    stream, steps = train_batches(RECIPE, data, model)
    trained_on, chosen_by = batch_keys(stream, steps), batch_keys(validation_batches(RECIPE, data, model))
    assert (len(trained_on), len(chosen_by)) == (70, 40)
    no_hold_out = RECIPE.replace(hold_out=0)
    assert batch_keys(validation_batches(no_hold_out, data, model)) == chosen_by
    everything = run_data.load(str(folders / "with_all"))
    assert everything.judged_on == "test"
    assert batch_keys(validation_batches(RECIPE, everything.dataset, model)) == chosen_by
    assert train_batches(RECIPE, everything.dataset, model)[1] == 10


def test_held_out_validation_images_and_held_out_test_images_are_apart(folders):
    data, model = run_data.load(str(folders / "flat")).dataset, kc.LeNet5()
    stream, steps = train_batches(RECIPE, data, model)
    trained_on, chosen_by = batch_keys(stream, steps), batch_keys(validation_batches(RECIPE, data, model))
    assert (len(trained_on), len(chosen_by)) == (53, 17)
    assert not set(trained_on) & set(chosen_by)


def test_a_table_of_classes_in_turns_holds_out_images_of_all(folders, tmp_path):
    """Every tenth row of two classes in turns is of one of them."""
    rows = [f"{folders}/flat/digit_{i % 2}/{i // 2}.png,{'odd' if i % 2 else 'even'}" for i in range(16)]
    (tmp_path / "table.csv").write_text("\n".join(["path,label", *rows]))
    data = run_data.load(str(tmp_path / "table.csv")).dataset
    assert np.bincount(data.labels("train")).tolist() == [7, 7]
    kept = trained_part(RECIPE, data).files["train"]
    assert np.bincount(kept.labels).tolist() == [6, 5]
    for path, label in zip(*kept, strict=True):
        assert f"digit_{label}/".encode() in path


def test_a_run_does_not_go_on_where_a_class_or_a_picture_has_another_name(folders, tmp_path, monkeypatch):
    """There are as many pictures, but the labels would mean other classes, or others be held out."""
    monkeypatch.setattr(train, "_train", lambda *_: None)
    photos, copy = (shutil.copytree(folders / "flat", tmp_path / name) for name in ("photos", "copy"))
    assert run_data.digest(datasets.load(str(photos))) == run_data.digest(datasets.load(str(copy)))
    train.run(RECIPE, str(photos), out=tmp_path / "run")
    for old, new in (("digit_3", "zero"), ("digit_3/1.png", "digit_3/9.png")):
        (photos / old).rename(photos / new)
        with pytest.raises(kc.ClassicsError, match="other classes or other names of pictures than when"):
            train.resume(tmp_path / "run")
        (photos / new).rename(photos / old)
    train.resume(tmp_path / "run")


def test_the_data_may_be_given_as_a_path(folders, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "_train", lambda recipe, data, folder, settings, *_: settings)
    photos = folders / "flat"
    assert train.run(RECIPE, photos, out=tmp_path / "run")["data"] == str(photos)


def test_the_recorded_results_of_another_training_are_not_overwritten(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "_train", lambda *_: None)
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    recipe = get_recipe("lenet5-mnist")
    held = {"settings": {"recipe": recipe.as_dict(), "data": "mnist", "seed": 0, "limit": None, "set": []}}
    held["backend"] = keras.config.backend()
    (tmp_path / "lenet5-mnist.json").write_text(json.dumps(held))
    match = r"of another training \(python -m training run lenet5-mnist --data-dir <folder>\) and is not overwritten"
    with pytest.raises(kc.ClassicsError, match=match):
        train.run(recipe, "mnist_sample", out=tmp_path / "run", record=True)
    assert not (tmp_path / "run").exists()
    train.run(recipe, "mnist_sample", out=tmp_path / "run")
    held["settings"]["data"] = "mnist_sample"
    (tmp_path / "lenet5-mnist.json").write_text(json.dumps(held))
    train.run(recipe, "mnist_sample", out=tmp_path / "again", record=True)
    with pytest.raises(kc.ClassicsError, match="of another training"):  # by the same recipe's name
        train.run(recipe.replace(augment=(Flip(),)), "mnist_sample", out=tmp_path / "third", record=True)
    for backend, seed in ((held["backend"], 1), ("another", 0)):
        (tmp_path / "lenet5-mnist.json").write_text(json.dumps({**held, "backend": backend}))
        with pytest.raises(kc.ClassicsError, match="of another training"):
            train.run(recipe, "mnist_sample", out=tmp_path / "third", seed=seed, record=True)


def test_results_are_recorded_under_the_name_that_is_asked_for(tmp_path, monkeypatch):
    """And not over another training's that are there by then."""
    monkeypatch.setattr(results, "RESULTS", tmp_path)
    settings = {"recipe": {"name": "lenet5-mnist", "dataset": "mnist"}, "data": "mnist", "seed": 0}
    settings |= {"record": "lenet5-mnist-fast", "set": [], "limit": None, "class_weights": None, "backend": "jax"}
    results.write_record(settings, {"settings": settings, "backend": "jax"})
    results.write_record({**settings, "record": False}, {})
    assert [path.name for path in tmp_path.iterdir()] == ["lenet5-mnist-fast.json"]
    with pytest.raises(kc.ClassicsError, match=r"\(.* --backend jax .*\) and is not overwritten"):
        results.write_record({**settings, "seed": 1}, {})
    with pytest.raises(kc.ClassicsError, match="cannot be recorded as '../lenet5'"):
        results.write_record({**settings, "record": "../lenet5"}, {})


def test_a_training_that_would_make_no_step_is_refused():
    """It was judged and shipped as trained."""
    data = run_data.load("mnist_sample", limit=20)
    recipe = get_recipe("lenet5-mnist").replace(batch_size=100, accumulate=4, epochs=3, hold_out=0)
    with pytest.raises(kc.ClassicsError, match="needs 4 parts of 25 images, and there are 3 to train on: nothing"):
        check_fit(recipe, data)
    check_fit(recipe.replace(epochs=4), data)


def test_without_validation_images_a_plateau_is_said_to_be_of_the_training_loss(tmp_path):
    data = run_data.load("mnist_sample", limit=40)
    recipe = RECIPE.replace(schedule=Plateau(0.01))
    for hold_out, split in ((4, "validation"), (0, "training")):
        lines = list(plan(recipe.replace(hold_out=hold_out), data, RunFolder(tmp_path), Place(0)))
        assert any(f"whenever the {split} loss has not fallen" in line for line in lines)


def test_the_plan_tells_the_size_of_pictures_that_the_network_is_built_for(tmp_path):
    data = run_data.load("mnist_sample", limit=40)
    for shape, size in (((48, 48, 1), 48), ((None, None, 1), 32)):
        recipe = RECIPE.replace(build={**RECIPE.build, "input_shape": shape})
        first, *_ = plan(recipe, data, RunFolder(tmp_path), Place(0))
        assert first.endswith(f"pictures of {size}x{size} pixels.")


def test_where_no_image_can_be_spared_the_training_images_are_called_so(folders, tmp_path):
    for digit in range(10):
        (tmp_path / str(digit)).mkdir()
        shutil.copy(folders / "flat" / f"digit_{digit}" / "0.png", tmp_path / str(digit))
    data = run_data.load(str(tmp_path))
    assert data.judged_on == "train"
    lines = list(plan(RECIPE, data, RunFolder(tmp_path / "run"), Place(0)))
    assert lines[1] == "8 images to train on; 2 more, held out, choose the best epoch; judged on 10 training images."


def test_a_warm_up_that_does_not_end_is_told(folders, tmp_path):
    """A trial of an epoch is one, though its rate never rises to the recipe's."""
    data, told = run_data.load(str(folders / "flat")), []
    for epochs in (1, 2):
        recipe = get_recipe("resnet20-cifar10-today").replace(epochs=epochs)
        told += plan(recipe, data, RunFolder(tmp_path / "run"), Place(0))
    assert len([line for line in told if "from 0 in the first 2 epochs" in line]) == 2
    assert len([line for line in told if "epochs, which are more than are trained;" in line]) == 1


def test_a_run_on_class_folders_says_what_it_is_judged_on(folders, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("training.judge._export", lambda *_: {})
    out = tmp_path / "run"
    options = ["--data", str(folders / "flat"), "--epochs", "1", "--batch-size", "8", "--hold-out", "4"]
    command.main(["run", "lenet5-mnist", *options, "--out", str(out)])
    lines = capsys.readouterr().out.splitlines()
    judged = "10 images of all classes, held out of the training images"
    assert f"53 images to train on; 17 more, held out, choose the best epoch; judged on {judged}." in lines
    assert f"On {judged}:" in lines
    assert not any(line.strip().startswith("the paper") for line in lines)
    metrics = json.loads((out / "metrics.json").read_text())
    assert metrics["test_split"] == "held out of train"
    assert (metrics["test_images"], metrics["train_images"]) == (10, 70)
    for place in (out, out / "best.keras"):  # LeNet-5's own classes are called "0" to "9"
        assert class_names_of(kc.load(place)) == tuple(metrics["class_names"])
    assert metrics["paper_top1_error"] is None


@pytest.mark.parametrize(
    ("data", "recipe", "compared"),
    [("mnist", "lenet5-mnist", True), ("mnist_sample", "lenet5-mnist", True), ("cifar10", "lenet5-mnist", False),
     ("pictures/mnist", "lenet5-mnist", False), ("mnist", "lecun1989-mnist", True)],
)  # fmt: skip
def test_errors_are_compared_with_the_papers_on_its_own_data_alone(data, recipe, compared):
    of_run = run_data.RunData(data, datasets.load("mnist_sample"), "test")
    assert of_run.is_of(get_recipe(recipe).dataset) == compared


@pytest.fixture
def with_damaged_picture(picture_folder, tmp_path):
    """Fifty pictures and more, of which one JPEG is cut off."""
    import PIL.Image

    shutil.copytree(picture_folder, tmp_path / "pictures")
    path = tmp_path / "pictures" / "train" / "digit_3" / "5.png"
    with PIL.Image.open(path) as image:
        image.resize((64, 64)).save(path.with_suffix(".jpg"))
    path.unlink()
    path = path.with_suffix(".jpg")
    path.write_bytes(path.read_bytes()[:-200])
    return tmp_path / "pictures", path


def test_a_damaged_picture_is_met_before_time_is_spent(with_damaged_picture, tmp_path):
    folder, picture = with_damaged_picture
    with pytest.raises(kc.ClassicsError) as told:
        train.run(RECIPE, str(folder), out=tmp_path / "run")
    assert str(picture) in str(told.value)
    assert "\n" not in str(told.value)
    assert not (tmp_path / "run").exists()


@pytest.mark.every_backend
def test_a_picture_that_is_damaged_later_ends_the_run_with_how_to_go_on(with_damaged_picture, tmp_path, monkeypatch):
    folder, picture = with_damaged_picture
    monkeypatch.setattr(run_data, "check_pictures", lambda *_: None)
    with pytest.raises(kc.ClassicsError) as told:
        train.run(RECIPE.replace(epochs=1), str(folder), out=tmp_path / "run")
    said = str(told.value)
    assert str(picture) in said
    assert said.endswith(f" Once it is replaced, go on with: {RunFolder(tmp_path / 'run').resume_command}")
    assert "\n" not in said


def test_an_epoch_is_one_line_without_control_characters(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(train, "judge", lambda *_: {})
    recipe = get_recipe("lenet5-mnist").replace(epochs=2, batch_size=500)
    train.run(recipe, "mnist_sample", out=tmp_path / "run")
    said = capsys.readouterr().out
    assert all(character == "\n" or character.isprintable() for character in said)
    epochs = [line for line in said.splitlines() if line.startswith("epoch ")]
    assert [line.split(":")[0] for line in epochs] == ["epoch 1 of 2", "epoch 2 of 2"]
    assert "left" in epochs[0]
    assert "left" not in epochs[1]
    assert f"All goes into {tmp_path / 'run'}. Stopped, it goes on with: python -m training resume" in said
    assert "2 epochs of 11 batches of 500." in said
    assert "SGD with momentum 0.9, weight decay 0.0001; learning rate 0.001, after 8 epochs 0.0003" in said
