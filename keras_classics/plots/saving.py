"""How pictures are written."""

import pathlib

from matplotlib.figure import Figure
from matplotlib.text import Text

from keras_classics.files import atomic_write


def take_dollars_as_they_are(figure: Figure) -> None:
    """Before a figure is drawn: dollar signs in its texts, such as the names of classes, runs and data, begin no
    formulas."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)


def save(figure: Figure, path: str | pathlib.Path, dpi: int = 120) -> None:
    """Writes a figure whole or not at all; the file's ending tells its kind. `dpi` is the resolution of pixels."""
    take_dollars_as_they_are(figure)
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=dpi, bbox_inches="tight")
