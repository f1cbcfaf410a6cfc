"""Contact sheets."""

import pathlib
import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from keras_classics.plots.saving import save

LETTERS = 26  # of captions that fit side by side under a picture


def draw(rows: Sequence[Sequence[tuple[str, np.ndarray, str]]], path: str | pathlib.Path, title: str) -> None:
    """Rows of pictures with captions.

    Args:
        rows: of (heading, picture (H, W, 1 or 3) of 0..255, caption). What is beyond 0..255 is shown as black or white;
            the headings are the first row's.
        path: of the picture.
        title: over it.
    """
    heights = [2.0 + 0.13 * max(_wrapped(caption).count("\n") + 1 for _, _, caption in row) for row in rows]
    figure = Figure(figsize=(2.1 * len(rows[0]), 0.8 + sum(heights)), layout="constrained")
    figure.suptitle(title)
    grid = figure.subplots(len(rows), len(rows[0]), squeeze=False, gridspec_kw={"height_ratios": heights})
    for row, places in zip(rows, grid, strict=True):
        for (_, picture, caption), axes in zip(row, places, strict=True):
            pixels = np.clip(np.round(picture), 0, 255).astype("uint8")
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=255)
            axes.set_anchor("N")
            axes.set(xticks=[], yticks=[])
            axes.set_xlabel(_wrapped(caption), fontsize=7, family="monospace")
    for (heading, _, _), axes in zip(rows[0], grid[0], strict=True):
        axes.set_title(_wrapped(heading), fontsize=8)
    save(figure, path)


def _wrapped(text: str) -> str:
    return "\n".join("\n".join(textwrap.wrap(line, LETTERS)) for line in text.splitlines())
