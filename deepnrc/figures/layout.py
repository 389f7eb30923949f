"""How large a heatmap is and where its panels, title and legend go."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.legend import Legend

from deepnrc.errors import UsageError
from deepnrc.figures.heatmaps.grids import Grid

Entry = tuple[Artist, str]
PAGE = (6.0, 7.6)  # inches for all cells together, so that a figure with its labels fits a page
NARROWEST = 3.4  # inches of width, for the title and the legend
LOWEST = 1.3  # inches of height that a colour bar needs
BAR = 1.3  # inches of width for the colour bar and its words


def panels(
    figure: Figure | None,
    ax: Axes | None,
    grids: Sequence[Grid],
    titles: Sequence[str],
    wanted: float = 0.42,
    a_line: int = 3,
) -> tuple[list[Axes], tuple[float, float]]:
    """One Axes a grid, and the width and height of a cell in inches.

    Args:
        figure: to fill and to size; None to draw in ``ax``.
        wanted: width of a cell, which becomes less where a page does not hold it.
        a_line: panels side by side; with one, cells stay as wide as wanted.
    Errors: UsageError if several panels are to go into one Axes.
    """
    rows, columns = max(len(g.layers) for g in grids), max(len(g.columns) for g in grids)
    if figure is None:
        if ax is None or len(grids) > 1:
            raise UsageError(f"One Axes holds one panel, and here are {len(grids)}, one a run. Leave out ax.")
        box = ax.get_window_extent().transformed(ax.get_figure(root=True).dpi_scale_trans.inverted())  # type: ignore[union-attr]
        return [ax], (box.width / columns, box.height / rows)
    across = min(len(grids), a_line)
    lines = math.ceil(len(grids) / across)
    same_names = len({tuple(g.layers) for g in grids}) == 1
    names = (0.07 * max(len(name) for g in grids for name in g.layers) + 0.3) * (1 if same_names else across)
    width = wanted if a_line == 1 else min(wanted, PAGE[0] / across / columns)
    width = max(width, (NARROWEST - names - BAR) / across / columns)
    height = max(min(0.24, PAGE[1] / lines / rows), LOWEST / rows)
    figure.set_size_inches(across * columns * width + names + BAR, lines * (rows * height + 0.6) + 0.7)
    axes = figure.subplots(lines, across, squeeze=False, sharey=same_names).ravel().tolist()
    for spare in axes[len(grids) :]:
        spare.remove()
    for panel, title in zip(axes, titles, strict=False):
        panel.set_title(title, parse_math=False)
    return axes[: len(grids)], (width, height)


def headed(axes: Sequence[Axes], title: str, figure: Figure | None) -> None:
    """Set the title: above the one panel, or above all."""
    if figure is None or len(axes) == 1:
        axes[0].set_title(title, parse_math=False)
    else:
        figure.suptitle(title, parse_math=False)


def legend(
    axes: Sequence[Axes],
    entries: Sequence[Entry],
    figure: Figure | None,
    title: str | None = None,
    *,
    flat: bool = False,
) -> None:
    """Set the legend below the panels: an entry a line, or, if ``flat``, as many in a line as fit."""
    if not entries:
        return
    blanks = [handle for handle, _ in entries], [" "] * len(entries)
    if figure is None:
        drawn = axes[0].legend(*blanks, loc="upper left", bbox_to_anchor=(0, -0.16), borderaxespad=0, frameon=False)
    else:
        room = int((figure.get_figwidth() - 0.7) / 0.06)
        entries = [(handle, textwrap.fill(words, room)) for handle, words in entries]
        widest = max(len(line) for _, words in entries for line in words.splitlines())
        columns = max(1, min(len(entries), int(figure.get_figwidth() / (0.07 * widest + 0.55)))) if flat else 1
        drawn = figure.legend(*blanks, loc="outside lower center", frameon=False, ncols=columns, title=title)
    _worded(drawn, entries)


def side_legend(ax: Axes, entries: Sequence[Entry], title: str | None, figure: Figure | None) -> None:
    """Set the legend to the right of a panel, or within Axes that the caller brought."""
    if not entries:
        return
    blanks = [handle for handle, _ in entries], [" "] * len(entries)
    if figure is None:
        drawn = ax.legend(*blanks, loc="best", title=title)
    else:
        drawn = figure.legend(*blanks, loc="outside right upper", frameon=False, title=title)
    _worded(drawn, entries)


def _worded(drawn: Legend, entries: Sequence[Entry]) -> None:
    """Set the words afterwards, as they are: matplotlib may hide what starts with "_", and typesets what is in $."""
    for text, (_, words) in zip(drawn.get_texts(), entries, strict=True):
        text.set_parse_math(False)
        text.set_text(words)
