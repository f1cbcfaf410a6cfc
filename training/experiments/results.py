"""The results of an experiment: the one place that knows their files."""

import csv
import json
import pathlib
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keras_classics.errors import ClassicsError
from keras_classics.files import atomic_write
from training.experiments.design import Experiment
from training.experiments.measures import Run
from training.run_folder import write_json

RECORDED = pathlib.Path(__file__).parents[1] / "results" / "experiments"
FIELDS = {"experiment", "version", "quick", "backend", "data_dir", "seeds", "arms", "runs", "environment"}


@dataclass(frozen=True)
class ResultFiles:
    """<name>.json, all that was measured; <name>.csv, a row a run; <name>.png; <name>.md, the page; and while a process
    works on it, `lock` and a folder and a log for the run that it is at. They all lie in `folder`."""

    folder: pathlib.Path
    name: str

    def _of(self, ending: str) -> pathlib.Path:
        return self.folder / f"{self.name}.{ending}"

    @property
    def json(self) -> pathlib.Path:
        return self._of("json")

    @property
    def csv(self) -> pathlib.Path:
        return self._of("csv")

    @property
    def picture(self) -> pathlib.Path:
        return self._of("png")

    @property
    def page(self) -> pathlib.Path:
        return self._of("md")

    @property
    def lock(self) -> pathlib.Path:
        return self.folder / "lock"

    def run(self, job: str) -> pathlib.Path:
        """The folder of the run in which a job is done."""
        return self.folder / job

    def log(self, job: str) -> pathlib.Path:
        """What that run says."""
        return self.folder / f"{job}.log"

    def write(self, results: Mapping[str, Any]) -> None:
        """Writes the JSON and the CSV."""
        write_json(self.json, results)
        with atomic_write(self.csv) as path, open(path, "w", newline="", encoding="utf-8") as file:
            rows = list(map(_row, results["runs"]))
            names = list(dict.fromkeys(name for row in rows for name in row))
            writer = csv.DictWriter(file, names, restval="")
            writer.writeheader()
            writer.writerows(rows)

    def read(self, experiment: Experiment) -> dict[str, Any]:
        """What the JSON holds.

        Raises:
            ClassicsError: if there is none, it is damaged, or it is of another version of the design.
        """
        try:
            results = json.loads(self.json.read_text("utf-8"))
        except FileNotFoundError:
            raise ClassicsError(
                f"There are no results of '{experiment.name}' in '{self.folder}'; run it first: python -m training "
                f"experiment run {experiment.name}"
            ) from None
        except (OSError, ValueError) as error:
            raise ClassicsError(
                f"'{self.json}' cannot be read ({error}); move it away and run the experiment anew."
            ) from None
        if not isinstance(results, dict) or not set(results) >= FIELDS or results["experiment"] != experiment.name:
            raise ClassicsError(
                f"'{self.json}' holds no results of '{experiment.name}'; move it away and run the experiment anew."
            )
        version = (experiment.quick if results["quick"] else experiment).version
        if results["version"] != version:
            raise ClassicsError(
                f"'{self.json}' is of another version of the design of '{experiment.name}' ({results['version']}, and "
                f"now {version}), and results of two designs are not merged; move it away and run the experiment anew."
            )
        return results


def _row(run: Run) -> dict[str, Any]:
    plain = {name: run[name] for name in ("arm", "seed", "rate", "search", "diverged", "epochs", "seconds")}
    return {**plain, **run["metrics"]}


def working_folder(experiment: Experiment, out: str | None, is_quick: bool) -> pathlib.Path:
    """Where an experiment is carried out, by default runs/experiments/<name>."""
    return pathlib.Path(out or pathlib.Path("runs", "experiments", f"{experiment.name}{'-quick' * is_quick}"))


def recorded() -> Sequence[str]:
    """The names of the experiments whose results stand in training/results/experiments."""
    return sorted(path.stem for path in RECORDED.glob("*.json"))


def command(
    word: str,
    experiment: Experiment,
    backend: str,
    out: str | None = None,
    is_quick: bool = False,
    seeds: int | None = None,
    arms: Sequence[str] | None = None,
    record: bool = False,
) -> str:
    """What to type."""
    words = ["python", "-m", "training", "experiment", word, experiment.name, *["--quick"] * is_quick]
    words += ["--seeds", str(seeds)] if seeds else []
    words += ["--arms", *arms] if arms else []
    words += ["--record"] * record
    words += ["--backend", backend] if backend != "tensorflow" else []
    return shlex.join([*words, *(["--out", out] if out else [])])
