"""A model from where it lies: a file, a folder, or a repository on the Hugging Face hub."""

import os
import pathlib

import keras

from keras_classics import hub_folder, zoo
from keras_classics.errors import ClassicsError
from keras_classics.exported import is_export
from keras_classics.model_file import open_model
from keras_classics.places import BEST, MODEL, hub_name, nowhere
from keras_classics.weights.hub import fetch_repository


def load(place: str | os.PathLike[str]) -> keras.Model:
    """The trained model that lies at a place, not compiled, ready for `predict`, `evaluate`, `export` and fine-tuning.

    Nothing that is in its files is run.

    Args:
        place: a `.keras` file; a run folder, one of `saved_models/`, or one that `keras-classics card` wrote; or such a
            folder on the Hugging Face hub, "hf-hub:user/name", or "hf-hub:user/name@revision" for a branch, a tag or a
            commit. It is downloaded once, into `~/.keras` (`KERAS_HOME`), and asked for anew when there is a network.

    Returns:
        The model, which carries how its pictures are prepared and its classes' names as far as they are known.

    Raises:
        ClassicsError: if there is none, it cannot be had, is damaged or too large, holds code, or what lies beside it
            contradicts it.
    """
    return open_folder(folder_of(place))


def folder_of(place: str | os.PathLike[str]) -> pathlib.Path:
    """The file or folder on this machine, downloaded where the place is on the hub."""
    path = pathlib.Path(place)
    if path.exists():
        return path
    name = hub_name(os.fspath(place))
    if name is not None:
        return fetch_repository(name, MODEL, hub_folder.FILES)
    if str(place) in zoo.list_models():
        raise ClassicsError(f"'{place}' is a network; kc.get_model('{place}')(weights=...) builds it.")
    raise nowhere(os.fspath(place))


def open_folder(path: pathlib.Path) -> keras.Model:
    """The model in a folder, or of a `.keras` file."""
    if is_export(path):
        raise ClassicsError(f"'{path}' is an export, and no Keras model; `kc.load_export` opens it.")
    if not path.is_dir():
        return open_model(path)
    file = next((path / name for name in (MODEL, BEST) if (path / name).exists()), None)
    if file is None:
        raise ClassicsError(f"'{path}' has neither {MODEL} nor {BEST}, so there is no model to read.")
    model = open_model(file)
    if file.name == MODEL:
        hub_folder.check(path, model)
    elif names := hub_folder.names_of_run(path):  # of a run of a version whose models did not carry them
        hub_folder.name_classes(model, names)
    return model
