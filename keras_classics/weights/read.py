"""Weights files of other frameworks, and of Keras: told by their content, read without running anything in them."""

import io
import json
import math
import pathlib
import re
import zipfile
from collections.abc import Mapping
from contextlib import contextmanager

import h5py
import numpy as np

from keras_classics.errors import ClassicsError
from keras_classics.spec import InputProtocol, protocol_of
from keras_classics.weights import torch_file
from keras_classics.weights.onnx_file import read_onnx

LIMIT = 2 << 30  # bytes of weights in one file: four times VGG19's
RATIO = 50  # by how much a file's packing may shrink it

KINDS = {
    "keras": "a file of model.save or save_weights",
    "h5": "a weights file of keras.applications",
    "torch": "a state dict of torch.save",
    "safetensors": "a safetensors file",
    "onnx": "an ONNX model",
}


def kind_of(path: str | pathlib.Path) -> str:
    """The kind of a weights file, one of `KINDS`.

    Raises:
        ClassicsError: if there is no such file, or it is of no known kind.
    """
    path = pathlib.Path(path)
    if not path.is_file():
        raise ClassicsError(f"There is no weights file '{path}'. Check the path, or leave `weights` None.")
    with _named(path), open(path, "rb") as file:
        head = file.read(32)
        if head.startswith(b"PK\x03\x04"):
            with _zip(file, path.stat().st_size) as archive:
                return "keras" if "model.weights.h5" in archive.namelist() else "torch"
        if head.startswith(torch_file.LEGACY):
            return "torch"
        if head.startswith(b"\x89HDF\r\n\x1a\n"):
            with h5py.File(path) as h5:
                return "h5" if "layer_names" in h5.attrs or "model_weights" in h5 else "keras"
        if len(head) > 8 and head[8:9] == b"{":
            return "safetensors"
        if head[:1] == b"\x08" and 0 < head[1] < 32:  # the version, which comes first
            return "onnx"
    raise ClassicsError(f"'{path}' is no weights file: it must be {', '.join(KINDS.values())}.")


def read(path: str | pathlib.Path) -> dict[str, np.ndarray]:
    """The tensors of another framework's file, by "<layer>.<variable>", in the order of the file.

    Raises:
        ClassicsError: if it is no such file, damaged, too large, or holds numbers that are not finite or anything but
            tensors.
    """
    path = pathlib.Path(path)
    kind = kind_of(path)
    with _named(path):
        tensors = READERS[kind](path)
        for name, array in tensors.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ClassicsError(f"Its tensor {name} holds numbers that are not finite.")
    return tensors


@contextmanager
def _named(path):
    """Says of which file a mistake is."""
    try:
        yield
    except ClassicsError as error:
        raise ClassicsError(f"'{path}' cannot be read. {error}") from None
    except Exception as error:  # damaged bytes raise anything in h5py, zipfile, json and NumPy
        reason = str(error).strip().splitlines()[:1] or [type(error).__name__]
        raise ClassicsError(f"'{path}' cannot be read. It is damaged ({reason[0]}).") from None


@contextmanager
def _zip(file, size):
    """An archive whose members are of sound names and sizes; none is ever written to the disk."""
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.filename.startswith("/") or ".." in pathlib.PurePosixPath(info.filename).parts:
                raise ClassicsError(f"Its member '{info.filename}' would lie outside of the archive.")
        total = sum(info.file_size for info in archive.infolist())
        if total > min(LIMIT, RATIO * size):
            raise ClassicsError(f"It would unpack to {total:,} bytes, which is too much.")
        yield archive


def check_zip(path: str | pathlib.Path) -> None:
    """Refuses an archive with members that would lie outside of it, or unpack to too much."""
    with _named(path), open(path, "rb") as file, _zip(file, pathlib.Path(path).stat().st_size):
        pass


def carried_by(path: str | pathlib.Path) -> InputProtocol | None:
    """The protocol that a model carries in a .keras file; None if there is none, as in files of weights alone."""
    if not zipfile.is_zipfile(path):
        return None
    with _named(path), open(path, "rb") as file, _zip(file, pathlib.Path(path).stat().st_size) as archive:
        layers = json.loads(archive.read("config.json"))["config"].get("layers", ())
        carried = (layer["config"]["protocol"] for layer in layers if layer["class_name"] == "Provenance")
        return next(map(protocol_of, carried), None)


def _read_torch(path):
    size = path.stat().st_size
    with open(path, "rb") as file:
        return _read_torch_stream(file, size, nested=False)


def _read_torch_stream(file, size, nested):
    """A state dict, or an archive that holds nothing but one, as pytorchcv publishes them."""
    head = file.read(len(torch_file.LEGACY))
    file.seek(0)
    if head == torch_file.LEGACY:
        return torch_file.read_legacy(file, size)
    with _zip(file, size) as archive:
        roots = [name.removesuffix("data.pkl") for name in archive.namelist() if name.endswith("data.pkl")]
        if len(roots) == 1:
            return torch_file.read_zip(archive, roots[0])
        members = [info for info in archive.infolist() if not info.is_dir()]
        if nested or len(members) != 1:
            raise ClassicsError("It is an archive, but not of a state dict of torch.")
        return _read_torch_stream(io.BytesIO(archive.read(members[0])), members[0].file_size, nested=True)


