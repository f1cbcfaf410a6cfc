"""The page of an experiment, to put on a wall, and the README's table of all."""

import pathlib
from collections.abc import Mapping, Sequence
from typing import Any

from keras_classics.errors import ClassicsError
from keras_classics.files import atomic_write
from training.experiments import NAMES, get_experiment
from training.experiments.design import Experiment
from training.experiments.measures import learned_nothing
from training.experiments.picture import draw
from training.experiments.results import RECORDED, ResultFiles, command, recorded, working_folder
from training.experiments.verdict import (
    UNDECIDED,
    Outcome,
    Verdict,
    judged,
    line,
    misses,
    number_of,
    runs_by_seed,
    summary,
    values,
)

SAME_IMAGES = " All seeds have the same images: an interval is of other weights and orders, not of other images."
HEAD = ("| claim | the paper | ours | verdict |", "|---|---|---|---|")


def report(experiment: Experiment, results: dict[str, Any], files: ResultFiles) -> Verdict:
    """Writes the page, the picture, and the results with the verdict in them."""
    verdict = judged(experiment, results["runs"], results["quick"])
    results["verdict"] = {
        "word": verdict.word,
        "comparisons": [{"comparison": line(outcome), "verdict": outcome.verdict} for outcome in verdict.outcomes],
    }
    files.write(results)
    draw(_run_form(experiment, results), results["runs"], verdict, files.picture)
    with atomic_write(files.page) as path:
        pathlib.Path(path).write_text(page(experiment, results, verdict, files.picture.name), "utf-8")
    return verdict


def _run_form(experiment: Experiment, results: Mapping[str, Any]) -> Experiment:
    return experiment.quick if results["quick"] else experiment


def wanted(outcome: Outcome) -> str:
    """The bound of a comparison with its unit."""
    comparison = outcome.comparison
    unit = "" if comparison.ratio else " points" if comparison.measure.unit == "%" else f" {comparison.measure.unit}"
    return f"{comparison.least:g}{unit}"


def page(experiment: Experiment, results: Mapping[str, Any], verdict: Verdict, picture: str) -> str:
    """In Markdown: claim, design, picture, verdict, what was measured, command."""
    form, runs = _run_form(experiment, results), results["runs"]
    done = max(runs_by_seed(runs), default=-1) + 1  # more than asked for, where fewer were the second time
    seeds = results["seeds"] and max(results["seeds"], done)
    again = command("run", experiment, results["backend"], is_quick=results["quick"], seeds=seeds)
    return "\n".join(
        [
            f"# {experiment.claim}",
            "",
            f"*{experiment.source}: {experiment.paper_figure}.*",
            "",
            f"**Verdict: {verdict.sentence}.**",
            "",
            f"![{experiment.claim}]({picture})",
            "",
            *_design(experiment, results),
            "",
            *_arms(form, results, runs),
            "",
            "| what is compared | difference and 95% interval | the claim wants more than | verdict |",
            "|---|---:|---:|---|",
            *(
                f"| {' | '.join([*_compared(outcome), wanted(outcome), outcome.verdict])} |"
                for outcome in verdict.outcomes
            ),
            "",
            "Differences are paired by the seed; the intervals are Student's. An interval wholly above what the claim "
            "wants confirms it, one wholly below refutes it." + SAME_IMAGES * (experiment.recipe is not None),
            "",
            f"**Make it again:** `{again} --data-dir <folder>`",
            "",
            _made(results, runs),
            "",
        ]
    )


def _compared(outcome: Outcome) -> tuple[str, str]:
    what, _, effect = line(outcome).rpartition(": ")
    return what, effect


def _design(experiment: Experiment, results: Mapping[str, Any]) -> list[str]:
    """What was designed and, of a quick form, what ran of it."""
    ran = _size(_run_form(experiment, results), len(runs_by_seed(results["runs"])))
    if not results["quick"]:
        return [f"**Design.** {experiment.design} {ran}"]
    whole = _size(experiment, experiment.seeds)
    return [f"**Design.** {experiment.design} {whole}", "", f"**What ran is the quick form:** {ran}"]


def _size(experiment: Experiment, seeds: int) -> str:
    recipe, limit = experiment.recipe, experiment.limit
    images = f"All images of {experiment.data}"
    if limit:
        held_out = f", {limit // recipe.hold_out:,} of them held out" if recipe and recipe.hold_out else ""
        images = f"{limit:,} training images of {experiment.data}{held_out}, and {limit:,} test images"
    epochs = f"; {recipe.epochs:g} epochs" if recipe else ""
    return f"{images}{epochs}; {seeds} seed{'s' * (seeds != 1)}."


