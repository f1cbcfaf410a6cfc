"""What a model's folder on the Hugging Face hub holds, and that its files say the same.

model.keras has all the facts: the network, its weights, how pictures are prepared, and the classes' names where the
data set's name does not tell them. The other files say some of them again to readers of their own: README.md, the card,
to people; labels.txt to whoever reads the outputs; preprocessor_config.json to the hub's image processors. The last two
are checked against it. There is no config.json: Keras' own `hf://` reads that as a model.
"""

import json
import math
import pathlib
import shutil
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import keras

from keras_classics import feed, preprocessing
from keras_classics.datasets import own_class_names
from keras_classics.errors import ClassicsError, one_line
from keras_classics.exported import class_names_of
from keras_classics.files import atomic_write
from keras_classics.places import CARD, LABELS, METRICS, MODEL, PREPROCESSOR, check_free
from keras_classics.runtimes import LONGEST
from keras_classics.variant import deep_graph
from keras_classics.weights.archive import LIMIT
from keras_classics.zoo import variant_of

FILES = {LABELS: LONGEST, PREPROCESSOR: LONGEST, MODEL: LIMIT}  # that are read, and the most bytes of each
RESAMPLE = {"bilinear": 2, "bicubic": 3}  # in Pillow's numbers, as the hub's image processors have them


def name_classes(model: keras.Model, class_names: Sequence[str]) -> None:
    """Makes the model carry the names of its classes, unless it tells them already.

    Raises:
        ClassicsError: if there are not as many, or it does not tell which network it is, so that it cannot carry them.
    """
    names = _lines(class_names)
    if len(names) != feed.classes_of(model):
        raise ClassicsError(f"{model.name} has {feed.classes_of(model)} classes, and {len(names)} names were given.")
    found = preprocessing.provenance(model)
    if found is None:
        raise ClassicsError(f"{model.name} is no network of this package, and so cannot carry its classes' names.")
    told: dict[str, Any] = {"assumed": False}
    if names != _lines(class_names_of(model)):
        told |= {"class_names": names, "classifier": preprocessing.classifier_of(model)}
        told |= {"dataset": found.protocol.dataset}
    for network in preprocessing.provenances(model):  # of several, all have to tell the same
        network.protocol = replace(network.protocol, **told)


def names_of_run(path: pathlib.Path) -> tuple[str, ...]:
    """The names of the classes that a finished run tells; none in another folder."""
    try:
        return tuple(map(str, json.loads((path / METRICS).read_text("utf-8"))["class_names"]))
    except (OSError, ValueError, KeyError, TypeError):
        return ()


def _lines(names: Iterable[str]) -> tuple[str, ...]:
    """Names as a file has them, each in one line."""
    return tuple(map(one_line, names))


def preprocessor_config(model: keras.Model) -> dict[str, Any]:
    """How pictures are prepared for a model, in the words of the hub's image processors (transformers'
    CLIPImageProcessor, whose steps are ours: the shorter side or both are resized, the centre is taken, with zeros
    around it where the picture is smaller, pixels go to 0..1 and are normalised).

    Where the resized picture is an odd number of pixels larger than its centre, theirs may lie one pixel beside ours.
    """
    made = feed.feed_of(model, variant_of(model))
    side, grey = made.resize_size, made.channels != 3
    told: dict[str, Any] = {
        "image_processor_type": "CLIPImageProcessor",
        "do_convert_rgb": not grey,
        "do_resize": True,
        "size": {"height": side, "width": side} if made.squash else {"shortest_edge": side},
        "resample": RESAMPLE[made.interpolation],
        "do_center_crop": True,
        "crop_size": {"height": made.image_size, "width": made.image_size},
        "do_rescale": made.normalization is not None,
        "do_normalize": made.normalization is not None,
        "data_format": made.data_format,
    }
    if made.normalization is not None:
        pixels = made.normalization.for_channels(made.channels)
        told["rescale_factor"] = 1 / 255
        told["image_mean"] = [mean / 255 for mean in pixels.mean]
        told["image_std"] = [std / 255 for std in pixels.std]
    return told


