"""Runs from beginning to end, on few images."""

import csv
import dataclasses
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest
from finished import FILES
from interrupted import stopped_in_epoch

import keras_classics as kc
from keras_classics import cli, datasets, evaluation
from keras_classics.model_card import NO_COMMAND, run_command
from training import callbacks, finetune, get_recipe, progress, train
from training import cli as command
from training.assign import assign
from training.augment import ElasticDistortion, MixUp, Operation
from training.checks import check_out
from training.judge import best_epoch, is_trained
from training.phases import phase_after
from training.recipe import Plateau, Steps, Tuning
from training.run_folder import RunFolder

EXPORTS = {"model.tflite", "model.tflite.json", "saved_model", "saved_model.json"}
JUDGED = {"confusion.png", "curves.png", *EXPORTS}  # what judging leaves

RECIPE = get_recipe("lenet5-mnist").replace(epochs=2, batch_size=64)


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of two epochs on the embedded sample."""
    return train.run(RECIPE, "mnist_sample", out=tmp_path_factory.mktemp("runs") / "lenet", seed=1)


def history(folder):
    with open(folder / "history.csv", newline="") as file:
        return [{k: float(v) for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


@pytest.mark.every_backend
def test_a_run_learns_and_leaves_all_that_it_promises(finished):
    assert sorted(os.listdir(finished)) == FILES
    metrics = json.loads((finished / "metrics.json").read_text())
    assert metrics["test_images"] == 1000
    assert metrics["last"]["top1_error"] < 30  # chance is 90
    assert metrics["paper_top1_error"] == 0.95
    assert metrics["backend"] == keras.config.backend()
    assert metrics["settings"]["seed"] == 1
    assert metrics["versions"]["keras"] == keras.__version__
    assert metrics["hardware"]["cores"] >= 1
    for name in ("saved_model", "model.tflite"):
        assert metrics["exports"][name]["images"] == 1000
        assert metrics["exports"][name]["max_abs_error"] < 1e-4
        assert metrics["exports"][name]["same_answers"] == 100.0
    rows = history(finished)
    assert [row["epoch"] for row in rows] == [1, 2]
    assert rows[1]["loss"] < rows[0]["loss"]
    assert rows[0]["learning_rate"] == pytest.approx(1e-3)
    for picture in ("curves.png", "confusion.png"):
        assert (finished / picture).read_bytes().startswith(b"\x89PNG")


@pytest.mark.every_backend
def test_the_saved_model_is_the_papers_form_and_gives_the_reported_error(finished):
    model = keras.saving.load_model(finished / "last.keras", compile=False)
    data = datasets.load("mnist_sample")
    metrics = json.loads((finished / "metrics.json").read_text())
    result = evaluation.evaluate(model, data, verbose=0)
    assert result.top1 == pytest.approx(metrics["last"]["top1_error"])
    image = np.zeros((1, 32, 32, 1), "float32")
    assert float(np.sum(keras.ops.convert_to_numpy(model(image)))) == pytest.approx(1.0, abs=1e-5)  # softmax is on


@pytest.mark.every_backend
def test_the_same_seed_gives_the_same_run_and_a_resumed_one_too(finished, tmp_path, monkeypatch):
    """The resumed one is not judged, which takes longer than its training; test_resume.py judges one."""
    monkeypatch.setattr(train, "judge", lambda *_: {})
    told = "Stopped after 1 of 2 epochs. Go on with: python -m training resume"
    with stopped_in_epoch(1), pytest.raises(kc.ClassicsError, match=told):
        train.run(RECIPE, "mnist_sample", out=tmp_path / "run", seed=1)
    assert sorted(os.listdir(tmp_path / "run")) == [
        "best.keras",
        "checkpoint-1.keras",
        "history.csv",
        "last.keras",
        "recipe.json",
    ]
    train.resume(tmp_path / "run")
    assert sorted(os.listdir(tmp_path / "run")) == sorted(set(FILES) - JUDGED)
    assert history(tmp_path / "run") == history(finished)
    last = [keras.saving.load_model(f / "last.keras").get_weights() for f in (tmp_path / "run", finished)]
    for resumed, straight in zip(*last, strict=True):
        np.testing.assert_array_equal(resumed, straight)


class Told(keras.callbacks.Callback):
    """Puts validation losses, as if there were any, into the logs of the callbacks after it."""

    def __init__(self, losses):
        super().__init__()
        self.losses = losses

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = self.losses[epoch]


def test_a_plateau_goes_on_where_it_was():
    """The callback's memory comes back from the history: bad epochs before the stop count after it, and a rate that has
    fallen neither rises nor falls again."""
    losses = [1.0, 2.0, 2.0, 2.0, 0.5, 1.0, 1.0, 1.0]
    recipe = dataclasses.replace(get_recipe("resnet18-imagenet"), schedule=Plateau(0.1, patience=2, lowest=1e-6))

    def rates(model, first, last, history):
        made = callbacks(recipe, validated=True)
        rows = keras.callbacks.LambdaCallback(
            on_epoch_end=lambda epoch, logs: history.append(
                {"epoch": epoch + 1.0, "val_loss": losses[epoch], "learning_rate": logs["learning_rate"]}
            )
        )
        made = [Told(losses), *made, train.Replay(phase_after(0, recipe), made, history), rows]
        model.fit(np.ones((1, 1)), np.ones((1, 1)), initial_epoch=first, epochs=last, verbose=0, callbacks=made)
        return [float(row["learning_rate"]) for row in history]

    def fresh():
        model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
        return model

    straight = rates(fresh(), 0, 8, [])
    assert straight == pytest.approx([0.1, 0.1, 0.1, 0.01, 0.01, 0.01, 0.01, 0.001])
    for stop in (2, 4, 7):
        model, history = fresh(), []
        rates(model, 0, stop, history)
        assert rates(model, stop, 8, history) == straight


def test_a_plateau_of_a_fine_tuning_does_not_count_the_classifiers_epochs():
    plateau = Plateau(0.1, patience=2)
    tuning = Tuning("imagenet", "keras", "0" * 64, head_epochs=3, head_rate=0.1)
    recipe = dataclasses.replace(get_recipe("resnet18-imagenet"), schedule=plateau, tuning=tuning, epochs=9)
    history = [{"epoch": epoch, "val_loss": epoch} for epoch in range(1, 4)]  # it rises: the rate would fall
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    phase = phase_after(3, recipe)
    made = callbacks(phase.recipe, validated=True)
    replay = train.Replay(phase, made, history)
    for callback in (*made, replay):
        callback.set_model(model)
        callback.on_train_begin()
    assert float(keras.ops.convert_to_numpy(model.optimizer.learning_rate)) == pytest.approx(0.1)


def test_run_folders_are_never_overwritten(finished, tmp_path, monkeypatch):
    recipe = get_recipe("lenet5-mnist")
    with pytest.raises(kc.ClassicsError, match="exists, and runs are never overwritten"):
        train.run(recipe, "mnist_sample", out=finished)
    monkeypatch.chdir(tmp_path)
    made = [RunFolder.new(None, "lenet5-mnist").path for _ in range(3)]
    assert [str(folder) for folder in made] == [f"runs/lenet5-mnist{n}" for n in ("", "-2", "-3")]


def test_the_folder_of_a_run_that_was_killed_before_it_began_is_taken_over(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "_train", lambda recipe, data, folder, *_: sorted(os.listdir(folder.path)))
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    left = tmp_path / "left"
    left.mkdir()
    for name in ("lock", "start.keras", f".{dead.stdout.strip()}-0123abcd-recipe.json"):
        (left / name).touch()
    made = train.run(get_recipe("lenet5-mnist"), "mnist_sample", out=left)
    assert made == ["lock", "recipe.json", "start.keras"]
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "notes.txt").touch()
    for path in (tmp_path / "other", tmp_path / "other" / "notes.txt"):
        with pytest.raises(kc.ClassicsError, match="exists and is no run folder. Choose another --out"):
            train.run(get_recipe("lenet5-mnist"), "mnist_sample", out=path)


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(kc.ClassicsError, match="Cannot make the run folder '.*' .File name too long"):
        train.run(get_recipe("lenet5-mnist"), "mnist_sample", out=tmp_path / ("x" * 300))
    (tmp_path / "file").touch()
    with pytest.raises(kc.ClassicsError, match="Cannot make the run folder"):
        train.run(get_recipe("lenet5-mnist"), "mnist_sample", out=tmp_path / "file" / "run")


@pytest.mark.parametrize("out", [None, "empty", "new"])
def test_places_that_may_not_be_written(out, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    check_out(out)
    monkeypatch.setattr(os, "access", lambda *_: False)  # for who tests as root may write anywhere
    with pytest.raises(kc.ClassicsError, match="may not be written. Choose another --out"):
        check_out(out)


def test_without_a_place_a_run_may_have_any_name_in_runs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("any", "new"):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / "notes.txt").touch()
    check_out(None)


@pytest.mark.every_backend
def test_a_diverging_run_stops_at_the_step_and_keeps_what_was(tmp_path, monkeypatch):
    """The rate is fine for an epoch of 11 steps, and from the third step after it is not."""
    recipe = get_recipe("lenet5-mnist").replace(epochs=3, batch_size=500)
    recipe = dataclasses.replace(recipe, schedule=Steps((1e-3, 1e38), until=(12 / 11,)))
    monkeypatch.setattr(train, "judge", lambda *_: {})
    with pytest.raises(
        kc.ClassicsError,
        match=r"no longer a number in epoch 2, step [3-6] of 11: the learning rate of 1e\+38 is too high",
    ) as told:
        train.run(recipe, "mnist_sample", out=tmp_path / "run")
    assert "\n" not in str(told.value)
    folder = RunFolder(tmp_path / "run")
    assert folder.checkpoints() == [(1, 0)]
    assert folder.holds(folder.last, 1)
    assert [row["epoch"] for row in history(folder.path)] == [1]


class Spoils(keras.callbacks.Callback):
    """As an epoch's last step may, whose loss is still that of the weights before."""

    def on_train_batch_end(self, batch, logs=None):
        if batch + 1 == self.params["steps"]:
            self.model.get_layer("f6").bias.assign(np.full(84, np.nan))


