"""A result names the code that made it."""

import importlib.util
import shutil
import subprocess

import pytest

from keras_classics import environment


def copied(folder):
    """The module `environment`, as a file in another folder."""
    path = shutil.copy(environment.__file__, folder)
    spec = importlib.util.spec_from_file_location("copied", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def git(folder, *arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@b")
    done = subprocess.run(["git", "-C", folder, *identity, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_the_commit_is_that_of_the_code(tmp_path):
    git(tmp_path, "init")
    module = copied(tmp_path)
    assert module.environment()["commit"] is None, "an installed package in another's checkout is not of its commit"
    git(tmp_path, "add", "environment.py")
    git(tmp_path, "commit", "-m", "first")
    assert module.environment()["commit"] == git(tmp_path, "rev-parse", "HEAD")
    (tmp_path / "environment.py").write_text("changed")
    assert module.environment()["commit"] == git(tmp_path, "rev-parse", "HEAD") + "-dirty"


def test_there_is_no_commit_without_git(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "")
    assert copied(tmp_path).environment()["commit"] is None
