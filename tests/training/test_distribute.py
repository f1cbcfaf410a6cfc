"""A training on several devices is that of one, and processes that differ are told so."""

import csv
import dataclasses
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
from training.checks import agree, check_devices, check_statistics
from training.cli import main
from training.distribute import Distribution, Team, connected
from training.run_data import load
from training.state import State

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


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"build": {"remat": True}}, "leave out --remat"),
        ({"accumulate": 2}, "give --accumulate 1"),
        ({"hold_out": 5000}, "1 validation images cannot be divided among 2 devices"),
        ({"batch_size": 17}, "A batch of 17 cannot be divided"),
    ],
)
def test_what_tensorflow_cannot_do_on_several_devices_is_told_before_it_begins(changes, told, monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "tensorflow")
    recipe, data = get_recipe("lenet5-mnist").replace(**changes), load("mnist_sample", None, None)
    check_devices(recipe, data, Team(devices=1))
    with pytest.raises(ClassicsError, match=told):
        check_devices(recipe, data, Team(devices=2))


def test_each_device_of_tensorflow_has_an_image_to_judge(monkeypatch):
    monkeypatch.setattr(keras.config, "backend", lambda: "tensorflow")
    team = Team(devices=4)
    for devices, images, batch in (
        (4, 128, 32),
        (4, 130, 32),
        (2, 129, 32),
        (2, 9, 8),
        (4, 28, 8),
        (3, 16, 12),
    ):
        size = Team(devices=devices).batch_to_judge(images, batch)
        assert size <= min(batch, images)
        assert size % devices == 0
        last = np.arange(images % size)
        each = -(-len(last) // devices)  # as TensorFlow cuts a batch
        assert not len(last) or all(len(last[i * each : (i + 1) * each]) for i in range(devices))
    assert team.batch_to_judge(128, 32) == 32
    assert Team(devices=1).batch_to_judge(129, 32) == 32
    for devices, images in ((4, 3), (4, 5), (4, 9), (2, 5)):
        with pytest.raises(ClassicsError, match="hold out more of them"):
            Team(devices=devices).batch_to_judge(images, 8)


DECAY = """
import contextlib
import keras, numpy as np, tensorflow as tf
(cpu,), two = tf.config.list_physical_devices("CPU"), [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
from training.compile import L2SGD
rng = np.random.default_rng(0)
x, y = rng.standard_normal((8, 3)).astype("float32"), rng.standard_normal((8, 2)).astype("float32")
stream = tf.data.Dataset.from_tensor_slices((x, y)).batch(8).repeat()
for options in ({"l2": 0.5}, {"global_clipnorm": 0.3}, {"l2": 0.5, "global_clipnorm": 0.3, "use_ema": True}):
    found = []
    for strategy in (None, tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])):
        with strategy.scope() if strategy else contextlib.nullcontext():
            model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2, kernel_initializer="ones")])
            model.compile(L2SGD(0.1, momentum=0.9, **options), "mse")
            model.fit(stream, steps_per_epoch=3, verbose=0)
        found.append(model.get_weights()[0])
    print("difference", np.abs(found[0] - found[1]).max(), "moved", np.abs(found[0] - 1).max())
"""


JUDGED = """
import contextlib
import keras, numpy as np, tensorflow as tf
(cpu,), two = tf.config.list_physical_devices("CPU"), [tf.config.LogicalDeviceConfiguration()] * 2
tf.config.set_logical_device_configuration(cpu, two)
from keras_classics.layers import BatchNormalization
from training.distribute import Team
rng = np.random.default_rng(0)
for images in (129, 13, 7):
    x, y = rng.standard_normal((images, 4, 4, 3)).astype("float32"), rng.integers(0, 2, images)
    for strategy in (None, tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])):
        team = Team(devices=2 if strategy else 1, strategy=strategy)
        with strategy.scope() if strategy else contextlib.nullcontext():
            model = keras.Sequential([keras.Input((4, 4, 3)), BatchNormalization(), keras.layers.Flatten()])
            model.add(keras.layers.Dense(2, "softmax", kernel_initializer=keras.initializers.GlorotUniform(seed=0)))
            model.compile("sgd", "sparse_categorical_crossentropy")
        stream = tf.data.Dataset.from_tensor_slices((x, y)).batch(8)
        print("judged", model.evaluate(team.judged_by_each(stream, team.batch_to_judge(images, 8)), verbose=0))
"""


def test_validation_images_of_any_number_are_judged_on_two_devices_of_tensorflow():
    """To the loss of one device, in which each image counts once."""
    if BACKEND != "tensorflow":
        pytest.skip("what tensorflow does")
    made = subprocess.run([sys.executable, "-c", JUDGED], capture_output=True, text=True)
    losses = [float(line.split()[1]) for line in made.stdout.splitlines() if line.startswith("judged")]
    assert len(losses) == 6, made.stderr[-2000:]
    assert losses[1::2] == pytest.approx(losses[::2], rel=1e-5)


def test_tensorflow_decays_and_clips_the_gradient_of_the_whole_batch():
    """On two devices as on one: each by itself would decay twice."""
    if BACKEND != "tensorflow":
        pytest.skip("what tensorflow does")
    made = subprocess.run([sys.executable, "-c", DECAY], capture_output=True, text=True, check=True)
    lines = [line.split() for line in made.stdout.splitlines() if line.startswith("difference")]
    assert len(lines) == 3
    for _, difference, _, moved in lines:
        assert float(difference) < 1e-5 < 1e-2 < float(moved)


def test_words_of_distribution_alone_and_with_a_device(capsys):
    for words, told in (
        (["--processes", "2"], "go only with --distribute data; add it"),
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
    Team(devices=1).synchronized(model)  # goes on alone
    assert not any(norm.synchronized for norm in norms)


WHOLE, OWN = Team(devices=2, strategy="any"), Team(devices=2, strategy="any", sync_batch_norm=False)


@pytest.mark.parametrize(
    ("begun", "now", "told"),
    [
        (OWN, WHOLE, "on 2 devices; go on with --distribute data --own-statistics on as many"),
        (OWN, Team(), "--own-statistics on as many"),
        (OWN, dataclasses.replace(OWN, devices=4), "on 2 devices"),
        (WHOLE, OWN, "leave out --own-statistics"),
        (Team(), OWN, "leave out --own-statistics"),
    ],
)
def test_batch_norms_go_on_with_what_they_saw(begun, now, told):
    with pytest.raises(ClassicsError, match=told):
        check_statistics({"distribution": begun.as_dict()}, now)
    check_statistics({"distribution": begun.as_dict()}, begun)


def test_a_training_that_sees_whole_batches_goes_on_with_another_distribution():
    for team in (WHOLE, Team(), dataclasses.replace(OWN, devices=1)):
        check_statistics({"distribution": WHOLE.as_dict()}, team)
        check_statistics({"distribution": None}, team)


@pytest.mark.parametrize("key", ["recipe", "seed", "data", "images", "pictures", "limit", "skipped", "class_weights"])
def test_processes_compare_all_that_trains(key, monkeypatch):
    told = []
    monkeypatch.setattr(Team, "agree", lambda team, **facts: told.append(facts))
    names = ("recipe", "seed", "data", "images", "pictures", "limit", "skipped", "class_weights")
    for value in (1, 2):
        agree(Team(processes=2), {**dict.fromkeys(names), key: value}, State())
    assert told[0] != told[1]


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
