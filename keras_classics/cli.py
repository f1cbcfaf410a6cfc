"""The command `keras-classics`: list, show, predict, evaluate, export, benchmark."""

import argparse
import json
import pathlib
import sys
from collections.abc import Callable, Sequence

import keras
import numpy as np
from rich.console import Console
from rich.table import Table

from keras_classics import benchmark, complexity, datasets, evaluate, export, feed, preprocessing
from keras_classics.errors import ClassicsError, unknown
from keras_classics.files import atomic_write
from keras_classics.pictures import read_image
from keras_classics.variant import Variant, deep_graph
from keras_classics.weights.entries import entries_of
from keras_classics.zoo import get_model, list_models, variant_of

console = Console(highlight=False, width=None if sys.stdout.isatty() else 160)


class Parser(argparse.ArgumentParser):
    """An argument parser that suggests the nearest option or command, and says in one line what is wrong."""

    def error(self, message):
        print(f"{self.prog}: {message}", file=sys.stderr)
        sys.exit(2)

    def _check_value(self, action, value):
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(None, str(unknown(action.metavar or action.dest, value, action.choices)))

    def parse_args(self, args=None, namespace=None):
        known, rest = self.parse_known_args(args, namespace)
        if rest:
            command = getattr(known, "parser", self)
            options = [o for o in command._option_string_actions if o.startswith("--")]
            self.error(str(unknown("argument", rest[0], options)))
        return known


def run(main: Callable[[], None]) -> None:
    """Runs a command; a mistake that the user can mend ends it with one line and status 2."""
    try:
        main()
    except ClassicsError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    except BrokenPipeError:
        sys.exit(0)
    except KeyboardInterrupt:
        sys.exit(130)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command's entry point."""
    parser = Parser(prog="keras-classics", description="The classic image classifiers, as their papers have them.")
    commands = parser.add_subparsers(required=True, metavar="command")

    def command(function, *names_and_help: tuple[str, dict]):
        sub = commands.add_parser(function.__name__.strip("_"), help=function.__doc__, description=function.__doc__)
        sub.set_defaults(function=function, parser=sub)
        for name, options in names_and_help:
            sub.add_argument(name, **options)

    model_help = "a network's name, a run folder or a .keras file"
    weights = ("--weights", {"help": "where the model is a network's name: imagenet, a tag that show lists, or a file"})
    data_dir = ("--data-dir", {"help": "folder in which tensorflow-datasets keeps its data"})
    command(
        _list,
        ("--family", {"help": "only this family"}),
        ("--dataset", {"help": "only networks made for this data set"}),
    )
    command(
        _show,
        ("model", {"help": "a network's name"}),
        ("--layers", {"action": "store_true", "help": "the table of layers"}),
    )
    command(
        _predict,
        ("model", {"help": model_help}),
        ("images", {"nargs": "+", "metavar": "image", "help": "image files"}),
        weights,
        ("--top", {"type": int, "default": 5, "help": "how many classes to print (default 5)"}),
    )
    command(
        _evaluate,
        ("model", {"help": model_help}),
        weights,
        ("--data", {"required": True, "help": "a data set's name or a folder of class folders"}),
        data_dir,
        ("--split", {"help": "by default the one that errors are reported on"}),
        ("--batch-size", {"type": int, "default": 128, "help": "images a step (default 128)"}),
        ("--json", {"help": "a file to write the figures to as well"}),
    )
    command(
        _export,
        ("model", {"help": model_help}),
        weights,
        (
            "--to",
            {"required": True, "choices": list(export.FORMATS), "metavar": "format", "help": "saved_model or tflite"},
        ),
        ("--out", {"help": "where to; by default in the folder saved_models"}),
        (
            "--without-preprocessing",
            {"action": "store_true", "help": "export the bare network, which takes normalised images, not pixels"},
        ),
    )
    command(
        _benchmark,
        ("model", {"help": "a network's name"}),
        ("--train", {"action": "store_true", "help": "training steps; by default it predicts"}),
        ("--build", {"action": "store_true", "help": "building, each time in a new process"}),
        ("--fuse", {"action": "store_true", "help": "predict with ours fused"}),
        ("--batch", {"type": int, "default": 8, "metavar": "N", "help": "images a step (default 8)"}),
        ("--against", {"choices": benchmark.PEERS, "metavar": "peer", "help": ", ".join(benchmark.PEERS)}),
        (
            "--backend",
            {"nargs": "+", "choices": benchmark.BACKENDS, "metavar": "backend", "help": "by default the present one"},
        ),
        ("--rounds", {"type": int, "default": 10, "metavar": "N", "help": "runs of each side (default 10)"}),
        ("--peer-python", {"default": sys.executable, "help": "the Python that has pytorchcv or torchvision"}),
        ("--json", {"help": "a file to write the figures to as well"}),
    )
    parsed = parser.parse_args(arguments)
    run(lambda: parsed.function(parsed))


