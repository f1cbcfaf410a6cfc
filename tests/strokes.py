"""Real digits as strokes of a pen: thinned to lines, whose points are joined to their neighbours."""

import importlib.resources

import numpy as np

SIDE = 28


def some_digits(each):
    """Images (10 * each, 28, 28) and labels of the embedded test digits, by class, the first `each` of every one."""
    with np.load(importlib.resources.files("keras_classics").joinpath("data/mnist_sample.npz")) as archive:
        images, labels = archive["test_images"], archive["test_labels"].astype(int)
    first = np.concatenate([np.flatnonzero(labels == digit)[:each] for digit in range(10)])
    return images[first], labels[first]


def thinned(ink):
    """A bilevel picture thinned to lines of one pixel (Zhang and Suen 1984)."""
    ink = np.pad(ink.astype("uint8"), 1)
    # the neighbours above, above right, right, ... above left of each pixel
    steps = ((1, 0), (1, -1), (0, -1), (-1, -1), (-1, 0), (-1, 1), (0, 1), (1, 1))
    while True:
        removed = 0
        for first in (True, False):
            near = [np.roll(ink, step, (0, 1)) for step in steps]
            count = sum(near)
            crossings = sum((near[i] == 0) & (near[(i + 1) % 8] == 1) for i in range(8))
            up, right, down, left = near[::2]
            open_sides = (up * right * down, right * down * left) if first else (up * right * left, up * down * left)
            gone = (ink == 1) & (count >= 2) & (count <= 6) & (crossings == 1)
            gone &= (open_sides[0] == 0) & (open_sides[1] == 0)
            removed += gone.sum()
            ink = np.where(gone, 0, ink).astype("uint8")
        if not removed:
            return ink[1:-1, 1:-1]


def strokes(image):
    """A digit (28, 28) of 0..255 as strokes, lists of points (x, y) in shares of the field."""
    points = {(int(down), int(across)) for down, across in np.argwhere(thinned(image > 100))}

    def place(point):
        return ((point[1] + 0.5) / SIDE, (point[0] + 0.5) / SIDE)

    lines = []
    for point in sorted(points):
        nexts = [(point[0] + down, point[1] + across) for down, across in ((0, 1), (1, 0), (1, 1), (1, -1))]
        found = [[place(point), place(end)] for end in nexts if end in points]
        lines += found or [[place(point)]]
    return lines
