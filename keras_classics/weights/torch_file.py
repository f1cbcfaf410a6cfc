"""The tensors in a file that `torch.save` wrote, read without torch. Nothing that the file names is called.

Such a file is a pickle, whose machine can call any function of Python. Here it finds only the few names that tensors
need, and stand-ins for them that build records; another name is an error.
"""

import io
import math
import pickle
import re
import warnings
import zipfile
from collections.abc import Callable
from typing import Any, BinaryIO, ClassVar, NamedTuple

import numpy as np

from keras_classics.errors import ClassicsError

LEGACY = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."  # the pickled magic number of the files from before torch 1.6
PICKLE_LIMIT = 64 << 20  # bytes of structure without tensors
WRAPPED = re.compile(r"((?:module|_orig_mod)\.)*")  # before names, by DataParallel and torch.compile
AVERAGED = ("state_dict_ema", "model_ema")  # in a training's checkpoint of timm and of torchvision

STORAGES = {
    "FloatStorage": "<f4",
    "DoubleStorage": "<f8",
    "HalfStorage": "<f2",
    "BFloat16Storage": "<u2",  # the upper half of a float32
    "LongStorage": "<i8",
    "IntStorage": "<i4",
    "ShortStorage": "<i2",
    "CharStorage": "<i1",
    "ByteStorage": "<u1",
    "BoolStorage": "<?",
}


class Storage(NamedTuple):
    """A run of numbers that tensors are views of."""

    kind: str
    key: str
    size: int


class Tensor(NamedTuple):
    """A view of a storage, in elements."""

    storage: Storage
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class State(dict):
    """An OrderedDict's stand-in. A state dict also carries versions of its modules, which nothing needs."""

    __slots__ = ()

    def __setstate__(self, state):
        pass


# A pickle can set attributes of what it finds: these have none, so that it leaves no trace.
class _MakeState:
    __slots__ = ()

    def __call__(self, items=()):
        return State(items)


class _MakeTensor:
    __slots__ = ()

    def __call__(self, storage, offset, shape, strides, *rest):
        return Tensor(storage, offset, shape, strides)


class _MakeParameter:
    __slots__ = ()

    def __call__(self, data, *rest):
        return data


class _Unread:
    """A stand-in for what a checkpoint tells of its training."""

    __slots__ = ()

    def __setstate__(self, state):
        pass


KNOWN: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): _MakeState(),
    ("argparse", "Namespace"): _Unread,
    ("torch._utils", "_rebuild_tensor"): _MakeTensor(),
    ("torch._utils", "_rebuild_tensor_v2"): _MakeTensor(),
    ("torch._utils", "_rebuild_parameter"): _MakeParameter(),
    **{("torch", name): name for name in STORAGES},
}


class _Unpickler(pickle._Unpickler):  # in Python: that in C takes the memory that a pickle asks for
    # As that in Python does for an array of bytes, which no state dict holds.
    dispatch: ClassVar = {c: load for c, load in pickle._Unpickler.dispatch.items() if c != pickle.BYTEARRAY8[0]}

    def find_class(self, module, name):
        if (module, name) not in KNOWN:
            raise ClassicsError(
                f"It names {module}.{name}, which tensors do not need; it is not safe to read. Save the state dict "
                'alone: torch.save(model.state_dict(), "weights.pth").'
            )
        return KNOWN[module, name]

    def persistent_load(self, saved):
        what, kind, key, _, size = saved[:5]
        if what != "storage" or kind not in STORAGES or saved[5:] not in ((), (None,)):
            raise ClassicsError(f"It holds a storage of an unknown kind, {kind!r}.")
        return Storage(kind, str(key), int(size))


def _unpickle(file: BinaryIO) -> Any:
    try:
        return _Unpickler(file, encoding="utf-8").load()
    except ClassicsError:
        raise
    except Exception as error:  # a damaged pickle can raise anything
        raise ClassicsError(f"It is damaged ({type(error).__name__}: {error}).") from None