SAFETENSORS = {
    **{"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "BOOL": "<?"},
    **{f"{sign}{bits}": f"<{sign.lower()}{bits // 8}" for sign in "IU" for bits in (8, 16, 32, 64)},
}


def _read_safetensors(path):
    """Eight bytes that tell the length of a JSON table of types, shapes and places; then the numbers."""
    size = path.stat().st_size
    with open(path, "rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if length > min(size - 8, torch_file.PICKLE_LIMIT):
            raise ClassicsError("It is cut off.")
        table = json.loads(file.read(length))
        data = file.read(size)
    tensors = {}
    for name, entry in table.items():
        if name == "__metadata__":
            continue
        kind, shape, (start, end) = SAFETENSORS[entry["dtype"]], entry["shape"], entry["data_offsets"]
        if not 0 <= start <= end <= len(data) or end - start != math.prod(shape) * np.dtype(kind).itemsize:
            raise ClassicsError(f"It is cut off, or its tensor {name} has another size than it says.")
        array = np.frombuffer(data, kind, math.prod(shape), start).reshape(shape)
        tensors[name] = (array.astype("<u4") << 16).view("<f4") if entry["dtype"] == "BF16" else array
    if not tensors:
        raise ClassicsError("It holds no tensors.")
    return tensors


def check_hdf5(path: str | pathlib.Path) -> None:
    """Refuses an HDF5 file whose parts lie in other files, or unpack to too much."""
    total = 0

    def visit(group):
        nonlocal total
        for name in group:
            if not isinstance(group.get(name, getlink=True), h5py.HardLink):
                raise ClassicsError(f"Its part '{name}' lies elsewhere.")
            item = group[name]
            if isinstance(item, h5py.Group):
                visit(item)
            elif item.external or item.is_virtual:
                raise ClassicsError(f"Its part '{name}' lies in another file.")
            else:
                total += item.nbytes

    with _named(path), h5py.File(path) as h5:
        visit(h5)
        if total > min(LIMIT, RATIO * pathlib.Path(path).stat().st_size):
            raise ClassicsError(f"It would unpack to {total:,} bytes, which is too much.")


def _read_h5(path):
    """Layers in the order of the model, their arrays in that of Keras: their own names changed with its versions."""
    check_hdf5(path)
    tensors: dict[str, np.ndarray] = {}
    with h5py.File(path) as h5:
        root = h5["model_weights"] if "layer_names" not in h5.attrs else h5
        layers = [_text(name) for name in root.attrs["layer_names"]]
        names = _numbered_from_one(layers)
        for layer in layers:
            group = root[layer]
            arrays = [np.asarray(group[_text(name)]) for name in group.attrs["weight_names"]]
            tensors.update(zip((f"{names[layer]}.{v}" for v in _variables(layer, arrays)), arrays, strict=True))
    return tensors


def _numbered_from_one(layers: list[str]) -> dict[str, str]:
    """Names that Keras made up, "conv2d_7", count the layers of a kind in a process; here they count the file's."""
    names = dict(zip(layers, layers, strict=True))
    for kind in ("conv2d", "batch_normalization"):
        made = [name for name in layers if re.fullmatch(rf"{kind}(_\d+)?", name)]
        made.sort(key=lambda name: int(name.removeprefix(kind).strip("_") or 0))
        names.update({name: f"{kind}_{i}" for i, name in enumerate(made, 1)})
    return names


def _text(name) -> str:
    return name.decode() if isinstance(name, bytes) else name


def _variables(layer, arrays) -> tuple[str, ...]:
    """Keras' names of a layer's arrays, which their axes tell."""
    axes = tuple(a.ndim for a in arrays)
    known: Mapping[tuple[int, ...], tuple[str, ...]] = {
        (): (),
        (2,): ("kernel",),
        (4,): ("kernel",),
        (2, 1): ("kernel", "bias"),
        (4, 1): ("kernel", "bias"),
        (4, 4): ("depthwise_kernel", "pointwise_kernel"),
        (4, 4, 1): ("depthwise_kernel", "pointwise_kernel", "bias"),
        (1, 1, 1): ("beta", "moving_mean", "moving_variance"),
        (1, 1, 1, 1): ("gamma", "beta", "moving_mean", "moving_variance"),
    }
    if axes not in known:
        raise ClassicsError(f"Its layer {layer} has arrays of {axes} axes.")
    return known[axes]


READERS = {"h5": _read_h5, "torch": _read_torch, "safetensors": _read_safetensors, "onnx": read_onnx}