@pytest.mark.every_backend
@pytest.mark.parametrize(("hold_out", "what"), [(12, "The validation loss"), (0, "A weight")])
def test_what_diverges_at_an_epochs_last_step_is_not_kept(hold_out, what, tmp_path, monkeypatch):
    monkeypatch.setattr(train, "callbacks", lambda *_: [Spoils()])
    recipe = get_recipe("lenet5-mnist").replace(epochs=1, batch_size=100, hold_out=hold_out)
    with pytest.raises(kc.ClassicsError, match=f"{what} is no longer a number in epoch 1, step 2 of 2: the learning"):
        train.run(recipe, "mnist_sample", out=tmp_path / "run", limit=200)
    assert sorted(os.listdir(tmp_path / "run")) == ["recipe.json"]


# On the others the averages are tested by themselves, and runs that resume bit for bit with less that is set.
heavy_elsewhere = pytest.mark.heavy if keras.config.backend() != "tensorflow" else lambda test: test
OPTIONS = [
    "optimizer.weight_decay=1e-3",
    "optimizer.decay_on=kernels",
    "schedule.rates=0.0008,0.0002",
    "schedule.until=1",
    "batch_size=160",
    "accumulate=4",
    "average=0.9",
    "warm_up=0.1",
    "epochs=2",
    "precision=mixed_bfloat16",
]