def _arms(experiment: Experiment, results: Mapping[str, Any], runs: Sequence) -> list[str]:
    measures, sizes = experiment.measures, results["arms"]
    rates = {run["arm"]: run["rate"] for run in runs if run["rate"] is not None and not run["search"]}
    head = ["arm", *(["parameters", "multiply-adds"] if sizes else []), *(["rate"] if rates else [])]
    head += [measure.words for measure in measures]
    rows = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for arm in experiment.arms:
        row = [arm.name]
        if sizes:
            row += [f"{sizes[arm.name][what]:,}" if arm.name in sizes else "" for what in ("params", "macs")]
        if rates:
            row.append(f"{rates[arm.name]:g}" if arm.name in rates else "")
        row += [summary(values(measure, arm.name, runs), measure.unit) for measure in measures]
        rows.append("| " + " | ".join(row) + " |")
    counted = [run for run in runs if not run["search"]]
    diverged = sum(run["diverged"] for run in counted)
    told = ["", f"{number_of(diverged)} diverged, and count as networks that guess."] if diverged else []
    if stalled := sum(learned_nothing(run) for run in counted) - diverged:
        told += ["", f"{number_of(stalled)} learned nothing: the training error is that of guessing."]
    for measure in measures:
        late = {arm.name: len(misses(measure, arm.name, runs)) for arm in experiment.arms}
        if said := ", ".join(f"{count} of {name}" for name, count in late.items() if count):
            told += ["", f"Runs that never came to the level, and count as the last epoch: {said}."]
    return [*rows, "", "Mean ± standard deviation (seeds).", *told]


def _made(results: Mapping[str, Any], runs: Sequence) -> str:
    made, minutes = results["environment"], sum(run["seconds"] for run in runs) / 60
    where = f"{made['hardware']['cores']} cores, {made['backend']}" if made else results["backend"]
    commits = dict.fromkeys(str(run.get("commit") or made["commit"])[:10] for run in runs) if made else ()
    when = f", {made['date']}, commit{'s' * (len(commits) > 1)} {', '.join(commits)}" if made else ""
    return f"{len(runs)} runs, {minutes:.0f} minutes on {where}{when}. Design {results['version']}."


def anew(experiment: Experiment, out: str | None = None, is_quick: bool = False) -> tuple[Verdict, ResultFiles]:
    """Reports once more what an experiment's folder holds, or, where there is none, what is recorded of it.

    Raises:
        ClassicsError: if there are no results, or they are of another version of the design.
    """
    files = ResultFiles(working_folder(experiment, out, is_quick), experiment.name)
    if out is None and not is_quick and not files.json.exists():
        files = ResultFiles(RECORDED, experiment.name)
    return report(experiment, files.read(experiment), files), files


def recorded_verdict(experiment: Experiment) -> str | None:
    """On the recorded results, if there are any of this version of the design."""
    try:
        results = ResultFiles(RECORDED, experiment.name).read(experiment)
    except ClassicsError:
        return None
    return judged(experiment, results["runs"], results["quick"]).word


def table() -> str:
    """A table in Markdown of all experiments, from the oldest network on, with what is recorded of them.

    Raises:
        ClassicsError: if results are of another version of their design.
    """
    names = set(recorded())
    if more := sorted(names - set(NAMES)):
        raise ClassicsError(f"'{RECORDED / more[0]}.json' is of no experiment that there is; remove it.")
    return "\n".join([*HEAD, *(_row(get_experiment(name), name in names) for name in NAMES)])


def _row(experiment: Experiment, is_recorded: bool) -> str:
    if not is_recorded:
        return f"| {experiment.claim} (`{experiment.name}`) | {experiment.paper_figure} | | not run yet |"
    results = ResultFiles(RECORDED, experiment.name).read(experiment)
    verdict = judged(experiment, results["runs"], results["quick"])
    ours = "; ".join(map(line, verdict.outcomes))
    word = f"{UNDECIDED} (quick form)" if results["quick"] else verdict.word
    page = f"training/results/experiments/{experiment.name}.md"
    return f"| [{experiment.claim}]({page}) (`{experiment.name}`) | {experiment.paper_figure} | {ours} | {word} |"
