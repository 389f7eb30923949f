"""What all pictures of the closed forms share: theory in black lines, measurements in marks and coloured lines."""

from __future__ import annotations

from typing import Any

import matplotlib as mpl
import seaborn as sns
from matplotlib.axes import Axes

from deepnrc.figures import INK

THEORY: dict[str, Any] = {"color": INK, "linewidth": 1.2, "zorder": 1}
COLOURS = sns.color_palette("colorblind")
MARKS = "osD^v"
ROUNDING = 1e-16  # what float64 leaves of nc.1-3 and nrc.1-3; below it curves say nothing


def legend(figure: Any, ax: Axes, theory: str) -> None:
    """Below the panels: one mark a direction, and the theory's line."""
    marks, names = ax.get_legend_handles_labels()
    line = mpl.lines.Line2D([], [], **THEORY)
    figure.legend([*marks, line], [*names, theory], loc="outside lower center", ncols=4, frameon=False)
