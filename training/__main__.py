"""`python -m training list | run <recipe> | finetune <network> | resume <run folder> | ship <run folder> | results |
experiment <list, run, resume, report> | show-augment <recipe> | benchmark-data <recipe>`.

Keras is imported when a command needs it.
"""

import dataclasses
import pathlib
from collections.abc import Sequence

from keras_classics.choices import DISTRIBUTIONS, SAMPLES
from keras_classics.cli import Parser, console
from keras_classics.cli import run as guarded
from keras_classics.cli.arguments import add_backend, add_data_dir, add_json, data_set
from keras_classics.cli.backend import start
from keras_classics.cli.output import answer, percent, table
from keras_classics.errors import ClassicsError, first_line
from training.experiments.command import add_experiment


def main(arguments: Sequence[str] | None = None) -> None:
    """The command's entry point."""
    parser = Parser(prog="python -m training", description="Trains the networks as their papers did.")
    commands = parser.add_subparsers(required=True, metavar="command")
    listing = commands.add_parser("list", help="lists the recipes")
    listing.set_defaults(function=_list)
    add_json(listing)

    run = commands.add_parser("run", help="trains by a recipe, judges and exports")
    run.set_defaults(function=_run)
    run.add_argument("recipe", help="a name that `list` prints")
    run.add_argument("--data", type=data_set, help="another data set, or a folder of class folders")
    run.add_argument("--classes", type=int, help="class count, where the data has another than the recipe's")
    run.add_argument("--record", action="store_true", help="write the metrics into training/results as well")
    run.add_argument("--record-as", metavar="name", help="the same, under another name than the recipe's")

    finetune = commands.add_parser("finetune", help="trains a network that has weights already on other classes")
    finetune.set_defaults(function=_finetune)
    finetune.add_argument("network", help="a name that `keras-classics list` prints")
    finetune.add_argument("--weights", required=True, help="imagenet, cifar10, a source, its tag, or a file")
    finetune.add_argument("--data", type=data_set, required=True, help="a folder of class folders, or a data set")
    finetune.add_argument(
        "--freeze-up-to",
        metavar="stage",
        help="leave the network as it is up to and including this stage, such as conv3",
    )
    finetune.add_argument("--no-flip", action="store_true", help="train on no mirror images, as of letters")

    for command in (run, finetune):
        command.add_argument("--out", help="the run folder, which must be new (default: a new one in runs)")
        command.add_argument("--epochs", type=float, help="passes over the training images")
        command.add_argument("--batch-size", type=int, help="images a step")
        command.add_argument("--hold-out", type=int, help="hold out one training image in so many; 0 for none")
        command.add_argument(
            "--set",
            action="extend",
            nargs="+",
            default=[],
            metavar="name=value",
            help="such as optimizer.weight_decay=1e-3",
        )
        command.add_argument("--accumulate", type=int, help="divide a batch into so many parts, to save memory")
        command.add_argument("--precision", help="what the training computes in: float32 or mixed_bfloat16")
        command.add_argument(
            "--remat", action="store_true", help="keep few maps for the gradient, in less memory and more time"
        )
        command.add_argument(
            "--early-stopping", type=int, metavar="epochs", help="end after so many without a better one"
        )
        command.add_argument("--tensorboard", action="store_true", help="write what TensorBoard reads into the folder")
        command.add_argument(
            "--checkpoint-minutes",
            type=float,
            metavar="M",
            help="also write a checkpoint every so many minutes inside an epoch",
        )
        command.add_argument("--seed", type=int, default=0, help="of weights, order and augmentation (default 0)")
        command.add_argument(
            "--limit", type=int, help="use only so many images of each split, equally many of each class"
        )
        command.add_argument(
            "--class-weights", choices=("balanced",), metavar="balanced", help="rare classes weigh more"
        )

    resume = commands.add_parser("resume", help="goes on with a run that was stopped")
    resume.set_defaults(function=_resume)
    resume.add_argument("run", help="the run folder")

    show = commands.add_parser("show-augment", help="draws what a recipe does to its first images, step by step")
    show.set_defaults(function=_show_augment)
    show.add_argument("recipe", help="a name that `list` prints")
    show.add_argument("--data", type=data_set, help="another data set, or a folder of class folders, of any classes")
    show.add_argument("--images", type=int, default=8, help="rows of the sheet (default 8)")
    show.add_argument("--seed", type=int, default=0, help="of order and augmentation, as of a run (default 0)")
    show.add_argument("--out", help="the PNG file (default: <recipe>-augment.png)")

    speed = commands.add_parser("benchmark-data", help="measures how fast training images are prepared")
    speed.set_defaults(function=_benchmark_data)
    speed.add_argument("recipe", help="a name that `list` prints")
    speed.add_argument("--data", type=data_set, help="another data set, or a folder of class folders")
    speed.add_argument("--against", choices=["torchvision"], help="its loader with two processes, in the same run")
    speed.add_argument("--images", type=int, default=2000, metavar="N", help="images a round (default 2000)")
    speed.add_argument("--rounds", type=int, default=5, metavar="N", help="of each side in turn (default 5)")
    add_json(speed)

    shipping = commands.add_parser("ship", help="makes the folder that ships of a finished run, with a model card")
    shipping.set_defaults(function=_ship)
    shipping.add_argument("run", help="the run folder")
    shipping.add_argument("--out", help="the folder, which must be new (default: saved_models/<recipe>)")

    results = commands.add_parser("results", help="prints the table of the recorded runs, as docs/results.md has it")
    results.set_defaults(function=_results)
    add_experiment(commands)

    for command in (run, finetune, resume, show, speed):
        add_data_dir(command)
    for command in (run, finetune, resume):
        command.add_argument("--device", help="device to train on, as Keras names it: cpu:0, gpu:0")
    for command in (run, resume):
        command.add_argument(
            "--distribute", choices=DISTRIBUTIONS, metavar="data", help="train on all devices, data parallel"
        )
        command.add_argument(
            "--coordinator", metavar="host:port", help="of process 0, where jax does not find it itself"
        )
        command.add_argument("--processes", type=int, metavar="N", help="how many train together")
        command.add_argument("--process", type=int, metavar="i", help="number of this process, from 0")
        command.add_argument(
            "--own-statistics", action="store_true", help="batch norms see their device's images alone"
        )
    for command in (listing, run, finetune, resume, show, speed, shipping, results):
        add_backend(command)

    parsed = parser.parse_args(arguments)

    def carry_out():
        start(parsed.backend)  # before anything imports Keras
        parsed.function(parsed)

    guarded(carry_out, parsed.debug)


