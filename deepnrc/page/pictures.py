"""The page's pictures as inline SVG: text stays text, and no two elements share an id."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup, escape

from deepnrc import figures
from deepnrc.table import FEATURES, NOISE, TAU, Table, main_ones
from probes import OVERVIEW

PANELS = 9  # of spectra, a panel a run: more of them nobody compares
DROPPED = re.compile(r"<\?xml.*?\?>|<!DOCTYPE.*?>|<!--.*?-->|<metadata>.*?</metadata>|<style.*?</style>", re.DOTALL)
HEAD = re.compile(r"<svg\b[^>]*?viewBox=\"0 0 ([\d.]+) ([\d.]+)\"[^>]*>")
FOLLOWING = {  # what a figure is drawn with, and what it is on a page
    'style="fill: #ffffff"': 'style="fill: none"',
    figures.INK: "currentColor",
    figures.LEVEL: f"var(--soft, {figures.LEVEL})",
}
FONTS = re.compile(r"'DejaVu Sans'(?:, [^;\"]*)?(?=[;\"])")


@dataclass(frozen=True)
class Picture:
    """A figure on the page: what it shows, in words, and the drawing."""

    caption: str
    svg: Markup


def onset(report: Table, tau: float = TAU) -> Picture | None:
    """Layers that are collapsed or low in noise, over steps; None for one step, or without noise fractions."""
    if len(report.steps) < 2 or NOISE not in report.measures:
        return None
    return _picture(
        "onset",
        "How many layers up to the last are collapsed, or low in noise, over the steps",
        figures.onset,
        report,
        tau=tau,
    )


def overview(report: Table, tau: float = TAU) -> Picture | None:
    """The main measures by depth; None if the report holds none of them."""
    if not main_ones(report.table, report.provenance, OVERVIEW):
        return None
    return _picture("overview", "The main measures by depth", figures.overview, report, tau=tau)


def spectra(report: Table) -> Iterator[Picture]:
    """The features' eigenvalues at the last step of each run, by index and by depth; nothing if they were not kept.

    Of more runs than ``PANELS`` as many are drawn, from the first to the last at even distances.
    """
    kept = report.spectra.loc[report.spectra["spectrum"] == FEATURES, "run"].unique()
    if len(kept) == 0:
        return
    some, aside = report, ""
    if len(kept) > PANELS:
        some = report.where(run=[str(kept[i]) for i in np.linspace(0, len(kept) - 1, PANELS).round().astype(int)])
        aside = f", of {PANELS} of the {len(kept)} runs (spectrum(run=...) draws any of them)"
    for along, words in (("index", "by index, a line a layer"), ("depth", "by depth, a line a value")):
        caption = f"Eigenvalues of the features over the largest, at the last step of each run, {words}{aside}"
        yield _picture(f"spectrum-{along}", caption, figures.spectrum, some, along=along)


def _picture(prefix: str, caption: str, draw: Callable[..., Any], *args: Any, **kwargs: Any) -> Picture:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "figure.svg"
        draw(*args, path=path, **kwargs)
        return Picture(caption, inline(path.read_text(encoding="utf-8"), prefix, caption))


def inline(svg: str, prefix: str, caption: str) -> Markup:
    """An SVG file's text as an element of a page: ids under a prefix, nothing that reaches outside, and a name.

    Its ink is that of the page and its paper is left out, so that it can be read in dark mode and colours stay.
    """
    for drawn, followed in FOLLOWING.items():
        svg = svg.replace(drawn, followed)
    svg = FONTS.sub("sans-serif", DROPPED.sub("", svg)).strip()
    svg = re.sub(r'\bid="([^"]*)"', rf'id="{prefix}-\1"', svg)
    svg = re.sub(r'href="#([^"]*)"', rf'href="#{prefix}-\1"', svg)
    svg = re.sub(r"url\(#([^)]*)\)", rf"url(#{prefix}-\1)", svg)

    def head(found: re.Match[str]) -> str:
        width, height = found.groups()
        return (
            f'<svg xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 {width} {height}" role="img" '
            f'aria-label="{escape(caption)}" style="width:{float(width) * 1.75:.0f}px">'
        )

    return Markup(HEAD.sub(head, svg, count=1))
