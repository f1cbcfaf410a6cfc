"""A training on several devices is that of one, and processes that differ are told so."""

import csv
import os
import signal
import socket
import subprocess
import sys
import time

import keras
import numpy as np
import pytest
from conftest import BACKEND

import keras_classics as kc
from keras_classics import datasets
from keras_classics.errors import ClassicsError
from training import get_recipe, train_batches
from training.__main__ import main
from training.distribute import Distribution, Team, connected
from training.train import _check_remat

RUN = ["run", "resnet20-cifar10", "--limit", "320", "--epochs", "2", "--hold-out", "5", "--batch-size", "32"]
RUN += ["--set", "schedule.rates=0.001,0.001,0.001"]  # rounding grows with the rate


@pytest.mark.parametrize(
    ("backend", "distribution", "told"),
    [
        ("torch", Distribution(), "torch trains on one device here; choose --backend jax or tensorflow."),
        ("jax", Distribution("model"), "Unknown kind of distribution 'model'"),
        ("jax", Distribution(processes=2, process=0), "are given together"),
        ("jax", Distribution("data", "10.0.0.1:1", 2, 2), "numbered from 0 to 1; there is no 2."),
        ("jax", Distribution("data", "10.0.0.1", 2, 1), "such as 10.0.0.1:1234, not '10.0.0.1'."),
        ("jax", Distribution(sync_batch_norm=False), "always sees the whole batch"),
        ("tensorflow", Distribution("data", "10.0.0.1:1", 2, 1), "choose --backend jax for several."),
    ],
)
def test_what_cannot_be_is_told(backend, distribution, told, monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: backend)
    with pytest.raises(ClassicsError, match=told.replace("(", r"\(")):
        distribution.check()


def test_a_batch_is_divided_among_the_devices():
    Team(devices=4).check_batch(128)
    with pytest.raises(ClassicsError, match="A batch of 126 cannot be divided among 4 devices; .* a multiple of 4"):
        Team(devices=4).check_batch(126)


def test_on_several_devices_tensorflow_computes_no_maps_again():
    recipe = get_recipe("resnet20-cifar10").replace(build={"remat": True})
    _check_remat(recipe, Team(devices=1))
    with pytest.raises(ClassicsError, match="leave out --remat"):
        _check_remat(recipe, Team(devices=2))


def test_words_of_distribution_alone_and_with_a_device(capsys):
    for words, told in (
        (["--processes", "2"], "add --distribute data"),
        (["--distribute", "data", "--device", "cpu:0"], "not distributed"),
    ):
        with pytest.raises(SystemExit):
            main(["run", "lenet5-mnist", "--data", "mnist_sample", *words])
        assert told in " ".join(capsys.readouterr().err.split())


def test_the_last_batch_is_filled_up_from_the_beginning():
    data = datasets.limited(datasets.load("mnist_sample"), 70)
    recipe = get_recipe("lenet5-mnist").replace(batch_size=32, hold_out=0)
    stream, steps = train_batches(recipe, data, kc.LeNet5(), fill=True)
    batches = [images for images, _ in stream.take(steps).as_numpy_iterator()]
    assert [len(batch) for batch in batches] == [32, 32, 32]
    np.testing.assert_array_equal(batches[2][6:], batches[0][:26])


def test_batch_norms_see_the_whole_batch_unless_asked():
    if BACKEND != "tensorflow":
        pytest.skip("jax's always do")
    model = kc.ResNet20()
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    Team(devices=2, sync_batch_norm=False).synchronized(model)
    assert not any(norm.synchronized for norm in norms)
    Team(devices=2).synchronized(model)
    assert norms
    assert all(norm.synchronized for norm in norms)


