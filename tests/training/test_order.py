"""The stream of training batches: the same from the same seed, whatever happens; each process's part; bad pictures."""

import json
import shutil

import keras
import numpy as np
import PIL.Image
import pytest
from interrupted import stopped_in_epoch

import keras_classics as kc
from keras_classics import datasets
from training import get_recipe, run_data, train, train_batches, validation_batches
from training.augment import Operation
from training.run_folder import RunFolder

RECIPE = get_recipe("resnet20-cifar10").replace(batch_size=8, hold_out=0)  # shifted and mirrored


@pytest.fixture(scope="module")
def model():
    return kc.ResNet20()


def images(stream, steps):
    """The images of so many batches, one after the other."""
    return np.concatenate([batch[0] for batch in stream.take(steps).as_numpy_iterator()])


@pytest.mark.parametrize("kind", ["files", "in memory"])
def test_the_stream_is_the_same_at_any_parallelism_and_batch_size(kind, picture_folder, model):
    import tensorflow as tf

    data = datasets.load(str(picture_folder))
    if kind == "in memory":
        pixels, labels = zip(*data.split("train").as_numpy_iterator(), strict=True)
        data = datasets.from_arrays(np.stack(pixels), np.stack(labels))
    stream, steps = train_batches(RECIPE, data, model, seed=3)
    first = images(stream, 2 * steps)  # two epochs
    assert not np.array_equal(first[:80], first[80:])
    one_thread = tf.data.Options()
    one_thread.threading.private_threadpool_size = 1
    one_thread.autotune.enabled = False
    np.testing.assert_array_equal(images(stream.with_options(one_thread), 2 * steps), first)
    other, other_steps = train_batches(RECIPE.replace(batch_size=5), data, model, seed=3)
    np.testing.assert_array_equal(images(other, 2 * other_steps), first)
    resumed, _ = train_batches(RECIPE, data, model, seed=3, first_epoch=1)
    np.testing.assert_array_equal(images(resumed, steps), first[80:])
    midway, _ = train_batches(RECIPE, data, model, seed=3, first_step=4)
    np.testing.assert_array_equal(images(midway, 2 * steps - 4), first[32:])
    another, _ = train_batches(RECIPE, data, model, seed=4)
    assert not np.array_equal(images(another, steps), first[:80])


@pytest.mark.parametrize("kind", ["files", "in memory"])
def test_processes_read_every_image_once_and_together_the_batches_of_one(kind, picture_folder, model):
    data = datasets.load(str(picture_folder))
    if kind == "in memory":
        pixels, labels = zip(*data.split("train").as_numpy_iterator(), strict=True)
        data = datasets.from_arrays(np.stack(pixels), np.stack(labels))
    stream, steps = train_batches(RECIPE, data, model, seed=3)
    alone = images(stream, 2 * steps)
    parts = [train_batches(RECIPE, data, model, seed=3, process=i, processes=4) for i in range(4)]
    assert {part_steps for _, part_steps in parts} == {steps}
    together = np.stack([images(part, 2 * steps) for part, _ in parts], 1).reshape(alone.shape)
    np.testing.assert_array_equal(together, alone)
    midway, _ = train_batches(RECIPE, data, model, seed=3, first_step=7, process=2, processes=4)
    np.testing.assert_array_equal(images(midway, 2 * steps - 7), images(parts[2][0], 2 * steps)[14:])


def test_a_last_batch_that_is_too_small_for_all_processes_is_filled(picture_folder, model):
    """79 of 80 images and then 3 in the last batch, of which one process gets none: it repeats its first."""
    data = datasets.load(str(picture_folder))
    data = datasets.select(data, {"train": ("train", np.arange(80) != 7)})
    recipe = RECIPE.replace(batch_size=76, augment=())
    parts = [train_batches(recipe, data, model, process=i, processes=4) for i in range(4)]
    assert {steps for _, steps in parts} == {2}
    read = [images(stream, 2) for stream, _ in parts]
    assert [len(of_one) for of_one in read] == [20, 20, 20, 20]
    np.testing.assert_array_equal(read[3][19], read[3][0])
    assert len({image.tobytes() for of_one in read for image in of_one}) == 79
    for i in range(4):
        midway, _ = train_batches(recipe, data, model, first_step=1, process=i, processes=4)
        np.testing.assert_array_equal(images(midway, 1), read[i][19:])


