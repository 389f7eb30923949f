"""What a study leaves behind: tables, pictures, a page, and its line in the index of all studies."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any

from tqdm.auto import tqdm

from deepnrc.page.rendering import render
from experiments import theory
from experiments.claims import FITTED
from experiments.pictures import draw_all
from experiments.results import Results
from experiments.study import Claim, Setting

DROPPED = 0.1  # share of a target direction's variance that is explained; below, it counts as dropped
DECAYED = 5.0  # e-foldings of the weights by decay alone; with fewer, weight decay has hardly acted
TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Verdict:
    """A claim held against what was measured."""

    claim: Claim
    measured: float

    @property
    def answer(self) -> str:
        """In a word or two."""
        if math.isnan(self.measured):
            return "not measurable"
        return "holds" if self.claim.holds(self.measured) else "does not hold"

    def row(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "claim": self.claim.statement,
            "source": self.claim.source,
            "measured": f"{self.measured:.3g}",
            "threshold": f"{self.claim.relation} {self.claim.threshold:g}",
            "verdict": self.answer,
        }


def verdicts(results: Results) -> list[Verdict]:
    """Every claim of the study with its number."""
    return [Verdict(claim, float(claim.measured(results))) for claim in results.study.claims]


def verdict_text(results: Results) -> str:
    """The verdict table for a terminal."""
    lines = [
        f"[{v.answer}] {v.claim.statement}: {v.measured:.3g} ({v.claim.relation} {v.claim.threshold:g})"
        for v in verdicts(results)
    ]
    return "\n".join([*lines, *(f"! {warning}" for warning in warnings(results))])


def warnings(results: Results) -> list[str]:
    """What went wrong in cells: runs that diverged, target directions that too much weight decay dropped."""
    found = [f"{r['title']} diverged: {r['diverged']}" for r in results.records if r["diverged"]]
    for setting in results.study.settings:
        if setting.recipe.epochs and setting.recipe.weight_decay:
            found.extend(f"{setting.label}: {slow}" for slow in _slow(results, setting))
            found.extend(f"{setting.label}: {missing}" for missing in _dropped(results, setting.label))
    return found


def _slow(results: Results, setting: Setting) -> Iterator[str]:
    """AdamW whose decay had no time to act: its weight decay is lr times smaller a step than that of SGD or L2."""
    time = next(r["decay_time"] for r in results.records if r["label"] == setting.label)
    if setting.recipe.optimizer == "adamw" and time < DECAYED:
        yield (
            f"AdamW multiplies weight decay by the learning rate, and over this training it acts {time:.2g} times; "
            f"collapse needs about {DECAYED:g}. Raise --weight-decay or --epochs, or choose --optimizer adam."
        )


def _dropped(results: Results, label: str) -> Iterator[str]:
    """Target directions that a network with weight decay leaves out: the sign of too much of it."""
    shares = [r["explained"] for r in results.records if r["label"] == label and not r["diverged"]]
    for i, seeds in enumerate(zip_longest(*shares), 1):  # a seed's split may hold fewer directions
        mine = [share for share in seeds if share is not None]
        mean = sum(mine) / len(mine)
        if mean < FITTED:
            what = "the direction was dropped" if mean < DROPPED else "it is hardly fitted, and collapse says little"
            yield (
                f"{100 * max(mean, 0):.1f} % of target direction {i} is explained: {what} "
                "(too much weight decay, or too little training)"
            )


def write(results: Results, folder: Path, progress: bool = True) -> dict[Path, str]:
    """Write everything and return the files to open, with what they show."""
    results.table.to_parquet(folder / "table.parquet", index=False)
    found = verdicts(results)
    fitted = theory.fits(results) if results.study.theory else {}
    with tqdm(
        draw_all(results, folder, fitted), desc="drawing", unit="picture", disable=not progress, leave=False
    ) as bar:
        pictures = list(bar)
    summary = {
        "name": results.study.name,
        "about": results.study.about,
        "verdicts": [verdict.row() for verdict in found],
        "warnings": warnings(results),
        "tables": [theory.table(fitted)] if fitted else [],
        "pictures": [{"file": p.file.name, "caption": p.caption} for p in pictures],
        "seconds": sum(record["seconds"] for record in results.records),
        "cells": len(results.records),
    }
    (folder / "summary.json").write_text(json.dumps(summary, indent=2))
    page = folder / "index.html"
    page.write_text(
        render(TEMPLATES, "study.html", summary | {"drawn": pictures, "settings": _settings(results)}), encoding="utf-8"
    )
    index = write_index(folder.parent)
    return {page: "the study's page", index: "all studies", folder / "table.parquet": "every value"}


def write_index(folder: Path) -> Path:
    """The page that links every study under the folder."""
    found = [json.loads(path.read_text()) for path in sorted(folder.glob("*/summary.json"))]
    page = folder / "index.html"
    page.write_text(render(TEMPLATES, "index.html", {"studies": found}), encoding="utf-8")
    return page


def _settings(results: Results) -> list[dict[str, Any]]:
    rows = []
    for setting in results.study.settings:
        mine = [r for r in results.records if r["label"] == setting.label]
        train = results.last("model.mse").query("setting == @setting.label")["value"].mean()
        test = sum(r["test_loss"] for r in mine) / len(mine)
        time = mine[0]["decay_time"]
        rows.append(
            {
                "label": setting.label,
                "seeds": len(mine),
                "train": f"{train:.3g}",
                "test": f"{test:.3g}",
                "decay": "unknown" if time is None else f"{time:.2g}",
            }
        )
    return rows
