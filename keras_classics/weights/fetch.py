"""A checkpoint's file on this machine: downloaded once, whole or not at all, and checked before anything reads it."""

import functools
import hashlib
import os
import pathlib
import zipfile
from collections.abc import Iterable
from typing import Any

import keras

from keras_classics.errors import ClassicsError
from keras_classics.files import atomic_write
from keras_classics.places import PREFIX
from keras_classics.weights.entries import Entry

MODEL, CONFIG = "model.safetensors", "config.json"  # of a repository of timm on the hub

_PACKAGE = pathlib.Path(__file__).parents[1]
# What ships with the package: inside it where it is installed, beside it in a checkout.
SHIPPED = (_PACKAGE if (_PACKAGE / "saved_models").is_dir() else _PACKAGE.parent) / "saved_models"


def cache_folder() -> pathlib.Path:
    """Where downloads are kept: "keras_classics" in KERAS_HOME, by default ~/.keras."""
    return pathlib.Path(os.environ.get("KERAS_HOME", "~/.keras")).expanduser() / "keras_classics"


def fetch(entry: Entry) -> pathlib.Path:
    """The checked file of a checkpoint.

    Raises:
        ClassicsError: if it cannot be had, and then what to fetch and where to put it; or if it is not the file that
            was published.
    """
    if entry.address.startswith(PREFIX):
        return fetch_from_hub(entry.address.removeprefix(PREFIX), MODEL)
    if entry.address.startswith("package:"):
        return _from_package(entry)
    path = cache_folder() / entry.file
    if path.exists():
        _check(path, entry)
        return path
    with atomic_write(path) as temporary:
        if not os.access(path.parent, os.W_OK):  # or Keras would download to another place
            raise ClassicsError(
                f"'{path.parent}' cannot be written to; name another folder for downloads by KERAS_HOME."
            )
        try:
            keras.utils.get_file(temporary.name, entry.address, cache_dir=path.parent, cache_subdir=".")
        except Exception as error:  # Keras raises Exception itself
            if isinstance(error, OSError) and not isinstance(error, ConnectionError | TimeoutError):
                raise  # the disk's
            raise ClassicsError(
                f"Cannot download {entry.address} ({error}). Fetch it by other means and put it at '{path}', or pass "
                "its path as `weights`."
            ) from error
        _check(temporary, entry)
    return path


def on_this_machine(entry: Entry) -> bool:
    """Whether a checkpoint can be had without a network: it is in the package, or was downloaded before. Its file is
    not checked here."""
    import huggingface_hub

    if entry.address.startswith(PREFIX):
        kept = huggingface_hub.try_to_load_from_cache(
            entry.address.removeprefix(PREFIX), MODEL, cache_dir=cache_folder() / "hub"
        )
        return isinstance(kept, str)
    if entry.address.startswith("package:"):
        return (SHIPPED / entry.address.removeprefix("package:")).exists()
    return (cache_folder() / entry.file).exists()


def fetch_from_hub(repository: str, name: str) -> pathlib.Path:
    """A checked file of a repository on the Hugging Face hub.

    Raises:
        ClassicsError: if it cannot be had, and then what to fetch; or if it is damaged.
    """
    try:
        path = hub_file(repository, name)
    except Exception as error:  # its errors, and those of its transports
        raise ClassicsError(
            f"Cannot download {name} of {repository} from the Hugging Face hub ({type(error).__name__}). Fetch "
            f"https://huggingface.co/{repository}/resolve/main/{MODEL} by other means and pass its path as `weights`."
        ) from error
    check_blob(path, repository)
    return path


def hub_file(repository: str, name: str, **options: Any) -> pathlib.Path:
    """A file of a repository, through the hub's client, which keeps a large one under the name of its SHA-256 and
    takes the options; it raises what the client does."""
    import huggingface_hub

    return pathlib.Path(huggingface_hub.hf_hub_download(repository, name, cache_dir=cache_folder() / "hub", **options))


def published(path: pathlib.Path, entries: Iterable[Entry]) -> Entry | None:
    """The first of some checkpoints that a file is, told by its sum; None if it is none of them."""
    found: dict[str, str] = {}  # each algorithm reads the file once
    for entry in entries:
        if entry.checksum and entry.algorithm not in found:
            found[entry.algorithm] = digest(path, entry.algorithm)
        if entry.checksum and found[entry.algorithm].startswith(entry.digits):
            return entry
    return None


def digest(path: pathlib.Path, algorithm: str) -> str:
    """The sum of a file, or of the one file in an archive of pytorchcv's; what is no sum, if that is damaged."""
    hasher = functools.partial(hashlib.new, algorithm, usedforsecurity=False)
    try:
        with open(path, "rb") as file:
            if path.name.endswith(".pth.zip") and zipfile.is_zipfile(path):
                with zipfile.ZipFile(file) as archive:
                    (info,) = (info for info in archive.infolist() if not info.is_dir())
                    with archive.open(info) as member:
                        return hashlib.file_digest(member, hasher).hexdigest()  # type: ignore[arg-type]
            return hashlib.file_digest(file, hasher).hexdigest()
    except (zipfile.BadZipFile, ValueError, RuntimeError):
        return "no sum: it is no archive of one file"


def _check(path, entry):
    found = digest(path, entry.algorithm)
    if not found.startswith(entry.digits):
        raise ClassicsError(
            f"'{path}' is not the file that {entry.source} published as {entry.file} ({entry.algorithm} "
            f"{entry.digits}, here {found}). Remove it to download it anew."
        )


def _from_package(entry):
    path = SHIPPED / entry.address.removeprefix("package:")
    if not path.exists() or digest(path, entry.algorithm) != entry.digits:
        raise ClassicsError(f"'{path}', the weights {entry.tag}, is missing or damaged; install keras-classics anew.")
    return path


def check_blob(path: pathlib.Path, repository: str) -> None:
    """Checks a file that the hub's client keeps under the name of its SHA-256; one of another name cannot be checked.

    Raises:
        ClassicsError: if it is damaged; it is then removed.
    """
    expected = path.resolve().name
    if len(expected) == 64 and digest(path, "sha256") != expected:
        path.resolve().unlink()
        raise ClassicsError(f"The download of {repository} was damaged and is removed; try again.")