@pytest.mark.every_backend
@heavy_elsewhere
def test_a_run_with_all_that_can_be_set_goes_on_bit_for_bit(tmp_path, monkeypatch):
    """5,500 images make 138 parts of 40: an epoch ends within a batch, whose gradients so far come back too."""
    monkeypatch.setattr(train, "judge", lambda *_: {})
    recipe = assign(get_recipe("lenet5-mnist"), OPTIONS)
    train.run(recipe, "mnist_sample", out=tmp_path / "straight", seed=1)
    with stopped_in_epoch(1), pytest.raises(kc.ClassicsError, match="Stopped after 1 of 2 epochs"):
        train.run(recipe, "mnist_sample", out=tmp_path / "stopped", seed=1)
    folder = RunFolder(tmp_path / "stopped")
    told = {"optimizer.weight_decay=0.001", "schedule.until=1.0", "epochs=2.0"}
    assert told < set(folder.read_settings()["set"])
    assert len(folder.read_settings()["set"]) == len(OPTIONS)
    training = folder.load_model(folder.checkpoint(1), 1, compile=True)
    shipped = folder.load_model(folder.last, 1)
    kernels = [m.get_layer("f6").kernel for m in (training, shipped)]
    assert np.abs(np.subtract(*map(keras.ops.convert_to_numpy, kernels))).max() > 1e-5  # one is an average
    assert {layer.dtype_policy.name for layer in shipped.layers} == {"float32"}
    assert training.get_layer("f6").dtype_policy.name == "mixed_bfloat16"
    train.resume(folder.path)
    assert history(folder.path) == history(tmp_path / "straight")
    last = [keras.saving.load_model(tmp_path / f / "last.keras").get_weights() for f in ("stopped", "straight")]
    for resumed, straight in zip(*last, strict=True):
        np.testing.assert_array_equal(resumed, straight)
    assert history(folder.path)[1]["loss"] < history(folder.path)[0]["loss"]


