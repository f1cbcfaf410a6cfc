"""Class names, where the labels are words: of class folders, or of a table's rows."""

import pathlib
from collections.abc import Iterable

from keras_classics import pictures
from keras_classics.errors import ClassicsError, one_line

FILE = "classes.txt"


def in_order(found: Iterable[str], folder: pathlib.Path) -> tuple[str, ...]:
    """The class names in the order of the labels: that of the file classes.txt in the folder, a name a line, where
    there is one; else sorted, and by value where all are numbers.

    Raises:
        ClassicsError: if two names differ only in white space, or the file holds other names than those found, or one
            twice.
    """
    found = set(found)
    seen: dict[str, str] = {}
    for name in sorted(found):
        other = seen.setdefault(one_line(name), name)
        if other != name:
            raise ClassicsError(f"The classes {other!r} and {name!r} differ only in white space; give both one name.")
    path = folder / FILE
    try:
        listed = [line.strip() for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    except FileNotFoundError:
        return tuple(sorted(found, key=lambda name: (int(name), name)) if _are_numbers(found) else sorted(found))
    except (OSError, ValueError) as error:
        raise ClassicsError(f"'{pictures.printable(path)}' cannot be read ({error}); mend or remove it.") from None
    if len(listed) != len(set(listed)) or set(listed) != found:
        twice = {name for name in listed if listed.count(name) > 1}
        wrong = sorted(found ^ set(listed) or twice)[0]
        reason = "twice" if not found ^ set(listed) else "not" if wrong in found else "and the data does not"
        raise ClassicsError(
            f"'{pictures.printable(path)}' must name each class once, a line each: it has '{wrong}' {reason}."
        )
    return tuple(listed)


def _are_numbers(names) -> bool:
    return all(name.isascii() and name.isdigit() for name in names)
