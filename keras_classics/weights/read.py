"""Weights files of other frameworks, and of Keras: told by their content, read without running anything in them."""

import io
import json
import math
import pathlib
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import replace

import h5py
import numpy as np

from keras_classics.errors import ClassicsError, first_line
from keras_classics.weights import torch_file
from keras_classics.weights.archive import open_zip
from keras_classics.weights.contents import Contents
from keras_classics.weights.keras_file import WEIGHTS, read_hdf5, read_keras
from keras_classics.weights.onnx_file import read_onnx

KINDS = {
    "keras": "a file of Keras' model.save or save_weights",
    "hdf5": "an HDF5 file of keras.applications",
    "torch": "a state dict of torch.save",
    "safetensors": "a safetensors file",
    "onnx": "an ONNX model",
}

SUFFIXES = (
    *(".keras", ".h5", ".hdf5", ".onnx"),
    *(".pth", ".pt", ".th", ".bin", ".ckpt", ".tar", ".zip", ".safetensors"),
)


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
            with open_zip(file, path.stat().st_size) as archive:
                return "keras" if WEIGHTS in archive.namelist() else "torch"
        if head.startswith(torch_file.LEGACY):
            return "torch"
        if head.startswith(b"\x89HDF\r\n\x1a\n"):
            with h5py.File(path) as h5:
                legacy = "model_weights" in h5 or any(name.startswith("layer_names") for name in h5.attrs)
                return "hdf5" if legacy else "keras"
        if len(head) > 8 and head[8:9] == b"{":
            return "safetensors"
        if head[:1] == b"\x08" and 0 < head[1] < 32:  # the version, which comes first
            return "onnx"
    raise ClassicsError(f"'{path}' is no weights file: it must be {', '.join(KINDS.values())}.")


def read(path: str | pathlib.Path) -> Contents:
    """The tensors of a network in a file of any kind.

    Raises:
        ClassicsError: if it is no such file, damaged, too large, or holds numbers that are not finite or anything but
            tensors.
    """
    path = pathlib.Path(path)
    kind = kind_of(path)
    with _named(path):
        contents = replace(READERS[kind](path), path=path)
        for name, array in contents.tensors.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ClassicsError(f"Its tensor {name} holds numbers that are not finite.")
    return contents


@contextmanager
def _named(path):
    """Says of which file a mistake is."""
    try:
        yield
    except ClassicsError as error:
        raise ClassicsError(f"'{path}' cannot be read. {error}") from None
    except Exception as error:  # damaged bytes raise anything in h5py, zipfile, json and NumPy
        raise ClassicsError(f"'{path}' cannot be read. It is damaged ({first_line(error)}).") from None


def _read_torch(path):
    size = path.stat().st_size
    with open(path, "rb") as file:
        return Contents(_read_torch_stream(file, size, nested=False), "torch")


def _read_torch_stream(file, size, nested):
    """A state dict, or an archive that holds nothing but one, as pytorchcv publishes them."""
    head = file.read(len(torch_file.LEGACY))
    file.seek(0)
    if head == torch_file.LEGACY:
        return torch_file.read_legacy(file, size)
    with open_zip(file, size) as archive:
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
    tensors, taken = {}, 0
    for name, entry in table.items():
        if name == "__metadata__":
            continue
        if entry["dtype"] not in SAFETENSORS:
            raise ClassicsError(
                f"Its tensor {name} is of the type {entry['dtype']}, which is not read; save it as F32."
            )
        kind, shape, (start, end) = SAFETENSORS[entry["dtype"]], entry["shape"], entry["data_offsets"]
        if not 0 <= start <= end <= len(data) or end - start != math.prod(shape) * np.dtype(kind).itemsize:
            raise ClassicsError(f"It is cut off, or its tensor {name} has another size than it says.")
        taken += end - start
        if taken > len(data):
            raise ClassicsError("Its tensors overlap.")
        array = np.frombuffer(data, kind, math.prod(shape), start).reshape(shape)
        tensors[name] = (array.astype("<u4") << 16).view("<f4") if entry["dtype"] == "BF16" else array
    if not tensors:
        raise ClassicsError("It holds no tensors.")
    return Contents(tensors, "torch")


READERS: dict[str, Callable[[pathlib.Path], Contents]] = {
    "keras": read_keras,
    "hdf5": read_hdf5,
    "torch": _read_torch,
    "safetensors": _read_safetensors,
    "onnx": lambda path: Contents(read_onnx(path), "onnx"),
}
