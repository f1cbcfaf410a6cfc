"""Data for a run: which of its pictures are left out, and what it is judged on where it has no test images."""

import concurrent.futures
import hashlib
import os
import pathlib
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from keras_classics import datasets, pictures
from keras_classics.choices import SAMPLES
from keras_classics.datasets import Dataset
from keras_classics.errors import ClassicsError
from training.run_folder import RunFolder

EVERY = 10  # one image in so many of each class is held out
CHECKED = 10_000  # pictures; to read more of them once would take as long as an epoch of many hours
SKIPPED_SHARE = 0.01  # of a split's pictures may be left out; where more cannot be used, the data is not what it seems
NAMED = 3  # pictures that a line names
LEAVE = "Pictures that are left out must stay where they are until the run is finished, or it cannot be resumed."

# What a run is judged on, by the name in metrics.json.
TEST, HELD_OUT, VALIDATION, TRAINING = "test", "held out of train", "validation", "train"
WORDS = {
    TEST: "test images",
    HELD_OUT: "images of all classes, held out of the training images",
    VALIDATION: "validation images",
    TRAINING: "training images",
}


@dataclass(frozen=True)
class RunData:
    """The data of a run.

    Attributes:
        name: that it was asked for by: a data set's, or a folder's or table's path.
        dataset: with the images that the run is judged on as its `judged_split`.
        judged_on: what these are, a key of `WORDS`.
    """

    name: str
    dataset: Dataset
    judged_on: str

    def is_of(self, dataset: str) -> bool:
        """Whether it is the data set of that name, or a sample of it, so that errors on both can be compared."""
        return SAMPLES.get(self.name, self.name) == dataset


def load(
    name: str, data_dir: str | None = None, limit: int | None = None, skipped: Iterable[str] | None = None
) -> RunData:
    """Opens a data set, as `datasets.load` does, for a run.

    Where a folder or a table has no test images, or another data set neither these nor validation images, every tenth
    training image of each class, or at least one, becomes the split "test"; a class of one image cannot spare it, and
    then the data stays as it is.

    Args:
        name: of the data, or its path.
        data_dir: where tensorflow-datasets keeps its data.
        limit: how many images of each split to keep; by default all.
        skipped: pictures, as `check_pictures` names them, to leave out; which of the others are held out does not
            depend on them.

    Raises:
        ClassicsError: if the data cannot be opened, there are no images to train on, or a split has none of a class but
            `skipped` ones.
    """
    data = datasets.load(name, data_dir)
    if "train" not in data.sizes:
        raise ClassicsError(f"{data.name} has no training images, but only {', '.join(data.sizes)}; choose other data.")
    if limit is not None:
        data = datasets.limited(data, limit)
    has_test_images = "test" in data.sizes or (data.files is None and data.test_split)
    held_out = None if has_test_images else hold_out_test_split(data)
    data = held_out or data
    if skipped:  # after that: or pictures that no one has checked would take the places of those held out
        data = _without(data, set(skipped))
    return RunData(name, data, data.judged_split if held_out is None else HELD_OUT)


def digest(data: Dataset) -> str:
    """A sum over the classes' names and, of pictures in files, their paths below the folder of all and their classes:
    another order of any of them would give the labels another meaning, or train on what was held out."""
    total = hashlib.sha256("\0".join(data.class_names).encode())
    files = sorted((data.files or {}).items())
    ends = [end for _, (paths, _) in files if len(paths) for end in (min(paths), max(paths))]
    # By characters, for a table may have paths of both kinds, from the root and from here.
    start = len(os.path.commonprefix(ends))  # noqa: RUF071
    for split, (paths, labels) in files:
        total.update(b"\0".join([split.encode(), *(path[start:] for path in paths)]))
        total.update(np.asarray(labels, "int64").tobytes())
    return total.hexdigest()


def _without(data: Dataset, skipped: set[str]) -> Dataset:
    parts = {}
    for split, (paths, labels) in (data.files or {}).items():
        kept = np.array([pictures.printable(path) not in skipped for path in paths])
        missing = set(labels.tolist()) - set(labels[kept].tolist())  # a limit may leave none of a class from the start
        if missing:
            name, path = data.class_names[min(missing)], paths[labels == min(missing)][0]
            raise ClassicsError(
                f"No picture of '{name}' in {split} of {data.name} can be used; replace them, such as "
                f"'{pictures.printable(path)}'."
            )
        parts[split] = (split, kept)
    return datasets.select(data, parts)


