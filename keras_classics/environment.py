"""What a measurement depends on."""

import datetime
import importlib.metadata
import os
import pathlib
import platform
from typing import Any

import keras


def environment() -> dict[str, Any]:
    """Versions, backend and hardware, as a result has to name them."""
    packages = ("keras-classics", "keras", "tensorflow", "tensorflow-datasets", "jax", "torch", "pytorchcv", "numpy")
    versions = {}
    for package in packages:
        try:
            versions[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            continue
    return {
        "backend": keras.config.backend(),
        "versions": {"python": platform.python_version(), **versions},
        "hardware": {"processor": _processor(), "cores": os.cpu_count(), "system": platform.system()},
        "date": datetime.date.today().isoformat(),
    }


def _processor() -> str:
    try:
        lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())
