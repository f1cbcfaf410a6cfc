"""Where a model lies, by its name: on the Hugging Face hub, or here. It imports no Keras, so that a command can refuse
a wrong name at once."""

import json
import pathlib
import re
import shlex
from dataclasses import dataclass

from keras_classics.errors import ClassicsError

PREFIX = "hf-hub:"
# The files of a folder on the hub, and those of a run that others read; TFLITE is one of both.
MODEL, CARD, LABELS, PREPROCESSOR = "model.keras", "README.md", "labels.txt", "preprocessor_config.json"
TFLITE, BEST, RECIPE, METRICS, HISTORY = "model.tflite", "best.keras", "recipe.json", "metrics.json", "history.csv"
_REPOSITORY = r"\w[\w.-]*/\w[\w.-]*"
_REVISION = r"[\w./-]+"
_OTHERS = ("hf", "hf_hub", "hub", "hfhub", "huggingface")  # prefixes that mean the hub elsewhere


@dataclass(frozen=True)
class HubName:
    """A repository on the hub, and which state of it: a branch, a tag or a commit; None for its main branch."""

    repository: str
    revision: str | None = None


def hub_name(place: str) -> HubName | None:
    """What "hf-hub:user/name" or "hf-hub:user/name@revision" means; None where it is no name of the hub's.

    Raises:
        ClassicsError: if it seems to be meant as one and is none, or is one of timm's, which holds no model of ours.
    """
    other = re.fullmatch(rf"(?:{'|'.join(_OTHERS)})(?:://?|:)(.*)", place, re.I)
    if other:
        raise ClassicsError(f"'{place}' has an unknown prefix. Did you mean '{PREFIX}{other[1].lstrip('/')}'?")
    if not place.startswith(PREFIX):
        return None
    found = re.fullmatch(f"({_REPOSITORY})(?:@({_REVISION}))?", place.removeprefix(PREFIX), re.A)
    if not found or ".." in place:
        raise ClassicsError(
            f"'{place}' is no name of a model on the hub; write '{PREFIX}user/name', or with @revision."
        )
    if found[1].startswith("timm/"):
        raise ClassicsError(
            f"'{place}' holds timm's weights and no model of Keras. Give it as the weights of its network: "
            f"weights='{place}', or --weights of a command."
        )
    return HubName(found[1], found[2])


def nowhere(place: str) -> ClassicsError:
    """The error for a place where nothing is."""
    hint = (
        f" If it is on the Hugging Face hub, write '{PREFIX}{place}'." if re.fullmatch(_REPOSITORY, place, re.A) else ""
    )
    return ClassicsError(f"There is no run folder, .keras file or export '{place}'.{hint}")


def resume_command(run: pathlib.Path) -> str:
    """The command line that goes on with a run, on the backend that its recipe.json tells."""
    words = ["python", "-m", "training", "resume", str(run)]
    try:
        backend = json.loads((run / RECIPE).read_text("utf-8"))["backend"]
    except (OSError, ValueError, TypeError, KeyError):  # it is damaged, which that command tells
        backend = "tensorflow"
    return shlex.join(words if backend == "tensorflow" else [*words, "--backend", backend])


def check_free(path: pathlib.Path, overwrite: bool) -> None:
    """Raises a ClassicsError unless a folder for the hub may be written there: nothing is there, or with `overwrite`
    such a folder, without anything else in it."""
    if not path.exists():
        return
    if not overwrite:
        raise ClassicsError(f"'{path}' exists and is not overwritten; choose another --out, or --overwrite.")
    if not (path / MODEL).exists():
        raise ClassicsError(f"'{path}' is no folder with a {MODEL}, so it is not replaced; choose another --out.")
    if strange := sorted({file.name for file in path.iterdir()} - {MODEL, CARD, LABELS, PREPROCESSOR, TFLITE}):
        raise ClassicsError(
            f"'{path}' holds {strange[0]}{' and more' * (len(strange) > 1)}, which would be lost; choose another "
            "--out, or move that away."
        )