def check_pictures(data: RunData, say: Callable[[str], None]) -> list[str]:
    """Reads each picture of a folder or table once, so that what is wrong with it is met before time is spent.

    A picture that cannot be read is to be left out, and so is one that is there before, bit for bit: where images are
    held out, or a split holds what another has, a network would be judged on what it has seen. Of more than `CHECKED`
    pictures only those that the run is judged on are read, and those to train on as they are met.

    Args:
        data: of the run.
        say: is told of each picture that is to be left out.

    Returns:
        The pictures to leave out, by the names that `load` takes.

    Raises:
        ClassicsError: if more than `SKIPPED_SHARE` of a split is to be left out.
    """
    if data.dataset.files is None:
        return []
    files = data.dataset.files
    # What is met in two splits stays in the one that the run is judged on.
    splits = [split for split in ("test", "validation", "train") if split in files]
    if sum(data.dataset.sizes.values()) > CHECKED:
        splits = [data.dataset.judged_split] if data.dataset.test_split else []
    count = sum(data.dataset.sizes[split] for split in splits)
    if not count:
        return []
    say(f"Reading each of the {count:,} pictures once, to find damaged ones before the start.")
    skipped: list[str] = []
    seen: dict[bytes, bytes] = {}
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as threads:
        for split in splits:
            of_split = {}
            paths = files[split].paths
            for path, (digest, fault) in zip(paths, threads.map(_examine, paths), strict=True):
                twin = seen.setdefault(digest, path)
                if fault is None and twin is not path:
                    fault = f"'{pictures.printable(path)}' is the same picture as '{pictures.printable(twin)}'."
                if fault is not None:
                    say(f"Left out: {fault}")
                    of_split[pictures.printable(path)] = fault
            check_share(of_split, len(paths), split)
            skipped += of_split
    return skipped


def _examine(path: bytes) -> tuple[bytes, str | None]:
    """What tells a file from others, and what is wrong with the picture in it."""
    try:
        pictures.read_image(os.fsdecode(path))
        return hashlib.blake2b(pathlib.Path(os.fsdecode(path)).read_bytes()).digest(), None
    except ClassicsError as error:
        return path, str(error)


def check_share(skipped: dict[str, str], count: int, split: str) -> None:
    """Raises a ClassicsError if those left out, with the reasons, are more of a split's pictures than may be."""
    if len(skipped) > SKIPPED_SHARE * count:
        first, *others = skipped.values()
        more = f" So it is with {', '.join(list(skipped)[1:NAMED])}" if others else ""
        more += f" and {len(skipped) - NAMED:,} more." if len(skipped) > NAMED else "." if others else ""
        raise ClassicsError(
            f"{len(skipped):,} of {count:,} pictures in {split} cannot be used, more than {SKIPPED_SHARE:.0%}. {first}"
            f"{more}"
        )


def skipping(
    folder: RunFolder, data: Dataset, say: Callable[[str], None], met: dict[str, dict[str, str]]
) -> Callable[[str, str, str], None]:
    """What to call with each picture that cannot be read in the midst of a run, the reason and its split: it is told
    and put on record, once, and too many of them raise the error of `check_share`. `met` has by split what has been
    met so far, and is added to."""
    lock = threading.Lock()  # training images are read ahead while the validation images are read

    def skip(path: str, reason: str, split: str) -> None:
        with lock:
            of_split = met.setdefault(split, {})
            if path in of_split:
                return
            of_split[path] = reason
            folder.write_skipped({path: reason for each in met.values() for path, reason in each.items()})
            say(f"Left out: {reason} {LEAVE}")
            check_share(of_split, data.sizes[split], split)

    return skip


def hold_out_test_split(data: Dataset) -> Dataset | None:
    """The same data with some of its training images as the split "test"; None if a class has too few."""
    labels = data.labels("train")
    is_test = np.zeros(len(labels), bool)
    for label in range(len(data.class_names)):
        (of_class,) = np.nonzero(labels == label)
        if len(of_class) < 2:
            return None
        is_test[of_class[min(EVERY, len(of_class)) - 1 :: EVERY]] = True
    return datasets.select(data, {"train": ("train", ~is_test), "test": ("train", is_test)})
