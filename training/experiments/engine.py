"""Carries an experiment out: its arms by its seeds, each a run of `training`, and what is done is not done again."""

import contextlib
import gc
import math
import pathlib
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import keras

from keras_classics.complexity import count_macs, count_params
from keras_classics.environment import environment
from keras_classics.errors import ClassicsError
from keras_classics.files import remove
from keras_classics.variant import Variant
from keras_classics.zoo import guests
from training import run_data, train
from training.epochs import Diverged
from training.experiments.design import SEARCH_SEED, Arm, Experiment
from training.experiments.judging import curves, judge, of_diverged
from training.experiments.measures import Run
from training.experiments.progress import Told
from training.experiments.report import report
from training.experiments.results import RECORDED, ResultFiles, command, working_folder
from training.experiments.verdict import Verdict
from training.lock import locked
from training.run_data import RunData
from training.run_folder import RunFolder
from training.state import State
from training.train import Embedding, Stopped


@dataclass(frozen=True)
class Job:
    """One run of an experiment: an arm, a seed and, where there are several, a learning rate; `search` tells that it is
    only there to choose the rate."""

    arm: Arm
    seed: int
    rate: float | None = None
    search: bool = False

    @property
    def name(self) -> str:
        """As its folder has it."""
        rate = "" if self.rate is None else f"-rate{self.rate:g}"
        return f"{self.arm.slug}{rate}-seed{self.seed}"

    @property
    def told(self) -> str:
        """As a line has it."""
        rate = "" if self.rate is None else f", rate {self.rate:g}"
        return f"{self.arm.name}{rate}" + (" (to choose the rate)" if self.search else f", seed {self.seed}")

    def is_of(self, run: Run) -> bool:
        """Whether that run has done it."""
        return (run["arm"], run["seed"], run["search"]) == (self.arm.name, self.seed, self.search) and (
            not self.search or run["rate"] == self.rate
        )


def run(
    experiment: Experiment,
    data_dir: str | None = None,
    out: str | None = None,
    *,
    is_quick: bool = False,
    arms: Sequence[str] | None = None,
    seeds: int | None = None,
    record: bool = False,
) -> Verdict:
    """Begins an experiment and carries it out to its report.

    Args:
        experiment: the design.
        data_dir: where tensorflow-datasets keeps its data.
        out: the folder of results, by default runs/experiments/<name>; it must not hold any.
        is_quick: whether the quick form is run, which decides nothing.
        arms: the names of those to run now; by default all.
        seeds: how many, 0 and on; by default the design's.
        record: whether to write the results into `training/results/experiments` as well.

    Raises:
        ClassicsError: before any time is spent, if the design cannot tell anything, there is no such arm, the data is
            not there, a network cannot be built, the folder holds results already, or more than these would be is
            recorded.
    """
    files = ResultFiles(working_folder(experiment, out, is_quick), experiment.name)
    if files.json.exists() and (held := files.read(experiment))["runs"]:
        go_on = command("resume", experiment, held["backend"], out, is_quick, arms=arms, record=record)
        raise ClassicsError(
            f"'{files.json}' exists, and results are never overwritten; go on with it: {go_on}, or choose another "
            "--out."
        )
    results: dict[str, Any] = {
        "experiment": experiment.name,
        "version": (experiment.quick if is_quick else experiment).version,
        "quick": is_quick,
        "backend": keras.config.backend(),
        "data_dir": data_dir,
        "seeds": seeds,
        "arms": {},
        "runs": [],
        "environment": {},
    }
    return _carry_out(experiment, files, results, out, arms, record)


