"""Kernels of a convolution."""

import pathlib

import numpy as np
from matplotlib.figure import Figure

from keras_classics.plots.saving import save

COLUMNS = 16  # AlexNet's figure 3 has as many
ROWS = 16


def draw(kernel: np.ndarray, path: str | pathlib.Path, title: str) -> None:
    """The kernels as pictures, each from black, the least of all its values, to white, the greatest: so a grey that
    stands for 0 is not the same in all of them.

    Three input channels are red, green and blue, and kernels stand in order, 16 a row. Else a row is a kernel and each
    input channel's part a picture in grey; those beyond 16 rows and 16 channels are not drawn, and the title says so.

    The channels are taken as they come in the kernel. What the pixels are divided by before them is not undone.

    Args:
        kernel: (height, width, input channels, kernels).
        path: of the file.
        title: over it.
    """
    tiles, said = arranged(kernel)
    rows, columns = tiles.shape[:2]
    figure = Figure(figsize=(max(6.0, 0.2 + 0.62 * columns), 0.8 + 0.62 * rows), layout="constrained")
    figure.suptitle(f"{title}\n{said}", fontsize=10)
    grid = figure.subplots(rows, columns, squeeze=False)
    for places, parts in zip(grid, tiles, strict=True):
        for axes, tile in zip(places, parts, strict=True):
            axes.set_axis_off()
            if not np.isnan(tile).any():
                axes.imshow(tile, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
    save(figure, path)


def arranged(kernel: np.ndarray) -> tuple[np.ndarray, str]:
    """The pictures of 0..1 as rows and columns, (rows, columns, height, width, 1 or 3), and in words which they are.
    Where a last row is not full, NaN fills it."""
    height, width, channels, count = kernel.shape
    least, most = kernel.min((0, 1, 2)), kernel.max((0, 1, 2))
    scaled = (kernel - least) / np.where(most > least, most - least, 1)
    if channels in (1, 3):
        kept = min(count, ROWS * COLUMNS)
        columns = min(kept, COLUMNS)
        rows = -(-kept // columns)
        tiles = np.full((rows * columns, height, width, channels), np.nan)
        tiles[:kept] = scaled[..., :kept].transpose(3, 0, 1, 2)
        colours = "in colour" if channels == 3 else "in grey"
        return tiles.reshape(rows, columns, height, width, channels), f"{_some(kept, count, 'kernels')}, {colours}"
    rows, columns = min(count, ROWS), min(channels, COLUMNS)
    tiles = scaled[:, :, :columns, :rows].transpose(3, 2, 0, 1)[..., None]
    some = f"{_some(rows, count, 'kernels')}, one a row, by {_some(columns, channels, 'input channels')}"
    return tiles, some


def _some(kept: int, count: int, what: str) -> str:
    return f"all {count} {what}" if kept == count else f"the first {kept} of {count} {what}"