def test_a_batch_that_cannot_be_divided_and_too_many_processes_are_refused(picture_folder, model):
    data = datasets.load(str(picture_folder))
    with pytest.raises(kc.ClassicsError, match="A batch of 8 cannot be divided among 3 processes; .* multiple of 3"):
        train_batches(RECIPE, data, model, process=0, processes=3)


def test_paths_are_shuffled_as_a_whole(picture_folder, model):
    """Class folders come class by class; of many, a buffer would see a few classes at a time."""
    data = datasets.load(str(picture_folder))
    files = {"train": datasets.Files(np.repeat(data.files["train"].paths, 500), np.repeat(range(10), 4000))}
    many = datasets.dataset.of_files("many", data.class_names, files)
    from training.order import shuffled

    labels = [int(label) for _, label in shuffled(many, None, 5).take(2000).as_numpy_iterator()]
    assert set(labels) == set(range(10))
    assert np.bincount(labels).min() > 120  # of 200; a buffer of 16,384 would have had five classes


def damage(path):
    """Cuts a picture off."""
    PIL.Image.effect_noise((64, 64), 50).save(path, "PNG")
    path.write_bytes(path.read_bytes()[:600])


@pytest.fixture
def with_damage(picture_folder, tmp_path):
    """Pictures, two of those to train on damaged."""
    root = shutil.copytree(picture_folder, tmp_path / "pictures")
    bad = [root / "train" / "digit_3" / "5.png", root / "train" / "digit_9" / "7.png"]
    for path in bad:
        damage(path)
    return root, bad


def test_pictures_that_cannot_be_read_are_named_and_others_fill_their_places(with_damage):
    root, bad = with_damage
    data, model = datasets.load(str(root)), kc.LeNet5()
    recipe = get_recipe("lenet5-mnist").replace(batch_size=8, hold_out=0, augment=())
    met = []
    stream, steps = train_batches(recipe, data, model, skip=lambda *told: met.append(told))
    assert steps == 10
    epoch = images(stream, steps)
    assert len(epoch) == 80
    assert len({image.tobytes() for image in epoch}) == 78
    np.testing.assert_array_equal(epoch[78:], epoch[:2])
    assert sorted({path for path, _, _ in met}) == list(map(str, bad))
    assert all("is no image that can be read whole" in reason and split == "train" for _, reason, split in met)
    again, _ = train_batches(recipe, data, model, skip=lambda *_: None)
    np.testing.assert_array_equal(images(again, steps), epoch)
    left_out = {path for path, _, _ in met}
    for step in (1, 9):
        midway, _ = train_batches(recipe, data, model, first_step=step, left_out=left_out, skip=lambda *_: None)
        np.testing.assert_array_equal(images(midway, steps - step), epoch[8 * step :])
    strict, _ = train_batches(recipe, data, model)
    with pytest.raises(kc.ClassicsError, match="is no image that can be read whole"), datasets.reading():
        images(strict, steps)


@pytest.mark.parametrize("count", [1, 8, 80])
def test_however_many_are_damaged_all_are_met_in_the_first_epoch(count, picture_folder, tmp_path):
    root = shutil.copytree(picture_folder, tmp_path / "pictures")
    bad = sorted((root / "train").rglob("*.png"))[-count:]
    for path in bad:
        path.write_bytes(b"")
    met = set()

    def skip(path, reason, split):
        met.add(path)
        if len(met) == 80:
            raise kc.ClassicsError("all of them")

    recipe = get_recipe("lenet5-mnist").replace(batch_size=8, hold_out=0, augment=())
    stream, steps = train_batches(recipe, datasets.load(str(root)), kc.LeNet5(), skip=skip)
    if count == 80:
        with pytest.raises(kc.ClassicsError, match="all of them"), datasets.reading():
            images(stream, steps)
    else:
        assert len(images(stream, steps)) == 80
    assert met == set(map(str, bad))


