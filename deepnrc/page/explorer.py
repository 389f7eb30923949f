"""What the page's script draws: every value a layer of every measure, run and step, with its standing, as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.colors import LogNorm

from deepnrc import figures
from deepnrc.page.sheets import goal
from deepnrc.table import NOISE, TAU, Table, described, main_ones, stages, words
from probes import HEATMAP, Probe

DIGITS = 4  # that count of a value, as many as its words show
STANDING = {"ok": "o", "degenerate": "d", "not defined": "n", "below floor": "f"}
NARROW, ABSENT = "w", "-"
MOST = 200_000  # values, above which the main measures alone are held


def explorer(report: Table, tau: float = TAU) -> str:
    """The page's map as JSON; "" for a report without values a layer.

    It holds ``runs`` (label, layers, stages of layers, steps, and verdicts by step and layer), and ``measures`` (name,
    words, scale, and for each run its values and their standing by step and layer).
    """
    rows = report.table[(report.table["depth"] >= 0) & (report.table["variant"] == "default")]
    if rows.empty:
        return ""
    places = {str(run): _place(str(run), part) for run, part in rows.groupby("run", sort=False)}
    judged = report.verdicts(tau) if NOISE in report.measures else None
    known = _probes(report, rows)
    held = {
        "runs": [{**place, "verdicts": _verdicts(place, judged)} for run, place in places.items()],
        "measures": [_measure(report, rows[rows["measure"] == probe.name], probe, places, tau) for probe in known],
        "main": [probe.name for probe in main_ones(report.table, report.provenance, HEATMAP)],
    }
    return json.dumps(held, separators=(",", ":"), allow_nan=False)


def _probes(report: Table, rows: pd.DataFrame) -> list[Probe]:
    """The measures that are held, the main ones first."""
    main = [probe.name for probe in main_ones(report.table, report.provenance, HEATMAP)]
    rest = [] if main and len(rows) > MOST else [name for name in dict.fromkeys(rows["measure"]) if name not in main]
    there = set(rows["measure"])
    return [described(name, provenance=report.provenance) for name in [*main, *rest] if name in there]


def _place(run: str, part: pd.DataFrame) -> dict[str, Any]:
    layers = part.drop_duplicates("depth").sort_values("depth")
    names = [str(name) for name in layers["layer"]]
    return {
        "run": run,
        "layers": names,
        "depths": [int(depth) for depth in layers["depth"]],
        "stages": [[name, place.start, place.stop] for name, place in stages(names)],
        "steps": sorted(int(step) for step in part["step"].unique()),
    }


def _verdicts(place: Mapping[str, Any], judged: pd.DataFrame | None) -> list[list[str]]:
    """The words of each layer's verdict, by step."""
    if judged is None:
        return []
    mine = judged[judged["run"] == place["run"]]
    low = mine["noise"].fillna(False).to_numpy(bool)
    said = {
        (int(step), int(depth)): words(verdict, quiet)
        for step, depth, verdict, quiet in zip(mine["step"], mine["depth"], mine["verdict"], low, strict=True)
    }
    return [[said.get((step, depth), "") for depth in place["depths"]] for step in place["steps"]]


def _measure(
    report: Table, rows: pd.DataFrame, probe: Probe, places: Mapping[str, Mapping[str, Any]], tau: float
) -> dict[str, Any]:
    standing = rows["status"].map(STANDING).to_numpy(object)
    value, floor = rows["value"].to_numpy(float), rows["floor"].to_numpy(float)
    standing[(value <= floor) & (standing == "o")] = STANDING["below floor"]
    standing[np.isnan(value) & (standing == "o")] = STANDING["not defined"]
    if probe.top_k:
        standing[(rows["dim"] < 2 * rows["rank"]).fillna(False).to_numpy(bool)] = NARROW
    good = (standing == "o") & ((value > 0) | (not probe.log))
    colours = figures.scale(probe, value[good], figures.marks(report.table, probe, tau))
    found = zip(*(rows[name].tolist() for name in ("run", "step", "depth")), value.tolist(), standing, strict=True)
    return {
        "name": probe.label,
        "title": probe.title,
        "goal": goal(probe),
        "meaning": probe.meaning,
        "formula": probe.formula,
        "better": probe.better,
        "level": colours.level,
        "log": isinstance(colours.norm, LogNorm),
        "low": float(colours.norm.vmin or 0),
        "high": float(colours.norm.vmax or 1),
        "cells": _cells(found, places),
    }


def _cells(
    found: Iterable[tuple[str, int, int, float, str]], places: Mapping[str, Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Of each run values, null where there is none, and standings, a letter a layer, by step."""
    grids = {run: _Grid(place) for run, place in places.items()}
    for run, step, depth, value, how in found:
        grids[run].fill(step, depth, value, how)
    return [{"v": grid.values, "s": ["".join(line) for line in grid.standing]} for grid in grids.values()]


class _Grid:
    """Values and standings of one run by step and layer."""

    def __init__(self, place: Mapping[str, Any]) -> None:
        self.step = {step: i for i, step in enumerate(place["steps"])}
        self.depth = {depth: i for i, depth in enumerate(place["depths"])}
        self.values: list[list[float | str | None]] = [[None] * len(self.depth) for _ in self.step]
        self.standing = [[ABSENT] * len(self.depth) for _ in self.step]

    def fill(self, step: int, depth: int, value: float, how: str) -> None:
        s, d = self.step[step], self.depth[depth]
        self.values[s][d], self.standing[s][d] = _rounded(value), how


def _rounded(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return repr(value).replace("inf", "Infinity") if math.isinf(value) else float(f"{value:.{DIGITS}g}")
