"""Fine-tuning: what is trained when, by whose pixels, and what ships. The network is the tests' own."""

import csv
import dataclasses
import hashlib
import json
import pathlib
import shutil
import zipfile

import keras
import numpy as np
import PIL.Image
import pytest
from conftest import SHARED
from finished import FILES
from interrupted import stopped_in_epoch
from pseudo_random import tensor

import keras_classics as kc
from keras_classics import blocks, cli, datasets, evaluation, feed, preprocessing, zoo
from keras_classics.exporting import run_exported
from keras_classics.model_card import run_command
from keras_classics.spec import PLUS_MINUS_ONE, InputProtocol
from training import cli as command
from training import finetune, get_recipe, list_recipes, train
from training.augment import AffineDistortion, Flip, PadAndCrop, RandomAreaCrop
from training.judge import is_trained, papers_error
from training.phases import phase_after
from training.recipe import Cosine, Steps, recipe_of
from training.run_folder import RunFolder

DIGITS = tuple(f"digit_{i}" for i in range(10))
THEIRS = InputProtocol("cifar10", PLUS_MINUS_ONE, 16, 18, "bicubic")  # the weights' own, and not the record's


def features(x):
    """(N, 16, 16, 3) to (N, 4, 4, 16)."""
    x = blocks.conv_bn_relu(x, 8, 3, 2, name="conv1")
    return blocks.conv_bn_relu(x, 16, 3, 2, name="conv2")


def head(x, classes, activation):
    return blocks.global_pool_head(x, classes, activation, dropout=0.2)


TINY = dataclasses.replace(
    kc.ResNet20,
    name="tiny",
    protocol=dataclasses.replace(kc.ResNet20.protocol, image_size=16, resize_size=16),
    min_size=4,
    features=features,
    head=head,
    vary=None,
    reported=(),
)
SETTINGS = ("tuning.head_epochs=2", "tuning.head_rate=0.1", "schedule.rate=0.05", "warm_up=0.5", "hold_out=0")


@pytest.fixture(scope="module", autouse=True)
def tiny():
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(zoo._VARIANTS, "tiny", TINY)
        yield


@pytest.fixture(scope="module")
def weights(tmp_path_factory):
    """Of ten classes, as many as the pictures have."""
    model = TINY()
    for weight in model.weights:
        weight.assign(tensor(weight.path, tuple(weight.shape)))
    preprocessing.provenance(model).protocol = THEIRS
    path = tmp_path_factory.mktemp("weights") / "tiny.keras"
    model.save(path)
    return path


def tune(weights, pictures, out, **arguments):
    """Two epochs of the classifier, then two behind conv1."""
    arguments = {"epochs": 4, "freeze_up_to": "conv1", "settings": SETTINGS, **arguments}
    return RunFolder(finetune.run("tiny", str(weights), str(pictures), out=out, seed=1, **arguments))


def layers(path):
    """The weights of each layer in a file."""
    model = keras.saving.load_model(path, compile=False)
    return {layer.name: layer.get_weights() for layer in model.layers if layer.get_weights()}


def changed(before, after):
    """The layers of which each array differs, and those of which none does."""
    differ = {name: [(a != b).any() for a, b in zip(before[name], after[name], strict=True)] for name in before}
    return {name for name in differ if all(differ[name])}, {name for name in differ if not any(differ[name])}