def test_processes_that_differ_are_named(monkeypatch):
    from jax.experimental import multihost_utils

    def gathered(sums):
        others = np.stack([sums] * 3)
        others[2, 1] += 1
        return others

    monkeypatch.setattr(multihost_utils, "process_allgather", gathered)
    team = Team(process=0, processes=3, devices=3)
    with pytest.raises(ClassicsError, match="^Process 2 has another data than process 0"):
        team.agree(recipe={"epochs": 2}, data="mnist")
    monkeypatch.setattr(multihost_utils, "process_allgather", lambda sums: np.stack([sums] * 3))
    team.agree(recipe={"epochs": 2}, data="mnist")


def test_no_distribution_is_one_process_and_device():
    with connected(None) as team:
        assert (team.process, team.processes, team.devices) == (0, 1, 1)


def free_port():
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return opened.getsockname()[1]


def started(count, *words, backend="jax", flags="", **others):
    """Processes that train together; `others` has words of one alone, by "_<number>"."""
    environment = {**os.environ, "KERAS_BACKEND": backend, "XLA_FLAGS": flags}
    place = f"127.0.0.1:{free_port()}"
    processes = []
    for i in range(count):
        where = ["--distribute", "data"] if count > 1 or flags else []
        where += ["--coordinator", place, "--processes", f"{count}", "--process", f"{i}"] if count > 1 else []
        command = [sys.executable, "-m", "training", *words, "--backend", backend, *where, *others.get(f"_{i}", [])]
        processes.append(
            subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        )
    return processes


def finished(processes):
    outputs = [process.communicate(timeout=900)[0] for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), "\n".join(outputs)
    return outputs


def rows(folder):
    with open(folder / "history.csv", newline="") as file:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(file)]


@pytest.mark.heavy
def test_two_and_four_processes_have_the_losses_of_one(tfds_dir, tmp_path):
    """Whose sums are rounded otherwise, which grows from step to step."""
    data = ["--data-dir", str(tfds_dir)]
    found = {}
    for count in (1, 2, 4):
        finished(started(count, *RUN, *data, "--out", str(tmp_path / f"{count}")))
        found[f"{count} processes"] = rows(tmp_path / f"{count}")
    flags = "--xla_force_host_platform_device_count=4"
    finished(started(1, *RUN, *data, "--out", str(tmp_path / "devices"), flags=flags))
    found["4 devices"] = rows(tmp_path / "devices")
    for name, history in found.items():
        print(name, *(f"loss {row['loss']:.5f}, on validation images {row['val_loss']:.5f}" for row in history))
    for history in found.values():
        for row, of_one in zip(history, found["1 processes"], strict=True):
            assert row["loss"] == pytest.approx(of_one["loss"], rel=5e-4)
            assert row["val_loss"] == pytest.approx(of_one["val_loss"], rel=5e-3)


@pytest.mark.heavy
def test_one_that_dies_ends_the_run_which_goes_on_with_another_number(tfds_dir, tmp_path):
    data, out = ["--data-dir", str(tfds_dir)], tmp_path / "run"
    first, second = started(2, *RUN, *data, "--out", str(out), "--epochs", "40")
    while not list(out.glob("checkpoint-*")):
        assert first.poll() is None, first.communicate()[0]
        time.sleep(0.2)
    second.send_signal(signal.SIGKILL)
    output = first.communicate(timeout=60)[0]
    print(output.splitlines()[-1])
    assert first.returncode == 1
    assert "error: Process 0 of 2 cannot go on" in output
    finished(started(1, "resume", str(out), *data))
    assert len(rows(out)) == 40


@pytest.mark.heavy
def test_processes_of_other_recipes_do_not_begin(tfds_dir, tmp_path):
    out = tmp_path / "run"
    processes = started(2, *RUN, "--data-dir", str(tfds_dir), "--out", str(out), _1=["--seed", "1"])
    outputs = [process.communicate(timeout=300)[0] for process in processes]
    assert [process.returncode for process in processes] == [1, 1]
    assert any("Process 1 has another seed than process 0." in output for output in outputs), outputs
    assert not out.exists()
