"""What `keras-classics evaluate --json` wrote, read again for a picture."""

import json
import pathlib

from keras_classics.cli.arguments import add_out
from keras_classics.errors import ClassicsError

# What the pictures take of it.
KINDS = {
    "model": str,
    "data": str,
    "images": int,
    "views": str,
    "top1": int | float,
    "class_names": list,
    "confusion": list,
    "calibration_bins": list,
    "calibration_error": int | float,
}


def add_arguments(parser, default):
    parser.add_argument("json", help="a file that keras-classics evaluate --json wrote")
    add_out(parser, default)


def read(place, *fields):
    """The figures of an evaluation, with these fields beside those that every one has.

    Raises:
        ClassicsError: if the file cannot be read or holds no such evaluation.
    """
    try:
        figures = json.loads(pathlib.Path(place).read_text("utf-8"))
    except OSError as error:
        raise ClassicsError(f"Cannot read '{place}' ({error.strerror}).") from error
    except ValueError:
        figures = None
    needed = ("model", "data", "images", "top1", *fields)
    if not isinstance(figures, dict) or not all(isinstance(figures.get(name), KINDS[name]) for name in needed):
        raise ClassicsError(
            f"'{place}' is no evaluation, or one of an older version: keras-classics evaluate <model> --data <data> "
            "--json <file> writes one."
        )
    return figures


def title(figures):
    return (
        f"{figures['model']} on {figures['data']}: {figures['top1']:.2f}% top-1 error of {figures['images']:,} images"
    )
