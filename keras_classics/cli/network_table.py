"""The table of networks: as text that fits the terminal, as Markdown, as CSV."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from rich.table import Table

from keras_classics.cli.output import console, millions, table
from keras_classics.spec import noncommercial

Facts = Mapping[str, Any]


def values(facts: Facts) -> dict[str, Any]:
    """A network's row of plain values, None where there is none: the columns of the CSV, and what is sorted by.

    Errors are in percent. Of the reported ones it is the first, with its protocol; of the checkpoints the best
    on the network's own data set, and `checkpoints` is how many there are of any.
    """
    paper, reported, best = facts["paper"], _reported(facts), _best(facts)
    return {
        "name": facts["name"],
        "family": facts["family"],
        "author": paper["authors"].split(",")[0],
        "year": paper["year"],
        "title": paper["title"],
        "url": paper["url"],
        "dataset": facts["protocol"]["dataset"],
        "classes": facts["classes"],
        "image_size": facts["protocol"]["image_size"],
        "channels": facts["channels"],
        "params": facts["params"],
        "macs": facts["macs"],
        "activations": facts["activations"],
        "depth": facts["depth"],
        "receptive_field": facts["receptive_field"],
        "top1": reported.get("top1"),
        "top5": reported.get("top5"),
        "views": reported.get("views"),
        "reported_dataset": reported.get("dataset"),
        "checkpoint": best.get("tag"),
        "checkpoint_options": " ".join(f"{option}={value}" for option, value in best.get("options", {}).items())
        or None,
        "checkpoint_top1": best.get("top1"),
        "checkpoint_top5": best.get("top5"),
        "checkpoints": len(facts["weights"]),
    }


def _reported(facts: Facts) -> Facts:
    return next(iter(facts["reported"]), {})


def _best(facts: Facts) -> Facts:
    """The best published accuracy, as `weights=` takes it: of what may be used commercially, if there is any."""
    own = [w for w in facts["weights"] if w["dataset"] == facts["protocol"]["dataset"] and w["top1"] is not None]
    return min(own, key=lambda w: (noncommercial(w["licence"]), w["top1"]), default={})


class Column(NamedTuple):
    """A column to read: its heading in text and in Markdown, what of `values` it is sorted by, whether it has figures,
    and its rank: where there is no room for all, those of the highest are left out."""

    heading: str
    long_heading: str
    key: str
    figures: bool
    rank: int


COLUMNS = (
    Column("name", "name", "name", False, 0),
    Column("paper", "paper", "year", False, 3),
    Column("dataset", "data set", "dataset", False, 7),
    Column("input", "input", "image_size", False, 9),
    Column("params", "parameters", "params", True, 1),
    Column("macs", "multiply-adds", "macs", True, 2),
    Column("depth", "depth", "depth", True, 5),
    Column("field", "receptive field", "receptive_field", True, 8),
    Column("error", "reported error, %", "top1", False, 4),
    Column("checkpoint", "best checkpoint, error in %", "checkpoint_top1", False, 6),
)


def cells(facts: Facts) -> dict[str, str]:
    """A network's row to read, by the columns' headings."""
    row, reported, best = values(facts), _reported(facts), _best(facts)
    elsewhere = f" ({reported['dataset']})" if reported and reported["dataset"] != row["dataset"] else ""
    views = (row["views"] or "").removesuffix(", 1 scale")
    others = f"+{row['checkpoints'] - bool(best)}" if row["checkpoints"] > bool(best) else ""
    named = f"{best['tag']}{'*' if best['options'] else ''} {_percent(best['top1'])}" if best else ""
    return {
        "name": row["name"],
        "paper": f"{row['author']} {row['year']}",
        "dataset": row["dataset"],
        "input": f"{row['image_size']}x{row['image_size']}x{row['channels']}",
        "params": f"{row['params']:,}",
        "macs": millions(row["macs"]),
        "depth": str(row["depth"]),
        "field": "all" if row["receptive_field"] is None else str(row["receptive_field"]),
        "error": f"{_percent(row['top1'], row['top5'])}, {views}{elsewhere}" if reported else "",
        "checkpoint": " ".join(filter(None, (named, others))),
    }


def _percent(*errors: float | None) -> str:
    """Top-1, or top-1/top-5; a dash for a top-1 error that is not known."""
    top1, *rest = ("-" if error is None else f"{round(error, 2):g}" for error in errors)
    return "/".join((top1, *(figure for figure in rest if figure != "-")))


def show(networks: Sequence[Facts]) -> None:
    """Prints the table, with the columns for which the terminal has room; says which it has not."""
    rows = [cells(facts) for facts in networks]
    columns = _fitting(rows, console.width)
    console.print(_table(columns, rows))
    left_out = [column.heading for column in COLUMNS if column not in columns]
    notes = []
    if "checkpoint" not in left_out and any("*" in row["checkpoint"] for row in rows):
        notes.append("* another form of the network than the row's: `keras-classics show` tells which")
    if left_out:
        notes.append(f"No room for: {', '.join(left_out)}. --format csv has all.")
    if notes:
        console.print("\n" + "\n".join(notes))


def _fitting(rows: Iterable[Mapping[str, str]], width: int) -> list[Column]:
    rows = list(rows)
    wide = {c: max(len(c.heading), *(len(row[c.heading]) for row in rows)) for c in COLUMNS}
    columns = list(COLUMNS)
    while len(columns) > 1 and sum(wide[c] + 1 for c in columns) - 1 > width:
        columns.remove(max(columns, key=lambda c: c.rank))
    return columns


def _table(columns: Iterable[Column], rows: Iterable[Mapping[str, str]]) -> Table:
    made = table(())
    made.padding, made.pad_edge = (0, 1, 0, 0), False
    for column in columns:
        made.add_column(column.heading, justify="right" if column.figures else "left", no_wrap=True)
    for row in rows:
        made.add_row(*(row[column.heading] for column in columns))
    return made


def markdown(networks: Iterable[Facts]) -> str:
    """The table as docs/networks.md has it."""
    lines = [[column.long_heading for column in COLUMNS], ["---:" if column.figures else "---" for column in COLUMNS]]
    for facts in networks:
        row = cells(facts)
        row["paper"] = f"[{row['paper']}]({facts['paper']['url']})"
        lines.append([row[column.heading].replace("*", r"\*") for column in COLUMNS])
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def csv_text(networks: Iterable[Facts]) -> str:
    """The table of all `values`, with full numbers; empty where there is none."""
    rows = [values(facts) for facts in networks]
    text = io.StringIO()
    writer = csv.DictWriter(text, rows[0], lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
