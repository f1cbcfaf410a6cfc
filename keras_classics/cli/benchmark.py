"""Measures a network's speed, or that of exports, beside a peer's."""

import pathlib
import sys

from keras_classics import catalogue, runtimes
from keras_classics.choices import BACKENDS, EXPORT_SUFFIXES, PEERS
from keras_classics.cli.arguments import add_json, picture_file
from keras_classics.cli.backend import check_installed, start
from keras_classics.cli.output import answer, console, millions, table, working
from keras_classics.errors import ClassicsError

BATCH, ONE = 8, 1
PARTS = {"framework": "import", "library": "adds", "build": "build", "first": "first", "second": "second"}
PARTS_IN_WORDS = (
    "Seconds. import: of Keras with its backend, or of torch; adds: what importing the library adds; first, second: "
    "the answers; whole: from building to the first one"
)
NARROW, WIDE = ("quartiles", "of peak"), 110  # columns that are left out where there are fewer characters
THREADS = {"LiteRT": "1, its default", "ONNX Runtime": "as many as there are cores, its default"}


def add_arguments(parser):
    parser.add_argument(
        "model",
        nargs="+",
        completes=catalogue.read,
        help="a network's name; or exports (SavedModel folders, .tflite and .onnx files of any origin), each in its "
        "own runtime, the first beside the others",
    )
    parser.add_argument("--train", action="store_true", help="training steps; by default it predicts")
    parser.add_argument(
        "--first", action="store_true", help="imports, building and the first answers, each time in a new process"
    )
    parser.add_argument("--fuse", action="store_true", help="predict with ours fused")
    parser.add_argument("--remat", action="store_true", help="train ours in less memory; beside no-remat, itself")
    parser.add_argument(
        "--batch",
        nargs="+",
        type=int,
        metavar="N",
        help=f"images a step, of all sides (default {BATCH}; of exports and with --first {ONE}); several "
        "for a curve over them",
    )
    parser.add_argument("--plot", type=picture_file, metavar="file", help="draw the curve: .png, .svg, .pdf")
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
    if args.train and args.first:
        raise ClassicsError("--train and --first are two benchmarks; run one after the other.")
    exports = [name for name in args.model if _is_path(name)]
    batches = args.batch or [ONE if exports or args.first else BATCH]
    if len(batches) > 1:
        _of_batches(args, exports, batches)
        return
    if args.plot:
        raise ClassicsError("A curve needs more than one batch, such as --batch 1 2 4 8; or leave --plot out.")
    (batch,) = batches
    result = _of_exports(args, exports, batch) if exports else _of_network(args, batch)
    from keras_classics.benchmark import figures

    answer(args.json, figures(result), lambda: show(result))


def _of_batches(args, exports, batches):
    if args.first:
        raise ClassicsError("A first answer is of one batch; give --batch one number, or leave it out.")
    if min(batches) < 1:
        raise ClassicsError(f"The batch must be at least 1, not {min(batches)}.")

    def one(batch):
        return _of_exports(args, exports, batch) if exports else _of_network(args, batch)

    # Wrong words are refused before Keras is imported.
    if not exports:
        _check_network(args)
    start()
    from keras_classics.benchmark.curve import curve_figures, measured

    curve = measured(batches, one, lambda what: console.print(what) if args.json != "-" else None)
    answer(args.json, curve_figures(curve), lambda: show_curve(curve))
    if args.plot:
        from keras_classics.plots import batches as picture

        mode = {"train": "training", "predict": "predicting"}[curve.results[0].mode]
        names = {f"{who}, {backend}": line for (who, backend), line in curve.lines().items()}
        picture.draw(names, args.plot, f"{curve.results[0].network}, {mode}")


def _is_path(name: str) -> bool:
    """Whether that is meant as an export, not as a network's name; a name of the zoo is one whatever lies here."""
    path = pathlib.Path(name)
    known = any(name in (facts["name"], *facts["symbols"]) for facts in catalogue.read().values())
    return not known and (path.exists() or len(path.parts) > 1 or path.suffix in (*EXPORT_SUFFIXES.values(), ".keras"))


def _check_network(args) -> str:
    """Refuses what cannot be asked of a network, without Keras; its name."""
    if len(args.model) > 1:
        raise ClassicsError("Name one network and a peer by --against; only exports are measured beside each other.")
    if args.threads is not None:
        raise ClassicsError(
            "--threads is for exports on LiteRT and ONNX Runtime; Keras leaves the threads to its backend."
        )
    for backend in args.backend or ():
        check_installed(backend)
    return catalogue.find(args.model[0])["name"]