def history(folder):
    with open(folder.history, newline="") as file:
        return [{k: float(v) for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


# On the others this takes longer than it is worth every time.
heavy_elsewhere = pytest.mark.heavy if keras.config.backend() != "tensorflow" else lambda test: test


@pytest.mark.every_backend
@heavy_elsewhere
def test_it_goes_on_bit_for_bit_and_trains_what_it_should(
    weights, picture_folder, tmp_path, monkeypatch, capsys, recwarn
):
    """Stopped after an epoch of the second phase, and from then on without the file of its weights."""
    monkeypatch.setattr(train, "judge", lambda *_: {})
    straight = tune(weights, picture_folder, tmp_path / "straight")
    given = shutil.copy(weights, tmp_path / "given.keras")
    with stopped_in_epoch(3), pytest.raises(kc.ClassicsError, match="Stopped after 3 of 4 epochs"):
        tune(given, picture_folder, tmp_path / "run")
    pathlib.Path(given).unlink()
    folder, convolutions = RunFolder(tmp_path / "run"), {"conv1_bn", "conv1_conv", "conv2_bn", "conv2_conv"}
    begun, classifier, rest = (layers(p) for p in (folder.start, folder.checkpoint(2), folder.checkpoint(3)))
    assert changed(layers(weights), begun) == ({"predictions"}, convolutions)
    assert changed(begun, classifier) == ({"predictions"}, convolutions)
    assert changed(classifier, rest) == ({"predictions", "conv2_bn", "conv2_conv"}, {"conv1_bn", "conv1_conv"})
    train.resume(folder.path)
    assert history(folder) == history(straight)
    for ours, theirs in zip(layers(folder.last).values(), layers(straight.last).values(), strict=True):
        for got, expected in zip(ours, theirs, strict=True):
            np.testing.assert_array_equal(got, expected)
    assert "keeps the classifier" not in capsys.readouterr().out  # which starts afresh, though as many classes
    assert not [warning for warning in recwarn if "keeps the classifier" in str(warning.message)]
    rates = [row["learning_rate"] for row in history(folder)]
    assert rates[:2] == pytest.approx([0.1, 0.1])
    assert 0.05 > rates[2] > rates[3] >= 0


@pytest.fixture(scope="module")
def finished(weights, picture_folder, tmp_path_factory):
    """A run that the command made."""
    out = tmp_path_factory.mktemp("runs") / "finished"
    options = ["--data", str(picture_folder), "--out", str(out), "--epochs", "1", "--batch-size", "40"]
    with pytest.MonkeyPatch.context() as patch:
        make = train.train_batches

        def batches(*arguments, **options):
            stream, steps = make(*arguments, **options)
            np.save(out.parent / "batch.npy", next(iter(stream))[0].numpy())
            return stream, steps

        patch.setattr(train, "train_batches", batches)
        command.main(["finetune", "tiny", "--weights", str(weights), *options, "--hold-out", "8"])
    return RunFolder(out)


def test_training_judging_and_exports_read_the_pixels_of_the_weights(finished, weights, picture_folder):
    """From -1 to 1, where the record's would go from -2 to 2."""
    trained = np.load(finished.path.parent / "batch.npy")
    assert trained.shape == (40, 16, 16, 3)
    assert (trained.min(), trained.max()) == (-1.0, 1.0)
    levels = 127.5 * (trained + 1)  # whole ones, for nothing is interpolated after the resize; 127.5 is the border
    np.testing.assert_allclose(2 * levels, np.round(2 * levels), atol=1e-3)

    model = keras.saving.load_model(finished.best, compile=False)
    names = {"class_names": DIGITS, "classifier": "predictions"}
    carried = dataclasses.replace(THEIRS, dataset=picture_folder.name, **names)
    assert preprocessing.carried_protocol(model) == carried
    data, bare = datasets.load(str(picture_folder)), TINY(classes=10)
    bare.set_weights(model.get_weights())
    fitted = np.stack([preprocessing.fit(image, 18, 16, 3, "bicubic") for image, _ in data.split("test")])
    expected = keras.ops.convert_to_numpy(bare((fitted - 127.5) / 127.5))
    metrics = json.loads(finished.metrics.read_text())
    assert metrics["best"]["top1_error"] == pytest.approx(100 * np.mean(expected.argmax(1) != data.labels("test")))
    for path in finished.exports.values():
        np.testing.assert_allclose(run_exported(path, fitted), expected, atol=1e-5)


def test_a_finished_run_is_as_any_other_and_tells_its_weights(finished, weights, monkeypatch):
    assert {path.name for path in finished.path.iterdir()} == set(FILES)
    metrics = json.loads(finished.metrics.read_text())
    assert metrics["settings"]["recipe"]["tuning"]["weights"] == str(weights)
    assert metrics["settings"]["recipe"]["tuning"]["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert metrics["class_names"] == list(DIGITS)
    monkeypatch.setattr(train, "judge", lambda *_: metrics)
    train.resume(finished.path)  # judged anew
    assert len(history(finished)) == 1


@pytest.mark.parametrize("what", ["", "best.keras"])
def test_the_answers_have_the_folders_class_names(what, finished, picture_folder, capsys):
    """From the run, and from its model alone."""
    picture = picture_folder / "test" / "digit_7" / "0.png"
    cli.main(["predict", str(finished.path / what), str(picture), "--top", "10", "--json", "-"])
    (figures,) = json.loads(capsys.readouterr().out)
    assert {c["name"] for c in figures["classes"]} == set(DIGITS)
    model = keras.saving.load_model(finished.best, compile=False)
    ((best,),) = kc.predict(model, picture, top=1)
    assert best[1] == figures["classes"][0]["name"]


def test_the_exports_have_the_class_names(finished):
    with zipfile.ZipFile(finished.exports["tflite"]) as archive:
        assert archive.read("labels.txt").decode().splitlines() == list(DIGITS)
    assert (finished.exports["saved_model"] / "assets.extra" / "labels.txt").read_text().splitlines() == list(DIGITS)


def test_a_fine_tuned_network_is_built_from_its_file_with_its_classes(finished, tmp_path, picture_folder):
    """And fine-tuned again, on fewer."""
    for digit in (3, 4):
        shutil.copytree(picture_folder / "train" / f"digit_{digit}", tmp_path / "two" / f"a {digit}")
    assert preprocessing.carried_protocol(TINY(weights=finished.best)).class_names == DIGITS
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "_train", lambda recipe, data, folder, *_: folder.path)
        folder = tune(finished.best, tmp_path / "two", tmp_path / "run")
    start = keras.saving.load_model(folder.start)
    assert preprocessing.carried_protocol(start).class_names == ("a 3", "a 4")
    assert start.output_shape == (None, 2)
    kernel = keras.saving.load_model(finished.best, compile=False).get_layer("conv2_conv").get_weights()[0]
    np.testing.assert_array_equal(start.get_layer("conv2_conv").get_weights()[0], kernel)


def test_what_a_run_cannot_go_on_with_is_told_in_one_line(weights, picture_folder, tmp_path):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(train, "_train", lambda recipe, data, folder, *_: folder.path)
        folder = tune(weights, picture_folder, tmp_path / "run")
    start = folder.start.read_bytes()
    folder.start.write_bytes(start[:-100])
    with pytest.raises(kc.ClassicsError, match="start.keras', the network to begin with, is missing or damaged"):
        train.resume(folder.path)
    folder.start.write_bytes(start)
    settings = folder.read_settings()
    for part, value in (("augment", [{"kind": "Flop"}]), ("tuning", {"kind": "Tuning"}), ("schedule", {"rate": 1.0})):
        folder.write_settings({**settings, "recipe": {**settings["recipe"], part: value}})
        with pytest.raises(kc.ClassicsError, match="recipe.json' is damaged, or its recipe has operations"):
            train.resume(folder.path)


@pytest.mark.parametrize("name", list_recipes())
def test_a_recipe_comes_back_from_json(name):
    recipe = get_recipe(name)
    assert recipe_of(json.loads(json.dumps(recipe.as_dict()))) == recipe


@pytest.fixture
def recipe(weights, picture_folder, tmp_path, monkeypatch):
    """Makes a fine-tuning's recipe."""
    monkeypatch.setattr(train, "_train", lambda recipe, *_: recipe)

    def make(network="tiny", weights=weights, **arguments):
        return finetune.run(network, str(weights), picture_folder, out=tmp_path / "run", **arguments)

    return make


def test_a_quarter_of_the_epochs_is_the_classifiers(recipe):
    made = recipe(epochs=12)
    first, rest = phase_after(2, made), phase_after(3, made)
    assert (first.first, first.end, first.recipe.schedule, first.recipe.warm_up) == (0, 3, Steps((0.03,)), 0)
    assert (rest.first, rest.end, rest.recipe.epochs, rest.recipe.schedule) == (3, 12, 9, Cosine(0.003))
    assert phase_after(11, made) == rest
    paper = get_recipe("resnet20-cifar10")
    assert phase_after(100, paper).recipe == paper


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"settings": ["batch_size=4", "schedule.rate=0.01"], "epochs": 8}, "--epochs 8 {} --set batch_size=4 sched"),
        ({"settings": ["batch_size=4"], "flip": False}, "--epochs 20 --no-flip {} --set batch_size=4 --data-dir"),
        ({"settings": ["epochs=8"]}, "--epochs 8 {} --set tuning.head_epochs=5 --data-dir"),
        ({}, "--epochs 20 {} --data-dir"),
    ],
)
def test_the_command_that_makes_a_fine_tuning_again_has_all_that_was_said(
    arguments, told, recipe, weights, picture_folder, tmp_path
):
    recipe(**arguments)
    settings = RunFolder(tmp_path / "run").read_settings()
    command_line = run_command(settings)
    assert not settings["made_in_python"]
    assert f"--weights {weights} {told.format(f'--data {picture_folder}')}" in command_line


