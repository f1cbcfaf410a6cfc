"""The table of what was measured, from the recorded runs, as docs/results.md has it."""

import json
from collections.abc import Mapping
from typing import Any

from keras_classics.model_card import told_command
from keras_classics.spec import REPOSITORY
from keras_classics.zoo import get_model
from training.record import RESULTS

HEAD = (
    "| run | test error | last epoch | the paper | minutes | result |",
    "|---|---:|---:|---|---:|---|",
)


def results_table() -> str:
    """A table in Markdown with a row for each file in training/results, in alphabetical order."""
    paths = sorted(RESULTS.glob("*.json"), key=lambda path: path.stem)
    return "\n".join([*HEAD, *(_row(path.name, json.loads(path.read_text("utf-8"))) for path in paths)])


def _row(name: str, metrics: Mapping[str, Any]) -> str:
    best, last = (f"{metrics[which]['top1_error']:.2f}%" for which in ("best", "last"))
    minutes = f"{metrics['training_seconds'] / 60:.0f}"
    command = told_command(metrics["settings"])
    return f"| {command} | {best} | {last} | {_papers(metrics)} | {minutes} | `training/results/{name}` |"


def _papers(metrics: Mapping[str, Any]) -> str:
    """The paper's error, and what it is of where that is not the same data and training."""
    reported = get_model(metrics["model"]).reported
    error = metrics["paper_top1_error"]
    if error is None:
        elsewhere = next((row for row in reported if row.source != REPOSITORY and row.top1 is not None), None)
        return f"{elsewhere.top1:g}% on {elsewhere.dataset}" if elsewhere else ""
    how = next((row.how for row in reported if row.top1 == error), "")
    return f"{error:g}%, {how}" if how else f"{error:g}%"
