"""Names the likeliest classes of images."""

import sys

from rich.markup import escape

from keras_classics.cli.arguments import add_json, add_model, add_views
from keras_classics.cli.backend import start
from keras_classics.cli.output import answer, check_places, console, working
from keras_classics.cli.parser import positive
from keras_classics.opening import check_source, open_source

BATCH = 32


def add_arguments(parser):
    add_model(parser)
    parser.add_argument("images", nargs="+", metavar="image", help="image files")
    parser.add_argument("--top", type=positive, default=5, help="how many classes to print (default 5)")
    add_views(parser)
    add_json(parser)


def run(args):
    from keras_classics.pictures import check_image

    for image in args.images:
        check_image(image)
    check_source(args.model, args.weights)
    check_places(args.json)
    start(args.backend)
    with working(f"Opening {args.model}"):
        from keras_classics import crops
        from keras_classics.ensemble import ensemble

        opened = open_source(args.model, args.weights, exports=True)
        asked = ensemble(opened.model, crops.find(args.views))
    from rich.progress import track

    batches = [args.images[i : i + BATCH] for i in range(0, len(args.images), BATCH)]
    shown = track(batches, "Predicting", console=console, transient=True, disable=not console.is_terminal)
    figures, failed = [], False
    for batch in shown:
        answers, errors = _answers(batch, opened, asked, args)
        figures += [figure for figure, _ in answers]
        failed |= bool(errors)
        if args.json != "-":
            show(answers)
        for error in errors:
            print(error, file=sys.stderr)
    answer(args.json, figures, lambda: None)
    if failed:
        sys.exit(1)


def _answers(batch, opened, asked, args):
    """For each picture that can be read what is told of it, and whether in shares; and the errors of the others."""
    import numpy as np

    from keras_classics.errors import ClassicsError
    from keras_classics.pictures import printable
    from keras_classics.prediction import predict

    def ask(images):
        return predict(opened.model, images, asked.classes, opened.class_names, BATCH, args.views)

    errors = []
    try:
        answers = ask(batch)
    except ClassicsError:
        batch, errors = _sound(batch)
        if not errors:
            raise
        answers = ask(batch)
    told = []
    for image, best in zip(batch, answers, strict=True):
        classes = [{"identifier": i, "name": name, "probability": score} for i, name, score in best[: args.top]]
        shares = asked.tells_shares(np.array([[score for _, _, score in best]]))
        told.append(({"image": printable(image), "classes": classes}, shares))
    return told, errors


def _sound(images):
    """Those of the pictures that can be read, and the errors of the others."""
    from keras_classics.errors import ClassicsError
    from keras_classics.pictures import read_image

    sound, errors = [], []
    for image in images:
        try:
            read_image(image)
            sound.append(image)
        except ClassicsError as error:
            errors.append(error)
    return sound, errors


def show(answers):
    for figure, shares in answers:
        console.print(f"[bold]{escape(figure['image'])}[/]")
        best = figure["classes"]
        width = max(len(c["name"]) for c in best)
        for c in best:
            score, name = c["probability"], escape(f"{c['name']:<{width}}")
            told = f"{100 * score:6.2f}%  [green]{'█' * round(40 * score)}[/]" if shares else f"{score:8.3f}"
            console.print(f"  {name}  {told}")