def test_a_fine_tuning_is_not_held_against_the_papers_error(recipe):
    scratch = get_recipe("resnet20-cifar10")
    assert papers_error(scratch) == 8.75
    assert papers_error(scratch.replace(tuning=recipe().tuning)) is None


def test_the_network_to_begin_with_is_float32_whatever_the_process_computes_in(recipe, tmp_path):
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        recipe()
    finally:
        keras.config.set_dtype_policy("float32")
    start = keras.saving.load_model(RunFolder(tmp_path / "run").start)
    assert {layer.dtype_policy.name for layer in start.layers} == {"float32"}


def test_early_stopping_does_not_count_the_classifiers_epochs(recipe):
    made = recipe(epochs=12, settings=["early_stopping=2", "tuning.head_epochs=6"])
    rows = [{"epoch": i, "val_accuracy": 1 / i, "loss": 1.0} for i in range(1, 9)]
    assert [is_trained(made, rows[:n]) for n in range(1, 9)] == [False] * 7 + [True]


def test_small_pictures_are_shifted_and_large_ones_cut_out_of(recipe, weights, tmp_path):
    assert recipe().augment == (PadAndCrop(2, (127.5, 127.5, 127.5)), Flip())
    shutil.rmtree(tmp_path / "run")
    assert recipe(flip=False).augment == (PadAndCrop(2, (127.5, 127.5, 127.5)),)
    large = dataclasses.replace(TINY, protocol=dataclasses.replace(TINY.protocol, image_size=96))
    read = feed.feed_of_default(large)
    assert finetune._augment(read, THEIRS, True) == (RandomAreaCrop(96, 0.35, ("bicubic",)), Flip())
    names = tuple("0123456789")
    for fields in ({"dataset": "mnist"}, {"dataset": "mnist_sample"}, {"dataset": "mine", "class_names": names}):
        protocol = dataclasses.replace(THEIRS, **fields)
        assert finetune._augment(read, protocol, True) == (AffineDistortion(),)
    shutil.rmtree(tmp_path / "run")
    made = recipe(settings=["build.input_shape=[96,96,3]"])
    assert made.augment == (RandomAreaCrop(96, 0.35, ("bicubic",)), Flip())  # of the size that is built


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["tine", "--weights", "WEIGHTS"], "Did you mean 'tiny'?"),
        (["resnet20", "--weights", "cifar11"], "Did you mean 'cifar10'?"),
        (["resnet20", "--weights", "WEIGHTS"], "holds weights of tiny, and this is resnet20"),
        (["resnet20", "--weights", "no/such.th"], "There is no weights file 'no/such.th'"),
        (["resnet18", "--weights", "torchvision"], "Fetch it by other means and put it at"),
        (["lenet5", "--weights", "LENET"], "lenet5 has no trained classifier in this form: behind its layer f6"),
        (["tiny", "--weights", "WEIGHTS", "--freeze-up-to", "conv3"], "Did you mean 'conv2'?"),
        (["tiny", "--weights", "WEIGHTS", "--freeze-up-to", "predictions"], "would be left to train"),
        (["tiny", "--weights", "WEIGHTS", "--data", "ONE"], "one has one class alone, 'cats'; a network tells two"),
        (["tiny", "--weights", "WEIGHTS", "--data", "TWO"], "One in 10 of 2 training images is none"),
        (["tiny", "--weights", "WEIGHTS", "--data", "nowhere/"], "There is no folder 'nowhere/'"),
        (["tiny", "--weights", "WEIGHTS", "--epochs", "0"], "must be positive and finite, not 0"),
        (["tiny", "--weights", "WEIGHTS", "--epochs", "nan"], "must be positive and finite, not nan"),
        (["tiny", "--weights", "WEIGHTS", "--set", "tuning.head_epochs=21"], "Of 20 epochs 21 cannot be the classif"),
        (["tiny", "--weights", "WEIGHTS", "--set", "tuning.head_rat=1"], "Did you mean 'tuning.head_rate'?"),
        (["tiny", "--weights", "WEIGHTS", "--set", "pixels=gcn_zca"], "leave pixels=normalized"),
        (["tiny", "--weights", "WEIGHTS", "--batch-size", "0"], "The batch size must be positive, not 0"),
        (["tiny", "--weights", "WEIGHTS", "--set", "build.classes=7"], "tiny has 7 classes and"),
        (["tiny"], "the following arguments are required: --weights"),
    ],
)
def test_mistakes_end_with_one_line_before_time_is_spent(
    arguments, message, weights, picture_folder, tmp_path, monkeypatch, capsys
):
    def offline(*_, **__):
        raise ConnectionError("no network")

    monkeypatch.setenv("KERAS_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(keras.utils, "get_file", offline)
    monkeypatch.chdir(tmp_path)
    for name, count, classes in (("one", 9, ["cats"]), ("two", 2, ["cats", "dogs"])):
        for class_name in classes:
            (tmp_path / name / class_name).mkdir(parents=True)
            for i in range(count):
                PIL.Image.new("RGB", (8, 8), (i, count, 7 * len(class_name))).save(
                    tmp_path / name / class_name / f"{i}{class_name}.png"
                )
    if "LENET" in arguments:
        kc.LeNet5().save(tmp_path / "lenet.keras")
    given = {"WEIGHTS": str(weights), "ONE": "one", "TWO": "two", "LENET": "lenet.keras"}
    arguments = [given.get(argument, argument) for argument in arguments]
    data = [] if "--data" in arguments else ["--data", str(picture_folder)]
    with pytest.raises(SystemExit) as end:
        command.main(["finetune", *arguments, *data])
    assert end.value.code == 2
    said = capsys.readouterr().err.strip()
    assert message in said
    assert "\n" not in said
    assert not (tmp_path / "runs").exists()


@pytest.mark.heavy
def test_a_public_checkpoint_learns_digits_from_a_few_of_each(tfds_dir, tmp_path):
    """ResNet-20 of CIFAR-10, on 50 pictures a class of MNIST, judged on all 10,000."""
    checkpoint = SHARED / "checkpoints" / "resnet20-12fca82f.th"
    if not checkpoint.exists():
        pytest.skip("no public ResNet-20 on this machine (KERAS_CLASSICS_SHARED names its place)")
    sample = datasets.load("mnist", tfds_dir)
    seen = dict.fromkeys(range(10), 0)
    for image, label in sample.split("train").take(2000).as_numpy_iterator():
        if seen[int(label)] < 50:
            path = tmp_path / "digits" / str(label) / f"{seen[int(label)]}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            PIL.Image.fromarray(image[..., 0]).save(path)
            seen[int(label)] += 1
    run = finetune.run("resnet20", str(checkpoint), str(tmp_path / "digits"), out=tmp_path / "run", flip=False)
    model = keras.saving.load_model(run / "best.keras", compile=False)
    assert evaluation.evaluate(model, sample, verbose=0).top1 < 15
