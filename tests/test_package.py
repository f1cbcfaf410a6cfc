"""What `pip install` brings: a wheel, also made from the sdist alone, that works away from the checkout."""

import os
import pathlib
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile

import pytest

import keras_classics

ROOT = pathlib.Path(__file__).parents[1]
MOST_BYTES = 8_000_000  # of the wheel, which holds trained weights and a sample of MNIST

# What building, asking and fine-tuning needs beside a backend: docs/install.md names the same.
SLIM = ("keras", "h5py", "huggingface-hub", "numpy", "pillow", "rich", "argcomplete")
NOT_SLIM = ("tensorflow", "tensorflow_datasets", "keras_cv", "matplotlib", "ai_edge_litert", "onnx", "onnxruntime")


def run(program, *arguments, cwd, **environment):
    """Runs a program of an installation away from the checkout."""
    kept = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "XLA_FLAGS")}
    return subprocess.run(
        [program, *map(str, arguments)], cwd=cwd, env={**kept, **environment}, capture_output=True, text=True
    )


def build(source, target):
    done = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", target], cwd=source, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def dist(tmp_path_factory):
    """The folder with the wheel and the sdist of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    build(ROOT, folder)
    return folder


@pytest.fixture(scope="module")
def installed(dist, tmp_path_factory):
    """The folder of an environment into which pip has installed the wheel. Other packages are those of the tests'
    environment, but for this one, whose checkout a path file there names."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    (wheel,) = dist.glob("*.whl")
    pip = [sys.executable, "-m", "pip", "--python", folder / "bin" / "python", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "--no-index", wheel], check=True, capture_output=True)
    others = [path for path in sys.path if path.endswith("site-packages")]
    (site_of(folder) / "others.pth").write_text("\n".join(others), "utf-8")
    return folder


def site_of(environment) -> pathlib.Path:
    (site,) = environment.glob("lib/python*/site-packages")
    return site


def test_the_wheel_holds_every_module_and_its_data(dist, installed):
    (wheel,) = dist.glob("*.whl")
    assert wheel.name == f"keras_classics-{keras_classics.__version__}-py3-none-any.whl"
    assert wheel.stat().st_size < MOST_BYTES
    site = site_of(installed)
    git = ["git", "ls-files", "keras_classics", "training"]
    tracked = subprocess.run(git, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    tracked = [name for name in tracked if (ROOT / name).is_file()]
    assert {name for name in tracked if not (site / name).is_file()} == {
        name for name in tracked if name.startswith("training/results/experiments/") and name.endswith(".png")
    }
    assert (site / "keras_classics/py.typed").is_file()
    assert (site / "keras_classics/saved_models/lenet5-mnist/best.keras").is_file()
    folders = {path.name for path in site.iterdir() if path.is_dir() and not path.name.endswith(".dist-info")}
    assert folders == {"keras_classics", "training"}


def test_what_is_installed_works_away_from_the_checkout(installed, tmp_path):
    program = (
        "import keras_classics as kc; judged = kc.evaluate(kc.LeNet5(weights='mnist'), 'mnist_sample', verbose=0);"
        "print(kc.__file__, judged.top1)"
    )
    done = run(installed / "bin/python", "-c", program, cwd=tmp_path, KERAS_BACKEND="tensorflow")
    assert done.returncode == 0, done.stderr[-2000:]
    where, error = done.stdout.split()
    assert pathlib.Path(where).is_relative_to(installed)
    assert float(error) <= 3  # percent


def test_the_command_is_installed(installed, tmp_path):
    done = run(installed / "bin/keras-classics", "--version", cwd=tmp_path)
    assert done.stdout == f"keras-classics {keras_classics.__version__}\n", done.stderr


def test_the_sdist_alone_makes_the_same_wheel(dist, tmp_path):
    (sdist,) = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    for name in ("README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md", "CITATION.cff", "tests/conftest.py"):
        assert (source / name).is_file(), name
    build(source, tmp_path / "again")
    made = {}
    for wheel in (*dist.glob("*.whl"), *(tmp_path / "again").glob("*.whl")):
        with zipfile.ZipFile(wheel) as archive:
            made[wheel] = {info.filename: info.CRC for info in archive.infolist()}
    first, second = made.values()
    assert first == second


def test_builders_and_weights_need_no_more_than_the_slim_installation(installed, tmp_path):
    """As docs/install.md describes it: without TensorFlow and what stands on it."""
    program = f"""
import sys
class Missing:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {NOT_SLIM!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Missing())
import numpy as np
import keras_classics as kc
model = kc.LeNet5(weights="mnist")
answers = model(kc.preprocess_input(np.zeros((2, 32, 32, 1), "uint8"), model))
assert kc.fuse(kc.ResNet20(seed=0)).count_params() < kc.ResNet20.params
kc.freeze(kc.ResNet20(seed=0), up_to="conv2")
model.save("again.keras")
print(answers.shape == (2, 10), kc.load("again.keras").count_params() == kc.LeNet5.params)
"""
    done = run(installed / "bin/python", "-c", program, cwd=tmp_path, KERAS_BACKEND="jax")
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == ["True", "True"]


def test_docs_and_pyproject_name_the_slim_installation_alike():
    needed = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["dependencies"]
    names = {line.split(">=")[0].strip() for line in needed}
    assert names >= set(SLIM)
    assert f"pip install {' '.join(SLIM)} jax" in (ROOT / "docs/install.md").read_text("utf-8")


def test_the_citation_is_of_this_version():
    text = (ROOT / "CITATION.cff").read_text("utf-8")
    assert f"version: {keras_classics.__version__}\n" in text
