"""Folders of class folders. No picture is opened: of a million of them only the names are read."""

import os
import pathlib

import numpy as np

from keras_classics import pictures
from keras_classics.datasets.dataset import Dataset, Files, of_files
from keras_classics.datasets.names import in_order
from keras_classics.errors import ClassicsError

# The splits, and what their folders may be called.
SPLIT_FOLDERS = {"train": ("train",), "test": ("test",), "validation": ("validation", "valid", "val")}


def open_folder(root: pathlib.Path) -> Dataset:
    """The data set in a folder of class folders, or of folders of such for the splits.

    Raises:
        ClassicsError: if there are no class folders, a split lacks a class, a folder cannot be read, a file is there
            twice, by a link, or pictures of a class lie where they would be left out or are of a kind that is not read.
    """
    splits = {split: root / names[0] for split in SPLIT_FOLDERS if (names := _split_folders(root, split))}
    splits = splits or {"train": root}
    seen: dict[int, str] = {}
    found = {
        split: {entry.name: _pictures(entry.path, seen) for entry in _class_folders(folder)}
        for split, folder in splits.items()
    }
    if not any(found.values()):
        bare = next((folder for folder in splits.values() if _pictures(folder, {})), None)
        holds = "holds no class folders" if bare is None else "holds pictures, but no class folders"
        is_class = " If it is a class, rename it, for train, test and validation are names of splits."
        raise ClassicsError(
            f"'{pictures.printable(bare or root)}' {holds}: put the images of each class into a folder of its own."
            f"{'' if bare in (None, root) else is_class}"
        )
    class_names = in_order(set().union(*found.values()), root)
    for split, folder in splits.items():
        for class_name in class_names:
            if not found[split].get(class_name):
                raise _lacking(folder, class_name, is_split=folder != root)
    _check_none_left_out(root, splits, class_names)
    files = {}
    for split, by_class in found.items():
        paths = [path for class_name in class_names for path in by_class[class_name]]
        counts = [len(by_class[class_name]) for class_name in class_names]
        files[split] = Files(np.array(paths, object), np.repeat(np.arange(len(class_names)), counts))
    return of_files(pictures.printable(root.absolute().name), class_names, files)


def _lacking(folder, class_name, is_split) -> ClassicsError:
    """The error for a folder, of a split or of all class folders, that has no images of a class."""
    place, shown = folder / class_name, pictures.printable(folder / class_name)
    if not any(_class_folders(folder)) and any(pictures.is_image(entry.name) for entry in _entries(folder)):
        return ClassicsError(
            f"'{pictures.printable(folder)}' holds pictures and no class folders, so they have no labels; put them "
            "into folders of their classes, or move them elsewhere and have them answered by `predict`."
        )
    if place.is_dir() and any(_pictures(inside.path, {}) for inside in _class_folders(place)):
        if is_split:
            return ClassicsError(f"'{shown}' holds no images, but folders of images: put these into '{shown}' itself.")
        return ClassicsError(
            f"'{shown}' holds no images, but folders of images, as a split does: splits are called train, test and "
            "validation. Rename it."
        )
    return ClassicsError(f"'{shown}' holds no images; each class needs some in each split.")


def _check_none_left_out(root, splits, class_names) -> None:
    """Raises a ClassicsError if pictures of the classes lie beside the folders of the splits."""
    if root in splits.values():
        return
    for entry in _class_folders(root):
        if root / entry.name in splits.values():
            continue
        beside = [entry, *_class_folders(entry.path)]
        if any(folder.name in class_names and _pictures(folder.path, {}) for folder in beside):
            raise ClassicsError(
                f"'{pictures.printable(entry.path)}' holds images beside {' and '.join(splits)}, which would be left "
                "out: splits are called train, test and validation. Rename the folder, move it or remove it."
            )


def _split_folders(root, split) -> list[str]:
    """The names of the folders in `root` that hold a split; one at most."""
    found = [name for name in SPLIT_FOLDERS[split] if (root / name).is_dir()]
    if len(found) > 1:
        raise ClassicsError(f"'{root}' has the folders {' and '.join(found)} for one split; keep one of them.")
    return found


def _class_folders(folder) -> list[os.DirEntry]:
    found = list(filter(_is_shown_folder, _entries(folder)))
    for entry in found:
        shown = pictures.printable(entry.path)
        if shown != entry.path:
            raise ClassicsError(f"The class folder '{shown}' has a name that is not UTF-8; rename it.")
    return found


def _is_shown_folder(entry: os.DirEntry) -> bool:
    return not entry.name.startswith((".", "__")) and entry.is_dir()


def _pictures(folder, seen) -> list[bytes]:
    """The paths of a class folder's pictures in order. `seen` are all files so far, by the number that the disk has for
    each: the same number is the same file, under another name."""
    paths: list[bytes] = []
    inside: list[os.DirEntry] = []
    for entry in _entries(folder):
        if pictures.is_image_not_read(entry.name):
            raise ClassicsError(
                f"'{pictures.printable(entry.path)}' is a picture of a kind that is not read, and would be left out; "
                "convert such files to JPEG or PNG, or remove them."
            )
        if not pictures.is_image(entry.name):
            inside += filter(_is_shown_folder, [entry])
            continue
        number = _inode(entry) if entry.is_symlink() else entry.inode()
        other = seen.setdefault(number, entry.path)
        if other is not entry.path and os.path.samefile(other, entry.path):
            raise ClassicsError(
                f"'{pictures.printable(other)}' and '{pictures.printable(entry.path)}' are one file, linked; an image "
                "may be in one split and class alone, so remove one of them."
            )
        paths.append(os.fsencode(entry.path))
    for entry in inside if paths else ():
        if _holds_pictures(entry.path):
            raise ClassicsError(
                f"'{pictures.printable(entry.path)}' holds images inside a class's folder, which would be left out: "
                "put them into that one, or remove them."
            )
    return sorted(paths)


def _holds_pictures(folder: str) -> bool:
    """Whether there are pictures in a folder, or in one somewhere below it; a loop of links has no end."""
    return any(
        pictures.is_image(entry.name)
        or pictures.is_image_not_read(entry.name)
        or (_is_shown_folder(entry) and not entry.is_symlink() and _holds_pictures(entry.path))
        for entry in _entries(folder)
    )


def _inode(link) -> int:
    try:
        return link.stat().st_ino
    except OSError:  # it leads nowhere; reading it says so
        return link.inode()


def _entries(folder) -> list[os.DirEntry]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError as error:
        raise ClassicsError(
            f"The folder '{pictures.printable(folder)}' cannot be read ({error.strerror}); correct its permissions."
        ) from None
