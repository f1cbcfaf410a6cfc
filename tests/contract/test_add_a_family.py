"""A family that is made up, added to a copy of the packages as CONTRIBUTING says."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pytest

pytestmark = pytest.mark.structure
ROOT = pathlib.Path(__file__).parents[2]

FILES = {
    "keras_classics/models/made_up.py": '''
"""Doe 2026: a network that is made up."""

from keras_classics.blocks import conv_bn_relu
from keras_classics.spec import CIFAR10_32, Paper
from keras_classics.variant import Variant

PAPER = Paper("A Made-Up Network", "Doe", 2026, "nowhere", "https://example.org")


def features(x):
    return conv_bn_relu(x, 8, 3, name="conv1")


MadeUpNet = Variant(
    name="made_up_net", family="made_up", paper=PAPER, protocol=CIFAR10_32, params=322, macs=221_264, features=features
)
''',
    "keras_classics/weights/tables/made_up.py": """
SOURCES = {"pytorchcv": [("conv1_conv", "features.conv"), ("conv1_bn", "features.bn"), ("predictions", "output")]}
""",
    "training/recipes/made_up.py": """
from keras_classics.models.made_up import PAPER
from training.recipe import SGD, Recipe, Steps

RECIPES = (Recipe("made_up_net-cifar10", "made_up_net", "cifar10", PAPER, 1, 32, SGD(), Steps((0.1,))),)
""",
}

PROGRAM = """
import json, keras_classics as kc, training
from keras_classics import complexity
from keras_classics.weights.tables import NAMES
model = kc.create_model("made_up_net", classes=7, seed=0)
whole = kc.MadeUpNet()
print(json.dumps({
    "listed": kc.list_models(family="made_up"),
    "last": kc.list_models()[-1],
    "built": [model.name, model.output_shape[1], complexity.count_params(whole), complexity.count_macs(whole)],
    "known": [kc.MadeUpNet.params, kc.MadeUpNet.macs],
    "public": "MadeUpNet" in dir(kc) and "MadeUpNet" in kc.__all__,
    "rules": len(NAMES["made_up", "pytorchcv"]),
    "recipe": training.get_recipe("made_up_net-cifar10").model,
    "recipes": training.list_recipes()[-1],
}))
"""


def test_records_tables_and_recipes_follow_from_one_line_of_the_list(tmp_path):
    for package in ("keras_classics", "training"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    for name, text in FILES.items():
        (tmp_path / name).write_text(text.lstrip(), "utf-8")
    families = tmp_path / "keras_classics" / "families.py"
    text = families.read_text("utf-8")
    assert text.count('    "pnasnet",\n') == 1
    families.write_text(text.replace('    "pnasnet",\n', '    "pnasnet",\n    "made_up",\n'), "utf-8")

    def run(*arguments):
        environment = {**os.environ, "PYTHONPATH": str(tmp_path), "KERAS_BACKEND": "numpy"}
        done = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr[-2000:]
        return done.stdout

    told = json.loads(run("-c", PROGRAM))
    assert told["listed"] == [told["last"]] == ["made_up_net"]
    assert told["built"] == ["made_up_net", 7, *told["known"]]
    assert told["public"]
    assert told["rules"] == 3
    assert told["recipe"] == "made_up_net"
    assert told["recipes"] == "made_up_net-cifar10"
    run("-m", "keras_classics.stub")
    assert "MadeUpNet: Variant\n" in (tmp_path / "keras_classics" / "__init__.pyi").read_text("utf-8")


def test_contributing_names_every_file_that_a_family_needs():
    """Each path there exists, once the family has a name that is taken."""
    text = (ROOT / "CONTRIBUTING.md").read_text("utf-8")
    section = text[text.index("## Add a family") : text.index("## Commit")]
    paths = [path for path in re.findall(r"`([\w/<>.]+\.\w+)`", section) if "/" in path]
    assert len(paths) >= 10
    for path in paths:
        path = path.replace("<family>", "resnet").replace("<source>", "pytorchcv")
        assert (ROOT / path).exists() or (ROOT / "keras_classics" / path).exists(), path
