"""Names the likeliest classes of images."""

from rich.markup import escape

from keras_classics.cli.arguments import add_json, add_model, add_views
from keras_classics.cli.backend import start
from keras_classics.cli.output import answer, console, working
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
    from keras_classics.pictures import check_image, printable

    for image in args.images:
        check_image(image)
    check_source(args.model, args.weights)
    start(args.backend)
    with working(f"Opening {args.model}"):
        from keras_classics.prediction import predict

        opened = open_source(args.model, args.weights, exports=True)
    from rich.progress import track

    batches = [args.images[i : i + BATCH] for i in range(0, len(args.images), BATCH)]
    shown = track(batches, "Predicting", console=console, transient=True, disable=not console.is_terminal)
    answers = [
        answers
        for batch in shown
        for answers in predict(opened.model, batch, args.top, opened.class_names, BATCH, args.views)
    ]
    figures = [
        {
            "image": printable(image),
            "classes": [{"identifier": i, "name": name, "probability": score} for i, name, score in best],
        }
        for image, best in zip(args.images, answers, strict=True)
    ]
    answer(args.json, figures, lambda: show(figures))


def show(figures):
    for figure in figures:
        console.print(f"[bold]{escape(figure['image'])}[/]")
        best = figure["classes"]
        width = max(len(c["name"]) for c in best)
        shares = all(0 <= c["probability"] <= 1 for c in best)  # else the network does not end in a softmax
        for c in best:
            score, name = c["probability"], escape(f"{c['name']:<{width}}")
            told = f"{100 * score:6.2f}%  [green]{'█' * round(40 * score)}[/]" if shares else f"{score:8.3f}"
            console.print(f"  {name}  {told}")
