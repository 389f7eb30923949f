"""`write`: a report as one page that needs nothing else: no network, no fonts, no scripts from elsewhere."""

from __future__ import annotations

import base64
import gzip
from dataclasses import dataclass
from pathlib import Path

from deepnrc._version import __version__
from deepnrc.errors import UsageError
from deepnrc.figures import label
from deepnrc.page import pictures, sheets, texts
from deepnrc.page.explorer import explorer
from deepnrc.page.rendering import TEMPLATES, render, scripted
from deepnrc.table import TAU, Table, check_tau, opening, to_csv, write_whole

PLAIN_CSV = 300_000  # bytes; a larger table is embedded compressed


@dataclass(frozen=True)
class Download:
    """The tidy table as a link: its address, the file's name, and its size in words."""

    href: str
    name: str
    size: str


def write(report: Table, path: str | Path, title: str | None = None, tau: float = TAU) -> Path:
    """Write one self-contained page: what the runs come to, pictures, tables, explanations, provenance and the data.

    The file is there whole or not at all.

    Args:
        path: the file to write; folders on the way are made.
        title: heading; None for the names of the runs.
        tau: noise fraction up to which a layer is low in noise, in (0, 1).
    Returns: the path.
    Errors: UsageError for an empty report, a tau that is no noise fraction, or a path that is a folder or cannot be
        written to.
    """
    path = Path(path)
    if path.is_dir():
        raise UsageError(f"'{path}' is a folder. Name the file to write, such as 'report.html'.")
    write_whole({path: page(report, title, tau).encode("utf-8", errors="replace")}, "The page")
    return path


def page(report: Table, title: str | None = None, tau: float = TAU) -> str:
    """The page's text."""
    check_tau(tau)
    told = sheets.sheets(report, tau)
    values = {
        "title": title or f"Layer probes: {', '.join(label(run, 40) for run in report.runs)}",
        "version": __version__,
        **scripted(),
        "opening": opening(report, tau),
        "explorer": explorer(report, tau),
        "compared": texts.compared(report, told, tau),
        "verdicts": texts.verdicts(report, tau),
        "onset": pictures.onset(report, tau),
        "overview": pictures.overview(report, tau),
        "spectra": list(pictures.spectra(report)),
        "sheets": told,
        "explanations": texts.explanations(report),
        "origins": texts.origins(report),
        "measurements": len(report.provenance),
        "download": download(report),
        "rows": len(report.table),
    }
    return render(TEMPLATES, "report.html", values)


def download(report: Table) -> Download:
    """The tidy table as CSV (``deepnrc.table.read_csv`` reads it) in a data: address, compressed if it is large."""
    data, kind, name = (
        to_csv(report.table).encode("utf-8", errors="replace"),
        "text/csv;charset=utf-8",
        "deepnrc.csv",
    )
    if len(data) > PLAIN_CSV:
        data, kind, name = gzip.compress(data, mtime=0), "application/gzip", "deepnrc.csv.gz"
    return Download(f"data:{kind};base64,{base64.b64encode(data).decode()}", name, f"{len(data) / 1000:.0f} kB")
