"""How pictures are written."""

import pathlib

from matplotlib.figure import Figure

from keras_classics.files import atomic_write


def save(figure: Figure, path: str | pathlib.Path, dpi: int = 120) -> None:
    """Writes a figure whole or not at all; the file's ending tells its kind. `dpi` is the resolution of pixels."""
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=dpi, bbox_inches="tight")
