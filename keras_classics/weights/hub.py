"""The files of a repository on the Hugging Face hub, downloaded once, all of one state of it."""

import pathlib
from collections.abc import Mapping

from keras_classics.errors import ClassicsError
from keras_classics.places import PREFIX, HubName
from keras_classics.weights.fetch import check_blob, hub_file


def fetch_repository(name: HubName, needed: str, files: Mapping[str, int]) -> pathlib.Path:
    """The folder of a repository's files, through the hub's client, which keeps them. Without a network it is the one
    that was kept.

    Args:
        name: of the repository.
        needed: the file that there must be.
        files: the most bytes of each file that is wanted, if it is there; of no others anything is downloaded.

    Raises:
        ClassicsError: if the repository cannot be had or lacks the file, or one is too large or damaged.
    """
    import huggingface_hub

    shown = f"{PREFIX}{name.repository}" + (f"@{name.revision}" if name.revision else "")
    try:
        info = huggingface_hub.model_info(name.repository, revision=name.revision, files_metadata=True)
    except Exception as error:  # its errors, and those of its transports
        return _kept(name, needed, files, shown, error)
    sizes = {file.rfilename: file.size for file in info.siblings or ()}
    if needed not in sizes:
        raise ClassicsError(
            f"'{shown}' has no {needed}, so there is no model to read; `keras-classics card` writes a folder that has "
            "what is needed."
        )
    wanted = [*(file for file in files if file in sizes and file != needed), needed]  # which, once here, tells of all
    for file in wanted:
        _check_size(shown, file, sizes[file] or 0, files[file])
    paths = {}
    for file in wanted:
        try:
            paths[file] = hub_file(name.repository, file, revision=name.revision)
        except Exception as error:
            raise _cannot(shown, file, error) from error
        check_blob(paths[file], shown)
        _check_size(shown, file, paths[file].stat().st_size, files[file])
    if len({path.parent for path in paths.values()}) > 1:
        raise ClassicsError(f"'{shown}' was changed while it was downloaded; try again.")
    return paths[needed].parent


def _kept(name: HubName, needed: str, files: Mapping[str, int], shown: str, error: Exception) -> pathlib.Path:
    """The folder that an earlier download left, where the hub cannot be asked."""
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    if isinstance(error, RepositoryNotFoundError | RevisionNotFoundError):
        raise ClassicsError(
            f"There is no '{shown}' on the Hugging Face hub, or it is not for everyone: `hf auth login` tells it who "
            "asks."
        ) from error
    try:
        path = hub_file(name.repository, needed, revision=name.revision, local_files_only=True)
    except Exception:
        raise _cannot(shown, needed, error) from error
    for file, most in files.items():
        if (path.parent / file).exists():
            check_blob(path.parent / file, shown)
            _check_size(shown, file, (path.parent / file).stat().st_size, most)
    return path.parent


def _check_size(shown: str, file: str, size: int, most: int) -> None:
    if size > most:
        raise ClassicsError(f"{file} of '{shown}' has {size:,} bytes, and no more than {most:,} are read.")


def _cannot(shown: str, file: str, error: Exception) -> ClassicsError:
    return ClassicsError(
        f"Cannot download {file} of '{shown}' from the Hugging Face hub ({type(error).__name__}). Fetch the repository "
        "by other means and give its folder in place of its name."
    )
