"""How much "same" pads."""

import math


def same_padding(side: int, window: int, stride: int) -> int:
    """The zeros before and after a side of so many pixels, together; half of them stand before it, rounded down."""
    return max((math.ceil(side / stride) - 1) * stride + window - side, 0)
