"""What a measurement depends on."""

import datetime
import importlib.metadata
import os
import pathlib
import platform
import subprocess
from typing import Any

import keras


def environment() -> dict[str, Any]:
    """The code's commit, versions, backend and hardware, as a result has to name them."""
    frameworks = ("keras", "tensorflow", "tensorflow-datasets", "jax", "torch", "pytorchcv", "numpy")
    packages = ("keras-classics", *frameworks, "ai-edge-litert", "onnxruntime")
    versions = {}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "commit": _commit(),
        "backend": keras.config.backend(),
        "versions": {"python": platform.python_version(), **versions},
        "hardware": {"processor": _processor(), "cores": os.cpu_count(), "system": platform.system()},
        "date": datetime.date.today().isoformat(),
    }


def _commit() -> str | None:
    """Of the checkout that the code is in, with "-dirty" behind it where files were changed since; None without one."""
    here = pathlib.Path(__file__)
    git = ["git", "-C", str(here.parent)]
    try:
        subprocess.run([*git, "ls-files", "--error-unmatch", here.name], check=True, capture_output=True)
        describe = [*git, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        return subprocess.run(describe, check=True, capture_output=True, text=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _processor() -> str:
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
