"""Axes that are read in plain numbers."""

from matplotlib.axis import Axis
from matplotlib.ticker import NullFormatter, StrMethodFormatter


def plain(axis: Axis) -> None:
    """Numbers such as 60 on a logarithmic axis, not powers; between the tens only where one is in sight."""
    low, high = axis.get_view_interval()
    axis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    axis.set_minor_formatter(StrMethodFormatter("{x:,g}") if high < 10 * low else NullFormatter())
