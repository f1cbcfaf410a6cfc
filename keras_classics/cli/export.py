"""Exports a trained network, and checks the export against it."""

import pathlib

from keras_classics.choices import EXPORT_FORMATS, EXPORT_SUFFIXES, QUANTIZATIONS
from keras_classics.cli.arguments import add_json, add_model, data_set
from keras_classics.cli.backend import start
from keras_classics.cli.opening import check_source, open_source
from keras_classics.cli.output import answer, console, working
from keras_classics.errors import ClassicsError

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
    parser.add_argument("--data-dir", help="folder in which tensorflow-datasets keeps its data")
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

        opened = open_source(args.model, args.weights)
        model = opened.model
        if not args.without_preprocessing:
            model = exporting.with_preprocessing(model, opened.variant.normalization)
        suffix = EXPORT_SUFFIXES.get(args.to, "")
        path = pathlib.Path(args.out or pathlib.Path("saved_models", model.name + suffix))
        representative = None
        if args.representative:
            status.update(f"Reading {args.representative} ...")
            representative = _pictures(args, model, opened.variant)
        status.update(f"Exporting {args.model}, and running the export ...")
        agreement = exporting.export(
            model,
            path,
            args.to,
            quantize=args.quantize,
            representative=representative,
            class_names=opened.class_names,
            include_preprocessing=False,  # it is in the model by now, if wanted
            overwrite=args.overwrite,
        )
    takes = "pixels of 0..255" if preprocessing.normalizes(model) else "normalised images"
    size = sum(file.stat().st_size for file in [path, *path.rglob("*")] if file.is_file())
    figures = {"path": str(path), "bytes": size, "takes": takes, "input_shape": model.input_shape, **vars(agreement)}
    answer(args.json, figures, lambda: show(figures))


def _pictures(args, model, variant):
    import numpy as np

    from keras_classics import datasets, feed

    data = datasets.limited(datasets.load(args.representative, args.data_dir), REPRESENTATIVE, ["train"])
    batches = feed.batches(data.split("train"), model, variant, REPRESENTATIVE).as_numpy_iterator()
    return np.concatenate([images for images, _ in batches])


def show(figures):
    console.print(
        f"{figures['path']}: {figures['bytes'] / 1e6:.2f} MB, takes {figures['takes']}, float32 "
        f"{figures['input_shape']}; differs from the Keras model by at most {figures['max_abs_error']:.1e}, with "
        f"{figures['same_answers']:g}% the same answers, on {figures['images']} images",
        markup=False,
    )