def read_legacy(file: BinaryIO, size: int) -> dict[str, np.ndarray]:
    """The tensors of a file of `size` bytes that begins with `LEGACY`: pickles, and then the storages."""
    for _ in range(3):  # the magic number, the version, the machine that wrote it
        _unpickle(file)
    root, keys = _unpickle(file), _unpickle(file)
    tensors = _tensors(root)
    storages = {t.storage.key: t.storage for t in tensors.values()}
    arrays = {}
    for key in keys if isinstance(keys, list) else ():
        count = int.from_bytes(file.read(8), "little")
        if key not in storages:
            raise ClassicsError(f"It holds a storage {key!r} that no tensor names.")
        storage = storages[key]
        nbytes = count * np.dtype(STORAGES[storage.kind]).itemsize
        if count != storage.size or nbytes > size - file.tell():
            raise ClassicsError("It is cut off, or its storages have other sizes than it says.")
        arrays[key] = _numbers(file.read(nbytes), storage)
    return _views(tensors, arrays.get)


def read_zip(archive: zipfile.ZipFile, root: str) -> dict[str, np.ndarray]:
    """The tensors of the files since torch 1.6: an archive of `root`data.pkl, and `root`data/<key> for each storage."""
    info = archive.getinfo(f"{root}data.pkl")
    if info.file_size > PICKLE_LIMIT:
        raise ClassicsError("Its structure is too large.")
    tensors = _tensors(_unpickle(io.BytesIO(archive.read(info))))
    arrays: dict[str, np.ndarray] = {}

    def storage_of(key):
        if key not in arrays:
            storage = next(t.storage for t in tensors.values() if t.storage.key == key)
            try:
                member = archive.getinfo(f"{root}data/{key}")
            except KeyError:
                raise ClassicsError(f"It lacks the storage {key!r}.") from None
            if member.file_size != storage.size * np.dtype(STORAGES[storage.kind]).itemsize:
                raise ClassicsError("Its storages have other sizes than it says.")
            arrays[key] = _numbers(archive.read(member), storage)
        return arrays[key]

    return _views(tensors, storage_of)


def _tensors(root: Any) -> dict[str, Tensor]:
    """The tensors of a state dict, or of the one inside a training's checkpoint."""
    for key in ("state_dict", "model", "net"):
        if isinstance(root, dict) and isinstance(root.get(key), dict):
            if averaged := next((name for name in AVERAGED if name in root), None):
                warnings.warn(
                    f"The checkpoint holds averaged weights too ('{averaged}'), by which its accuracy may have been "
                    f"measured; those of '{key}' are taken. To have the others, save that part alone.",
                    stacklevel=2,
                )
            root = root[key]
    if not isinstance(root, dict):
        raise ClassicsError("It holds no dictionary of tensors.")
    tensors: dict[str, Tensor] = {}
    for key, value in root.items():
        if isinstance(value, Tensor) and tensors.setdefault(WRAPPED.sub("", str(key), 1), value) is not value:
            raise ClassicsError(f"It holds the tensor {key} twice, with 'module.' or the like before it and without.")
    if not tensors:
        raise ClassicsError("It holds no tensors.")
    return tensors


def _numbers(data: bytes, storage: Storage) -> np.ndarray:
    array = np.frombuffer(data, STORAGES[storage.kind])
    if storage.kind == "BFloat16Storage":
        return (array.astype("<u4") << 16).view("<f4")
    return array


def _views(tensors: dict[str, Tensor], storage_of: Callable[[str], np.ndarray | None]) -> dict[str, np.ndarray]:
    views = {}
    for name, tensor in tensors.items():
        storage, offset, shape, strides = tensor
        sane = (
            isinstance(storage, Storage)
            and isinstance(shape, tuple)
            and isinstance(strides, tuple)
            and all(isinstance(n, int) and n >= 0 for n in (offset, *shape, *strides))
            and len(shape) == len(strides)
        )
        if not sane or (count := math.prod(map(int, shape))) > storage.size:
            raise ClassicsError(f"The tensor {name} is no view of its storage.")
        last = offset + sum((n - 1) * step for n, step in zip(shape, strides, strict=True))
        array = storage_of(storage.key)
        if array is None or (count and last >= len(array)):
            raise ClassicsError(f"The tensor {name} reaches beyond its storage.")
        bytes_apart = [step * array.itemsize for step in strides]
        views[name] = np.lib.stride_tricks.as_strided(array[offset:], shape, bytes_apart, writeable=False)
    return views
