"""Arguments that several commands take."""

import argparse
import pathlib

from keras_classics import catalogue
from keras_classics.choices import BACKENDS, DATA_SETS, VIEWS, perhaps_of_tfds
from keras_classics.cli.parser import Parser
from keras_classics.errors import unknown

PICTURE_ENDINGS = (".png", ".svg", ".pdf")


def add_model(parser: Parser) -> None:
    """The network, its weights and the backend on which it runs."""
    parser.add_argument(
        "model",
        completes=catalogue.read,
        help="a network's name, a run folder, a .keras file or hf-hub:user/name; predict and evaluate take exports too",
    )
    parser.add_argument(
        "--weights",
        help="where the model is a network's name: imagenet, a tag that show lists, hf-hub:timm/<name>, or a file",
    )
    add_backend(parser)


def add_backend(parser: Parser) -> None:
    parser.add_argument("--backend", choices=BACKENDS, metavar="backend", help=", ".join(BACKENDS))


def add_data_dir(parser: Parser) -> None:
    parser.add_argument("--data-dir", metavar="folder", help="where tensorflow-datasets keeps its data")


def add_json(parser: Parser) -> None:
    parser.add_argument("--json", metavar="file", help="a file to write the figures to as well; - for nothing but them")


def add_views(parser: Parser) -> None:
    parser.add_argument(
        "--views",
        choices=VIEWS,
        default="1",
        metavar="views",
        help=f"of each picture, whose answers are averaged: {', '.join(VIEWS)} (default 1, the centre; 2 with its "
        "mirror image; 10 of AlexNet, 144 of GoogLeNet, 150 of VGG; dense-1, dense-3 of VGG, dense-5 of ResNet: whole "
        "pictures at so many scales)",
    )


def add_out(parser: Parser, default: str) -> None:
    """The file of a picture."""
    endings = ", ".join(PICTURE_ENDINGS)
    parser.add_argument(
        "--out", default=default, type=picture_file, metavar="file", help=f"{endings} (default {default})"
    )


def picture_file(text: str) -> str:
    """An argument's type: a file name that tells a kind of picture."""
    if not text.lower().endswith(PICTURE_ENDINGS):
        raise argparse.ArgumentTypeError(f"'{text}' must end in {', '.join(PICTURE_ENDINGS)}")
    return text


def data_set(text: str) -> str:
    """An argument's type: what `datasets.load` takes."""
    path = pathlib.Path(text).expanduser()
    if text and (text in DATA_SETS or {"/", "\\"} & set(text) or path.is_dir() or path.suffix or perhaps_of_tfds(text)):
        return text
    if not text:
        raise argparse.ArgumentTypeError(f"it must be a folder of class folders, or one of {', '.join(DATA_SETS)}")
    raise argparse.ArgumentTypeError(str(unknown("data set", text, DATA_SETS)))
