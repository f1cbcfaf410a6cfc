"""Results that are kept in training/results, one file a training."""

import json
import pathlib
import re
from typing import Any

from keras_classics.errors import ClassicsError
from keras_classics.model_card import run_command
from training.checks import same_recipe
from training.run_folder import write_json

RESULTS = pathlib.Path(__file__).with_name("results")
DISTINGUISHING = ("data", "limit", "class_weights", "set", "seed")  # settings by which trainings of a recipe differ
BEFORE, AFTER = (
    "move it away, record this one by --record-as under another name, or do not record it",
    "the run is finished: move that file away, and resume the run, which records it",
)


def check_record(settings: dict[str, Any], advice: str = BEFORE) -> None:
    """Raises a ClassicsError if results are to be recorded where another training's stand, or under no name."""
    if not _is_recorded(settings):
        return
    path = _path(settings)
    if not path.exists():
        return
    metrics = json.loads(path.read_text("utf-8"))
    held = metrics["settings"]
    alike = all((held.get(key) or None) == (settings[key] or None) for key in DISTINGUISHING)
    if not alike or metrics["backend"] != settings["backend"] or not same_recipe(settings["recipe"], held["recipe"]):
        raise ClassicsError(
            f"'{path}' holds the results of another training ({run_command({**held, 'backend': metrics['backend']})}) "
            f"and is not overwritten; {advice}."
        )


def write_record(settings: dict[str, Any], metrics: dict[str, Any]) -> None:
    """Writes the metrics of a finished run, if they are to be recorded.

    Raises:
        ClassicsError: as `check_record`; another run may have recorded its own since.
    """
    check_record(settings, AFTER)
    if _is_recorded(settings):
        write_json(_path(settings), metrics)


def _is_recorded(settings: dict[str, Any]) -> bool:
    """Whether results are to be recorded, be it under a name that is none."""
    return settings["record"] not in (None, False)


def _path(settings: dict[str, Any]) -> pathlib.Path:
    """The file: of the recipe's name, or of that which was asked for."""
    name = settings["recipe"]["name"] if settings["record"] is True else settings["record"]
    if not re.fullmatch(r"[\w-][\w.-]*", name):
        raise ClassicsError(f"Results cannot be recorded as '{name}'; a name has letters, digits, '-', '_' and '.'.")
    return RESULTS / f"{name}.json"
