"""Going on after damage: a run ends bit for bit as one that was never stopped, or says in one line why it cannot."""

import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys

import keras
import numpy as np
import pytest
from interrupted import stopped_in_epoch
from killed import live, rows, same_end

import keras_classics as kc
from keras_classics.rematerialization import Rematerialized
from training import get_recipe, run_data, train
from training.assign import assign
from training.judge import best_epoch, judge, mend_models, replace_damaged_best, shipped_epoch
from training.lock import locked
from training.run_folder import RunFolder
from training.state import State

RECIPE = get_recipe("lenet5-mnist").replace(epochs=3, batch_size=250)
EPOCHS = 3
FILES = ["best.keras", "confusion.png", "curves.png", "history.csv", "last.keras", "metrics.json", "model.tflite"]
FILES += ["model.tflite.json", "recipe.json", "saved_model", "saved_model.json"]


def begin(path, stop_after):
    """A run that is stopped after so many of its epochs, or after the last before it is judged."""

    def stop(*_):
        raise KeyboardInterrupt

    with pytest.MonkeyPatch.context() as patch, stopped_in_epoch(stop_after):
        patch.setattr(train, "judge", stop)
        with pytest.raises((kc.ClassicsError, KeyboardInterrupt)):
            train.run(RECIPE, "mnist_sample", out=path, seed=1)
    return RunFolder(path)


@pytest.fixture(scope="module")
def straight(tmp_path_factory):
    """All epochs, not yet judged."""
    return begin(tmp_path_factory.mktemp("runs") / "straight", EPOCHS)


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """Two epochs of three."""
    return begin(tmp_path_factory.mktemp("runs") / "stopped", 2)


@pytest.fixture
def copied(stopped, tmp_path):
    shutil.copytree(stopped.path, tmp_path / "run")
    return RunFolder(tmp_path / "run")


@pytest.fixture
def unjudged(monkeypatch):
    """Judging takes longer than these trainings, and is tested elsewhere."""
    monkeypatch.setattr(train, "judge", lambda *_: {})


def truncate(path):
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path):
    path.write_bytes(b"")


def flip(path, at=0.5):
    data = bytearray(path.read_bytes())
    data[int(at * len(data))] ^= 1
    path.write_bytes(data)


def remove(path):
    path.unlink()


DAMAGES = [truncate, empty, flip, remove]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_costs_an_epoch(damage, copied):
    damage(copied.checkpoint(2))
    said = []
    assert [row["epoch"] for row in copied.last_state(said.append).history] == [1]
    assert said == [f"'{copied.checkpoint(2)}' is missing or damaged; training goes on from the end of epoch 1."]
    assert [row["epoch"] for row in rows(copied)] == [1]


def test_the_epoch_is_trained_again_as_it_was(copied, straight, unjudged, capsys):
    flip(copied.checkpoint(2))
    train.resume(copied.path)
    assert "training goes on from the end of epoch 1.\n" in capsys.readouterr().out
    assert same_end(copied, straight)


def test_a_run_whose_maps_are_computed_again_goes_on_so(straight, tmp_path, unjudged):
    folder = RunFolder(tmp_path / "run")
    with stopped_in_epoch(1), pytest.raises(kc.ClassicsError, match="Go on with"):
        train.run(assign(RECIPE, ["build.remat=true"]), "mnist_sample", out=folder.path, seed=1)
    assert type(folder.load_model(folder.checkpoint(1), 1)) is Rematerialized
    train.resume(folder.path)
    assert type(folder.load_model(folder.last, EPOCHS)) is not Rematerialized  # which ships
    assert same_end(folder, straight)


def test_a_run_that_is_killed_goes_on_bit_for_bit(straight, tmp_path, unjudged):
    """At a moment of its first two epochs that a seed chooses; `straight` wrote no state inside an epoch."""
    rng, folder = np.random.default_rng(13), RunFolder(tmp_path / "run")
    command = f"""
recipe = get_recipe("lenet5-mnist").replace(epochs=3, batch_size=250)
train.run(recipe, "mnist_sample", out={str(folder.path)!r}, seed=1, checkpoint_minutes=0.003)
"""
    moments, killed = live(command, keras.config.backend(), kill_at=rng.integers(10, 70), delay=rng.uniform(0, 0.1))
    assert killed
    assert "building" in moments
    train.resume(folder.path)
    assert same_end(folder, straight)


