"""Exports a trained network, and checks the export against it."""

import pathlib
from dataclasses import asdict

from keras_classics.choices import EXPORT_FORMATS, EXPORT_SUFFIXES, QUANTIZATIONS
from keras_classics.cli.arguments import add_data_dir, add_json, add_model, data_set
from keras_classics.cli.backend import start
from keras_classics.cli.output import answer, console, working
from keras_classics.errors import ClassicsError
from keras_classics.opening import check_source, open_source

REPRESENTATIVE = 100  # pictures of a data set, as many of each class


def add_arguments(parser):
    add_model(parser)
    parser.add_argument("--to", required=True, choices=EXPORT_FORMATS, metavar="format", help=", ".join(EXPORT_FORMATS))
    parser.add_argument("--out", help="where to; by default in the folder saved_models")
    parser.add_argument("--overwrite", action="store_true", help="replace what is there, once the export is checked")
    parser.add_argument(
        "--quantize", choices=QUANTIZATIONS, metavar="bits", help=f"of tflite: {', '.join(QUANTIZATIONS)}"
    )
    parser.add_argument(
        "--representative",
        type=data_set,
        metavar="data",
        help="for int8: a data set or folder whose training images are such as the export will see",
    )
    parser.add_argument("--batch", type=int, metavar="N", help="images at once; by default any number")
    parser.add_argument("--uint8", action="store_true", help="take pixels as bytes, as cameras give them, not float32")
    add_data_dir(parser)
    parser.add_argument(
        "--without-preprocessing",
        action="store_true",
        help="export the bare network, which takes normalised images, not pixels",
    )
    add_json(parser)


def run(args):
    check_source(args.model, args.weights)
    if args.quantize == "int8" and not args.representative:
        raise ClassicsError("int8 chooses its scales by pictures; name a data set or folder by --representative.")
    start(args.backend)
    with working(f"Opening {args.model}") as status:
        from keras_classics import exporting, preprocessing

        def check(path):
            exporting.check_request(path, args.to, args.quantize, args.batch, args.overwrite)

        check(pathlib.Path(args.out) if args.out else None)
        opened = open_source(args.model, args.weights)
        model = opened.model
        if not args.without_preprocessing:
            model = exporting.with_preprocessing(model, opened.variant.normalization)
        path = pathlib.Path(args.out or f"saved_models/{model.name}{EXPORT_SUFFIXES.get(args.to, '')}")
        check(path)
        representative = None
        if args.representative:
            status.update(f"Reading {args.representative} ...")
            representative = _pictures(args, model, opened.variant)
        status.update(f"Exporting {args.model}, and running the export ...")
        report = exporting.export(
            model,
            path,
            args.to,
            quantize=args.quantize,
            representative=representative,
            batch=args.batch,
            input_dtype="uint8" if args.uint8 else "float32",
            class_names=opened.class_names,
            include_preprocessing=False,  # it is in the model by now, if wanted
            overwrite=args.overwrite,
        )
    takes = "pixels of 0..255" if preprocessing.normalizes(model) else "normalised images"
    figures = {**asdict(report), "takes": takes}
    answer(args.json, figures, lambda: show(figures))


def _pictures(args, model, variant):
    import numpy as np

    from keras_classics import datasets, feed

    data = datasets.limited(datasets.load(args.representative, args.data_dir), REPRESENTATIVE, ["train"])
    batches = feed.batches(data.split("train"), model, variant, REPRESENTATIVE).as_numpy_iterator()
    return np.concatenate([images for images, _ in batches])


def show(figures):
    lines = [
        f"{figures['path']}: {figures['bytes'] / 1e6:.2f} MB, takes {figures['takes']}, {figures['input_dtype']} "
        f"{figures['input_shape']}",
        f"differs from the Keras model by at most {figures['max_abs_error']:.1e}, with {figures['same_answers']:g}% "
        f"the same answers, on {figures['images']} images",
    ]
    if figures["operations"]:
        lines.append("operations: " + _counts(figures["operations"]))
    if figures["partitions"] is not None:
        left = f"all but {_counts(figures['outside'])}, in" if figures["outside"] else "all,"
        lines.append(f"XNNPACK takes {left} {_many(figures['partitions'], 'part')}")
    times = (
        f"{ms:.3g} ms at {_many(threads, 'thread')}" if threads != "any" else f"{ms:.3g} ms"
        for threads, ms in figures["milliseconds"].items()
    )
    lines.append(f"one picture takes {', '.join(times)}")
    console.print("\n".join(lines), markup=False)


def _counts(operations):
    return ", ".join(f"{count} {name}" for name, count in operations.items())


def _many(count, thing):
    return f"{count} {thing}" if int(count) == 1 else f"{count} {thing}s"
