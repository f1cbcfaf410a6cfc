"""From strokes of a pen to a digit as MNIST has it.

Its authors made their digits of bilevel ones: scaled, without changing their proportions, to fit into 20x20 pixels, by
which their edges became grey, and then laid into 28x28 so that their centre of mass is in the middle (LeCun et al.
1998, section III.A; LeCun, Cortes and Burges, The MNIST database).
"""

import math
from collections.abc import Sequence

import numpy as np

from keras_classics.errors import ClassicsError

BOX, FIELD = 20, 28  # pixels of MNIST: the side of the digit's box, and of the image
FINE = 16  # in so many parts a side of such a pixel is drawn, before it is made grey
PEN = 2.4  # the pen's width in pixels of MNIST: digits that were thinned to lines get as much ink back as they had
LEAST = 0.15  # a drawing that is smaller than this share of the field is not enlarged any further: a dot stays a dot
MOST_POINTS = 20_000  # of a drawing

Strokes = Sequence[Sequence[Sequence[float]]]


def digit(strokes: Strokes) -> np.ndarray | None:
    """Strokes as a digit of MNIST, uint8 (28, 28), ink 255 on 0; None where nothing is drawn.

    Args:
        strokes: of each the points (x, y), in shares of the field that was drawn in, y downwards.

    Raises:
        ClassicsError: if they are no strokes, or too many points.
    """
    lines = _checked(strokes)
    if not lines:
        return None
    points = np.concatenate(lines)
    low, high = points.min(0), points.max(0)
    fine = (BOX - PEN) * FINE / max(LEAST, *(high - low))  # of the field's side, so that ink just fills the box
    margin = math.ceil(PEN * FINE)
    width, height = (math.ceil(side * fine) + 2 * margin for side in high - low)
    ink = _drawn([(line - low) * fine + margin for line in lines], (width, height))
    return as_mnist(ink, FINE)


def as_mnist(ink: np.ndarray, pixel: float) -> np.ndarray:
    """A bilevel picture, (H, W) of any size, ink where it is True, as a digit of MNIST, uint8 (28, 28).

    Args:
        ink: of which some must be True.
        pixel: how many of its pixels make one of MNIST's.
    """
    import PIL.Image

    down, across = (np.flatnonzero(ink.any(axis)) for axis in (1, 0))
    ink = ink[down[0] : down[-1] + 1, across[0] : across[-1] + 1]
    sides = [min(BOX, max(1, round(side / pixel))) for side in ink.shape]
    image = PIL.Image.fromarray(np.where(ink, 255, 0).astype("uint8"))
    grey = np.asarray(image.resize((sides[1], sides[0]), PIL.Image.Resampling.BOX), "float64")
    # the field's centre is between its pixels 13 and 14, and MNIST's digits have theirs at 14 on the average
    corner = [
        min(FIELD - side, max(0, round(FIELD / 2 - float((grey.sum(1 - axis) @ np.arange(side)) / grey.sum()))))
        for axis, side in enumerate(sides)
    ]
    field = np.zeros((FIELD, FIELD), "uint8")
    field[corner[0] : corner[0] + sides[0], corner[1] : corner[1] + sides[1]] = np.round(grey)
    return field


def _checked(strokes) -> list[np.ndarray]:
    """Each stroke as float64 (points, 2) of 0..1, without the empty ones."""
    try:
        count = sum(len(stroke) for stroke in strokes)
        if count > MOST_POINTS:
            raise ClassicsError(f"The drawing has {count:,} points, and {MOST_POINTS:,} are read at most; clear it.")
        lines = [np.array(stroke, "float64").reshape(len(stroke), 2) for stroke in strokes if len(stroke)]
    except (TypeError, ValueError) as error:
        if isinstance(error, ClassicsError):
            raise
        raise ClassicsError("A drawing is a list of strokes, each a list of points (x, y).") from None
    if not all(np.isfinite(line).all() for line in lines):
        raise ClassicsError("A drawing has points that are no numbers; clear it.")
    return [np.clip(line, 0, 1) for line in lines]


def _drawn(lines, size) -> np.ndarray:
    """Lines (points, 2) in pixels, drawn with a round pen on a picture of that size (width, height)."""
    import PIL.Image
    import PIL.ImageDraw

    image = PIL.Image.new("1", size)
    draw = PIL.ImageDraw.Draw(image)
    radius = PEN * FINE / 2
    for line in lines:
        for x, y in line:
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=1)
        if len(line) > 1:
            draw.line([tuple(point) for point in line], fill=1, width=round(2 * radius))
    return np.asarray(image)
