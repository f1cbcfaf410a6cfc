"""Measures a network's speed, or that of exports, beside a peer's."""

import pathlib
import sys

from keras_classics import catalogue, runtimes
from keras_classics.choices import BACKENDS, EXPORT_SUFFIXES, PEERS
from keras_classics.cli.arguments import add_json
from keras_classics.cli.backend import check_installed, start
from keras_classics.cli.output import answer, console, millions, table, working
from keras_classics.errors import ClassicsError

BATCH, EXPORTS_BATCH = 8, 1
NARROW, WIDE = ("quartiles", "of peak"), 110  # columns that are left out where there are fewer characters
THREADS = {"LiteRT": "1, its default", "ONNX Runtime": "as many as there are cores, its default"}


def add_arguments(parser):
    parser.add_argument(
        "model",
        nargs="+",
        help="a network's name; or exports (SavedModel folders, .tflite and .onnx files of any origin), each in its "
        "own runtime, the first beside the others",
    )
    parser.add_argument("--train", action="store_true", help="training steps; by default it predicts")
    parser.add_argument("--build", action="store_true", help="building, each time in a new process")
    parser.add_argument("--fuse", action="store_true", help="predict with ours fused")
    parser.add_argument("--remat", action="store_true", help="train ours in less memory; beside no-remat, itself")
    parser.add_argument(
        "--batch",
        type=int,
        metavar="N",
        help=f"images a step, of all sides (default {BATCH}; with exports {EXPORTS_BATCH}, as a phone asks)",
    )
    parser.add_argument("--against", choices=PEERS, metavar="peer", help=", ".join(PEERS))
    parser.add_argument("--backend", nargs="+", choices=BACKENDS, metavar="backend", help="by default the present one")
    parser.add_argument(
        "--threads",
        type=int,
        metavar="N",
        help="of LiteRT and ONNX Runtime (default: LiteRT has 1, ONNX Runtime as many as there are cores)",
    )
    parser.add_argument("--rounds", type=int, default=10, metavar="N", help="runs of each side (default 10)")
    parser.add_argument("--peer-python", default=sys.executable, help="the Python that has pytorchcv or torchvision")
    add_json(parser)


def run(args):
    if args.train and args.build:
        raise ClassicsError("--train and --build are two benchmarks; run one after the other.")
    exports = [name for name in args.model if _is_path(name)]
    result = _of_exports(args, exports) if exports else _of_network(args)
    from keras_classics.benchmark import figures

    answer(args.json, figures(result), lambda: show(result))


def _is_path(name: str) -> bool:
    """Whether that is meant as an export, not as a network's name; a name of the zoo is one whatever lies here."""
    path = pathlib.Path(name)
    known = any(name in (facts["name"], *facts["symbols"]) for facts in catalogue.read().values())
    return not known and (path.exists() or len(path.parts) > 1 or path.suffix in (*EXPORT_SUFFIXES.values(), ".keras"))


def _of_network(args):
    if len(args.model) > 1:
        raise ClassicsError("Name one network and a peer by --against; only exports are measured beside each other.")
    if args.threads is not None:
        raise ClassicsError(
            "--threads is for exports on LiteRT and ONNX Runtime; Keras leaves the threads to its backend."
        )
    mode = "train" if args.train else "build" if args.build else "predict"
    network = catalogue.find(args.model[0])["name"]
    for backend in args.backend or ():
        check_installed(backend)
    start()
    with working(f"Preparing {network}") as status:
        from keras_classics.benchmark import benchmark

        return benchmark(
            network,
            args.against,
            args.backend,
            BATCH if args.batch is None else args.batch,
            mode,
            args.rounds,
            args.fuse,
            args.remat,
            args.peer_python,
            status.update,
        )


def _of_exports(args, exports):
    if len(exports) < len(args.model):
        name = next(name for name in args.model if name not in exports)
        raise ClassicsError(f"'{name}' is no export: name exports alone, or one network; a peer is named by --against.")
    for option in ("train", "build", "fuse", "remat", "backend"):
        if getattr(args, option):
            raise ClassicsError(f"--{option} is for a network by its name: an export predicts, in its own runtime.")
    runtimes.check(exports, args.threads, args.against)
    start()
    with working(f"Preparing {exports[0]}") as status:
        from keras_classics.benchmark.exports import benchmark_exports

        return benchmark_exports(
            exports,
            args.against,
            EXPORTS_BATCH if args.batch is None else args.batch,
            args.rounds,
            args.threads,
            args.peer_python,
            status.update,
        )


def show(result):
    exports = result.times[0].bytes is not None
    rows = [_cells(result, t, exports) for t in result.times]
    left_out = NARROW if exports and console.width < WIDE else ()
    headings = [heading for heading in rows[0] if heading not in left_out]
    made = table(("", "runs on" if exports else "backend"), headings)
    for t, cells in zip(result.times, rows, strict=True):
        made.add_row(t.side.who, t.side.backend, *(cells[heading] for heading in headings))
    console.print(made)
    if left_out:
        console.print(f"No room for: {', '.join(left_out)}.")
    for ours, peer in result.pairs:
        console.print(_beside(ours, peer), markup=False)
    if exports:
        show_threads(result)
    if result.mode != "build":
        console.print(f"peak: {result.peak_flops / 1e9:.0f} GFLOP/s, a float32 matrix product in NumPy")


def _cells(result, t, exports: bool) -> dict[str, str]:
    """What the table says of a side, by the columns' headings."""
    if result.mode == "build":
        took, unit = "s", 1.0
    else:
        took, unit = ("ms a step", 1e-3) if exports else ("s a step", 1.0)
    cells = {took: f"{t.median / unit:.4g}", "quartiles": " to ".join(f"{q / unit:.4g}" for q in t.quartiles)}
    if result.mode != "build":
        share = result.share_of_peak(t)
        cells["images/s"] = f"{result.images_per_second(t):.4g}"
        cells["of peak"] = "" if share is None else f"{100 * share:.1f}%"
    if exports:
        cells["MB"] = "" if t.bytes is None else f"{t.bytes / 1e6:.2f}"
        cells["macs"] = millions(t.macs)
        cells["µs/M macs"] = f"{1e12 * result.seconds_per_mac(t):.3g}" if t.macs else ""
    cells["memory"] = "" if t.peak_bytes is None else f"{t.peak_bytes / 1e9:.2f} GB"
    return cells


def _beside(ours, peer) -> str:
    from keras_classics.benchmark import ratio, ratio_per_mac

    times, low, high = ratio(ours, peer)
    told = (
        f"{ours.side.who} on {ours.side.backend} is {times:.2f} ({low:.2f} to {high:.2f}) times as fast as "
        f"{peer.side.who} on {peer.side.backend}"
    )
    each = ratio_per_mac(ours, peer)
    return told if each is None or ours.macs == peer.macs else f"{told}, and {each[0]:.2f} times for each multiply-add"


def show_threads(result):
    runtimes = {t.side.backend for t in result.times} & set(THREADS)
    for runtime in sorted(runtimes):
        told = THREADS[runtime] if result.threads is None else f"{result.threads}, by --threads"
        console.print(f"threads of {runtime}: {told}")