def test_two_damaged_checkpoints_cost_all_epochs(copied, straight, unjudged, capsys):
    truncate(copied.checkpoint(1))
    flip(copied.checkpoint(2), at=0.99)
    train.resume(copied.path)
    assert "holds no whole checkpoint; training starts again from the first epoch.\n" in capsys.readouterr().out
    assert same_end(copied, straight)


@pytest.fixture
def copied_inside(copied):
    """Stopped after step 9 of its third epoch, with the state after step 5 beside it."""
    model = copied.load_model(copied.checkpoint(2), 2, compile=True)
    history = copied.last_state(print).history
    for steps in (5, 9):
        copied.save_state(model, State(history, steps))
    assert copied.checkpoints() == [(2, 9), (2, 5)]
    return copied


@pytest.mark.parametrize("damage", [truncate, flip])
def test_a_damaged_checkpoint_inside_an_epoch_costs_the_steps_from_the_one_before(damage, copied_inside):
    path, said = copied_inside.checkpoint(2, 9), []
    assert path.name == "checkpoint-3-step-9.keras"
    damage(path)
    assert copied_inside.last_state(said.append).place == (2, 5)
    assert said == [f"'{path}' is missing or damaged; training goes on from the end of step 5 of epoch 3."]


def test_a_whole_epoch_follows_upon_the_steps_in_it(copied_inside):
    """Also where a damaged checkpoint stands for a later step than training has reached again."""
    flip(copied_inside.checkpoint(2, 9))
    state = copied_inside.last_state(print)
    model = copied_inside.load_model(copied_inside.checkpoint(*state.place), 2, compile=True)
    copied_inside.save_state(model, State(state.history, 7))
    assert copied_inside.checkpoints() == [(2, 7), (2, 5)]
    copied_inside.save_state(model, State([*state.history, {**state.history[-1], "epoch": 3}]))
    assert copied_inside.checkpoints() == [(3, 0), (2, 7)]


def test_a_checkpoint_under_anothers_name_is_not_taken_for_it(copied):
    shutil.copy(copied.checkpoint(1), copied.checkpoint(2))
    assert copied.last_state(print).place == (1, 0)


@pytest.mark.parametrize("damage", [*DAMAGES, "without its last line", "not UTF-8"])
def test_a_damaged_history_costs_nothing(damage, copied):
    """Each checkpoint has its own."""
    whole = copied.history.read_bytes()
    if damage == "without its last line":
        copied.history.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    elif damage == "not UTF-8":
        copied.history.write_bytes(whole + b"\xff\xfe")
    else:
        damage(copied.history)
    assert [row["epoch"] for row in copied.last_state(print).history] == [1, 2]
    assert copied.history.read_bytes() == whole


@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_models_are_made_again_from_their_checkpoints(damage, straight, tmp_path, unjudged, capsys):
    shutil.copytree(straight.path, tmp_path / "run")
    folder = RunFolder(tmp_path / "run")
    damage(folder.best)
    damage(folder.last)
    train.resume(folder.path)
    assert capsys.readouterr().out.count("was damaged; it was made again from checkpoint-3.keras.\n") == 2
    assert same_end(folder, straight)
    assert folder.checkpoints() == []  # it is finished


def test_of_a_best_model_whose_checkpoint_is_gone_is_told_that_a_better_one_replaces_it(copied):
    history, said = rows(copied), []
    epoch = best_epoch(history)
    truncate(copied.best)
    copied.checkpoint(epoch).unlink()
    mend_models(RECIPE, tuple("0123456789"), copied, history, said.append)
    assert said == [
        f"'{copied.best}' of epoch {epoch} is damaged, and that epoch's checkpoint gone; a better epoch replaces it."
    ]
    mend_models(RECIPE.replace(epochs=2), tuple("0123456789"), copied, history, said.append)
    assert len(said) == 1  # for no epoch is left


def test_where_a_damaged_best_model_cannot_be_made_again_the_last_ships(copied, monkeypatch):
    history, said = copied.last_state(print).history, []
    history[0]["val_accuracy"] = 1.0
    truncate(copied.best)
    replace_damaged_best(copied, history, said.append)
    assert said == [
        f"'{copied.best}' of epoch 1 was damaged and cannot be made again: the last epoch is judged and shipped in the "
        "place of the best."
    ]
    assert shipped_epoch(copied, history) == 2
    assert copied.best.read_bytes() == copied.last.read_bytes()
    monkeypatch.setattr("training.judge._export", lambda *_: {})
    metrics = judge(RECIPE, run_data.load("mnist_sample"), copied, history)
    assert (metrics["best_epoch"], metrics["damaged_epoch"]) == (2, 1)


