"""Exports a trained network, and checks the export against it."""

import pathlib

from keras_classics.choices import EXPORT_FORMATS
from keras_classics.cli.arguments import add_json, add_model
from keras_classics.cli.backend import start
from keras_classics.cli.opening import check_source, open_source
from keras_classics.cli.output import answer, console, working


def add_arguments(parser):
    add_model(parser)
    parser.add_argument(
        "--to", required=True, choices=EXPORT_FORMATS, metavar="format", help=" or ".join(EXPORT_FORMATS)
    )
    parser.add_argument("--out", help="where to; by default in the folder saved_models")
    parser.add_argument(
        "--without-preprocessing",
        action="store_true",
        help="export the bare network, which takes normalised images, not pixels",
    )
    add_json(parser)


def run(args):
    check_source(args.model, args.weights)
    start(args.backend)
    with working(f"Opening {args.model}") as status:
        from keras_classics import export, preprocessing

        opened = open_source(args.model, args.weights)
        model = opened.model
        if not args.without_preprocessing:
            model = export.with_preprocessing(model, opened.variant.normalization)
        suffix = ".tflite" if args.to == "tflite" else ""
        status.update(f"Exporting {args.model}, and running the export ...")
        path = pathlib.Path(args.out or pathlib.Path("saved_models", model.name + suffix))
        agreement = export.export(model, path, args.to, opened.class_names)
    takes = "pixels of 0..255" if preprocessing.normalizes(model) else "normalised images"
    figures = {"path": str(path), "takes": takes, "input_shape": model.input_shape, **vars(agreement)}
    answer(args.json, figures, lambda: show(figures))


def show(figures):
    console.print(
        f"{figures['path']}: takes {figures['takes']}, float32 {figures['input_shape']}; differs from the Keras model "
        f"by at most {figures['max_abs_error']:.1e} on {figures['images']} images",
        markup=False,
    )
