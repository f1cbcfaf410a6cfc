"""Where a network looks, laid over the picture that it reads."""

import pathlib

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure

from keras_classics.plots.saving import save


def draw(
    view: np.ndarray, heat: np.ndarray, stride: int, offset: float, path: str | pathlib.Path, title: str, layer: str
) -> None:
    """A picture beside the same in grey under its heat map.

    Args:
        view: the picture as the network reads it, (H, W, 1 or 3) of 0..255.
        heat: of it, (h, w), at least 0, as `grad_cam` gives it.
        stride: the distance in pixels of what neighbouring places of the map see.
        offset: the middle of what the first of them sees, in pixels.
        path: of the file.
        title: over it.
        layer: whose maps they are.
    """
    figure = Figure(figsize=(10, 4.9), layout="constrained")
    figure.suptitle(title)
    plain, covered = figure.subplots(1, 2)
    pixels = np.clip(np.round(view), 0, 255).astype("uint8")
    plain.imshow(pixels, cmap="gray", vmin=0, vmax=255)
    plain.set_title(f"as the network reads it, {pixels.shape[1]}x{pixels.shape[0]}", fontsize=10)
    covered.imshow(pixels.mean(2), cmap="gray", vmin=-120, vmax=255)  # its black is grey, for that of the map to show
    spread = upsampled(heat, pixels.shape[:2], stride, offset)
    most = float(heat.max()) or 1.0
    shown = covered.imshow(spread, cmap="inferno", vmin=0, vmax=most, alpha=0.65)
    nothing = "" if heat.any() else ": nothing speaks for the class"
    covered.set_title(f"Grad-CAM of {layer}, {heat.shape[1]}x{heat.shape[0]}{nothing}", fontsize=10)
    solid = ScalarMappable(shown.norm, shown.cmap)  # for the bar to have the colours without the picture under them
    figure.colorbar(solid, ax=covered, label="how much a place speaks for the class", shrink=0.85)
    for axes in (plain, covered):
        axes.set(xticks=[], yticks=[])
    save(figure, path)


def upsampled(heat: np.ndarray, shape: tuple[int, int], stride: int, offset: float) -> np.ndarray:
    """A map (h, w) at each pixel of a picture of that shape (H, W): linear between the middles of what its places see,
    level for a stride beyond the outermost, and NaN further out, of which the map tells nothing."""
    by_row = np.stack([_line(line, shape[1], stride, offset) for line in heat])
    return np.stack([_line(line, shape[0], stride, offset) for line in by_row.T], 1)


def _line(heat: np.ndarray, side: int, stride: int, offset: float) -> np.ndarray:
    at = (np.arange(side) - offset) / stride
    return np.where((at < -1) | (at > len(heat)), np.nan, np.interp(at, np.arange(len(heat)), heat))