def test_what_ships_is_float32_whatever_the_process_computes_in(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "judge", lambda *_: {})
    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        train.run(RECIPE.replace(epochs=1), "mnist_sample", out=tmp_path / "run", limit=100)
        assert keras.config.dtype_policy().name == "mixed_bfloat16"  # which is the process's still
    finally:
        keras.config.set_dtype_policy("float32")
    shipped = keras.saving.load_model(tmp_path / "run" / "best.keras", compile=False)
    assert {layer.dtype_policy.name for layer in shipped.layers} == {"float32"}


@pytest.mark.every_backend
@heavy_elsewhere
def test_the_validated_weights_are_the_averaged_ones(tmp_path, monkeypatch):
    monkeypatch.setattr(train, "judge", lambda *_: {})
    recipe = assign(get_recipe("lenet5-mnist"), ["epochs=1", "batch_size=250", "average=0.95"])
    train.run(recipe, "mnist_sample", out=tmp_path / "run", seed=1)
    folder = RunFolder(tmp_path / "run")
    data, shipped = datasets.load("mnist_sample"), folder.load_model(folder.last, 1)
    from training import validation_batches

    (row,) = history(folder.path)
    held_out = validation_batches(recipe, data, shipped)
    shipped.compile(metrics=["accuracy"], loss="sparse_categorical_crossentropy")
    _, accuracy = shipped.evaluate(held_out, verbose=0)
    assert accuracy == pytest.approx(row["val_accuracy"], abs=1e-6)


def test_early_stopping_is_keras(tmp_path):
    """On random errors with ties, it ends after the same epoch as Keras' callback."""
    recipe = get_recipe("lenet5-mnist").replace(epochs=100, early_stopping=3)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        accuracies = np.round(rng.uniform(0.8, 0.9, 100), 2)
        keras_own = keras.callbacks.EarlyStopping("val_accuracy", patience=3, mode="max")
        model = keras.Sequential()
        keras_own.set_model(model)
        keras_own.on_train_begin()
        model.stop_training, rows = False, []
        while not model.stop_training:
            rows.append({"epoch": len(rows) + 1, "val_accuracy": accuracies[len(rows)], "loss": 1.0})
            keras_own.on_epoch_end(len(rows) - 1, dict(rows[-1]))
            assert is_trained(recipe, rows) == model.stop_training
        assert len(rows) == best_epoch(rows) + 3


def test_the_error_to_reach_is_of_validation_images_where_there_are_any():
    recipe = get_recipe("lenet5-mnist").replace(target_error=10.0)
    rows = [{"epoch": 1, "loss": 1.0, "accuracy": 0.95, "val_accuracy": 0.89}]
    assert not is_trained(recipe, [])
    assert not is_trained(recipe, rows)
    assert is_trained(recipe, [*rows, {**rows[0], "val_accuracy": 0.9}])
    del rows[0]["val_accuracy"]
    assert is_trained(recipe, rows)
    with pytest.raises(kc.ClassicsError, match="below 100 percent, not 150"):
        recipe.replace(target_error=150.0)


