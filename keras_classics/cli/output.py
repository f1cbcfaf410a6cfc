"""What is printed: tables, figures, progress."""

import json
import os
import pathlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from keras_classics.files import atomic_write, check_writable


class _Console(Console):
    def on_broken_pipe(self):
        """Leaves it to `parser.run`, where Rich would end with status 1."""
        self.quiet = True
        raise BrokenPipeError


# As wide as the terminal or as COLUMNS says; 160 where nothing says it.
console = _Console(highlight=False, width=None if sys.stdout.isatty() or "COLUMNS" in os.environ else 160)


def table(left: Sequence[str], right: Sequence[str] = (), title: str | None = None) -> Table:
    """A table with columns of text, set left, and then of figures, set right."""
    made = Table(box=None, header_style="bold", title=title, title_justify="left")
    for heading in left:
        made.add_column(heading)
    for heading in right:
        made.add_column(heading, justify="right")
    return made


def answer(place: str | None, figures: Any, show: Callable[[], None]) -> None:
    """Shows the answer to a person; its `figures` go as JSON to the file `place`, or for "-" alone to standard output.

    Raises:
        ClassicsError: if the file cannot be written.
    """
    text = json.dumps(figures, indent=2, ensure_ascii=False) + "\n"
    if place == "-":
        sys.stdout.write(text)
        return
    show()
    if place:
        with atomic_write(place) as path:
            pathlib.Path(path).write_text(text, "utf-8")


def check_places(*places: str | None) -> None:
    """Raises a ClassicsError, before time is spent, unless files may be written at the places that are given."""
    for place in places:
        if place not in (None, "-"):
            check_writable(place)


def working(on: str):
    """A context that tells, on a terminal, what goes on; its `update` tells what goes on now."""
    return console.status(f"{on} ...")


def millions(count: int | None) -> str:
    if not count:
        return ""
    return f"{count / 1e6:,.0f}M" if count >= 1e7 else f"{count / 1e6:.2f}M"


def percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}%"


def errors(top1: float | None, top5: float | None) -> str:
    """Top-1 and top-5 errors as papers give them: "22.85% / 6.71%"."""
    return " / ".join(f"{error:g}%" for error in (top1, top5) if error is not None)
