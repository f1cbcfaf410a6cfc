"""`python -m training list | run <recipe> | resume <run folder>`."""

import json
import pathlib
from collections.abc import Sequence
from typing import Any

from rich.table import Table

from keras_classics.choices import BACKENDS
from keras_classics.cli import Parser, console
from keras_classics.cli import run as guarded
from keras_classics.cli.backend import start


def main(arguments: Sequence[str] | None = None) -> None:
    """The command's entry point."""
    parser = Parser(prog="python -m training", description="Trains the networks as their papers did.")
    commands = parser.add_subparsers(required=True, metavar="command")
    listing = commands.add_parser("list", help="lists the recipes")
    listing.set_defaults(function=_list, parser=listing)

    data_dir: dict[str, Any] = {"help": "folder in which tensorflow-datasets keeps its data"}
    run = commands.add_parser("run", help="trains by a recipe, judges and exports")
    run.set_defaults(function=_run, parser=run)
    run.add_argument("recipe", help="a name that `list` prints")
    run.add_argument("--data", help="another data set, or a folder of class folders")
    run.add_argument("--data-dir", **data_dir)
    run.add_argument("--out", help="the run folder, which must be new (default: runs/<recipe>)")
    run.add_argument("--epochs", type=float, help="passes over the training images")
    run.add_argument("--batch-size", type=int, help="images a step")
    run.add_argument("--hold-out", type=int, help="hold out one training image in so many; 0 for none")
    run.add_argument("--classes", type=int, help="class count, where the data has another than the recipe's")
    run.add_argument("--seed", type=int, default=0, help="of weights, order and augmentation (default 0)")
    run.add_argument("--record", action="store_true", help="write the metrics into training/results as well")

    resume = commands.add_parser("resume", help="goes on with a run that was stopped")
    resume.set_defaults(function=_resume, parser=resume)
    resume.add_argument("run", help="the run folder")
    resume.add_argument("--data-dir", **data_dir)
    for command in (listing, run, resume):
        command.add_argument("--backend", choices=BACKENDS, metavar="backend", help=", ".join(BACKENDS))

    parsed = parser.parse_args(arguments)

    def carry_out():
        start(parsed.backend)  # before anything imports Keras
        parsed.function(parsed)

    guarded(carry_out, parsed.debug)


def _list(args):
    from training.recipes import get_recipe, list_recipes

    table = Table(box=None, header_style="bold")
    for heading in ("recipe", "model", "data", "epochs", "batch", "paper"):
        table.add_column(heading)
    for name in list_recipes():
        r = get_recipe(name)
        table.add_row(
            name,
            r.model,
            r.dataset,
            f"{r.epochs:.0f}",
            str(r.batch_size),
            f"{r.paper.authors.split(',')[0]} {r.paper.year}",
        )
    console.print(table)


def _run(args):
    from training import train
    from training.recipes import get_recipe

    recipe = get_recipe(args.recipe)
    recipe = recipe.replace(epochs=args.epochs, batch_size=args.batch_size, hold_out=args.hold_out)
    if args.classes is not None:
        recipe = recipe.replace(build={**recipe.build, "classes": args.classes})
    _report(train.run(recipe, args.data, args.data_dir, args.out, args.seed, args.record))


def _resume(args):
    from training import train

    _report(train.resume(args.run, args.data_dir))


def _report(path: pathlib.Path) -> None:
    from training.run_data import SAMPLES
    from training.run_folder import RunFolder

    metrics = json.loads(RunFolder(path).metrics.read_text("utf-8"))
    table = Table(box=None, header_style="bold", title=_judged_on(metrics), title_justify="left")
    for heading in ("", "top-1 error", "top-5 error"):
        table.add_column(heading, justify="right")
    for which, epoch in (("last", metrics["epochs"]), ("best", metrics["best_epoch"])):
        errors = metrics[which]
        table.add_row(f"{which}, epoch {epoch}", f"{errors['top1_error']:.2f}%", f"{errors['top5_error']:.2f}%")
    if metrics["paper_top1_error"] is not None:
        data, paper_data = metrics["settings"]["data"], metrics["settings"]["recipe"]["dataset"]
        sample = f", of which {data} is a sample" if data in SAMPLES else ""
        table.add_row(f"the paper, on {paper_data}{sample}", f"{metrics['paper_top1_error']:.2f}%", "")
    console.print(table)
    for name, agreement in metrics["exports"].items():
        console.print(
            f"{name}: {agreement['same_answers']:g}% the same answers as Keras on {agreement['images']} test images, "
            f"outputs within {agreement['max_abs_error']:.1e}"
        )
    console.print(f"Everything is in [bold]{path}[/]")


def _judged_on(metrics) -> str:
    from training.run_data import WORDS

    return f"{metrics['test_images']} {WORDS[metrics['test_split']]}"


if __name__ == "__main__":
    main()