@pytest.mark.parametrize(
    ("change", "says", "epochs"),
    [({"early_stopping": 1}, "No better epoch came", 2), ({"target_error": 95.0}, "The error is reached", 1)],
)
def test_a_run_that_stopped_early_is_judged_and_does_not_go_on(tmp_path, monkeypatch, capsys, change, says, epochs):
    """The state is whole but not judged: a resumed run trains no further."""
    recipe = get_recipe("lenet5-mnist").replace(epochs=9, batch_size=500, **change)
    recipe = dataclasses.replace(recipe, schedule=Steps((0.0,)))  # no epoch is better than the first

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(train, "judge", killed)
    with pytest.raises(KeyboardInterrupt):
        train.run(recipe, "mnist_sample", out=tmp_path / "run", seed=1)
    assert says in capsys.readouterr().out
    assert len(history(tmp_path / "run")) == epochs
    monkeypatch.setattr(train, "judge", lambda *_: {})
    train.resume(tmp_path / "run")
    assert len(history(tmp_path / "run")) == epochs


def test_what_is_no_run_cannot_be_resumed(finished, tmp_path):
    with pytest.raises(kc.ClassicsError, match="is not a run folder"):
        train.resume(tmp_path)
    shutil.copytree(finished, tmp_path / "changed")
    settings = json.loads((tmp_path / "changed" / "recipe.json").read_text())
    settings["recipe"]["loss"] = "another"
    (tmp_path / "changed" / "recipe.json").write_text(json.dumps(settings))
    with pytest.raises(kc.ClassicsError, match="has changed since"):
        train.resume(tmp_path / "changed")


def test_a_recipe_that_was_changed_in_python_goes_on_and_no_command_is_told(tmp_path, monkeypatch):
    """What cannot be set by name stands in the run folder alone, as does a recipe that is in no list."""
    monkeypatch.setattr(train, "_train", lambda recipe, *_: recipe)
    augmented = RECIPE.replace(augment=(ElasticDistortion(),), augment_batch=(MixUp(0.2),))
    own = dataclasses.replace(RECIPE, name="mine")
    for name, recipe in (("set", RECIPE), ("augmented", augmented), ("own", own)):
        train.run(recipe, "mnist_sample", out=tmp_path / name)
        assert train.resume(tmp_path / name) == recipe
        settings = RunFolder(tmp_path / name).read_settings()
        assert settings["made_in_python"] == (recipe is not RECIPE)
        assert (run_command(settings) == NO_COMMAND) == (recipe is not RECIPE)


@dataclasses.dataclass(frozen=True)
class Inverted(Operation):
    """An operation of one's own."""


