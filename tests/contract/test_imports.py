"""Who imports whom, as the design has it; read from the files, so imports inside functions count as well."""

import ast
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[2]

# A module may import what stands in a lower layer.
LAYERS = [
    {"choices", "environment", "errors", "families", "quiet", "spec"},
    {"file_macs", "files", "gradients", "initializers", "pictures", "places", "resampling", "scenes"},
    {"layers", "runtimes"},
    {"blocks", "by_hand", "complexity", "preprocessing"},
    {"crops", "rematerialization", "weights"},
    {"architecture", "cells", "variant"},
    {"models"},
    {"copies", "model_file", "zoo", "plots"},
    {"catalogue", "fully_convolutional", "stub"},
    {"decoding"},
    {"datasets", "feed"},
    {"exported", "model_card"},
    {"ensemble", "fine_tuning", "fusion", "gradcam", "hub_folder", "pyramid"},
    {"benchmark", "evaluation", "exporting", "loading", "prediction"},
    {"export_matrix", "opening"},
    {"demo"},
    {"cli", "data"},
    {"__init__", "__main__"},
]
LEVEL = {module: level for level, modules in enumerate(LAYERS) for module in modules}
LINEAGES = {
    ("resnext", "resnet"),
    ("resnet_v2", "resnet"),
    ("inception_v4", "inception_v3"),
    ("inception_resnet", "inception_v4"),
    ("pnasnet", "nasnet"),
}
JAX_IN_FUNCTIONS = {"gradients", "layers"}
TORCH_IN_FUNCTIONS = {"benchmark", "by_hand", "gradients", "layers"}
TENSORFLOW_IN_FUNCTIONS = {
    "crops",
    "decoding",
    "preprocessing",
    "datasets",
    "exported",
    "exporting",
    "feed",
    "gradients",
    "layers",
    "resampling",
    "runtimes",
}


def imports(path):
    """Pairs of (full module name, whether the import is at the top of the file)."""
    tree = ast.parse(path.read_text("utf-8"))
    guarded = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test))
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        top = id(node) not in guarded
        if isinstance(node, ast.Import):
            yield from ((alias.name, top) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            # `from keras_classics import export` imports the module export
            if node.module in ("keras_classics", "training", "keras_classics.models"):
                yield from ((f"{node.module}.{alias.name}", top) for alias in node.names)
            else:
                yield node.module, top


def modules(package):
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", modules("keras_classics"), ids=lambda p: str(p.relative_to(ROOT)))
def test_the_library_imports_downwards_only(path):
    parts = path.relative_to(ROOT / "keras_classics").with_suffix("").parts
    here = parts[0]
    for name, top in imports(path):
        root, *rest = name.split(".")
        assert root != "training", f"{path} imports training"
        if root == "tensorflow":
            assert here in TENSORFLOW_IN_FUNCTIONS, f"{path} imports tensorflow"
            assert not top, f"{path} imports tensorflow outside a function"
        if root == "torch":
            assert here in TORCH_IN_FUNCTIONS, f"{path} imports torch"
            assert not top, f"{path} imports torch outside a function"
        if root == "jax":
            assert here in JAX_IN_FUNCTIONS, f"{path} imports jax"
            assert not top, f"{path} imports jax outside a function"
        if root != "keras_classics" or not rest:
            continue
        if here == rest[0] == "models":
            if parts[1:] != ("__init__",):
                assert (parts[1], rest[1]) in LINEAGES, f"{path} imports {name}"
        elif here != rest[0]:
            assert LEVEL[rest[0]] < LEVEL[here], f"{path} imports {name}, which stands beside or above it"


@pytest.mark.parametrize("backend", ["jax", "torch", "numpy"])
def test_building_a_model_leaves_tensorflow_unimported(backend):
    program = (
        "import sys, keras_classics as kc; kc.LeNet5(); kc.ResNet20(include_preprocessing=True);"
        "print('tensorflow' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env={"KERAS_BACKEND": backend, "PATH": "", "HOME": str(pathlib.Path.home()), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() == ["False"], done.stderr[-2000:]