def resume(
    experiment: Experiment,
    data_dir: str | None = None,
    out: str | None = None,
    *,
    is_quick: bool = False,
    arms: Sequence[str] | None = None,
    seeds: int | None = None,
    record: bool = False,
) -> Verdict:
    """Goes on with an experiment that was stopped, inside a run too; with more `seeds` with one that was finished.

    Raises:
        ClassicsError: as `run` does; if there is nothing to go on with, or it is of another version of the design or
            was begun on another backend.
    """
    files = ResultFiles(working_folder(experiment, out, is_quick), experiment.name)
    results = files.read(experiment)
    if results["quick"] != is_quick:
        say = "add" if results["quick"] else "leave out"
        raise ClassicsError(f"'{files.json}' is {'' if results['quick'] else 'not '}of the quick form; {say} --quick.")
    if results["backend"] != keras.config.backend():
        raise ClassicsError(
            f"'{files.json}' was begun on {results['backend']} and cannot be resumed on {keras.config.backend()}; add "
            f"--backend {results['backend']}."
        )
    changes = {"data_dir": data_dir, "seeds": seeds}
    results |= {name: value for name, value in changes.items() if value is not None}
    return _carry_out(experiment, files, results, out, arms, record)


def _carry_out(
    whole: Experiment,
    files: ResultFiles,
    results: dict[str, Any],
    out: str | None,
    arms: Sequence[str] | None,
    record: bool,
) -> Verdict:
    whole.check()
    go_on = command("resume", whole, results["backend"], out, results["quick"], arms=arms, record=record)
    experiment = whole.quick if results["quick"] else whole
    chosen = experiment.arms if arms is None else tuple(map(experiment.arm, arms))
    seeds = range(results["seeds"] or experiment.seeds)
    if record:
        _check_record(
            whole, results["quick"], len(results["runs"]) + len(_left(experiment, chosen, seeds, results["runs"]))
        )
    data = run_data.load(experiment.data, results["data_dir"], experiment.limit)
    with guests(_networks(experiment)):
        results["arms"] = _sizes(experiment)
        files.folder.mkdir(parents=True, exist_ok=True)
        with locked(files.lock):
            if files.json.exists() and len(files.read(whole)["runs"]) > len(results["runs"]):
                raise ClassicsError(f"Another process has added to '{files.json}' meanwhile; go on with: {go_on}")
            results["environment"] = environment()
            files.write(results)
            with Told(experiment, len(seeds), results["quick"]) as told:
                for job in _jobs(experiment, chosen, seeds, results["runs"]):
                    told.begins(job.told, _left(experiment, chosen, seeds, results["runs"]), results["runs"])
                    try:
                        run = _done(experiment, job, files, results["data_dir"], data, told)
                    except Stopped:
                        raise ClassicsError(f"Stopped. Go on with: {go_on}") from None
                    results["runs"].append({**run, "commit": results["environment"]["commit"]})
                    files.write(results)
                    remove(files.run(job.name))
                    remove(files.log(job.name))
                    told.ends(results["runs"][-1])
            verdict = report(whole, results, files)
            if record:
                report(whole, {**results, "data_dir": None}, ResultFiles(RECORDED, whole.name))
    return verdict


def _check_record(experiment: Experiment, is_quick: bool, runs: int) -> None:
    """Raises a ClassicsError if what is recorded of this design is more than so many runs, or these are the quick
    form's and that is not."""
    files = ResultFiles(RECORDED, experiment.name)
    try:
        held = files.read(experiment)
    except ClassicsError:  # there is none, or it is of another design
        return
    if not held["quick"] and (is_quick or len(held["runs"]) > runs):
        form = "the quick form's" if is_quick else f"{runs} alone"
        raise ClassicsError(
            f"'{files.json}' holds {len(held['runs'])} runs and is not overwritten by {form}; leave out --record, or "
            "move it away."
        )


def _networks(experiment: Experiment) -> list[Variant]:
    return list(dict.fromkeys(arm.network for arm in experiment.arms if arm.network is not None))


def _sizes(experiment: Experiment) -> dict[str, dict[str, int]]:
    """Parameters and multiply-adds of the arms' networks, each of which is built for it."""
    sizes = {}
    for arm in experiment.arms:
        if arm.network is not None:
            model = built(experiment, arm)
            sizes[arm.name] = {"params": count_params(model), "macs": count_macs(model)}
    keras.backend.clear_session()
    return sizes


def built(experiment: Experiment, arm: Arm) -> keras.Model:
    """The network that an arm trains, without what only its training needs."""
    build = {name: value for name, value in experiment.recipe_of(arm).build.items() if name != "aux_heads"}
    assert arm.network is not None
    return arm.network(seed=0, **build)