def test_an_error_that_is_not_the_pictures_is_no_reason_to_leave_it_out(picture_folder, model):
    import tensorflow as tf

    class Broken(Operation):
        def draw(self, shape, seed):
            return {}

        def apply(self, image, drawn):
            with tf.control_dependencies([tf.debugging.assert_less(tf.reduce_max(image), -1.0, "a mistake of ours")]):
                return tf.identity(image)

    recipe = RECIPE.replace(augment=(Broken(),))
    stream, steps = train_batches(recipe, datasets.load(str(picture_folder)), model, skip=lambda *_: None)
    with pytest.raises(tf.errors.OpError, match="a mistake of ours"):
        images(stream, steps)


def test_held_out_pictures_that_cannot_be_read_are_named_as_well(with_damage):
    root, bad = with_damage
    data, model = datasets.load(str(root)), kc.LeNet5()
    met = []
    recipe = get_recipe("lenet5-mnist").replace(batch_size=8, hold_out=2)  # every second, so both of them
    stream = validation_batches(recipe, data, model, skip=lambda *told: met.append(told))
    assert len(images(stream, 5)) == 40
    assert [path for path, _, _ in met] == list(map(str, bad))
    with pytest.raises(kc.ClassicsError, match="digit_3/5.png"), datasets.reading():
        images(validation_batches(recipe, data, model), 5)


@pytest.fixture
def lenient(monkeypatch):
    """Data of which a twentieth may be damaged, and no judging, which takes longer and is tested elsewhere."""
    monkeypatch.setattr(run_data, "SKIPPED_SHARE", 0.05)
    monkeypatch.setattr(train, "judge", lambda *_: {})


LENET = get_recipe("lenet5-mnist").replace(batch_size=8, hold_out=4, epochs=2)


def rows(folder):
    return [line.rsplit(",", 1)[0] for line in folder.history.read_text().splitlines()]  # without the seconds


def test_damaged_pictures_are_found_before_the_start_and_left_out(with_damage, tmp_path, lenient, capsys):
    root, bad = with_damage
    twin = root / "train" / "digit_0" / "twin.png"
    shutil.copy(root / "test" / "digit_0" / "1.png", twin)  # a test image to train on
    folder = RunFolder(train.run(LENET, str(root), out=tmp_path / "run"))
    said = capsys.readouterr().out
    for path in bad:
        assert f"Left out: '{path}' is no image that can be read whole" in said
    assert f"Left out: '{twin}' is the same picture as '{root}/test/digit_0/1.png'." in said
    assert said.count(run_data.LEAVE) == 1
    names = sorted(map(str, [*bad, twin]))
    settings = folder.read_settings()
    assert sorted(settings["skipped"]) == names
    assert settings["images"] == {"train": 78, "test": 40}
    metrics = json.loads(folder.metrics.read_text())
    assert sorted(metrics["skipped"]) == names
    assert not folder.skipped.exists()


def test_pictures_that_fail_in_a_run_are_told_once_and_resuming_sees_the_same(
    with_damage, tmp_path, lenient, capsys, monkeypatch
):
    """As in a folder that is too large to be read before."""
    root, bad = with_damage
    monkeypatch.setattr(run_data, "CHECKED", 10)
    straight = RunFolder(train.run(LENET, str(root), out=tmp_path / "straight"))
    said = capsys.readouterr().out
    for path in bad:
        assert said.count(f"Left out: '{path}'") == 1
    assert said.count(run_data.LEAVE) == len(bad)
    assert sorted(json.loads(straight.skipped.read_text())) == list(map(str, bad))
    assert sorted(json.loads(straight.metrics.read_text())["skipped"]) == list(map(str, bad))
    with stopped_in_epoch(1), pytest.raises(kc.ClassicsError, match="Stopped after"):
        train.run(LENET, str(root), out=tmp_path / "stopped", checkpoint_minutes=1e-6)
    stopped = RunFolder(train.resume(tmp_path / "stopped"))
    said = capsys.readouterr().out
    assert "It goes on from the end of step 7 of epoch 2." in said
    for path in bad:
        assert said.count(f"Left out: '{path}'") == 1
    assert rows(stopped) == rows(straight)
    assert sorted(json.loads(stopped.metrics.read_text())["skipped"]) == list(map(str, bad))


