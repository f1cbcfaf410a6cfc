"""Measures top-1 and top-5 errors as papers do, beside the paper's."""

import csv

from keras_classics.choices import DATA_SETS, SAMPLES
from keras_classics.cli.arguments import add_data_dir, add_json, add_model, add_views, data_set
from keras_classics.cli.backend import start
from keras_classics.cli.output import answer, check_places, console, percent, table, working
from keras_classics.cli.parser import positive
from keras_classics.files import atomic_write
from keras_classics.opening import check_source, open_source
from keras_classics.spec import REPOSITORY

HUMAN_TOP5 = 5.1  # of ImageNet's validation images (Russakovsky et al. 2015, section 6.4)


def add_arguments(parser):
    add_model(parser)
    parser.add_argument(
        "--with",
        dest="others",
        action="append",
        default=[],
        metavar="model",
        help="another model of an ensemble: a run folder, a .keras file, an export or name=weights; once for each",
    )
    parser.add_argument(
        "--data",
        required=True,
        type=data_set,
        completes=lambda: DATA_SETS,
        help="a data set's name or a folder of class folders",
    )
    add_data_dir(parser)
    parser.add_argument("--split", help="by default the one that errors are reported on")
    parser.add_argument(
        "--limit", type=positive, help="judge on only so many images, equally many of each class (default all)"
    )
    add_views(parser)
    parser.add_argument(
        "--any-classes", action="store_true", help="compare classes by number, whatever their names are"
    )
    parser.add_argument("--batch-size", type=positive, default=128, help="views a step (default 128)")
    add_json(parser)
    parser.add_argument("--csv", metavar="file", help="a file to write the errors to as a table of one row")
    parser.add_argument(
        "--save-predictions", metavar="file", help="a file (.npz) to write each image's probabilities to"
    )


def run(args):
    check_places(args.json, args.csv, args.save_predictions)
    sources = [(args.model, args.weights), *map(_named, args.others)]
    for source in sources:
        check_source(*source)
    start(args.backend)
    data, split, opened = _opened(args, sources)
    from keras_classics import crops, evaluation

    views = crops.find(args.views)
    result = evaluation.evaluate(
        [one.model for one in opened],
        data,
        views.name,
        split=split,
        batch_size=args.batch_size,
        verbose=1 if console.is_terminal and args.json != "-" else 0,
        class_names=data.class_names if args.any_classes else None,
        predictions=args.save_predictions,
    )
    if not result.images:
        told = {"data": data.name, "split": split, "images": None, "predictions": args.save_predictions}
        answer(
            args.json, told, lambda: console.print(f"No image has a label; {args.save_predictions} has the answers.")
        )
        return
    figures = _figures(args, data, split, opened, views, result)
    variants, beside = [one.variant for one in opened], _beside(opened[0], data, split, args.data in DATA_SETS)
    answer(args.json, figures | _by_class(data, result), lambda: show(figures, variants, views, beside))
    if args.csv:
        _write_row(args.csv, figures)


def _opened(args, sources):
    """The data, the name of its split to judge on, and the models, whose classes are the data's."""
    with working(f"Opening {args.data}") as status:
        from keras_classics import datasets, evaluation

        data = datasets.load(args.data, args.data_dir)
        split = args.split or data.judged_split
        if args.limit is not None:
            data = datasets.limited(data, args.limit, [split])
        data.records(split)  # which says before time is spent that there is none
        opened = []
        for source in sources:
            status.update(f"Opening {source[0]} ...")
            opened.append(open_source(source[0], source[1], exports=True))
            if opened[-1].class_names and not args.any_classes:
                evaluation.check_class_names(opened[-1].class_names, data)
    return data, split, opened


