"""Rendered photographs: what there is to try a network on where no picture is at hand."""

import numpy as np


def scenes(count: int, height: int, width: int, channels: int = 3) -> np.ndarray:
    """Pictures uint8 (count, height, width, channels), the same each time, with the statistics of photographs in the
    large: a background that fades from one colour to another, shaded things before it, grain at three scales, and a
    light of some colour upon all."""
    random = np.random.default_rng(0)
    y, x = (axis[..., None] for axis in np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j])
    pictures = []
    for _ in range(count):
        angle = random.uniform(0, 2 * np.pi)
        fade = 0.5 + (x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)
        picture = fade * random.uniform(0, 255, channels) + (1 - fade) * random.uniform(0, 255, channels)
        for thing in range(4):
            across, down = x - random.uniform(), y - random.uniform()
            across, down = across / random.uniform(0.05, 0.4), down / random.uniform(0.05, 0.4)
            distance = np.hypot(across, down) if thing % 2 else np.maximum(abs(across), abs(down))
            picture = np.where(distance < 1, random.uniform(0, 255, channels) * (1 - 0.5 * distance), picture)
        for cells in (4, 16, 64):
            grain = random.normal(0, 12, (cells + 1, cells + 1, 1))
            picture = picture + grain[(y[..., 0] * cells).astype(int), (x[..., 0] * cells).astype(int)]
        pictures.append(picture * random.uniform(0.6, 1.1, channels))
    return np.clip(np.round(pictures), 0, 255).astype("uint8")
