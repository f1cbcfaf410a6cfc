"""Measures what several views of a picture cost."""

import statistics

from keras_classics import catalogue
from keras_classics.choices import VIEWS
from keras_classics.cli.arguments import add_backend, add_json, data_set
from keras_classics.cli.backend import start
from keras_classics.cli.output import answer, console, table, working
from keras_classics.cli.parser import positive


def add_arguments(parser):
    parser.add_argument("model", completes=catalogue.read, help="a network's name")
    views = [name for name in VIEWS if name != "1"]
    parser.add_argument(
        "--views", nargs="+", choices=views, default=["10"], metavar="views", help=f"{', '.join(views)} (default 10)"
    )
    parser.add_argument("--data", type=data_set, help="a folder of class folders (default: rendered pictures)")
    parser.add_argument("--images", type=positive, default=4, metavar="N", help="pictures a round (default 4)")
    parser.add_argument("--batch", type=positive, default=8, metavar="N", help="views a step (default 8)")
    parser.add_argument("--rounds", type=positive, default=3, metavar="N", help="of both in turn (default 3)")
    add_backend(parser)
    add_json(parser)


def run(args):
    network = catalogue.find(args.model)["name"]
    start(args.backend)
    with working(f"Preparing {network}") as status:
        from keras_classics import datasets
        from keras_classics.benchmark.views import benchmark_views
        from keras_classics.environment import environment

        data = datasets.load(args.data) if args.data else None
        costs = benchmark_views(network, args.views, data, args.images, args.batch, args.rounds, status.update)
    figures = {
        "network": network,
        "pictures": args.images,
        "batch": args.batch,
        "costs": [{**vars(cost), "ratio": cost.ratio} for cost in costs],
        "environment": environment(),
    }
    answer(args.json, figures, lambda: show(costs))


def show(costs):
    made = table(("views", "beside"), ("s a picture", "theirs", "ratio"))
    for cost in costs:
        own, theirs = (f"{statistics.median(s):.3g}" for s in (cost.seconds, cost.beside_seconds))
        made.add_row(cost.views, cost.beside, own, theirs, f"{cost.ratio:.2f}")
    console.print(made)
