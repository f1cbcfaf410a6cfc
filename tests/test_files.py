"""Files are written whole or not at all."""

import os
import subprocess
import sys

import pytest

import keras_classics as kc
from keras_classics.files import atomic_write, sweep_leftovers


def test_a_file_appears_at_the_end_and_replaces_the_old(tmp_path):
    path = tmp_path / "new" / "figures.json"
    for text in ("one", "two"):
        with atomic_write(path) as temporary:
            temporary.write_text(text)
            assert not path.exists() or path.read_text() == "one"
            assert temporary.suffix == ".json"
        assert path.read_text() == text
    assert os.listdir(path.parent) == ["figures.json"]


@pytest.mark.parametrize("failure", [KeyboardInterrupt, RuntimeError])
def test_a_failure_leaves_nothing_and_keeps_the_old(tmp_path, failure):
    path = tmp_path / "figures.json"
    path.write_text("old")

    def interrupted():
        with atomic_write(path) as temporary:
            temporary.write_text("half")
            raise failure

    with pytest.raises(failure):
        interrupted()
    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["figures.json"]


def test_a_folder_is_written_whole_too(tmp_path):
    with atomic_write(tmp_path / "model") as temporary:
        temporary.mkdir()
        (temporary / "part").touch()
    assert os.listdir(tmp_path / "model") == ["part"]
    with pytest.raises(kc.ClassicsError, match="already"), atomic_write(tmp_path / "model") as temporary:
        temporary.mkdir()
    assert os.listdir(tmp_path) == ["model"]


def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    """A limit on the size of files stands in for the full disk: writing past it fails in the same way."""
    program = f"""
import resource, signal
import keras_classics as kc
from keras_classics.files import atomic_write
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))
try:
    with atomic_write({str(tmp_path / "model.keras")!r}) as path:
        kc.ResNet20().save(path)
except kc.ClassicsError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "Cannot write" in done.stdout, done.stderr[-3000:]
    assert "Free space there" in done.stdout
    assert os.listdir(tmp_path) == []


def test_what_a_killed_process_left_is_swept_and_nothing_else(tmp_path):
    program = f"""
import os, signal
from keras_classics.files import atomic_write
with atomic_write({str(tmp_path / "model.keras")!r}) as file, atomic_write({str(tmp_path / "saved")!r}) as folder:
    file.write_text("half")
    folder.mkdir()
    (folder / "part").touch()
    os.kill(os.getpid(), signal.SIGKILL)
"""
    subprocess.run([sys.executable, "-c", program])
    assert len(os.listdir(tmp_path)) == 2
    others = [
        f".{os.getppid()}-0123abcd-alive",
        ".hidden",
        ".12-",
        ".12-mine",
        ".0-0123abcd-zero",
        "7-plain",
        "model.keras",
    ]
    for name in [*others, f".{os.getpid()}-0123abcd-earlier", f".{10**30}-0123abcd-no-process"]:
        (tmp_path / name).write_text("kept")
    sweep_leftovers(tmp_path)
    assert sorted(os.listdir(tmp_path)) == sorted(others)


def test_processes_of_one_number_do_not_write_into_one_another(tmp_path):
    """Containers that share a folder give the same few numbers."""
    path = tmp_path / "figures.json"
    with atomic_write(path) as one:
        one.write_text("one")
        with atomic_write(path) as other:
            other.write_text("other")
        assert path.read_text() == "other"
    assert path.read_text() == "one"


def test_a_file_and_a_folder_do_not_replace_each_other(tmp_path):
    (tmp_path / "file").write_text("kept")
    with pytest.raises(kc.ClassicsError, match="already a file"), atomic_write(tmp_path / "file", True) as temporary:
        temporary.mkdir()
    (tmp_path / "folder").mkdir()
    with (
        pytest.raises(kc.ClassicsError, match="already a folder"),
        atomic_write(tmp_path / "folder", True) as temporary,
    ):
        temporary.touch()
    assert (tmp_path / "file").read_text() == "kept"
    assert sorted(os.listdir(tmp_path)) == ["file", "folder"]


def test_a_folder_that_cannot_be_replaced_stays(tmp_path, monkeypatch):
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "old").write_text("old")
    replace = os.replace

    def full(source, target):
        if "-old-" not in str(source) and target == tmp_path / "folder":
            raise OSError(28, "No space left on device")
        replace(source, target)

    monkeypatch.setattr(os, "replace", full)
    with (
        pytest.raises(kc.ClassicsError, match="No space left"),
        atomic_write(tmp_path / "folder", replace_folder=True) as path,
    ):
        path.mkdir()
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
    assert (tmp_path / "folder" / "old").read_text() == "old"