def test_a_run_that_is_killed_as_it_finishes_stays_finished(copied, monkeypatch):
    """Of its checkpoints the latest goes last, from which it would go on."""
    removed = []
    monkeypatch.setattr(pathlib.Path, "unlink", lambda path, missing_ok=False: removed.append(path.name))
    copied.finish({})
    assert [name for name in removed if name.startswith("checkpoint")] == ["checkpoint-1.keras", "checkpoint-2.keras"]


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        (b"", "no readable recipe.json"),
        (b'{"recipe": {"name"', "no readable recipe.json"),
        (b"\xff\xfe{}", "no readable recipe.json"),
        (b"[]", "it is of another version, or damaged. Start a new run"),
        (
            b'{"recipe": {"name": "lenet5-mnist"}, "data": "mnist_sample"}',
            "lacks backend, checkpoint_minutes, class_weights, data_dir, distribution, environments, images, limit, "
            "made_in_python, pictures, record, seed, set, skipped, tensorboard",
        ),
    ],
)
def test_a_damaged_recipe_ends_in_one_line(contents, message, copied):
    copied.recipe.write_bytes(contents)
    with pytest.raises(kc.ClassicsError, match=message) as told:
        train.resume(copied.path)
    assert "\n" not in str(told.value)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("recipe", {"name": "lenet5-mnist"}, "holds no recipe of this version"),
        ("recipe", None, "holds no recipe of this version"),
        ("epochs", "three", "has changed since"),
        ("momentum", 0.5, "has changed since"),
        ("images", {"train": 6000, "test": 999}, "has other images than when"),
    ],
)
def test_a_changed_recipe_or_changed_data_is_told(key, value, message, copied):
    settings = json.loads(copied.recipe.read_text())
    holder = settings if key in settings else settings["recipe"] if key == "epochs" else settings["recipe"]["optimizer"]
    holder[key] = value
    copied.recipe.write_text(json.dumps(settings))
    with pytest.raises(kc.ClassicsError, match=message) as told:
        train.resume(copied.path)
    assert "\n" not in str(told.value)


def test_what_trained_a_run_is_told_of_its_beginning_and_of_what_goes_on(copied, unjudged, capsys):
    settings = copied.read_settings()
    (begun,) = settings["environments"]
    before = {**begun, "commit": "c0ffee", "date": "2020-01-01"}
    copied.write_settings({**settings, "environments": [before]})
    train.resume(copied.path)
    keras_version = f"with Keras {keras.__version__}"
    said = f"'{copied.path}' was trained by commit c0ffee {keras_version} so far, and goes on by commit "
    assert said in capsys.readouterr().out
    metrics = copied.read_metrics()
    assert (metrics["commit"], metrics["date"]) == ("c0ffee", "2020-01-01")
    assert metrics["commits"] == ["c0ffee", begun["commit"]]
    assert metrics["settings"]["backend"] == keras.config.backend()
    assert metrics["settings"]["distribution"] is None


def test_a_run_with_older_words_on_departures_goes_on(copied, monkeypatch):
    monkeypatch.setattr(train, "_train", lambda recipe, data, folder, settings, *_: settings)
    settings = copied.read_settings()
    settings["recipe"]["departures"] = ["It was otherwise."]
    copied.write_settings(settings)
    assert train.resume(copied.path)["recipe"] == RECIPE.as_dict()


@pytest.mark.parametrize(("backend", "option"), [("jax", " --backend jax"), ("tensorflow", "")])
def test_how_to_go_on_names_the_backend_of_the_run(backend, option, tmp_path):
    """Where it is not the default."""
    run = RunFolder(tmp_path)
    run.write_settings({"backend": backend})
    assert run.resume_command == f"python -m training resume {tmp_path}{option}"


@pytest.fixture(scope="module")
def finished(straight, tmp_path_factory):
    """With its exports and without checkpoints."""
    path = tmp_path_factory.mktemp("runs") / "finished"
    shutil.copytree(straight.path, path)
    train.resume(path)
    return RunFolder(path)


@pytest.fixture
def finished_copy(finished, tmp_path):
    shutil.copytree(finished.path, tmp_path / "finished")
    return RunFolder(tmp_path / "finished")