def _wanted(experiment: Experiment, arms: Sequence[Arm], seeds: Sequence[int]) -> Iterator[Job]:
    """All jobs, those that choose a rate first; then seed by seed, so that what is there is in pairs."""
    if len(experiment.rates) > 1:
        for arm in arms:
            yield from (Job(arm, SEARCH_SEED, rate, search=True) for rate in experiment.rates)
    for seed in seeds:
        yield from (Job(arm, seed) for arm in arms)


def _left(experiment: Experiment, arms, seeds, runs: Sequence[Run]) -> list[str]:
    """The arms of what is left to do."""
    wanted = _wanted(experiment, arms, seeds)
    return [job.arm.name for job in wanted if not any(job.is_of(run) for run in runs)]


def _jobs(experiment: Experiment, arms, seeds, runs: list[Run]) -> Iterator[Job]:
    """What is left to do, one by one: `runs` grows meanwhile."""
    for job in _wanted(experiment, arms, seeds):
        if any(job.is_of(run) for run in runs):
            continue
        if experiment.rates and not job.search:
            job = Job(job.arm, job.seed, best_rate(experiment, job.arm, runs))
        yield job


def best_rate(experiment: Experiment, arm: Arm, runs: Sequence[Run]) -> float:
    """The rate with the least of the first comparison's measure; of equals the lowest loss in training, then the
    lowest rate."""
    if len(experiment.rates) == 1:
        return experiment.rates[0]
    measure = experiment.comparisons[0].measure
    tried = [run for run in runs if run["arm"] == arm.name and run["search"]]

    def key(run):
        value = measure.of(run, {arm.name: run})
        return math.inf if value is None else value, run["metrics"]["train_loss"], run["rate"]

    return min(tried, key=key)["rate"]


def _done(experiment: Experiment, job: Job, files: ResultFiles, data_dir, data: RunData, told: Told) -> dict[str, Any]:
    """The run of a job, as results hold it."""
    begun = time.perf_counter()
    plain = {"arm": job.arm.name, "seed": job.seed, "rate": job.rate, "search": job.search, "diverged": False}
    if job.arm.carry_out is not None:
        measured = dict(job.arm.carry_out(job.seed, data))
        return {**plain, "epochs": 0, "seconds": _since(begun), "metrics": measured, "curve": {}}
    recipe = experiment.recipe_of(job.arm, job.rate)
    folder, epochs = RunFolder(files.run(job.name)), math.ceil(recipe.epochs)
    embedding = Embedding(recipe, judge, (told.callback(epochs),))
    history, metrics = _trained(
        folder,
        lambda: train.run(
            recipe, experiment.data, data_dir, folder.path, job.seed, limit=experiment.limit, embedding=embedding
        ),
        lambda: train.resume(folder.path, data_dir, embedding=embedding),
        files.log(job.name),
    )
    if metrics is None:
        plain["diverged"], metrics = True, of_diverged(len(data.dataset.class_names))
    seconds = max(_since(begun), sum(row["seconds"] for row in history))  # which also were before it was resumed
    keras.backend.clear_session()
    gc.collect()
    curve = curves(history, epochs if plain["diverged"] else 0)
    return {**plain, "epochs": epochs, "seconds": seconds, "metrics": metrics, "curve": curve}


def _since(begun: float) -> float:
    return round(time.perf_counter() - begun, 1)


def _trained(
    folder: RunFolder, begin: Callable[[], Any], go_on: Callable[[], Any], log: pathlib.Path
) -> tuple[list[dict[str, float]], dict[str, Any] | None]:
    """The history of a training and what it was judged to be, None where it diverged; what it says goes into a log."""
    if folder.path.exists() and not folder.recipe.exists():
        remove(folder.path)  # of a process that was killed before it had begun
    judged: dict[str, Any] | None = None
    with open(log, "a", encoding="utf-8") as file, contextlib.redirect_stdout(file):
        try:
            go_on() if folder.recipe.exists() else begin()
            judged = folder.read_metrics()
        except Diverged as error:
            print(error)
        state: State = folder.last_state(print)
    if judged is not None:
        judged = {name: value for name, value in judged.items() if isinstance(value, float | int)}
    return state.history, judged
