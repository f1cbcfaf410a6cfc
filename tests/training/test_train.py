"""Runs from beginning to end, on few images."""

import csv
import json
import os
import shutil
import subprocess
import sys

import keras
import numpy as np
import pytest

import keras_classics as kc
from keras_classics import cli, datasets, evaluation
from training import __main__ as command
from training import get_recipe, train
from training.run_folder import RunFolder

FILES = [
    "best.keras",
    "confusion.png",
    "curves.png",
    "history.csv",
    "last.keras",
    "metrics.json",
    "model.tflite",
    "recipe.json",
    "saved_model",
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run of two epochs on the embedded sample."""
    recipe = get_recipe("lenet5-mnist").replace(epochs=2)
    return train.run(recipe, "mnist_sample", out=tmp_path_factory.mktemp("runs") / "lenet", seed=1)


def history(folder):
    with open(folder / "history.csv", newline="") as file:
        return [{k: float(v) for k, v in row.items() if k != "seconds"} for row in csv.DictReader(file)]


@pytest.mark.every_backend
def test_a_run_learns_and_leaves_all_that_it_promises(finished):
    assert sorted(os.listdir(finished)) == FILES
    metrics = json.loads((finished / "metrics.json").read_text())
    assert metrics["test_images"] == 1000
    assert metrics["last"]["top1_error"] < 15  # chance is 90
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
    recipe = get_recipe("lenet5-mnist").replace(epochs=2)
    write = train.EpochWriter.on_epoch_end

    def interrupted(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt
        write(self, epoch, logs)

    monkeypatch.setattr(train.EpochWriter, "on_epoch_end", interrupted)
    with pytest.raises(kc.ClassicsError, match="Stopped after 1 of 2 epochs. Go on with: python -m training resume"):
        train.run(recipe, "mnist_sample", out=tmp_path / "run", seed=1)
    monkeypatch.undo()
    assert sorted(os.listdir(tmp_path / "run")) == [
        "best.keras",
        "checkpoint-1.keras",
        "history.csv",
        "last.keras",
        "recipe.json",
    ]
    train.resume(tmp_path / "run")
    assert sorted(os.listdir(tmp_path / "run")) == FILES
    assert history(tmp_path / "run") == history(finished)
    last = [keras.saving.load_model(f / "last.keras").get_weights() for f in (tmp_path / "run", finished)]
    for resumed, straight in zip(*last, strict=True):
        np.testing.assert_array_equal(resumed, straight)


def test_a_plateau_goes_on_where_it_was(tmp_path):
    """The callback's memory comes back from the history: two bad epochs before the stop count after it."""
    recipe = get_recipe("resnet18-imagenet")
    rows = [{"epoch": i + 1.0, "val_loss": loss, "learning_rate": 0.1} for i, loss in enumerate([1.0, 2.0, 2.0])]
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(0.1), "mse")
    from training import callbacks

    (plateau,) = train._replayed(callbacks(recipe), model, rows)
    assert plateau.wait == 2
    assert plateau.best == 1.0
    assert float(model.optimizer.learning_rate) == pytest.approx(0.1)


def test_run_folders_are_never_overwritten(finished, tmp_path, monkeypatch):
    recipe = get_recipe("lenet5-mnist")
    with pytest.raises(kc.ClassicsError, match="exists, and runs are never overwritten"):
        train.run(recipe, "mnist_sample", out=finished)
    monkeypatch.chdir(tmp_path)
    made = [RunFolder.new(None, "lenet5-mnist").path for _ in range(3)]
    assert [str(folder) for folder in made] == [f"runs/lenet5-mnist{n}" for n in ("", "-2", "-3")]


def test_places_that_cannot_be_written(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(kc.ClassicsError, match="Cannot make the run folder"):
        train.run(get_recipe("lenet5-mnist"), "mnist_sample", out=tmp_path / "file" / "run")


def test_a_diverging_run_stops_and_keeps_what_was(tmp_path):
    import dataclasses

    from training.recipe import Steps

    recipe = dataclasses.replace(get_recipe("lenet5-mnist"), epochs=3, schedule=Steps((1e38,)))
    with pytest.raises(kc.ClassicsError, match="no longer a number in epoch 1: the learning rate is too high"):
        train.run(recipe, "mnist_sample", out=tmp_path / "run")
    assert os.listdir(tmp_path / "run") == ["recipe.json"]


def test_what_is_no_run_cannot_be_resumed(finished, tmp_path):
    with pytest.raises(kc.ClassicsError, match="is not a run folder"):
        train.resume(tmp_path)
    shutil.copytree(finished, tmp_path / "changed")
    settings = json.loads((tmp_path / "changed" / "recipe.json").read_text())
    settings["recipe"]["loss"] = "another"
    (tmp_path / "changed" / "recipe.json").write_text(json.dumps(settings))
    with pytest.raises(kc.ClassicsError, match="has changed since"):
        train.resume(tmp_path / "changed")


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
    assert "last.keras' (" in done.stdout, done.stderr[-3000:]
    assert "Free space there" in done.stdout
    assert os.listdir(tmp_path / "run") == ["recipe.json"]


def test_the_library_reads_a_run(finished, capsys):
    """evaluate and predict take the run folder; predict uses its class names."""
    cli.main(["evaluate", str(finished), "--data", "mnist_sample"])
    metrics = json.loads((finished / "metrics.json").read_text())
    assert f"{metrics['best']['top1_error']:.2f}%" in capsys.readouterr().out


def test_the_command(tmp_path, capsys, picture_folder):
    command.main(["list"])
    assert "lenet5-mnist" in capsys.readouterr().out
    out = str(tmp_path / "run")
    options = ["--data", str(picture_folder), "--epochs", "1", "--batch-size", "8", "--hold-out", "4", "--out", out]
    command.main(["run", "lenet5-mnist", *options])
    printed = capsys.readouterr().out
    assert "40 test images" in printed
    assert "the paper, on mnist" not in printed
    assert "model.tflite: 100% the same answers" in printed
    command.main(["resume", out])
    assert "40 test images" in capsys.readouterr().out


SAMPLE = ["run", "lenet5-mnist", "--data", "mnist_sample"]


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
        (["run", "lenet5-mnist", "--data", ""], "it must be a folder of class folders"),
        (["run", "lenet5-mnist", "--data", "no/folder"], "There is no folder 'no/folder'"),
    ],
)
def test_mistakes_end_with_one_line_before_time_is_spent(arguments, message, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as end:
        command.main(arguments)
    assert end.value.code == 2
    said = capsys.readouterr().err.strip()
    assert message in said
    assert "\n" not in said
    assert os.listdir(tmp_path) == []
