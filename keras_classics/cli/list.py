"""Lists the networks."""

import sys
from collections.abc import Callable, Mapping
from typing import Any

from keras_classics import catalogue
from keras_classics.cli import network_table
from keras_classics.cli.arguments import add_json
from keras_classics.cli.output import answer
from keras_classics.cli.parser import quantity, years
from keras_classics.errors import ClassicsError, unknown

COLUMNS_TOLD = """
Columns: `macs` are the multiply-adds of convolutions and dense layers for one image of the input's size. `depth` is
the layers with kernels on the longest way through the network. `field` is the receptive field: the side, in input
pixels, of what one place of the last map sees, before global pooling or the first dense layer. It is the reach of the
kernels, which may be larger than the image; "all" stands only where the network itself joins all places before its
last map. `error` is what the paper reports first, in percent, top-1/top-5 (- if it has no top-1), by which views, and
on what if not on the dataset. `checkpoint` is the public one on the dataset with the lowest top-1 error among those
that may be used commercially, that error, and how many more there are; * marks another form of the network than the
row's.
"""

FORMATS: Mapping[str, Callable[[Any], Any]] = {
    "text": network_table.show,
    "markdown": lambda networks: sys.stdout.write(network_table.markdown(networks)),
    "csv": lambda networks: sys.stdout.write(network_table.csv_text(networks)),
    "json": lambda networks: answer("-", networks, lambda: None),
}
SORTED_BY = {column.heading: column.key for column in network_table.COLUMNS}


def add_arguments(parser):
    parser.epilog = COLUMNS_TOLD
    parser.add_argument("pattern", nargs="?", default="*", help="only the names that it fits, such as '*resnet*'")
    parser.add_argument("--family", help="only this family")
    parser.add_argument("--dataset", help="only networks made for this data set")
    parser.add_argument(
        "--year", type=years, metavar="years", help="only papers of 2015, or of 2012..2015, 2012.., ..2015"
    )
    parser.add_argument("--max-params", type=quantity, metavar="count", help="only with at most so many parameters: 5M")
    parser.add_argument(
        "--max-macs", type=quantity, metavar="count", help="only with at most so many multiply-adds: 1.5G"
    )
    parser.add_argument("--with-weights", action="store_true", help="only those that have public weights")
    parser.add_argument(
        "--sort",
        signed=True,
        metavar="column",
        help="by a column of the table or of --format csv, the smallest first; -column for the largest first",
    )
    parser.add_argument("--reverse", action="store_true", help="the other way round")
    parser.add_argument(
        "--format",
        choices=FORMATS,
        default="text",
        metavar="format",
        help="text, markdown, csv or json, which is --json - (default text, with the columns that fit the terminal)",
    )
    add_json(parser)


def run(args):
    networks = ordered(fitting(args), args.sort, args.reverse)
    answer(args.json, networks, lambda: FORMATS[args.format](networks))


def fitting(args) -> list[dict[str, Any]]:
    """The facts of the networks that the arguments leave.

    Raises:
        ClassicsError: if they leave none.
    """
    networks = list(catalogue.read().values())
    for kind, asked, of in (
        ("family", args.family, lambda facts: facts["family"]),
        ("dataset", args.dataset, lambda facts: facts["protocol"]["dataset"]),
    ):
        if asked is not None:
            known = sorted({of(facts) for facts in catalogue.read().values()})
            if asked not in known:
                raise unknown(kind, asked, known)
            networks = [facts for facts in networks if of(facts) == asked]
    named = catalogue.matching(args.pattern, networks)
    chosen = [
        (args.max_params, "params", "{:,} to {:,} parameters"),
        (args.max_macs, "macs", "{:,} to {:,} multiply-adds"),
    ]
    for most, fact, told in chosen:
        if most is not None:
            named = left(named, lambda facts, fact=fact: facts[fact], range(most + 1), told)
    if args.year is not None:
        named = left(named, lambda facts: facts["paper"]["year"], args.year, "papers of {} to {}")
    if args.with_weights:
        named = left(named, lambda facts: len(facts["weights"]), range(1, sys.maxsize), "no public weights")
    return named


def left(networks, of, wanted: range, told: str):
    """The networks of which a number is among the `wanted`; `told` says of what kind, with the least and the greatest.

    Raises:
        ClassicsError: if there is none.
    """
    found = [facts for facts in networks if of(facts) in wanted]
    if not found:
        numbers = [of(facts) for facts in networks]
        have = told.format(min(numbers), max(numbers))
        raise ClassicsError(f"No network fits: those that are chosen otherwise have {have}.")
    return found


def ordered(networks, column: str | None, reverse: bool):
    """The networks by a column of the table or of the CSV, those without a value last; in their order without one.

    Raises:
        ClassicsError: if there is no such column; the message suggests the nearest.
    """
    if column is None:
        return networks[::-1] if reverse else networks
    name = column.removeprefix("-").replace("-", "_")
    rows = [(network_table.values(facts), facts) for facts in networks]
    key = SORTED_BY.get(name, name)
    if key not in rows[0][0]:
        raise unknown("column", name, dict.fromkeys((*SORTED_BY, *rows[0][0])))
    known = [row for row in rows if row[0][key] is not None]
    known.sort(key=lambda row: row[0][key], reverse=reverse != column.startswith("-"))
    return [facts for _, facts in (*known, *(row for row in rows if row[0][key] is None))]
