"""Names beside the points of a picture."""

from collections.abc import Iterable
from typing import TypeAlias

Box: TypeAlias = tuple[float, float, float, float]  # the least x and y, then the greatest, in any unit


def is_free(box: Box, taken: Iterable[Box]) -> bool:
    """Whether a box overlaps none of those that are taken; to touch is not to overlap."""
    left, low, right, high = box
    return not any(left < other[2] and other[0] < right and low < other[3] and other[1] < high for other in taken)
