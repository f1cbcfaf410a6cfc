"""Files are written whole or not at all."""

import os
import pathlib
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from keras_classics.errors import ClassicsError


@contextmanager
def atomic_write(path: str | pathlib.Path, replace_folder: bool = False) -> Iterator[pathlib.Path]:
    """Gives a temporary path beside `path`, with the same suffix, to write a file or a folder to.

    At the end it takes the name `path` in one step; on any error it is removed, and `path` stays as it was. A process
    that is killed leaves it behind, for `sweep_leftovers`.

    A folder that has the name already is an error, or with `replace_folder` is put aside and removed for another, which
    takes two steps more.

    Raises:
        ClassicsError: if the place cannot be written or has no space left.
    """
    path = pathlib.Path(path)
    # Containers that share a folder count their processes each for itself, so the number alone is not enough.
    mark = f".{os.getpid()}-{secrets.token_hex(4)}-"
    temporary = path.with_name(f"{mark}{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        if path.is_dir() or (temporary.is_dir() and path.exists()):
            if not (replace_folder and path.is_dir() and temporary.is_dir()):
                kind = "folder" if path.is_dir() else "file"
                raise FileExistsError(17, f"There is already a {kind} of that name")
            aside = path.with_name(f"{mark}old-{path.name}")
            os.replace(path, aside)
            try:
                os.replace(temporary, path)
            except OSError:
                os.replace(aside, path)
                raise
            remove(aside)
        else:
            os.replace(temporary, path)
    except OSError as error:
        raise ClassicsError(
            f"Cannot write '{path}' ({error.strerror or error}). Free space there, or choose another place."
        ) from error
    finally:
        remove(temporary)


def check_writable(path: str | os.PathLike) -> None:
    """Raises a ClassicsError, before time is spent, unless a file may be written at the path, as far as can be told."""
    path = pathlib.Path(path).absolute()
    if reason := "it is a folder" if os.path.isdir(path) else unwritable(path):
        raise ClassicsError(f"Cannot write '{path}': {reason}. Choose another place.")


def unwritable(path: pathlib.Path) -> str:
    """Why nothing can be made at the path, as far as can be told; "" if it can."""
    nearest = next(parent for parent in path.absolute().parents if os.path.exists(parent))  # False where none may look
    if not nearest.is_dir():
        return f"'{nearest}' is a file"
    return "" if os.access(nearest, os.W_OK) else f"'{nearest}' may not be written"


def sweep_leftovers(folder: str | pathlib.Path) -> None:
    """Removes what killed processes left half written in a folder, and nothing else.

    Call it before anything is written there: what bears this process's own number counts as left behind by another.
    """
    for name in leftovers(folder):
        remove(pathlib.Path(folder, name))


def leftovers(folder: str | pathlib.Path) -> list[str]:
    """The names of what killed processes left half written in a folder."""
    named = (re.fullmatch(r"\.([1-9]\d*)-[0-9a-f]{8}-.+", path.name) for path in pathlib.Path(folder).iterdir())
    return [found[0] for found in named if found and not _another_runs(int(found[1]))]


def _another_runs(number: int) -> bool:
    """Whether a process of that number runs that is not this one."""
    if number == os.getpid():
        return False
    if os.name == "nt":
        return True  # to ask there is to end it
    try:
        os.kill(number, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def remove(path: pathlib.Path) -> None:
    """Removes a file or a folder, if it is there and can be removed."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        with suppress(OSError):
            path.unlink()
