"""What may lie in an archive that is read: no member outside of it, no part in another file, no bomb."""

import pathlib
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, BinaryIO

import h5py

from keras_classics.errors import ClassicsError

LIMIT = 2 << 30  # bytes of weights in one file: four times VGG19's
RATIO = 50  # by how much a file's packing may shrink it


@contextmanager
def open_zip(file: BinaryIO, size: int) -> Iterator[zipfile.ZipFile]:
    """An archive of `size` bytes whose members are of sound names and sizes; none is ever written to the disk."""
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            if info.filename.startswith("/") or ".." in pathlib.PurePosixPath(info.filename).parts:
                raise ClassicsError(f"Its member '{info.filename}' would lie outside of the archive.")
        total = sum(info.file_size for info in archive.infolist())
        if total > min(LIMIT, RATIO * size):
            raise ClassicsError(f"It would unpack to {total:,} bytes, which is too much.")
        yield archive


@contextmanager
def open_hdf5(file: IO[bytes], size: int) -> Iterator[h5py.File]:
    """An HDF5 file of `size` bytes; refused if its parts lie in other files, or unpack to too much."""
    sizes: dict[int, int | None] = {}  # of groups, which may have many names; None while one is added up

    def size_of(group) -> int:
        address = h5py.h5o.get_info(group.id).addr
        if address not in sizes:
            sizes[address] = None
            sizes[address] = sum(part(group, name) for name in group)
        if (known := sizes[address]) is None:
            raise ClassicsError("Its parts stand in each other.")
        return known

    def part(group, name: str) -> int:
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise ClassicsError(f"Its part '{name}' lies elsewhere.")
        item = group[name]
        if isinstance(item, h5py.Group):
            return size_of(item)
        if item.external or item.is_virtual:
            raise ClassicsError(f"Its part '{name}' lies in another file.")
        return item.nbytes

    with h5py.File(file, "r") as h5:
        if (total := size_of(h5)) > min(LIMIT, RATIO * size):
            raise ClassicsError(f"It would unpack to {total:,} bytes, which is too much.")
        yield h5