def test_a_finished_run_is_trained_by_no_code_that_judges_it_anew(finished_copy, unjudged, capsys):
    settings = finished_copy.read_settings()
    (begun,) = settings["environments"]
    finished_copy.write_settings({**settings, "environments": [{**begun, "commit": "c0ffee"}]})
    train.resume(finished_copy.path)
    assert "goes on by" not in capsys.readouterr().out
    metrics = finished_copy.read_metrics()
    assert metrics["commit"] == "c0ffee"
    assert "commits" not in metrics


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("name", ["best", "last"])
def test_what_a_finished_run_cannot_make_again_is_told_in_one_line(name, damage, finished_copy):
    before = sorted(os.listdir(finished_copy.path))
    path = getattr(finished_copy, name)
    damage(path)
    with pytest.raises(kc.ClassicsError) as told:
        train.resume(finished_copy.path)
    assert path.name in str(told.value)
    assert "Start a new run." in str(told.value)
    assert "\n" not in str(told.value)
    assert set(os.listdir(finished_copy.path)) == set(before) - ({path.name} if damage is remove else set())


@pytest.mark.parametrize("damage", [*DAMAGES, "without its last line"])
def test_a_damaged_history_of_a_finished_run_is_put_right(damage, finished_copy):
    whole = finished_copy.history.read_bytes()
    if damage == "without its last line":
        finished_copy.history.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    else:
        damage(finished_copy.history)
    assert [row["epoch"] for row in finished_copy.last_state(print).history] == [1, 2, 3]
    assert finished_copy.history.read_bytes() == whole


def test_half_an_export_of_a_finished_run_is_made_again(finished_copy):
    before = json.loads(finished_copy.metrics.read_text())
    (finished_copy.exports["saved_model"] / "saved_model.pb").unlink()
    truncate(finished_copy.exports["tflite"])
    truncate(finished_copy.metrics)
    train.resume(finished_copy.path)
    after = json.loads(finished_copy.metrics.read_text())
    assert sorted(os.listdir(finished_copy.path)) == FILES
    assert after["exports"] == before["exports"]
    assert after["exports"]["model.tflite"]["same_answers"] == 100.0


def test_leftovers_of_a_killed_process_are_swept_by_the_next_start(copied, monkeypatch):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    (copied.path / f".{dead.stdout.strip()}-0123abcd-checkpoint-3.keras").write_bytes(b"half")
    (copied.path / f".{dead.stdout.strip()}-0123abcd-saved_model").mkdir()
    monkeypatch.setattr(train, "_train", lambda *_: sorted(os.listdir(copied.path)))
    present = train.resume(copied.path)
    assert [name for name in present if name.startswith(".")] == []
    assert {"lock", "checkpoint-2.keras", "recipe.json"} < set(present)


def test_two_processes_do_not_work_on_one_run(copied):
    """The second is told who works on it; when that one is killed, the way is free."""
    program = f"""
import pathlib, time
from training.assign import assign
from training.judge import best_epoch, mend_models
from training.lock import locked
with locked(pathlib.Path({str(copied.lock)!r})):
    print("locked", flush=True)
    time.sleep(600)
"""
    other = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert other.stdout.readline() == "locked\n"
    before = sorted(os.listdir(copied.path))
    with pytest.raises(kc.ClassicsError, match=f"^Process {other.pid} is working on '{copied.path}'; wait until it"):
        train.resume(copied.path)
    assert sorted(os.listdir(copied.path)) == before
    other.send_signal(signal.SIGKILL)
    other.communicate()
    assert copied.lock.exists()
    with locked(copied.lock):
        assert copied.lock.read_text() == str(os.getpid())
    assert not copied.lock.exists()


def test_a_full_disk_while_a_checkpoint_is_written_leaves_the_one_before(tmp_path):
    program = f"""
import resource, signal
from training import get_recipe, train
from training.run_folder import RunFolder
import keras_classics as kc
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
recipe = get_recipe("lenet5-mnist").replace(epochs=2, batch_size=500)
save_state = RunFolder.save_state
def filled(self, model, state):
    if len(state.history) == 2:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
    save_state(self, model, state)
RunFolder.save_state = filled
try:
    train.run(recipe, "mnist_sample", out={str(tmp_path / "run")!r}, seed=1)
except kc.ClassicsError as error:
    print("told:", error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "told: Cannot write" in done.stdout, done.stderr[-3000:]
    assert "checkpoint-2.keras' (" in done.stdout.splitlines()[-1]
    folder = RunFolder(tmp_path / "run")
    assert folder.checkpoints() == [(1, 0)]
    assert folder.holds(folder.checkpoint(1), 1)
    assert [row["epoch"] for row in rows(folder)] == [1]
