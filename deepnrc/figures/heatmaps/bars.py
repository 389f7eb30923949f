"""The colour bar: ticks that can be read, and the reference levels among them."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

import numpy as np
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colorbar import Colorbar
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.ticker import FixedFormatter, FixedLocator, MaxNLocator, NullLocator

from deepnrc.figures.canvas import INK
from deepnrc.figures.referencelines import Mark
from deepnrc.figures.scales import COLLAPSED_IS_DARK, Scale
from deepnrc.figures.words import log_ticks, number
from probes import Probe

CLOSE = 0.055  # ticks nearer than this share of the bar to a reference give way to it
WORDS = 0.22  # inches of height that a tick's label needs to itself, before title and legend take theirs
THICK = 0.11  # inches
LETTER = 0.09  # inches of height a letter of the label, with room for what stands above and below the panels
LEAST = 14  # letters in a line of the label


def bar(axes: Sequence[Axes], probe: Probe, colours: Scale, marks: Sequence[Mark]) -> None:
    """The colour bar of one measure, with its reference levels as ticks."""
    open_ended = any(mark.held.collapsed for mark in marks)
    beyond = "max" if probe.better == "high" else "min"
    drawn = _beside(axes, colours.norm, colours.cmap, beyond if open_ended else "neither")
    ticks = _with_marks(_ticks(colours.norm), marks, colours.norm, max(CLOSE, WORDS / _height(axes)))
    drawn.ax.yaxis.set_major_locator(FixedLocator([level for level, _ in ticks]))
    drawn.ax.yaxis.set_major_formatter(FixedFormatter([words for _, words in ticks]))
    drawn.ax.yaxis.set_minor_locator(NullLocator())
    for mark in marks:
        for level in {mark.low, mark.high}:
            drawn.ax.axhline(level, color="white", linewidth=2.4)
            drawn.ax.axhline(level, color=INK, linewidth=1.0)
    # collapsed is a layer by its verdict alone, never by the colour of one measure
    dark = "low noise" if probe.reference is not None and probe.reference.threshold else probe.better
    if colours.level is not None and probe.reference is not None:
        dark = f"the {probe.reference.short}'s" if probe.reference.measure else probe.reference.short
    said = f"(dark = {dark})" if colours.directed else ""
    drawn.set_label(_wrapped(probe.title, said, max(LEAST, int(_height(axes) / LETTER))))


def direction_bar(axes: Sequence[Axes], neutral: bool) -> None:
    """The colour bar of panels whose columns have a scale each."""
    drawn = _beside(axes, Normalize(0, 1), colormaps[COLLAPSED_IS_DARK], "neither")
    drawn.set_ticks([0, 1], labels=["as when\ncollapsed", "far\nfrom it"])
    drawn.ax.tick_params(length=0)
    drawn.set_label("each column on its own scale" + ("\norange: no direction" if neutral else ""))


def _beside(axes: Sequence[Axes], norm: Normalize, cmap: Colormap, extend: str) -> Colorbar:
    figure = axes[0].get_figure()
    assert figure is not None
    aspect = max(10, _height(axes) / THICK)
    drawn = figure.colorbar(ScalarMappable(norm, cmap), ax=list(axes), aspect=aspect, pad=0.03, extend=extend)
    drawn.outline.set_visible(False)
    return drawn


def _wrapped(title: str, said: str, letters: int) -> str:
    """Title and what is said of it in one line, or in as many as it takes to keep to so many letters each."""
    whole = f"{title} {said}".strip()
    return whole if len(whole) <= letters else "\n".join([*textwrap.wrap(title, letters), said]).strip()


def _height(axes: Sequence[Axes]) -> float:
    """From the top of the panels to their bottom, in inches, before they are laid out."""
    whole = axes[0].get_figure(root=True)
    assert whole is not None
    boxes = [panel.get_position() for panel in axes]
    return float((max(box.y1 for box in boxes) - min(box.y0 for box in boxes)) * whole.get_figheight())


def _ticks(norm: Normalize) -> list[tuple[float, str]]:
    low, high = float(norm.vmin or 0), float(norm.vmax or 1)
    if not isinstance(norm, LogNorm):
        levels = [float(t) for t in MaxNLocator(5).tick_values(low, high) if low <= t <= high]
        return [(level, f"{level:g}") for level in levels]
    return log_ticks(low, high, 7)


def _with_marks(
    ticks: list[tuple[float, str]], marks: Sequence[Mark], norm: Normalize, close: float = CLOSE
) -> list[tuple[float, str]]:
    named = []
    for mark in marks:
        same = mark.high - mark.low <= 0.005 * abs(mark.high)
        low, high = (number(level, isinstance(norm, LogNorm), 1) for level in (mark.low, mark.high))
        words = f"{high} {mark.held.short}" if same else f"{low}–{high} {mark.held.short}"
        middle = float(norm.inverse((norm(mark.low) + norm(mark.high)) / 2))
        named.append((middle, words))
    reserved = np.array(
        [norm(level) for mark in marks for level in (mark.low, mark.high)] + [norm(t) for t, _ in named]
    )
    free = [tick for tick in ticks if not len(reserved) or np.abs(reserved - norm(tick[0])).min() > close]
    return [*free, *named]