def _list(args):
    from training.recipes import get_recipe, list_recipes

    recipes = [get_recipe(name) for name in list_recipes()]
    made = table(("recipe", "model", "data", "epochs", "batch", "paper"))
    for r in recipes:
        made.add_row(r.name, r.model, r.dataset, f"{r.epochs:.0f}", str(r.batch_size), r.paper.short)
    answer(args.json, [r.as_dict() for r in recipes], lambda: console.print(made))


def _run(args):
    from training import train
    from training.assign import assign
    from training.recipes import get_recipe

    recipe = assign(get_recipe(args.recipe), _settings(args)).replace(epochs=args.epochs)
    if args.classes is not None:
        recipe = recipe.replace(build={**recipe.build, "classes": args.classes})
    _report(
        train.run(
            recipe,
            args.data,
            args.data_dir,
            args.out,
            args.seed,
            args.record if args.record_as is None else args.record_as,
            limit=args.limit,
            class_weights=args.class_weights,
            tensorboard=args.tensorboard,
            checkpoint_minutes=args.checkpoint_minutes,
            on_device=args.device,
            distribution=_distribution(args),
        )
    )


def _settings(args) -> list[str]:
    """What the options of both `run` and `finetune` set in a recipe."""
    names = ("batch_size", "hold_out", "accumulate", "precision", "early_stopping")
    options = [f"{name}={getattr(args, name)}" for name in names if getattr(args, name) is not None]
    return [*args.set, *options, *(["build.remat=true"] if args.remat else [])]


