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
    total, visited = 0, set()

    def visit(group):
        nonlocal total
        address = h5py.h5o.get_info(group.id).addr
        if address in visited:  # a group may have many names, and stand in itself
            return
        visited.add(address)
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

    with h5py.File(file, "r") as h5:
        visit(h5)
        if total > min(LIMIT, RATIO * size):
            raise ClassicsError(f"It would unpack to {total:,} bytes, which is too much.")
        yield h5