def test_a_run_with_an_operation_of_ones_own_goes_on_in_python(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(train, "_train", lambda recipe, *_: recipe)
    recipe = RECIPE.replace(augment=(Inverted(),))
    train.run(recipe, "mnist_sample", out=tmp_path / "run")
    way = "such a run goes on by train.resume(folder, embedding=train.Embedding(recipe)) in Python"
    assert capsys.readouterr().out == f"Inverted is not of this package: {way}.\n"
    assert train.resume(tmp_path / "run", embedding=train.Embedding(recipe)) == recipe
    with pytest.raises(kc.ClassicsError, match=re.escape(f"operations that are not of this package: {way}, or start")):
        train.resume(tmp_path / "run")
    namesake = RECIPE.replace(augment=(type("Flip", (Inverted,), {})(),))
    with pytest.raises(kc.ClassicsError, match="is not the Flip of this package, which a resumed run would take; give"):
        train.run(namesake, "mnist_sample", out=tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_without_a_terminal_a_run_tells_each_minute_how_far_it_is(monkeypatch, capsys):
    """Steps of 2 s, 100 an epoch, three epochs of which one is done."""
    now = [0.0]
    monkeypatch.setattr(progress.time, "perf_counter", lambda: now[0])
    told = progress.Progress(get_recipe("lenet5-mnist"), [{"epoch": 1}], on_terminal=False)
    told.set_params({"steps": 100, "epochs": 3})
    told.on_epoch_begin(1)
    for step in range(100):
        now[0] += 2.0
        told.on_train_batch_end(step, {"loss": 1.5})
    assert capsys.readouterr().out.splitlines() == [
        "An epoch takes about 3 min, what is left about 7 min.",
        "epoch 2 of 3, 31%: loss 1.5, about 2 min of it left, 6 min in all",
        "epoch 2 of 3, 62%: loss 1.5, about 76 s of it left, 5 min in all",
        "epoch 2 of 3, 93%: loss 1.5, about 14 s of it left, 4 min in all",
    ]


def test_a_run_is_not_resumed_on_another_backend(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "other")
    settings = json.loads((tmp_path / "other" / "recipe.json").read_text())
    (tmp_path / "other" / "recipe.json").write_text(json.dumps({**settings, "backend": "another"}))
    with pytest.raises(
        kc.ClassicsError, match="was begun on another and cannot be resumed on .*; add --backend another"
    ):
        train.resume(tmp_path / "other")


def test_a_full_disk_ends_a_run_with_one_line(tmp_path):
    program = f"""
import resource, signal
from training import get_recipe, train
import keras_classics as kc
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    recipe = get_recipe("lenet5-mnist").replace(epochs=1, batch_size=500)
    train.run(recipe, "mnist_sample", out={str(tmp_path / "run")!r})
except kc.ClassicsError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "checkpoint-1.keras' (" in done.stdout, done.stderr[-3000:]
    assert "Free space there" in done.stdout
    assert os.listdir(tmp_path / "run") == ["recipe.json"]


def test_the_library_reads_a_run(finished, capsys):
    """evaluate and predict take the run folder; predict uses its class names."""
    cli.main(["evaluate", str(finished), "--data", "mnist_sample"])
    metrics = json.loads((finished / "metrics.json").read_text())
    assert f"{metrics['best']['top1_error']:.2f}%" in capsys.readouterr().out


def test_the_command(tmp_path, capsys, picture_folder, monkeypatch):
    command.main(["list"])
    assert "lenet5-mnist" in capsys.readouterr().out
    out = str(tmp_path / "run")
    options = ["--data", str(picture_folder), "--epochs", "1", "--batch-size", "8", "--hold-out", "4", "--out", out]
    command.main(["run", "lenet5-mnist", *options, "--device", "cpu:0"])
    printed = capsys.readouterr().out
    assert "40 test images" in printed
    assert "the paper, on mnist" not in printed
    assert "model.tflite: 100% the same answers" in printed
    judged = json.loads((tmp_path / "run" / "metrics.json").read_text())
    monkeypatch.setattr(train, "judge", lambda *_: judged)  # anew, as in test_resume.py
    command.main(["resume", out])
    assert "40 test images" in capsys.readouterr().out


SAMPLE = ["run", "lenet5-mnist", "--data", "mnist_sample"]
TUNED = ["finetune", "resnet20", "--weights", "cifar10", "--data", "cifar10"]


MISTAKES = [
    (["--out", "."], "exists and is no run folder"),
    (["--out", "file/run"], "Cannot make the run folder 'file/run'"),
    (["--seed", "-1"], "A seed is a whole number"),
    (["--checkpoint-minutes", "0"], "Checkpoints cannot be 0 minutes apart"),
    (["--device", "gpu:7"], "There is no device 'gpu:7'"),
]


@pytest.mark.parametrize(
    ("words", "option", "message"),
    [
        *((words, *mistake) for words in (SAMPLE, TUNED) for mistake in MISTAKES),
        *((SAMPLE, ["--record-as", name], f"Results cannot be recorded as '{name}'") for name in ("no/name", "")),
    ],
)
def test_mistakes_of_options_are_told_before_anything_is_opened(words, option, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    opened = []
    monkeypatch.setattr(train.run_data, "load", opened.append)
    monkeypatch.setattr(finetune, "locate", opened.append)
    with pytest.raises(SystemExit):
        command.main([*words, *option])
    assert message in capsys.readouterr().err
    assert opened == []


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["rum"], "Did you mean 'run'?"),
        (["run", "lenet-mnist"], "Did you mean 'lenet5-mnist'?"),
        (["run", "lenet5-mnist", "--data", "mnist_sampel"], "Did you mean 'mnist_sample'?"),
        (["run", "lenet5-mnist", "--epoch_s", "2"], "Did you mean '--epochs'?"),
        (["run", "resnet18-imagenet", "--data", "mnist_sample"], "resnet18 has 1000 classes and mnist_sample has 10"),
        (["resume", "nowhere"], "'nowhere' is not a run folder"),
        ([*SAMPLE, "--epochs", "nan"], "The number of epochs must be positive and finite, not nan"),
        ([*SAMPLE, "--epochs", "inf"], "must be positive and finite, not inf"),
        ([*SAMPLE, "--epochs", "-1"], "must be positive and finite, not -1"),
        ([*SAMPLE, "--epochs", "0"], "must be positive and finite, not 0"),
        ([*SAMPLE, "--epochs", "many"], "--epochs"),
        ([*SAMPLE, "--seed", "-1"], "A seed is a whole number from 0 to 4294967295, not -1"),
        ([*SAMPLE, "--seed", "4294967296"], "A seed is a whole number from 0 to 4294967295, not 4294967296"),
        ([*SAMPLE, "--batch-size", "0"], "The batch size must be positive, not 0"),
        ([*SAMPLE, "--batch-size", "-4"], "The batch size must be positive, not -4"),
        ([*SAMPLE, "--hold-out", "6001"], "One in 6001 of 6000 training images is none"),
        ([*SAMPLE, "--hold-out", "1"], "One training image in 1 cannot be held out"),
        ([*SAMPLE, "--hold-out", "-3"], "One training image in -3 cannot be held out"),
        ([*SAMPLE, "--classes", "0"], "lenet5 has 0 classes and mnist_sample has 10"),
        ([*SAMPLE, "--classes", "-10"], "lenet5 has -10 classes and mnist_sample has 10"),
        ([*SAMPLE, "--set", "optimizer.weight_decy=1"], "Did you mean 'optimizer.weight_decay'?"),
        ([*SAMPLE, "--set", "optimizer.momentum=fast"], "optimizer.momentum takes a number, not 'fast'"),
        ([*SAMPLE, "--set", "schedule.rates"], "'schedule.rates' sets nothing; write it as name=value"),
        ([*SAMPLE, "--accumulate", "5"], "A batch of 16 cannot be divided into 5 equal parts"),
        ([*SAMPLE, "--precision", "bfloat"], "precision takes one of float32, mixed_bfloat16, not 'bfloat'"),
        ([*SAMPLE, "--early-stopping", "0"], "Early stopping waits for 1 epoch or more, not 0"),
        ([*SAMPLE, "--checkpoint-minutes", "0"], "Checkpoints cannot be 0 minutes apart; give a number above 0"),
        ([*SAMPLE, "--set", "build.output=rfb"], "Unknown output of lenet5 'rfb'. Did you mean 'rbf'?"),
        ([*SAMPLE, "--process", "1"], "--process and --own-statistics go only with --distribute data; add it"),
        ([*SAMPLE, "--device", "gpu:7"], "There is no device 'gpu:7' for"),
        ([*SAMPLE, "--tensorboard"], "tensorboard is not installed: python -m pip install tensorboard"),
        ([*SAMPLE, "--set", "build.input_shape=[32,40,1]"], "shape (32, 40, 1), and pictures are cut square; build it"),
        (["run", "lenet5-mnist", "--data", ""], "it must be a folder of class folders"),
        (["run", "lenet5-mnist", "--data", "no/folder"], "There is no folder 'no/folder'"),
    ],
)
def test_mistakes_end_with_one_line_before_time_is_spent(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "tensorboard" else found(name))
    with pytest.raises(SystemExit) as end:
        command.main(arguments)
    assert end.value.code == 2
    said = capsys.readouterr().err.strip()
    assert message in said
    assert "\n" not in said
    assert os.listdir(tmp_path) == []
