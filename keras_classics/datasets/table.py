"""Tables of paths and labels: CSV files."""

import csv
import os
import pathlib

import numpy as np

from keras_classics import pictures
from keras_classics.datasets.dataset import Dataset, Files, of_files
from keras_classics.datasets.folder import SPLIT_FOLDERS
from keras_classics.datasets.names import in_order
from keras_classics.errors import ClassicsError

SPLITS = tuple(SPLIT_FOLDERS)


def open_table(path: pathlib.Path) -> Dataset:
    """The data set that a CSV file lists: a header, and a row for each picture.

    Its columns are `path`, from the file's folder on, `label`, the name of the class, and, where there are several
    splits, `split`: train, test or validation. Of the pictures only the first is looked for.

    Raises:
        ClassicsError: if the file cannot be read, or a row is not such, with the number of its line.
    """
    shown = pictures.printable(path)
    rows: dict[str, list[tuple[bytes, str]]] = {}
    lines: dict[str, int] = {}
    try:
        with open(path, newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            columns = reader.fieldnames or []
            if not {"path", "label"} <= set(columns) <= {"path", "label", "split"}:
                raise ClassicsError(
                    f"'{shown}' must begin with the header path,label or path,label,split, not {','.join(columns)!r}."
                )
            for row in reader:
                where = f"'{shown}', line {reader.line_num}"
                if None in row or None in row.values() or not row["path"] or not row["label"]:
                    raise ClassicsError(f"{where}: a row needs {','.join(columns)}, and nothing more.")
                split = row.get("split", "train")
                if split not in SPLITS:
                    raise ClassicsError(f"{where}: the split is {', '.join(SPLITS)}, not '{split}'.")
                place = os.path.normpath(path.parent / row["path"])
                if place in lines:
                    raise ClassicsError(f"{where}: line {lines[place]} has this picture already; keep one of them.")
                if not lines and not os.path.exists(place):
                    raise ClassicsError(f"{where}: there is no file '{place}'; paths start at the table's folder.")
                lines[place] = reader.line_num
                rows.setdefault(split, []).append((os.fsencode(place), row["label"]))
    except (OSError, UnicodeError, csv.Error) as error:
        raise ClassicsError(f"'{shown}' cannot be read as a table in UTF-8 ({error}).") from None
    if not rows:
        raise ClassicsError(f"'{shown}' lists no pictures.")
    class_names = in_order({label for of_split in rows.values() for _, label in of_split}, path.parent)
    numbers = {class_name: number for number, class_name in enumerate(class_names)}
    files = {}
    for split in (split for split in SPLITS if split in rows):
        paths, labels = zip(*rows[split], strict=True)
        lacking = [class_name for class_name in class_names if class_name not in set(labels)]
        if lacking:
            raise ClassicsError(
                f"'{shown}' has no row of '{lacking[0]}' in {split}; each class needs some in each split."
            )
        files[split] = Files(np.array(paths, object), np.array([numbers[label] for label in labels], "int64"))
    return of_files(pictures.printable(path.name), class_names, files)
