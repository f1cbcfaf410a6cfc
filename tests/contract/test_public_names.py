"""What `import keras_classics` offers, what it costs, and that all of it follows from the one list of families."""

import importlib
import pathlib
import pkgutil
import subprocess
import sys

import pytest
from small import SMALL

import keras_classics as kc
import training.recipes
from keras_classics import models, stub, zoo
from keras_classics.families import FAMILIES
from keras_classics.weights import tables

pytestmark = pytest.mark.structure
ROOT = pathlib.Path(__file__).parents[2]


def test_the_import_alone_imports_neither_keras_nor_numpy():
    program = (
        "import sys, keras_classics as kc; kc.__version__; print({'keras', 'numpy', 'tensorflow'} & {*sys.modules})"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "set()", done.stderr


def test_every_public_name_is_there():
    star: dict = {}
    exec("from keras_classics import *", star)
    assert set(kc.__all__) == star.keys() - {"__builtins__"}
    assert set(kc.__all__) <= set(dir(kc))
    assert len(set(kc.__all__)) == len(kc.__all__)
    assert {variant.name for variant in star.values() if isinstance(variant, kc.Variant)} == set(kc.list_models())
    assert set(zoo.BUILDERS) <= set(kc.__all__)


def test_no_public_name_is_that_of_a_module():
    """Python sets a module, once it is imported, in the place of what the package has under its name."""
    assert not set(kc.__all__) & {module.name for module in pkgutil.iter_modules(kc.__path__)}


def test_the_stub_tells_the_public_names():
    assert stub.STUB.read_text("utf-8") == stub.text(), "run `python -m keras_classics.stub`"


@pytest.mark.parametrize("name", ["ResNet51", "resnet50", "creat_model"])
def test_an_unknown_name_gets_the_nearest(name):
    with pytest.raises(AttributeError, match="Did you mean '(ResNet5|create_model)"):
        getattr(kc, name)
    assert not hasattr(kc, "_ResNet50")


@pytest.mark.parametrize(
    ("package", "others"),
    [(models, set()), (tables, {"lecun1989", "lenet"}), (training.recipes, set())],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_every_module_of_a_family_is_in_the_list(package, others):
    """`others` have no published weights."""
    assert {module.name for module in pkgutil.iter_modules(package.__path__)} == set(FAMILIES) - others


def test_every_family_has_a_small_network():
    assert {kc.get_model(name).family for name in SMALL} == set(FAMILIES)


def test_a_record_names_the_family_that_it_stands_in():
    for family in FAMILIES:
        module = importlib.import_module(f"keras_classics.models.{family}")
        assert {v.family for v in vars(module).values() if isinstance(v, kc.Variant)} == {family}