def write(
    path: pathlib.Path,
    model: keras.Model,
    card: Callable[[pathlib.Path], str],
    beside: Iterable[pathlib.Path] = (),
    overwrite: bool = False,
) -> tuple[str, ...]:
    """Writes the folder, whole or not at all.

    Args:
        path: of the folder.
        model: that tells which network it is.
        card: gives the text of the card, of a model's file.
        beside: further files that go along.
        overwrite: whether to replace such a folder that is there.

    Returns:
        The names of the files.

    Raises:
        ClassicsError: if something is there that is not to be replaced, or it cannot be written.
    """
    check_free(path, overwrite)
    with atomic_write(path, replace_folder=overwrite) as folder:
        folder.mkdir()
        with deep_graph():
            model.save(folder / MODEL)
        (folder / CARD).write_text(card(folder / MODEL), "utf-8")
        if names := _lines(class_names_of(model)):
            (folder / LABELS).write_text("".join(f"{name}\n" for name in names), "utf-8")
        (folder / PREPROCESSOR).write_text(json.dumps(preprocessor_config(model), indent=2) + "\n", "utf-8")
        for file in beside:
            shutil.copyfile(file, folder / file.name)
        return tuple(sorted(file.name for file in folder.iterdir()))


def check(folder: pathlib.Path, model: keras.Model) -> None:
    """Makes sure that what lies beside the model says the same as it does; a model that does not tell its classes'
    names takes those of labels.txt.

    Raises:
        ClassicsError: if a file is damaged, or contradicts the model.
    """
    labels = labels_of(folder)
    if labels is not None:
        classes, protocol = feed.classes_of(model), preprocessing.protocol_of_answers(model)
        known = _lines(own_class_names(protocol, classes)) if protocol else ()
        if len(labels) != classes:
            raise ClassicsError(f"{LABELS} in '{folder}' names {len(labels)} classes, and its {MODEL} has {classes}.")
        if known and known != labels:
            ours, theirs = next(pair for pair in zip(known, labels, strict=True) if pair[0] != pair[1])
            raise ClassicsError(f"{LABELS} in '{folder}' says '{theirs}' where its {MODEL} says '{ours}'; mend it.")
        name_classes(model, labels)
    text = _read(folder / PREPROCESSOR)
    if text is None or preprocessing.provenance(model) is None:
        return
    try:
        told = dict(json.loads(text))
    except (ValueError, TypeError) as error:
        raise ClassicsError(f"{PREPROCESSOR} in '{folder}' is damaged; write the folder anew.") from error
    for name, value in preprocessor_config(model).items():
        if name in told and name != "image_processor_type" and not _same(told[name], value):
            raise ClassicsError(
                f"{PREPROCESSOR} in '{folder}' says {name} {told[name]!r:.60}, and its {MODEL} {value!r}; mend it."
            )


def labels_of(folder: pathlib.Path) -> tuple[str, ...] | None:
    """The class names in a folder's labels.txt; None if there is none."""
    text = _read(folder / LABELS)
    return None if text is None else _lines(text.splitlines())


def _same(told: Any, ours: Any) -> bool:
    """Whether two values are the same, numbers as far as six digits tell."""
    if isinstance(ours, list):
        return isinstance(told, list) and len(told) == len(ours) and all(map(_same, told, ours))
    if isinstance(ours, float):
        return isinstance(told, int | float) and math.isclose(told, ours, rel_tol=1e-6, abs_tol=1e-9)
    return told == ours


def _read(path: pathlib.Path) -> str | None:
    """A small file's text; None if there is none."""
    try:
        with open(path, "rb") as file:
            content = file.read(LONGEST + 1)
        if len(content) > LONGEST:
            raise ClassicsError(f"'{path}' has more than {LONGEST:,} bytes; it is none that belongs to a model.")
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise ClassicsError(f"'{path}' cannot be read ({error}); mend or remove it.") from error
