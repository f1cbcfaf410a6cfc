"""One process at a time in a folder."""

import os
import pathlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from keras_classics.errors import ClassicsError
from keras_classics.files import sweep_leftovers

try:
    import fcntl
except ImportError:  # Windows, where two processes are not kept apart
    fcntl = None  # type: ignore[assignment]


@contextmanager
def locked(lock: pathlib.Path) -> Iterator[None]:
    """Keeps other processes out of the folder of the file `lock`, which tells the number of the present one, and sweeps
    away what killed ones left half written there.

    The system lifts the lock of a process that dies, so none is ever stale.

    Raises:
        ClassicsError: if another process works there, or the folder cannot be written.
    """
    file = _take(lock)
    try:
        sweep_leftovers(lock.parent)
        yield
    finally:
        with suppress(OSError):
            lock.unlink()
        os.close(file)


def _take(lock: pathlib.Path) -> int:
    while True:
        try:
            file = os.open(lock, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            reason = f"Cannot write in '{lock.parent}' ({error.strerror})."
            raise ClassicsError(f"{reason} Choose another place, or mend its permissions.") from None
        try:
            if fcntl:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            process = os.read(file, 20).decode("ascii", "replace")
            os.close(file)
            raise ClassicsError(
                f"Process {process} is working on '{lock.parent}'; wait until it ends, or stop it first."
            ) from None
        if _is(file, lock):
            os.truncate(file, 0)
            os.write(file, str(os.getpid()).encode())
            return file
        os.close(file)  # its owner removed it between our opening and locking it: try again


def _is(file: int, path: pathlib.Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file), os.stat(path))
    except FileNotFoundError:
        return False
