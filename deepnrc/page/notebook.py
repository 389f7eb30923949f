"""A report as a notebook shows it: the sentence, one heatmap, and a row a layer."""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

from deepnrc import figures
from deepnrc.page.rendering import TEMPLATES, render
from deepnrc.page.sheets import sheets
from deepnrc.table import NOISE, TAU, Table, opening

RUNS = 4  # with their tables; of more the first ones


def fragment(report: Table, tau: float = TAU) -> str:
    """The HTML of a report in a notebook's cell; "" for an empty report."""
    if report.table.empty:
        return ""
    found = sheets(report, tau)[:RUNS]
    narrowed = any(column.main for sheet in found for column in sheet.columns)
    values = {"opening": opening(report, tau), "picture": _picture(report, tau), "sheets": found, "narrowed": narrowed}
    return render(TEMPLATES, "cell.html", values)


def _picture(report: Table, tau: float) -> str:
    """The heatmap as base64 of a PNG; "" where no measure has a value a layer."""
    if not (report.table["depth"] >= 0).any():
        return ""
    several = NOISE in report.measures and report.table.groupby("run")["step"].nunique().max() > 1
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "heatmap.png"
        if several:
            figures.heatmap(report, NOISE, across="step", tau=tau, path=path)
        else:
            figures.heatmap(report, None, across="measure", tau=tau, path=path)
        return base64.b64encode(path.read_bytes()).decode()