def _figures(args, data, split, opened, views, result):
    """What was measured and how, by name; without what there is of each class."""
    from keras_classics.ensemble import feed_of

    by_name = not args.any_classes and all(one.class_names for one in opened)
    pixels = dict.fromkeys(feed_of(one.model).described(views) for one in opened)
    return {
        "model": ", ".join(one.variant.name for one in opened),
        "data": data.name,
        "split": split,
        "images": result.images,
        "limit": args.limit,
        "views": views.name,
        "top1": result.top1,
        "top1_interval": result.top1_interval,
        "top5": result.top5,
        "top5_interval": result.top5_interval,
        "loss": result.loss,
        "calibration_error": result.calibration_error,
        "classes_compared_by": "name" if by_name else "number",
        "pixels": "; ".join(pixels),
    }


def _by_class(data, result):
    """What the tables of the classes and of the calibration are made of, by name."""
    return {
        "class_names": data.class_names,
        "class_accuracy": [None if accuracy != accuracy else accuracy for accuracy in result.class_accuracy],
        "confusion": result.confusion.tolist(),
        "calibration_bins": [_bin(*counts) for counts in result.bins.tolist()],
    }


def _bin(images, confidence, right):
    """A row of `Evaluation.bins` by name, with means in the place of sums."""
    mean = {"confidence": confidence / images, "accuracy": right / images} if images else {}
    return {"images": int(images), "confidence": None, "accuracy": None, **mean}


def _named(other):
    """A model of an ensemble, as `--with` has it, and its weights."""
    name, equals, weights = other.partition("=")
    return (name, weights) if equals and name.isidentifier() else (other, None)


def _beside(one, data, split, public):
    """The paper's figures that may stand beside measured ones: of the network in this form, for such images, of
    `public` data, not to train on."""
    theirs = SAMPLES.get(data.name, data.name)
    if not public or split == "train":
        return []
    return [r for r in one.variant.reported if r.dataset == theirs]


def _write_row(place, figures):
    row = {name: value for name, value in figures.items() if not name.endswith("_interval")}
    for error in ("top1", "top5"):
        row[f"{error}_low"], row[f"{error}_high"] = figures[f"{error}_interval"]
    with atomic_write(place) as path, open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, row)
        writer.writeheader()
        writer.writerow(row)


def show(figures, variants, views, beside):
    made = table((), ("", "top-1 error", "top-5 error"))
    shown = "" if views.name == "1" else f", {views.reported}"
    measured = (f"{percent(figures[e])} ({_interval(figures[f'{e}_interval'])})" for e in ("top1", "top5"))
    made.add_row(f"measured, {figures['images']} images{shown}", *measured)
    for r in beside:
        note = f", {r.note}" if r.note else ""
        whose = r.source if r.source == REPOSITORY else "the paper"
        made.add_row(f"{whose}, {r.dataset}, {r.views}{note}", percent(r.top1), percent(r.top5))
    if beside and beside[0].dataset == "imagenet2012":
        made.add_row("human level", "", percent(HUMAN_TOP5))
    console.print(made)
    console.print(
        f"in brackets: 95% confidence; loss {figures['loss']:.4f}, calibration error {figures['calibration_error']:.4f}"
    )
    reported = variants[0].reported
    if figures["split"] == "train":
        console.print(
            "These are training images: on others the network errs more, and the paper's errors are of others."
        )
    elif not beside and reported:
        theirs = ", ".join(dict.fromkeys(r.dataset for r in reported))
        console.print(f"The paper's errors are on {theirs}, not on these images.", markup=False)
    elif beside and len(variants) > 1:
        console.print(f"These are of {len(variants)} networks together, and the paper's of {variants[0].name} alone.")
    elif beside and views.reported not in {r.views for r in beside}:
        theirs = ", ".join(dict.fromkeys(r.views for r in beside))
        console.print(f"The authors do not judge by {views.reported}, but by {theirs}.", markup=False)
    if figures["classes_compared_by"] == "number":
        console.print("Classes were compared by number, not by name, so whether they mean the same is for you to know.")
    console.print(f"pixels: {figures['pixels']}", markup=False)


def _interval(interval):
    return " to ".join(f"{bound:.2f}" for bound in interval)
