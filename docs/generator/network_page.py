"""The page of a network, from its record, its checkpoints, its recipes and the results of runs."""

import html
import json
import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import keras_classics
from generator.drawing import Drawing
from keras_classics.model_card import departures, told_command
from training.recipe import Recipe
from training.recipes import get_recipe, list_recipes
from training.record import RESULTS

Facts = Mapping[str, Any]
MODELS = pathlib.Path(keras_classics.__file__).parent / "models"


def page(facts: Facts, drawing: Drawing | None = None) -> str:
    """The page in Markdown.

    Args:
        facts: as the catalogue has them.
        drawing: its figure and the tables of its stages, which take a built network; None leaves them out.
    """
    symbol = facts["symbols"][0]
    parts = [
        f"# {symbol}\n\n{_published(facts['paper'])}",
        _facts(facts),
        _figure(facts, drawing),
        _tables(drawing) if drawing else "",
        _errors(facts),
        _departures(facts["departures"]),
        _checkpoints(facts["weights"]),
        _recipes(recipes_of(facts["name"])),
        _code(facts, symbol),
        _file(facts["family"]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def recipes_of(network: str) -> list[Recipe]:
    """Those that train it, the paper's before that of today."""
    return [recipe for recipe in map(get_recipe, list_recipes()) if recipe.model == network]


def results_of(network: str) -> Iterator[tuple[str, Facts]]:
    """The files of the recorded runs of it, with what was measured."""
    for path in sorted(RESULTS.glob("*.json")):
        metrics = json.loads(path.read_text("utf-8"))
        if metrics["model"] == network:
            yield path.name, metrics


def plain(text: str) -> str:
    """A record's words as Markdown shows them: none of its signs has a meaning."""
    return re.sub(r"([\\`*_|\[\]])", r"\\\1", html.escape(str(text), quote=False))


def table(heads: Sequence[str], rows: Iterable[Sequence[str]], figures: Iterable[int] = ()) -> str:
    """A table in Markdown; the columns whose numbers are in `figures` are set right."""
    right = set(figures)
    lines = [heads, ["---:" if number in right else "---" for number in range(len(heads))], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _published(paper: Facts) -> str:
    title = f"[{plain(paper['title'])}]({paper['url']})"
    return f"{plain(paper['authors'])}: {title}, {paper['year']} ({plain(paper['venue'])})."


def _facts(facts: Facts) -> str:
    protocol, side = facts["protocol"], facts["protocol"]["image_size"]
    mean, std = (", ".join(f"{value:g}" for value in protocol["normalization"][name]) for name in ("mean", "std"))
    sides = "both sides" if protocol["squash"] else "the shorter side"
    fitted = f"{sides} resized to {protocol['resize_size']} ({protocol['interpolation']})"
    field = facts["receptive_field"]
    rows = [
        ("name", f"`{facts['name']}`; " + ", ".join(f"`kc.{symbol}`" for symbol in facts["symbols"])),
        ("input", f"{side}x{side}x{facts['channels']}"),
        ("classes", f"{facts['classes']:,} ({protocol['dataset']})"),
        ("parameters", f"{facts['params']:,}"),
        ("multiply-adds", f"{facts['macs']:,}"),
        ("activations", f"{facts['activations']:,}"),
        ("depth", f"{facts['depth']} layers with kernels on the longest way"),
        ("receptive field", "the whole image" if field is None else f"{field:,} pixels, of a place of the last map"),
        ("pictures", f"{fitted}, the centre of {side}x{side}"),
        ("pixels", f"(0..255 - ({mean})) / ({std})"),
    ]
    if facts["options"]:
        options = (  # a cell of NASNet is too long to read here
            f"`{option}={default}`" if len(default) < 40 else f"`{option}`"
            for option, default in facts["options"].items()
        )
        rows.append(("options", ", ".join(options)))
    return table(("", ""), rows)


def _figure(facts: Facts, drawing: Drawing | None) -> str:
    name = facts["name"]
    if drawing is None:
        shown = "This build of the site has no figure of it."
    else:
        file = f"figures/{name}.svg"
        shown = f'<div class="figure" markdown>[![The blocks of {name}]({file})]({file})</div>'
    command = f"`keras-classics plot model {name} --out {name}.svg` draws it, read off the built graph."
    return f"## The figure\n\n{shown}\n\n{command}"


def _tables(drawing: Drawing) -> str:
    parts = []
    if drawing.rows:
        heads = ("row of the paper's table", "output", "parameters there", "here", "operations there", "here")
        made = table(heads, ([plain(cell) for cell in row] for row in drawing.rows), range(2, 6))
        parts.append(f"## The paper's table, and what is counted here\n\n{made}")
    heads = ("stage up to", "output", "stride", "parameters", "multiply-adds", "activations", "depth")
    made = table(heads, ([plain(cell) for cell in row] for row in drawing.stages), range(2, 7))
    parts.append(f"## The stages\n\n{made}")
    return "\n\n".join(parts)


def percent(error: float | None) -> str:
    return "" if error is None else f"{error:g}%"


def _errors(facts: Facts) -> str:
    parts = ["## Errors"]
    if facts["reported"]:
        rows = (
            (r["dataset"], r["views"], percent(r["top1"]), percent(r["top5"]), r["source"], plain(r["note"]))
            for r in facts["reported"]
        )
        heads = ("the paper reports on", "by", "top-1", "top-5", "where", "")
        parts.append(table(heads, rows, (2, 3)))
    else:
        parts.append("The paper reports none of this network.")
    measured = list(results_of(facts["name"]))
    if not measured:
        parts.append("Nothing was measured here yet; [what was](../results.md) of other networks.")
        return "\n\n".join(parts)
    parts.append(
        "Measured here, on all test images: the epoch that was best on held-out training images, and the last one."
    )
    heads = ("run", "best", "last", "minutes", "result")
    parts.append(table(heads, (_result(*found) for found in measured), (1, 2, 3)))
    return "\n\n".join(parts)


def _result(file: str, metrics: Facts) -> tuple[str, ...]:
    best, last = (f"{metrics[which]['top1_error']:.2f}%" for which in ("best", "last"))
    minutes = f"{metrics['training_seconds'] / 60:.0f}"
    return told_command(metrics["settings"]), best, last, minutes, f"`training/results/{file}`"


def _departures(departures: Sequence[str]) -> str:
    listed = "\n".join(f"* {plain(departure)}" for departure in departures)
    return f"## Where it is not the paper's\n\n{listed or 'Nowhere that is known.'}"


def _checkpoints(weights: Sequence[Facts]) -> str:
    if not weights:
        return "## Checkpoints\n\nThere is no public one that fits."
    rows = (
        (
            f"`{w['tag']}`",
            ", ".join(f"`{option}={value}`" for option, value in w["options"].items()),
            *(w["dataset"], percent(w["top1"]), percent(w["top5"]), w["licence"]),
        )
        for w in weights
    )
    heads = ("`weights=`", "form", "data set", "top-1", "top-5", "licence")
    told = "Errors as published. How their pixels are prepared differs, and travels with them: "
    told += "[Weights](../guides/weights.md)."
    return f"## Checkpoints\n\n{told}\n\n{table(heads, rows, (3, 4))}"


def _recipes(recipes: Sequence[Recipe]) -> str:
    if not recipes:
        return "## Recipe\n\nThere is none of this network."
    return "\n\n".join(["## Recipe", *map(_recipe, recipes)])


def _recipe(recipe: Recipe) -> str:
    smoothing = f"; labels smoothed by {recipe.label_smoothing:g}" if recipe.label_smoothing else ""
    rows = [
        ("paper", f"[{plain(recipe.paper.title)}]({recipe.paper.url}), {recipe.paper.year}"),
        ("length", f"{recipe.epochs:,.4g} epochs of {recipe.dataset}, batches of {recipe.batch_size}"),
        ("loss", f"{recipe.loss}{smoothing}"),
        ("optimizer", plain(recipe.optimizer)),
        ("rate", plain(recipe.schedule)),
        ("pictures", ", ".join(f"`{operation!r}`" for operation in recipe.augment) or "as they are"),
    ]
    where = [f"* {plain(departure)}" for departure in departures({"recipe": recipe.as_dict()})]
    told = ["Where it is not the paper's:\n\n" + "\n".join(where)] if where else []
    command = f"```\npython -m training run {recipe.name} --data-dir <folder of tensorflow-datasets>\n```"
    return "\n\n".join([f"### {recipe.name}", command, table(("", ""), rows), *told])


def _code(facts: Facts, symbol: str) -> str:
    own = [entry["tag"] for entry in facts["weights"] if entry["dataset"] == facts["protocol"]["dataset"]]
    loaded = own[0] if own else None
    taken = f'\nmodel = kc.{symbol}(weights="{loaded}")  # or with public weights' if loaded else ""
    trained = next(iter(recipes_of(facts["name"])), None)
    train = f"python -m training run {trained.name}\n" if trained else ""
    tune = f"python -m training finetune {facts['name']} --weights {loaded} --data photos\n" if loaded else ""
    lines = f"```python\nimport keras_classics as kc\n\nmodel = kc.{symbol}(seed=0){taken}\n"
    lines += f'kc.export(model, "{facts["name"]}.tflite")\n```'
    return f"## Build, train, export\n\n{lines}" + (f"\n\n```\n{train}{tune}```" if train or tune else "")


def _file(family: str) -> str:
    source = (MODELS / f"{family}.py").read_text("utf-8")
    fence = "````"
    told = f"`keras_classics/models/{family}.py`, whole:"
    return f"## The file {{ data-search-exclude }}\n\n{told}\n\n{fence}python\n{source.rstrip()}\n{fence}"