def _finetune(args):
    from training import finetune

    _report(
        finetune.run(
            args.network,
            args.weights,
            args.data,
            args.data_dir,
            args.out,
            args.seed,
            epochs=finetune.EPOCHS if args.epochs is None else args.epochs,
            settings=_settings(args),
            freeze_up_to=args.freeze_up_to,
            flip=not args.no_flip,
            limit=args.limit,
            class_weights=args.class_weights,
            tensorboard=args.tensorboard,
            checkpoint_minutes=args.checkpoint_minutes,
            on_device=args.device,
        )
    )


def _resume(args):
    from training import train

    _report(train.resume(args.run, args.data_dir, args.device, _distribution(args)))


def _distribution(args):
    from training.distribute import Distribution

    said = (args.coordinator, args.processes, args.process)
    if args.distribute is None:
        if args.own_statistics or any(value is not None for value in said):
            raise ClassicsError(
                "--coordinator, --processes, --process and --own-statistics go only with --distribute data; add it, or "
                "leave them out."
            )
        return None
    return Distribution(args.distribute, *said, sync_batch_norm=not args.own_statistics)


def _show_augment(args):
    from training import contact_sheet
    from training.recipes import get_recipe

    recipe = get_recipe(args.recipe)
    path = contact_sheet.show(recipe, args.data, args.data_dir, args.images, args.seed, args.out)
    console.print(f"The contact sheet is {path}", markup=False)


def _import_torchvision():
    """Imports it before anything imports tensorflow, after which it brings the process down."""
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError) as error:
        raise ClassicsError(
            f"torchvision cannot be imported ({first_line(error)}): install a torch and a torchvision that "
            "belong together, or leave --against out."
        ) from None


def _benchmark_data(args):
    if args.against:
        _import_torchvision()
    from keras_classics import datasets
    from training.benchmark_data import measure
    from training.recipes import get_recipe

    recipe = get_recipe(args.recipe).replace(hold_out=0)
    data = datasets.load(args.data or recipe.dataset, args.data_dir)
    rates = measure(recipe, data, args.images, args.rounds, args.against is not None)
    made = table(("",), ("images/s", "the recipe's are"))
    for name, rate in (
        (recipe.name, rates.recipe),
        ("decode_jpeg", rates.decode_jpeg),
        (args.against, rates.torchvision),
    ):
        if rate is not None:
            made.add_row(name, f"{rate:.0f}", f"{rates.recipe / rate:.2f} times as many")
    answer(
        args.json, {"recipe": recipe.name, "images_a_second": dataclasses.asdict(rates)}, lambda: console.print(made)
    )


def _ship(args):
    from training.ship import entry_line, ship

    path = ship(args.run, args.out)
    console.print(f"What ships is in {path}", markup=False)
    console.print(
        f"Its line in keras_classics/weights/entries/keras_classics.py:\n{entry_line(args.run, path)}", markup=False
    )


def _results(args):
    from training.results_table import results_table

    print(results_table())


def _report(path: pathlib.Path | None) -> None:
    """The errors, how the exports agree, and where all is; nothing in a process that has not judged."""
    if path is None:
        return
    from training.run_data import WORDS
    from training.run_folder import RunFolder

    metrics = RunFolder(path).read_metrics()
    console.print(f"On {metrics['test_images']:,} {WORDS[metrics['test_split']]}:")
    made = table((), ("", "top-1 error", "top-5 error"))
    for which, epoch in (("last", metrics["epochs"]), ("best", metrics["best_epoch"])):
        errors = metrics[which]
        made.add_row(f"{which}, epoch {epoch}", percent(errors["top1_error"]), percent(errors["top5_error"]))
    if metrics["paper_top1_error"] is not None:
        data, paper_data = metrics["settings"]["data"], metrics["settings"]["recipe"]["dataset"]
        sample = f", of which {data} is a sample" if data in SAMPLES else ""
        made.add_row(f"the paper, on {paper_data}{sample}", percent(metrics["paper_top1_error"]), "")
    console.print(made)
    for name, agreement in metrics["exports"].items():
        console.print(
            f"{name}: {agreement['same_answers']:g}% the same answers as Keras on {agreement['images']} images, "
            f"outputs within {agreement['max_abs_error']:.1e}"
        )
    console.print(f"Everything is in {path}", markup=False)


if __name__ == "__main__":
    main()
