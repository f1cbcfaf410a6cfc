"""Lists the networks."""

from fnmatch import fnmatchcase

from keras_classics import catalogue
from keras_classics.cli.arguments import add_json
from keras_classics.cli.output import answer, console, millions, percent, table
from keras_classics.errors import unknown


def add_arguments(parser):
    parser.add_argument("pattern", nargs="?", default="*", help="only the names that it fits, such as '*resnet*'")
    parser.add_argument("--family", help="only this family")
    parser.add_argument("--dataset", help="only networks made for this data set")
    add_json(parser)


def run(args):
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
    fitting = [
        facts
        for facts in networks
        if any(fnmatchcase(name.lower(), args.pattern.lower()) for name in (facts["name"], *facts["symbols"]))
    ]
    if not fitting:
        raise unknown("model", args.pattern, [facts["name"] for facts in networks])
    answer(args.json, fitting, lambda: show(fitting))


def show(networks):
    made = table(("name", "paper", "input"), ("params", "mult-adds", "top-1", "top-5"))
    for column in made.columns:
        column.no_wrap = True
    made.add_column("error reported for")
    made.padding = (0, 1, 0, 0)
    for facts in networks:
        side = facts["protocol"]["image_size"]
        error = facts["reported"][0] if facts["reported"] else None
        made.add_row(
            facts["name"],
            f"{facts['paper']['authors'].split(',')[0]} {facts['paper']['year']}",
            f"{side}x{side}x{facts['channels']}",
            f"{facts['params']:,}",
            millions(facts["macs"]),
            percent(error["top1"] if error else None),
            percent(error["top5"] if error else None),
            f"{error['dataset']}, {error['views']}" if error else "",
        )
    console.print(made)
