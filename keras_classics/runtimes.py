"""Exports in their own runtimes, by whomever they were written: what a file takes and costs, and what runs it on random
images. It imports no Keras, so that a process that runs an export needs no more memory than the export does.
"""

import contextlib
import importlib.util
import os
import pathlib
import zipfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from keras_classics import file_macs
from keras_classics.choices import EXPORT_SUFFIXES
from keras_classics.errors import ClassicsError

RUNTIMES = {"tflite": "LiteRT", "onnx": "ONNX Runtime", "saved_model": "TensorFlow"}
FACTS = "network.json"  # which network it is, and how its pictures are prepared
EXTRA = "assets.extra"  # the folder of a SavedModel that has them
LONGEST = 1 << 20  # bytes of such a text

ONNX_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
}
# The packages that run a format, those that read what is in it as well, and those that make it.
PACKAGES: dict[str, dict[str, tuple[str, ...]]] = {
    "tflite": {"run": ("ai_edge_litert",)},
    "onnx": {"run": ("onnxruntime",), "read": ("onnxruntime", "onnx"), "make": ("onnxruntime", "onnx", "tf2onnx")},
    "saved_model": {"run": ("tensorflow",)},
}


def check_installed(format: str, to: str) -> None:
    """Raises a ClassicsError unless the packages are there `to` "run", "read" or "make" a format."""
    for package in PACKAGES[format].get(to, PACKAGES[format]["run"]):
        if importlib.util.find_spec(package) is None:
            name = package.replace("_", "-")
            extra = "keras-classics[onnx]" if format == "onnx" else name
            raise ClassicsError(
                f"To {to} {format} files, {name} is needed, which is not installed; run: pip install '{extra}'"
            )


def check(paths: Sequence[str], threads: int | None = None, against: str | None = None) -> None:
    """Raises a ClassicsError unless exports are at the paths, as far as their names tell, that can be run here, on so
    many threads, `against` the Keras or torch model of others."""
    if twice := next((path for path in paths if paths.count(path) > 1), None):
        raise ClassicsError(f"'{twice}' is named twice.")
    for path in paths:
        _check(pathlib.Path(path), threads)
    if threads is None:
        return
    if threads < 1:
        raise ClassicsError(f"The threads must be at least 1, not {threads}.")
    if against is not None:
        raise ClassicsError(
            f"{against} takes as many threads as its backend likes; a number of threads is for LiteRT and ONNX Runtime "
            "alone."
        )


def _check(path: pathlib.Path, threads: int | None) -> None:
    format = format_of(path)
    if not path.exists():
        raise ClassicsError(f"There is no export '{path}'.")
    if path.is_dir() and not (path / "saved_model.pb").exists():
        raise ClassicsError(
            f"'{path}' is a folder and no SavedModel; `keras-classics export` makes one of a run folder."
        )
    if path.is_file() and format == "saved_model":
        raise ClassicsError(
            f"'{path}' is no SavedModel, .tflite or .onnx file; `keras-classics export` makes one of a .keras file, "
            "and a network as it is in Keras is measured by its name."
        )
    check_installed(format, "read")
    if threads is not None and format == "saved_model":
        raise ClassicsError(
            f"'{path}' runs on TensorFlow, which takes as many threads as it likes; a number of threads is for LiteRT "
            "and ONNX Runtime alone."
        )


def format_of(path: str | os.PathLike) -> str:
    """The export format: of files by their names; a folder is a SavedModel, and so is what has another name."""
    path = pathlib.Path(path)
    named = (format for format, ending in EXPORT_SUFFIXES.items() if ending == path.suffix)
    return "saved_model" if path.is_dir() else next(named, "saved_model")


def inspect(path: str) -> dict[str, Any]:
    """What a file says of itself: the "shape" of its image, whose open sides are None, the multiply-adds ("macs") of
    one image, None where they cannot be counted, and what it has "told", the text `FACTS`, "" where there is none.

    Raises:
        ValueError: if it takes something else than an image. What else the runtimes raise, they raise.
    """
    read = {"tflite": _tflite_facts, "onnx": _onnx_facts, "saved_model": _saved_model_facts}[format_of(path)]
    shapes, count, told = read(path)
    if len(shapes) != 1 or len(shapes[0]) != 4:
        raise ValueError(f"it takes {len(shapes)} inputs of the shapes {shapes}, not one batch of images")
    return {"shape": [None if side in (None, -1) else side for side in shapes[0]], "macs": count(), "told": told}


def _tflite_facts(path):
    interpreter = tflite_interpreter(path, delegates=False)
    inputs = interpreter.get_input_details()
    shapes = [(i["shape_signature"] if len(i["shape_signature"]) else i["shape"]).tolist() for i in inputs]
    return shapes, lambda: file_macs.of_tflite(interpreter), text_in(path, FACTS)


