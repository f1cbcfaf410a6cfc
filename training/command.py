"""The command that makes a run again."""

import shlex
from collections.abc import Mapping
from typing import Any


def run_command(settings: Mapping[str, Any]) -> str:
    """The command line of a run with these settings, as recipe.json and, but for what was set, metrics.json have
    them. The folder of the data is left to the reader."""
    recipe = settings["recipe"]
    words = ["python", "-m", "training", "run", recipe["name"]]
    if settings["data"] != recipe["dataset"]:
        words += ["--data", settings["data"]]
    if settings["seed"]:
        words += ["--seed", str(settings["seed"])]
    for option in ("limit", "class_weights"):
        if settings.get(option) is not None:
            words += [f"--{option.replace('_', '-')}", str(settings[option])]
    if settings.get("set"):
        words += ["--set", *settings["set"]]
    return f"{shlex.join(words)} --data-dir <folder>"