def test_beyond_the_share_the_run_stops_in_one_line_before_the_start_or_in_it(with_damage, tmp_path, monkeypatch):
    root, bad = with_damage
    with pytest.raises(kc.ClassicsError) as told:
        train.run(LENET, str(root), out=tmp_path / "run")
    said = str(told.value)
    assert said.startswith("2 of 80 pictures in train cannot be used, more than 1%.")
    assert all(str(path) in said for path in bad)
    assert not (tmp_path / "run").exists()
    monkeypatch.setattr(run_data, "CHECKED", 10)
    with pytest.raises(kc.ClassicsError) as told:
        train.run(LENET, str(root), out=tmp_path / "run")
    said = str(told.value)
    assert said.startswith("1 of 80 pictures in train cannot be used, more than 1%.")
    assert said.endswith(f" Once it is replaced, go on with: {RunFolder(tmp_path / 'run').resume_command}")
    assert "\n" not in said


def test_a_class_of_which_no_picture_is_left_is_told(picture_folder, tmp_path):
    root = shutil.copytree(picture_folder, tmp_path / "pictures")
    names = [str(path) for path in (root / "train" / "digit_4").iterdir()]
    with pytest.raises(kc.ClassicsError, match=r"No picture of 'digit_4' in train of .*/train/digit_4/0.png'\."):
        run_data.load(str(root), skipped=names)
    of_one = run_data.load(str(root), limit=1, skipped=[str(root / "train" / "digit_4" / "0.png")])
    assert of_one.dataset.sizes == {"train": 1, "test": 1}  # the limit leaves none of the other classes


def test_a_limit_and_class_weights_are_settings_of_the_run(picture_folder, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "judge", lambda *_: {})
    from training import cli as command

    monkeypatch.setattr(command.run, "report", lambda path: None)
    out = tmp_path / "run"
    options = ["--data", str(picture_folder), "--epochs", "1", "--hold-out", "4", "--limit", "30", "--out", str(out)]
    command.main(["run", "lenet5-mnist", *options, "--class-weights", "balanced"])
    settings = RunFolder(out).read_settings()
    assert (settings["limit"], settings["class_weights"]) == (30, "balanced")
    assert settings["images"] == {"train": 30, "test": 30}
    train.resume(out)  # with the same images, or it would refuse
    assert json.loads((out / "metrics.json").read_text())["settings"]["limit"] == 30


@pytest.mark.every_backend
@pytest.mark.parametrize("aux_heads", [False, True])
def test_class_weights_weigh_the_loss_of_every_output(aux_heads, model):
    """A loss of the weighted batch is the mean of each image's loss times the weight of its class."""
    data = datasets.from_arrays(np.random.default_rng(0).integers(0, 256, (6, 8, 8), "uint8"), [0, 0, 0, 0, 1, 1])
    inputs = keras.Input((8, 8, 1))
    features = keras.layers.Flatten()(inputs)
    heads = {name: keras.layers.Dense(2, "softmax", name=name)(features) for name in ("predictions", "aux_1")}
    small = keras.Model(inputs, heads if aux_heads else heads["predictions"], name="small")
    recipe = get_recipe("lenet5-mnist").replace(batch_size=6, hold_out=0, augment=())
    weights = data.class_weights()
    assert weights == {0: 0.75, 1: 1.5}
    stream, _ = train_batches(recipe, data, small, class_weights=weights)
    pixels, labels, _ = next(stream.as_numpy_iterator())
    small.compile(loss=dict.fromkeys(heads, "sparse_categorical_crossentropy") if aux_heads else
                  "sparse_categorical_crossentropy")  # fmt: skip
    loss = small.evaluate(stream, steps=1, verbose=0)
    outputs = small.predict(pixels, verbose=0)
    outputs = outputs if aux_heads else {"predictions": outputs}
    labels = labels["aux_1"] if aux_heads else labels
    of_each = sum(-np.log(of_one[range(6), labels]) for of_one in outputs.values())
    expected = np.mean(of_each * [weights[int(label)] for label in labels])
    assert (loss[0] if isinstance(loss, list) else loss) == pytest.approx(expected, rel=1e-4)