def _onnx_facts(path):
    import onnx

    network = onnx.load(path)
    weights = {tensor.name for tensor in network.graph.initializer}
    types = [value.type.tensor_type for value in network.graph.input if value.name not in weights]
    shapes = [[side.dim_value or None for side in kind.shape.dim] for kind in types]
    told = {entry.key: entry.value for entry in network.metadata_props}
    return shapes, lambda: file_macs.of_onnx(network), told.get(FACTS, "")


def _saved_model_facts(path):
    _, specs = saved_model(path)
    return [list(spec.shape) for spec in specs], lambda: None, text_in(path, FACTS)


@dataclass(frozen=True)
class Opened:
    """An export in its runtime.

    Attributes:
        ask: images of its type (N, ...), as many as it takes at once, to its first output.
        batch: how many that is; None for any number.
        dtype: of the images.
        text: `FACTS` or `LABELS` to that text; "" where it has none.
    """

    ask: Callable[[Any], Any]
    batch: int | None
    dtype: str
    text: Callable[[str], str]


def opened(path: str | os.PathLike, threads: int | None = None) -> Opened:
    """Loads an export, for so many threads or as many as the runtime takes by itself. What the runtimes raise, it
    raises."""
    return {"tflite": _tflite, "onnx": _onnx, "saved_model": _saved_model}[format_of(path)](path, threads)


def step(path: str, shape: tuple[int, ...], threads: int | None) -> Callable[[], Any]:
    """What runs the export once on the same random images of that shape (N, ...), on so many threads, or as many as the
    runtime takes by itself."""
    export = opened(path, threads)
    images = _images(shape, export.dtype)
    return lambda: export.ask(images)


def _tflite(path, threads):
    interpreter = tflite_interpreter(path, threads)
    taken, given = interpreter.get_input_details()[0], interpreter.get_output_details()[0]["index"]
    shape = None  # of the images that there is room for

    def ask(images):
        nonlocal shape
        if images.shape != shape:
            interpreter.resize_tensor_input(taken["index"], images.shape)
            interpreter.allocate_tensors()
            shape = images.shape
        interpreter.set_tensor(taken["index"], images)
        interpreter.invoke()
        return interpreter.get_tensor(given)

    batch = int(taken["shape_signature"][0])
    return Opened(ask, None if batch == -1 else batch, taken["dtype"].__name__, partial(text_in, path))


def _onnx(path, threads):
    session = onnx_session(path, threads)
    taken = session.get_inputs()[0]
    batch = taken.shape[0] if isinstance(taken.shape[0], int) else None
    texts = session.get_modelmeta().custom_metadata_map
    return Opened(
        lambda images: session.run(None, {taken.name: images})[0],
        *(batch, ONNX_TYPES[taken.type]),
        lambda name: texts.get(name, ""),
    )


def _saved_model(path, _):
    ask, (spec, *_) = saved_model(path)
    return Opened(ask, spec.shape[0], spec.dtype.name, partial(text_in, path))


def _images(shape, dtype):
    import numpy as np

    return np.random.default_rng(0).integers(0, 128, shape).astype(dtype)  # which int8 has as well


def tflite_interpreter(path: str | os.PathLike, threads: int | None = None, delegates: bool = True) -> Any:
    """LiteRT's interpreter of a file; without `delegates`, such as XNNPACK, it runs all operations itself."""
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    kind = OpResolverType.AUTO if delegates else OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    return Interpreter(str(path), num_threads=threads, experimental_op_resolver_type=kind)


def onnx_session(path: str | os.PathLike, threads: int | None = None) -> Any:
    """ONNX Runtime's session of a file, on the CPU."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0  # 0 is its own choice
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def saved_model(path: str | os.PathLike) -> tuple[Callable[[Any], Any], list[Any]]:
    """What runs the endpoint of Keras' exports, or else the signature of that of others, on NumPy's images, and the
    specifications of what it takes."""
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))
    signature = loaded.signatures.get("serving_default")
    if signature is None:
        raise ValueError("it has no signature 'serving_default'")
    _, named = signature.structured_input_signature
    name = next(iter(named))

    def ask(images):  # and keeps `loaded`, which has the weights
        images = tf.constant(images)
        given = loaded.serve(images) if hasattr(loaded, "serve") else next(iter(signature(**{name: images}).values()))
        return given.numpy()

    return ask, list(named.values())


def text_in(path: str | os.PathLike, name: str) -> str:
    """One of the texts of a SavedModel, or of the archive behind a TFLite file; "" where it has none."""
    path = pathlib.Path(path)
    with contextlib.suppress(OSError, KeyError, ValueError, zipfile.BadZipFile):
        if path.is_dir():
            with open(path / EXTRA / name, "rb") as file:
                return file.read(LONGEST).decode("utf-8")
        with zipfile.ZipFile(path) as archive, archive.open(name) as file:
            return file.read(LONGEST).decode("utf-8")
    return ""


def size(path: str | os.PathLike) -> int:
    """The bytes of a file, or of all files in a folder."""
    path = pathlib.Path(path)
    return sum(file.stat().st_size for file in (path, *path.rglob("*")) if file.is_file())
