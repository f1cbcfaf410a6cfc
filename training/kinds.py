"""The kinds of values that a recipe has, by their annotations."""

import dataclasses
import numbers
import types
import typing
from typing import Any

from keras_classics.errors import ClassicsError


def kind(annotation: Any) -> str | None:
    """What a value of that annotation is, in words; None for one that cannot be written in a line."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (types.UnionType, typing.Union) and len(arguments) == 2 and arguments[1] is type(None):
        of_value = kind(arguments[0])
        return of_value and f"{of_value}, or none"
    if origin is typing.Literal:
        return f"one of {', '.join(arguments)}"
    if annotation == tuple[float, ...]:
        return "numbers with commas between them"
    if origin is dict:
        return "a JSON object"
    return {float: "a number", int: "a whole number", bool: "true or false"}.get(annotation)


def check(holder: Any, prefix: str = "") -> None:
    """Raises a ClassicsError if a field of the dataclass, which it names behind the prefix, has a value of another kind
    than its annotation."""
    hints = typing.get_type_hints(type(holder))
    for field in dataclasses.fields(holder):
        value, annotation = getattr(holder, field.name), hints[field.name]
        if kind(annotation) and not _fits(value, annotation):
            raise ClassicsError(f"{prefix}{field.name} takes {kind(annotation)}, not {value!r}.")


def _fits(value: Any, annotation: Any) -> bool:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if type(None) in arguments:
        return value is None or _fits(value, arguments[0])
    if origin is typing.Literal:
        return value in arguments
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(part, float) for part in value)
    if origin is dict:
        return isinstance(value, dict)
    if isinstance(value, bool) or annotation is bool:
        return isinstance(value, bool) and annotation is bool
    return isinstance(value, numbers.Real if annotation is float else numbers.Integral)
