"""`python -m keras_classics.stub` writes `__init__.pyi`, which tells editors and type checkers the public names."""

import importlib
import pathlib

from keras_classics.files import atomic_write
from keras_classics.zoo import BUILDERS

STUB = pathlib.Path(__file__).with_name("__init__.pyi")


def text() -> str:
    """What the file has to say: where the public functions and classes are, and that the builders are records."""
    package = importlib.import_module("keras_classics")
    public = [getattr(package, name) for name in package.__all__ if name not in BUILDERS]
    lines = [
        "# Written by `python -m keras_classics.stub`.",
        *sorted(f"from {value.__module__} import {value.__name__} as {value.__name__}" for value in public),
        "",
        "__version__: str",
        *(f"{symbol}: Variant" for symbol in BUILDERS),
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    with atomic_write(STUB) as temporary:
        temporary.write_text(text(), "utf-8")
