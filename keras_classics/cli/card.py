"""Writes a folder for the Hugging Face hub of a trained network, with its model card."""

import json
import pathlib
import shlex

from keras_classics.cli.arguments import add_backend, add_json
from keras_classics.cli.backend import start
from keras_classics.cli.output import answer, console, working
from keras_classics.errors import ClassicsError, one_line
from keras_classics.places import BEST, METRICS, PREFIX, RECIPE, TFLITE, check_free, hub_name, nowhere, resume_command

OUT = pathlib.Path("hub")


def add_arguments(parser):
    parser.add_argument("model", help="a run folder, or a .keras file of a network of this package")
    parser.add_argument("--out", metavar="folder", help=f"where to (default {OUT}/<recipe or network>)")
    parser.add_argument("--overwrite", action="store_true", help="replace such a folder that is there")
    parser.add_argument("--licence", help="of the weights, such as apache-2.0 (default unknown)")
    parser.add_argument("--data", metavar="name", help="on which it was trained, as the card is to name it")
    parser.add_argument("--class-names", metavar="file", help="a name a line, in the order of the model's outputs")
    add_backend(parser)
    add_json(parser)


def run(args):
    source = pathlib.Path(args.model)
    if not source.exists():
        raise _not_here(args.model)
    metrics = _metrics(source)
    names = None if args.class_names is None else _read_names(pathlib.Path(args.class_names))
    if args.out:
        check_free(pathlib.Path(args.out), args.overwrite)
    start(args.backend)
    with working(f"Opening {args.model}") as status:
        from keras_classics import exported, hub_folder, loading

        model = loading.load(source)
        title = model.name if metrics is None else str(metrics["settings"]["recipe"]["name"])
        path = pathlib.Path(args.out or OUT / title)
        check_free(path, args.overwrite)
        _check_network(model, args.model)
        of_run = (metrics or {}).get("class_names")
        renamed = names is not None and of_run is not None and list(names) != of_run
        names = names or of_run
        if names:
            hub_folder.name_classes(model, names)
        status.update(f"Writing {path} ...")
        if renamed:
            metrics = {**metrics, "class_names": list(names or ())}
        card = _card(model, title, metrics, args)
        has_tflite = metrics is not None and (source / TFLITE).is_file()
        beside = [source / TFLITE] if has_tflite and not renamed else []  # it has the names that it had
        files = hub_folder.write(path, model, card, beside, args.overwrite)
        known = exported.class_names_of(model)
    todo = shlex.join(["hf", "upload", "user/name", str(path)])
    figures = {"path": str(path), "files": files, "class_names": known, "licence": args.licence, "upload": todo}
    answer(args.json, figures, lambda: show(figures, assumed=not names and bool(known)))


def _check_network(model, source: str) -> None:
    """Raises a ClassicsError unless a model is a network of this package that tells classes apart."""
    from keras_classics import feed, preprocessing

    if preprocessing.provenance(model) is None:
        raise ClassicsError(f"'{source}' does not tell which network of this package it is, so no card can either.")
    if not feed.has_classes(model):
        raise ClassicsError(f"'{source}' has no classes; give a network with its top.")
    if not feed.is_square(model):
        raise ClassicsError(f"'{source}' reads pictures that are not square, which no card can tell.")


def _card(model, title, metrics, args):
    """What gives the text of the card, of the model's file."""
    from keras_classics import exported, feed, model_card
    from keras_classics.zoo import variant_of

    made = feed.feed_of(model, variant_of(model))
    if metrics is not None:
        told = model_card.public(metrics, args.data)

        def of_run(file):
            try:
                command = model_card.told_command(told["settings"])
                return model_card.model_card(file, told, command, made, args.licence, on_hub=True)
            except (KeyError, TypeError) as error:
                raise _damaged(args.model) from error

        return of_run
    names, classes = exported.class_names_of(model), feed.classes_of(model)
    return lambda file: model_card.file_card(file, made, names, classes, title, args.licence, args.data)


def _not_here(source):
    if hub_name(source) is not None:
        return ClassicsError(f"'{source}' is on the hub already; give a run folder or a .keras file.")
    return nowhere(source)


def _metrics(source):
    """A finished run's metrics; None of what is no run."""
    if not source.is_dir():
        return None
    try:
        metrics = json.loads((source / METRICS).read_text("utf-8"))
        for name in ("recipe", "data", "seed"):
            metrics["settings"][name]
        return metrics
    except FileNotFoundError:
        if (source / RECIPE).exists():
            raise ClassicsError(
                f"'{source}' is a run that is not finished; go on with it: {resume_command(source)}"
            ) from None
        return None
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise _damaged(source) from error


def _damaged(source):
    return ClassicsError(f"{METRICS} in '{source}' is damaged; give the run's {BEST} in its place.")


def _read_names(path):
    try:
        names = [one_line(line) for line in path.read_text("utf-8-sig").splitlines() if line.strip()]
    except (OSError, ValueError) as error:
        raise ClassicsError(f"'{path}' cannot be read ({error}); give a file with a class name a line.") from error
    if not names:
        raise ClassicsError(f"'{path}' has no class names; give a file with one a line.")
    return names


def show(figures, assumed):
    console.print(f"{figures['path']}: {', '.join(figures['files'])}", markup=False)
    if assumed:
        few = ", ".join(figures["class_names"][:3])
        console.print(
            f"Classes are named as the file has it: {few}, ... If they are others: --class-names.", markup=False
        )
    if not figures["class_names"]:
        console.print("The classes' names are not known; --class-names tells them.")
    if figures["licence"] is None:
        console.print("The licence is given as unknown; --licence tells it.")
    console.print(f"To upload it: {figures['upload']}", markup=False)
    console.print(f'Then for everyone: kc.load("{PREFIX}user/name")', markup=False)
