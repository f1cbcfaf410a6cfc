"""Values that are set in a recipe by name: `optimizer.weight_decay=1e-3`."""

import dataclasses
import json
import math
import typing
from collections.abc import Iterable
from typing import Any

from keras_classics.errors import ClassicsError, unknown
from training.kinds import kind
from training.recipe import RULES, Recipe


def assign(recipe: Recipe, assignments: Iterable[str]) -> Recipe:
    """The recipe with values set, each as name=value: a number, true or false, none, numbers with commas between them.
    A batch of another size is not divided unless `accumulate` is set as well.

    The fields of the optimizer and the schedule are named "optimizer.momentum", the builder's options "build.dropout",
    which take JSON.

    Raises:
        ClassicsError: for a name that is not known, where the nearest is suggested, or a value that does not fit it.
    """
    given: dict[str, Any] = {}
    for assignment in assignments:
        name, equals, text = assignment.partition("=")
        if not equals:
            raise ClassicsError(f"'{assignment}' sets nothing; write it as name=value, such as schedule.rate=0.05.")
        known = settable(recipe)
        holder, _, field = name.rpartition(".")
        if holder == "build" and field:
            recipe = dataclasses.replace(recipe, build={**recipe.build, field: _json_or_text(text)})
        elif name not in known:
            raise unknown(f"setting of {recipe.name}", name, known)
        elif holder:
            rule = dataclasses.replace(getattr(recipe, holder), **{field: _value(name, known[name], text)})
            recipe = dataclasses.replace(recipe, **{holder: rule})
        elif name == "build":  # whose options may follow by themselves
            recipe = dataclasses.replace(recipe, build=_value(name, known[name], text))
        else:
            given[name] = _value(name, known[name], text)
    none: dict[str, Any] = {k: v for k, v in given.items() if v is None}  # which `replace` takes for "as it is"
    return dataclasses.replace(recipe, **none).replace(**given)


def differences(recipe: Recipe, base: Recipe) -> list[str]:
    """What `assign` has to set in `base` to make it the recipe, as far as it can."""
    resized = base.replace(batch_size=recipe.batch_size)  # which may have changed `accumulate` too
    known = settable(base)
    return [
        f"{name}={_text(_get(recipe, name))}"
        for name in settable(recipe)
        if name in known and _get(recipe, name) != _get(base if name == "batch_size" else resized, name)
    ]


def settable(recipe: Recipe) -> dict[str, Any]:
    """The annotations of all that can be set, by name."""
    found = {}
    holders = [(recipe, ""), *((getattr(recipe, rule), f"{rule}.") for rule in RULES)]
    for holder, prefix in holders:
        if holder is None:
            continue
        hints = typing.get_type_hints(type(holder))
        found.update({f"{prefix}{f.name}": hints[f.name] for f in dataclasses.fields(holder)})
    return {name: annotation for name, annotation in found.items() if annotation is not str and kind(annotation)}


def _get(recipe, name):
    for part in name.split("."):
        recipe = getattr(recipe, part)
    return recipe


def _value(name: str, annotation: Any, text: str) -> Any:
    """Reads the text as the annotation has it."""
    try:
        return _read(annotation, text)
    except ValueError:
        raise ClassicsError(f"{name} takes {kind(annotation)}, not '{text}'.") from None


def _read(annotation, text):
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if type(None) in arguments:
        return None if text.lower() == "none" else _read(arguments[0], text)
    if origin is typing.Literal:
        return arguments[arguments.index(text)]
    if origin is tuple:
        return tuple(_number(part) for part in text.split(",")) if text else ()
    if origin is dict:
        value = json.loads(text)
        if not isinstance(value, dict):
            raise ValueError(text)
        return value
    if annotation is bool:
        return ("false", "true").index(text.lower()) == 1
    return _number(text) if annotation is float else int(text)


def _number(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _json_or_text(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _text(value: Any) -> str:
    """The value as `assign` reads it."""
    if value is None or isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return ",".join(map(repr, value))
    return json.dumps(value) if isinstance(value, dict) else str(value)
