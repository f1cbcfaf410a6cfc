"""The other backends: each runs its part of the suite in a process of its own, beside this one. After them a second
process of tensorflow takes a share of the rest."""

import re

import pytest
from conftest import BESIDE

LEAST = {"numpy": 1000, "jax": 400, "torch": 400, "tensorflow": 0}  # must have passed, lest a marker go astray


@pytest.mark.parametrize("backend", ["jax", "torch", "numpy", "tensorflow"])
def test_suite_passes_on(backend):
    code, output = BESIDE[backend].result()
    passed = re.search(r"(\d+) passed|$", output)
    assert code == 0, output[-8000:]
    assert int(passed[1] or 0) >= LEAST[backend], output[-2000:]
