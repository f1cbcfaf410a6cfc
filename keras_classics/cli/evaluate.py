"""Measures top-1 and top-5 errors, beside the paper's."""

from keras_classics.choices import DATA_SETS, SAMPLES
from keras_classics.cli.arguments import add_json, add_model, data_set
from keras_classics.cli.backend import start
from keras_classics.cli.opening import check_source, open_source
from keras_classics.cli.output import answer, console, percent, table, working
from keras_classics.cli.parser import positive


def add_arguments(parser):
    add_model(parser)
    parser.add_argument("--data", required=True, type=data_set, help="a data set's name or a folder of class folders")
    parser.add_argument("--data-dir", help="folder in which tensorflow-datasets keeps its data")
    parser.add_argument("--split", help="by default the one that errors are reported on")
    parser.add_argument("--limit", type=positive, help="images to judge on, as many of each class (default all)")
    parser.add_argument(
        "--any-classes", action="store_true", help="compare classes by number, whatever their names are"
    )
    parser.add_argument("--batch-size", type=positive, default=128, help="images a step (default 128)")
    add_json(parser)


def run(args):
    check_source(args.model, args.weights)
    start(args.backend)
    with working(f"Opening {args.data}") as status:
        from keras_classics import datasets, evaluate, feed

        data = datasets.load(args.data, args.data_dir)
        split = args.split or data.judged_split
        if args.limit is not None:
            data = datasets.limited(data, args.limit, [split])
        data.records(split)  # which says before time is spent that there is none
        status.update(f"Opening {args.model} ...")
        opened = open_source(args.model, args.weights)
    result = evaluate.evaluate(
        opened.model,
        data,
        opened.variant,
        split,
        args.batch_size,
        verbose=1 if console.is_terminal else 0,
        class_names=None if args.any_classes else opened.class_names,
    )
    figures = {
        "model": opened.variant.name,
        "data": data.name,
        "split": split,
        "images": result.images,
        "limit": args.limit,
        "top1": result.top1,
        "top5": result.top5,
        "pixels": feed.feed_of(opened.model, opened.variant).described(),
    }
    answer(args.json, figures, lambda: show(figures, opened.variant.reported, args.data in DATA_SETS))


def show(figures, reported, public):
    """The table; the paper's figures stand in it if they are for such images: of `public` data, not to train on."""
    data = SAMPLES.get(figures["data"], figures["data"])
    beside = [r for r in reported if public and r.dataset == data and figures["split"] != "train"]
    made = table((), ("", "top-1 error", "top-5 error"))
    made.add_row(f"measured, {figures['images']} images", percent(figures["top1"]), percent(figures["top5"]))
    for r in beside:
        note = f", {r.note}" if r.note else ""
        made.add_row(f"the paper, {r.dataset}, {r.views}{note}", percent(r.top1), percent(r.top5))
    console.print(made)
    if figures["split"] == "train":
        console.print(
            "These are training images: on others the network errs more, and the paper's errors are of others."
        )
    elif not beside and reported:
        theirs = ", ".join(dict.fromkeys(r.dataset for r in reported))
        console.print(f"The paper's errors are on {theirs}, not on these images.", markup=False)
    console.print(f"pixels: {figures['pixels']}", markup=False)
