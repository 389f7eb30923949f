"""What the study leaves in its folder: the table of every value, a summary, pictures and the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from experiments.pages import Page
from experiments.studies.ufm import pictures
from experiments.studies.ufm.agreement import Part

ABOUT = (
    "Models whose features are free parameters, descended to their minima and held against their closed forms: "
    "regression (Andriopoulos et al.), deep linear regression, and classifiers of one and two levels (Tirer & Bruna). "
    "Losses, every measure of every layer and every singular value are predicted; the framework's own probes read "
    "what descent reached."
)


def write(name: str, parts: Sequence[Part], folder: Path, seconds: float) -> dict[Path, str]:
    """Write everything and return the files to open, with what they show."""
    table = pd.concat([part.table for part in parts], ignore_index=True)
    table.to_parquet(folder / "table.parquet", index=False)
    page = Page(
        name=name,
        about=ABOUT,
        verdicts=[claim for part in parts for claim in part.claims],
        warnings=warnings(parts),
        tables=[part.summary() for part in parts],
        drawn=list(pictures.draw_all(table, folder)),
        seconds=seconds,
        cells=sum(part.cells for part in parts),
    )
    return page.write(folder)


def warnings(parts: Sequence[Part]) -> list[str]:
    """Models of which no start reached the predicted loss, from above or below."""
    return [
        f"{row.model}, {row.setting}: no start reached the predicted loss; the lowest ended "
        f"{abs(row.reached - row.predicted):.1e} {'below' if row.reached < row.predicted else 'above'} it."
        for part in parts for row in part.rows if not row.near
    ]  # fmt: skip
