"""A sum at the end of a zip file, such as a .keras, by which damage to any of its bytes is told."""

import hashlib
import json
import os
import pathlib
import zipfile
from typing import Any

DIGITS = 64  # of a SHA-256 in hexadecimal
BLOCK = 1 << 20  # bytes that are read at once


def seal(path: pathlib.Path, **notes: Any) -> None:
    """Adds `notes` to the zip file, each as <name>.json, and as its comment the SHA-256 of all bytes before that."""
    with zipfile.ZipFile(path, "a") as archive:
        for name, note in notes.items():
            archive.writestr(f"{name}.json", json.dumps(note))
        archive.comment = b"0" * DIGITS
    digest = _digest(path)
    with open(path, "r+b") as file:
        file.seek(-DIGITS, os.SEEK_END)
        file.write(digest)


def is_whole(path: pathlib.Path) -> bool:
    """Whether the file is there and is byte for byte as it was sealed."""
    try:
        with open(path, "rb") as file:
            file.seek(-DIGITS, os.SEEK_END)
            return file.read() == _digest(path)
    except OSError:
        return False


def read_note(path: pathlib.Path, name: str) -> Any:
    """What was noted under that name when the file, which is whole, was sealed."""
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read(f"{name}.json"))


def _digest(path) -> bytes:
    left, digest = path.stat().st_size - DIGITS, hashlib.sha256()
    with open(path, "rb") as file:
        while left > 0:
            block = file.read(min(BLOCK, left))
            digest.update(block)
            left -= len(block)
    return digest.hexdigest().encode()
