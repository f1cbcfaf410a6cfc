"""Files are written whole or not at all."""

import os
import pathlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from keras_classics.errors import ClassicsError


@contextmanager
def atomic_write(path: str | pathlib.Path) -> Iterator[pathlib.Path]:
    """Gives a temporary path beside `path`, with the same suffix, to write a file or a folder to.

    At the end it takes the name `path` in one step; on any error it is removed, and `path` stays as it was.

    Raises:
        ClassicsError: if the place cannot be written or has no space left.
    """
    path = pathlib.Path(path)
    temporary = path.with_name(f".{os.getpid()}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if temporary.is_dir() and path.exists():
            raise FileExistsError(17, "There is already a folder of that name")
        os.replace(temporary, path)
    except OSError as error:
        raise ClassicsError(
            f"Cannot write '{path}' ({error.strerror or error}). Free space there, or choose another place."
        ) from error
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            with suppress(OSError):
                temporary.unlink()
