"""Whether a graph is made to be exported: some layers then compute in other operations than they train with."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_exporting = ContextVar("exporting", default=False)


@contextmanager
def exporting() -> Iterator[None]:
    """Within it layers choose the operations that the runtimes of exports run fastest."""
    token = _exporting.set(True)
    try:
        yield
    finally:
        _exporting.reset(token)


def is_exporting() -> bool:
    return _exporting.get()
