"""Exports many networks as every format, and tells which exports agree."""

import pathlib

from keras_classics import export_matrix
from keras_classics.cli.output import console, table, working
from keras_classics.cli.parser import positive
from keras_classics.export_matrix import FORMATS
from keras_classics.files import atomic_write


def add_arguments(parser):
    parser.add_argument(
        "--networks", nargs="+", default=["*"], metavar="pattern", help="only names that fit, such as 'shufflenet*'"
    )
    parser.add_argument("--small", action="store_true", help="only networks of MNIST's and CIFAR's size")
    parser.add_argument(
        "--formats",
        nargs="+",
        choices=FORMATS,
        default=list(FORMATS),
        metavar="format",
        help=f"{', '.join(FORMATS)} (default all)",
    )
    parser.add_argument(
        "--out",
        default="export_matrix.json",
        metavar="file",
        help="JSON of the rows, one a network and format; those in it are not made anew (default export_matrix.json)",
    )
    parser.add_argument("--again", action="store_true", help="make the rows of these networks and formats anew")
    parser.add_argument(
        "--timeout",
        type=positive,
        default=int(export_matrix.TIMEOUT),
        metavar="seconds",
        help=f"for one export, which then counts as failed (default {export_matrix.TIMEOUT:.0f})",
    )
    parser.add_argument("--markdown", metavar="file", help="a file to write the table to as Markdown as well")


def run(args):
    names = export_matrix.networks(args.networks, args.small)
    with working("Exporting") as status:
        rows = export_matrix.fill(args.out, names, args.formats, args.again, args.timeout, status.update)
    chosen = [row for row in rows if row["network"] in names and row["format"] in args.formats]
    show(chosen, [format for format in FORMATS if format in args.formats])
    if args.markdown:
        with atomic_write(args.markdown) as path:
            pathlib.Path(path).write_text(export_matrix.markdown(rows), "utf-8")


def show(rows, formats):
    made = table(("network",), (*formats, "seconds"))
    for name, cells in export_matrix.ordered(rows).items():
        seconds = sum(row["seconds"] for row in cells.values())
        made.add_row(name, *(export_matrix.cell(cells.get(format)) for format in formats), f"{seconds:.0f}")
    console.print(made)
    for note in export_matrix.told(rows):
        console.print(note, markup=False)
