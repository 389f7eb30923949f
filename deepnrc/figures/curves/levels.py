"""The levels drawn into curves: tau, target, chance, the network's own error and the numerical floor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from deepnrc.figures.canvas import INK
from deepnrc.figures.references import marks, network
from deepnrc.figures.words import number
from deepnrc.table import TAU, Table
from probes import Probe

NEAR = 1e3  # the floor is drawn if a value comes within this factor of it
LEVEL = "#5a5a5a"
DASHED: dict[str, Any] = {"color": LEVEL, "linewidth": 0.9, "linestyle": "--", "zorder": 1}
DOTTED: dict[str, Any] = {**DASHED, "linestyle": ":", "linewidth": 1.1}
Coloured = Sequence[tuple[tuple[float, float, float], pd.DataFrame]]


def levels(ax: Axes, report: Table, probe: Probe, drawn: Coloured, along: str, tau: float = TAU) -> None:
    """Draw what the lines' values are to be held against, each named at the right edge."""
    if along == "depth":
        _chance(ax, [rows.dropna(subset="chance") for _, rows in drawn])
    _floor(ax, pd.concat([rows for _, rows in drawn]), along)
    if (probe.name, probe.variant) == ("deep.linear_mse", "default"):
        _own_error(ax, report, drawn)
        return
    for mark in marks(report.table, probe.name, probe.variant, tau):
        if mark.words != "chance":
            for level in {mark.low, mark.high}:
                ax.axhline(level, **DASHED)
            _say(ax, mark.low, f"{mark.short}\n{number(mark.low, probe.log, 1)}")


def _own_error(ax: Axes, report: Table, drawn: Coloured) -> None:
    own = network(report.table, "model.mse")
    last = own.sort_values("step").drop_duplicates("run", keep="last").set_index("run")["value"]
    last = last[np.isfinite(last)]
    for run, level in last.items():
        colours = [colour for colour, rows in drawn if len(last) > 1 and rows["run"].iloc[0] == run]
        ax.axhline(level, **{**DASHED, "color": [*colours, LEVEL][0]})
    if len(last):
        _say(ax, float(last.min()), f"network\n{number(last.min(), decimals=1)}" if len(last) == 1 else "network\nMSE")


def _chance(ax: Axes, drawn: Sequence[pd.DataFrame]) -> None:
    seen: set[tuple[float, ...]] = set()
    for rows in drawn:
        level = tuple(rows["chance"].round(12))
        if level and level not in seen:
            ax.plot(rows["depth"], rows["chance"], **DOTTED)
            if not seen:
                _say(ax, level[-1], "chance")
            seen.add(level)


def _floor(ax: Axes, rows: pd.DataFrame, along: str) -> None:
    if (rows["value"] <= NEAR * rows["floor"]).any():
        highest = rows.groupby(along)["floor"].max()
        ax.plot(highest.index, highest, **DOTTED)
        _say(ax, float(highest.iloc[-1]), "floor")


def _say(ax: Axes, level: float, words: str) -> None:
    place: Any = {"xycoords": ("axes fraction", "data"), "textcoords": "offset points", "annotation_clip": False}
    ax.annotate(words, xy=(1, level), xytext=(2, 0), **place, va="center", fontsize=6.5, color=INK)
