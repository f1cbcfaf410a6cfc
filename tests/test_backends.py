"""The other backends: each runs its part of the suite in a process of its own."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

LEAST = {"numpy": 50, "jax": 20, "torch": 20}  # tests that must have run, lest a marker go astray


@pytest.mark.parametrize("backend", ["numpy", "jax", "torch"])
def test_suite_passes_on(backend):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", pathlib.Path(__file__).parent],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    passed = re.search(r"(\d+) passed", done.stdout)
    assert done.returncode == 0, done.stdout[-5000:] + done.stderr[-2000:]
    assert passed, done.stdout[-2000:]
    assert int(passed[1]) >= LEAST[backend], done.stdout[-2000:]
