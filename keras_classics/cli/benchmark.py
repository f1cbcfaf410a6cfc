"""Measures a network's speed, beside a peer's."""

import sys

from keras_classics import catalogue
from keras_classics.choices import BACKENDS, PEERS
from keras_classics.cli.arguments import add_json
from keras_classics.cli.backend import check_installed, start
from keras_classics.cli.output import answer, console, table, working
from keras_classics.errors import ClassicsError


def add_arguments(parser):
    parser.add_argument("model", help="a network's name")
    parser.add_argument("--train", action="store_true", help="training steps; by default it predicts")
    parser.add_argument("--build", action="store_true", help="building, each time in a new process")
    parser.add_argument("--fuse", action="store_true", help="predict with ours fused")
    parser.add_argument("--batch", type=int, default=8, metavar="N", help="images a step (default 8)")
    parser.add_argument("--against", choices=PEERS, metavar="peer", help=", ".join(PEERS))
    parser.add_argument("--backend", nargs="+", choices=BACKENDS, metavar="backend", help="by default the present one")
    parser.add_argument("--rounds", type=int, default=10, metavar="N", help="runs of each side (default 10)")
    parser.add_argument("--peer-python", default=sys.executable, help="the Python that has pytorchcv or torchvision")
    add_json(parser)


def run(args):
    if args.train and args.build:
        raise ClassicsError("--train and --build are two benchmarks; run one after the other.")
    mode = "train" if args.train else "build" if args.build else "predict"
    network = catalogue.find(args.model)["name"]
    for backend in args.backend or ():
        check_installed(backend)
    start()
    with working(f"Preparing {network}") as status:
        from keras_classics.benchmark import benchmark, figures

        result = benchmark(
            network,
            args.against,
            args.backend,
            args.batch,
            mode,
            args.rounds,
            args.fuse,
            args.peer_python,
            status.update,
        )
    answer(args.json, figures(result), lambda: show(result))


def show(result):
    from keras_classics.benchmark import ratio

    building = result.mode == "build"
    rates = () if building else ("images/s", "of peak")
    made = table(("", "backend"), ("s" if building else "s a step", "quartiles", *rates, "memory"))
    for t in result.times:
        rates = () if building else (f"{result.images_per_second(t):.4g}", f"{100 * result.share_of_peak(t):.1f}%")
        memory = "" if t.peak_bytes is None else f"{t.peak_bytes / 1e9:.2f} GB"
        quartiles = " to ".join(f"{q:.4g}" for q in t.quartiles)
        made.add_row(t.side.who, t.side.backend, f"{t.median:.4g}", quartiles, *rates, memory)
    console.print(made)
    for ours, peer in result.pairs:
        times, low, high = ratio(ours, peer)
        console.print(
            f"{ours.side.who} on {ours.side.backend} is {times:.2f} ({low:.2f} to {high:.2f}) times as fast as "
            f"{peer.side.who} on {peer.side.backend}"
        )
    if not building:
        console.print(f"peak: {result.peak_flops / 1e9:.0f} GFLOP/s, a float32 matrix product in NumPy")