def _list(args):
    """Lists the networks."""
    table = Table(box=None, header_style="bold", padding=(0, 1, 0, 0))
    for heading in ("name", "paper", "input"):
        table.add_column(heading, no_wrap=True)
    for heading in ("params", "mult-adds", "top-1", "top-5"):
        table.add_column(heading, justify="right", no_wrap=True)
    table.add_column("error reported for")
    for name in list_models(args.family, args.dataset):
        v = get_model(name)
        error = v.reported[0] if v.reported else None
        table.add_row(
            name,
            f"{v.paper.authors.split(',')[0]} {v.paper.year}",
            f"{v.image_size}x{v.image_size}x{v.channels}",
            f"{v.params:,}",
            _millions(v.macs),
            _percent(error.top1 if error else None),
            _percent(error.top5 if error else None),
            f"{error.dataset}, {error.views}" if error else "",
        )
    console.print(table)


def _show(args):
    """Shows what is known about a network."""
    v = get_model(args.model)
    console.print(
        f"[bold]{v.name}[/]  {v.paper.authors}: {v.paper.title}. {v.paper.venue}, {v.paper.year}. {v.paper.url}"
    )
    console.print(f"input       {v.image_size}x{v.image_size}x{v.channels}, {v.classes} classes ({v.dataset})")
    console.print(f"parameters  {v.params:,}")
    console.print(f"mult-adds   {_millions(v.macs)}")
    console.print(f"pixels      (0..255 - {v.normalization.mean}) / {v.normalization.std}")
    for option, default in v.options.items():
        console.print(f"option      {option}={default!r}")
    for r in v.reported:
        errors = " / ".join(f"{e:g}%" for e in (r.top1, r.top5) if e is not None)
        console.print(f"reported    {errors} on {r.dataset}, {r.views} ({'; '.join(filter(None, (r.source, r.note)))})")
    for departure in v.departures:
        console.print(f"departure   {departure}")
    for entry in entries_of(v.name):
        errors = " / ".join(f"{e:g}%" for e in (entry.top1, entry.top5) if e is not None)
        form = "".join(f", {option}={value!r}" for option, value in entry.options)
        console.print(f"weights     {entry.tag}{form}: {errors} on {entry.protocol.dataset} ({entry.licence})")
    if args.layers:
        model = v(seed=0)
        if v.table:
            _show_papers_table(model, v)
        table = Table(box=None, header_style="bold")
        for heading in ("layer", "kind", "output"):
            table.add_column(heading)
        for heading in ("params", "mult-adds", "receptive field"):
            table.add_column(heading, justify="right")
        rows = complexity.layer_table(model)
        for row in rows:
            field = "all" if row.receptive_field is None else str(row.receptive_field)
            shape = "x".join(map(str, row.output_shape))
            table.add_row(
                row.name, row.kind, shape, f"{row.params or '':,}" if row.params else "", _millions(row.macs), field
            )
        table.add_row("total", "", "", f"{sum(r.params for r in rows):,}", _millions(sum(r.macs for r in rows)), "")
        console.print(table)


def _show_papers_table(model, v: Variant):
    table = Table(
        box=None, header_style="bold", title="The paper's table, and what is counted here", title_justify="left"
    )
    for heading in ("row", "output"):
        table.add_column(heading)
    for heading in ("its params", "params", "its ops", "mult-adds"):
        table.add_column(heading, justify="right")
    for row, cost in complexity.row_costs(model, v.table):
        output = "x".join(map(str, row.output))
        if row.output != cost.output_shape:
            output += f" (here {'x'.join(map(str, cost.output_shape))})"
        params = f"{cost.params:,}" if cost.params else ""
        table.add_row(row.name, output, row.params, params, row.ops, _millions(cost.macs))
    console.print(table)
    console.print()


def _predict(args):
    """Names the likeliest classes of images."""
    images = [read_image(path) for path in args.images]
    model, variant, class_names = _open(args.model, args.weights)
    made = feed.feed_of(model, variant)
    fitted = np.stack([made.fit(image).numpy() for image in images])
    scores = model.predict(made.model_input(fitted), verbose=0)
    dataset = (preprocessing.carried_protocol(model) or variant.protocol).dataset
    if dataset == "imagenet2012" and scores.shape[1] == 1000:
        class_names = None  # decode_predictions has them, with their identifiers
    elif class_names is None:
        known = datasets.known_class_names(dataset)
        class_names = known if len(known) == scores.shape[1] else tuple(f"class {i}" for i in range(scores.shape[1]))
    for path, best in zip(args.images, preprocessing.decode_predictions(scores, args.top, class_names), strict=True):
        console.print(f"[bold]{path}[/]")
        width = max(len(name) for _, name, _ in best)
        for _, name, score in best:
            console.print(
                f"  {name:<{width}}  {100 * score:6.2f}%  [green]{'█' * round(40 * max(0.0, min(1.0, score)))}[/]"
            )