def _of_network(args, batch):
    network = _check_network(args)
    mode = "train" if args.train else "first" if args.first else "predict"
    start()
    with working(f"Preparing {network}") as status:
        from keras_classics.benchmark import benchmark

        return benchmark(
            network,
            args.against,
            args.backend,
            batch,
            mode,
            args.rounds,
            args.fuse,
            args.remat,
            args.peer_python,
            status.update,
        )


def _of_exports(args, exports, batch):
    if len(exports) < len(args.model):
        name = next(name for name in args.model if name not in exports)
        raise ClassicsError(f"'{name}' is no export: name exports alone, or one network; a peer is named by --against.")
    for option in ("train", "first", "fuse", "remat", "backend"):
        if getattr(args, option):
            raise ClassicsError(f"--{option} is for a network by its name: an export predicts, in its own runtime.")
    if args.against == "no-remat":
        raise ClassicsError("--against no-remat is for a network that trains with --remat; an export predicts.")
    runtimes.check(exports, args.threads, args.against)
    start()
    with working(f"Preparing {exports[0]}") as status:
        from keras_classics.benchmark.exports import benchmark_exports

        return benchmark_exports(
            exports,
            args.against,
            batch,
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
    if result.mode == "first":
        console.print(PARTS_IN_WORDS)
    else:
        show_peak(result)


def show_peak(result):
    console.print(f"peak: {result.peak_flops / 1e9:.0f} GFLOP/s, a float32 matrix product in NumPy")


def show_curve(curve):
    """A row for each side and batch, and from which batch on each side no longer grows."""
    from keras_classics.benchmark.curve import enough

    exports = curve.results[0].times[0].bytes is not None
    rows = []
    for result in curve.results:
        for t in result.times:
            cells = _cells(result, t, exports)
            peers = [peer for ours, peer in result.pairs if ours is t]
            cells["times the peer's"] = ", ".join(_ratio(t, peer) for peer in peers)
            rows.append((t, {"batch": str(result.batch), **cells}))
    left_out = NARROW if console.width < WIDE else ("quartiles",)
    headings = [name for name in rows[0][1] if name not in left_out and any(cells[name] for _, cells in rows)]
    made = table(("", "runs on" if exports else "backend"), headings)
    for (who, backend), _ in curve.lines().items():
        for t, cells in rows:
            if (t.side.who, t.side.backend) == (who, backend):
                made.add_row(who, backend, *(cells[heading] for heading in headings))
    console.print(made)
    for (who, backend), line in curve.lines().items():
        batch = enough(line)
        grows = "grows to the last batch" if batch == line[-1].batch else f"no longer grows from {batch} images on"
        console.print(f"{who} on {backend} {grows}", markup=False)
    show_peak(curve.results[0])
    if curve.ended:
        console.print(f"The curve ends before {curve.ended}", markup=False)


def _ratio(ours, peer) -> str:
    from keras_classics.benchmark import ratio

    return "{:.2f} ({:.2f} to {:.2f})".format(*ratio(ours, peer))


def _cells(result, t, exports: bool) -> dict[str, str]:
    """What the table says of a side, by the columns' headings."""
    if result.mode == "first":
        return {**{word: f"{t.part(part).median:.2f}" for part, word in PARTS.items()}, "whole": f"{t.median:.2f}"}
    took, unit = ("ms a step", 1e-3) if exports else ("s a step", 1.0)
    cells = {took: f"{t.median / unit:.4g}", "quartiles": " to ".join(f"{q / unit:.4g}" for q in t.quartiles)}
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
    from keras_classics.benchmark import ratio_per_mac

    told = (
        f"{ours.side.who} on {ours.side.backend} is {_ratio(ours, peer)} times as fast as "
        f"{peer.side.who} on {peer.side.backend}"
    )
    if "first" in ours.parts:
        return f"{told} to its first answer, {_ratio(ours.part('build'), peer.part('build'))} times in building"
    each = ratio_per_mac(ours, peer)
    return told if each is None or ours.macs == peer.macs else f"{told}, and {each[0]:.2f} times for each multiply-add"


def show_threads(result):
    runtimes = {t.side.backend for t in result.times} & set(THREADS)
    for runtime in sorted(runtimes):
        told = THREADS[runtime] if result.threads is None else f"{result.threads}, by --threads"
        console.print(f"threads of {runtime}: {told}")
