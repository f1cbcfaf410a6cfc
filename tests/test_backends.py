"""The other backends: each runs its part of the suite in a process of its own, beside this one. So does a folder of
tensorflow's own tests."""

import re

import pytest
from conftest import BESIDE

LEAST = {"numpy": 400, "jax": 100, "torch": 100, "tensorflow": 200}  # must have passed, lest a marker go astray


@pytest.mark.parametrize("backend", ["jax", "torch", "numpy", "tensorflow"])
def test_suite_passes_on(backend):
    code, output = BESIDE[backend].result()
    passed = re.search(r"(\d+) passed", output)
    assert code == 0, output[-8000:]
    assert passed, output[-2000:]
    assert int(passed[1]) >= LEAST[backend], output[-2000:]