def _evaluate(args):
    """Measures top-1 and top-5 errors, beside the paper's."""
    data = datasets.load(args.data, args.data_dir)
    model, variant, _ = _open(args.model, args.weights)
    result = evaluate.evaluate(model, data, variant, args.split, args.batch_size)
    table = Table(box=None, header_style="bold")
    for heading in ("", "top-1 error", "top-5 error"):
        table.add_column(heading, justify="right")
    table.add_row(f"measured, {result.images} images", _percent(result.top1), _percent(result.top5))
    for r in variant.reported:
        if r.dataset == data.name or (r.dataset, data.name) == ("mnist", "mnist_sample"):
            note = f", {r.note}" if r.note else ""
            table.add_row(f"the paper, {r.dataset}, {r.views}{note}", _percent(r.top1), _percent(r.top5))
    console.print(table)
    if args.json:
        figures = {
            "model": variant.name,
            "data": data.name,
            "images": result.images,
            "top1": result.top1,
            "top5": result.top5,
        }
        with atomic_write(args.json) as path:
            path.write_text(json.dumps(figures, indent=2) + "\n", "utf-8")


def _export(args):
    """Exports a trained network, and checks the export against it."""
    model, variant, _ = _open(args.model, args.weights)
    if not args.without_preprocessing:
        model = export.with_preprocessing(model, variant.normalization)
    suffix = ".tflite" if args.to == "tflite" else ""
    path = pathlib.Path(args.out or pathlib.Path("saved_models", model.name + suffix))
    agreement = export.export(model, path, args.to)
    takes = "pixels of 0..255" if preprocessing.normalizes(model) else "normalised images"
    console.print(
        f"{path}: takes {takes}, float32 {model.input_shape}; differs from the Keras model by at most "
        f"{agreement.max_abs_error:.1e} on {agreement.images} images"
    )


def _benchmark(args):
    """Measures a network's speed, beside a peer's."""
    if args.train and args.build:
        raise ClassicsError("--train and --build are two benchmarks; run one after the other.")
    mode = "train" if args.train else "build" if args.build else "predict"
    result = benchmark.benchmark(
        args.model, args.against, args.backend, args.batch, mode, args.rounds, args.fuse, args.peer_python
    )
    table = Table(box=None, header_style="bold")
    for heading in ("", "backend"):
        table.add_column(heading)
    rates = () if args.build else ("images/s", "of peak")
    for heading in ("s" if args.build else "s a step", "quartiles", *rates, "memory"):
        table.add_column(heading, justify="right")
    for t in result.times:
        rates = () if args.build else (f"{result.images_per_second(t):.4g}", f"{100 * result.share_of_peak(t):.1f}%")
        memory = "" if t.peak_bytes is None else f"{t.peak_bytes / 1e9:.2f} GB"
        quartiles = " to ".join(f"{q:.4g}" for q in t.quartiles)
        table.add_row(t.side.who, t.side.backend, f"{t.median:.4g}", quartiles, *rates, memory)
    console.print(table)
    for ours, peer in result.pairs:
        times, low, high = benchmark.ratio(ours, peer)
        console.print(
            f"{ours.side.who} on {ours.side.backend} is {times:.2f} ({low:.2f} to {high:.2f}) times as fast as "
            f"{peer.side.who} on {peer.side.backend}"
        )
    if not args.build:
        console.print(f"peak: {result.peak_flops / 1e9:.0f} GFLOP/s, a float32 matrix product in NumPy")
    if args.json:
        with atomic_write(args.json) as path:
            path.write_text(json.dumps(benchmark.figures(result), indent=2) + "\n", "utf-8")


def _open(source: str, weights: str | None = None) -> tuple[keras.Model, Variant, tuple[str, ...] | None]:
    """The model, its record and, where a run tells them, its class names."""
    path = pathlib.Path(source)
    if not path.exists():
        if path.suffix == ".keras" or len(path.parts) > 1:
            raise ClassicsError(f"There is no run folder or .keras file '{source}'.")
        variant = get_model(source)
        if weights is None:
            raise ClassicsError(
                f"{source} has no trained weights here: give --weights (imagenet, a source's tag or a file), a run "
                "folder or a .keras file."
            )
        return variant(weights=weights), variant, None
    if weights is not None:
        raise ClassicsError(f"'{source}' has weights of its own; --weights goes with a network's name.")
    class_names = None
    if path.is_dir():
        try:
            class_names = tuple(json.loads((path / "metrics.json").read_text("utf-8"))["class_names"])
        except (OSError, ValueError, KeyError):
            class_names = None
        path /= "best.keras"
    try:
        with deep_graph():
            model = keras.saving.load_model(path, compile=False)
    except (ValueError, OSError, KeyError) as error:
        raise ClassicsError(f"'{path}' is not a Keras model that can be read: {str(error).splitlines()[0]}") from error
    return model, variant_of(model), class_names


def _millions(count: int | None) -> str:
    if not count:
        return ""
    return f"{count / 1e6:,.0f}M" if count >= 1e7 else f"{count / 1e6:.2f}M"


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}%"


if __name__ == "__main__":
    main()
