"""A study's page with its summary, and the index of all studies; the same for every kind of study."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deepnrc.page import render, scripted
from deepnrc.table import write_whole
from deepnrc.wording import shown
from experiments.claims import Verdict
from experiments.pages.gallery import Drawn

TEMPLATES = Path(__file__).parent / "templates"
VALUES = {"table.parquet": "every value", "settings.json": "configuration"}
LISTED = {"claim", "verdict", "standing", "measured", "threshold"}  # what the page of all studies tells of a claim
WHERE = ("jobs", "backend", "scheduler", "out", "progress", "settings")  # flags that change nothing in the results


@dataclass(frozen=True, kw_only=True)
class Page:
    """What a study tells.

    Attributes:
        name: of the study, and of its folder.
        about: what it shows and how to read it.
        cells, seconds: how many networks or descents, and how long they took in all.
        tables: {"caption", "columns", "rows"} each.
        settings: rows of the table of settings; see the template.
        errors: what its columns "train" and "test" hold, as their headings.
        files: further files in the folder, with what they hold.
        plan: what was run, as ``cells.plan`` has it; empty for what is no sweep.
        explorer: the cells of the page's map, as ``deepnrc.page.explorer`` has them; "" for none.
    """

    name: str
    about: str
    verdicts: Sequence[Verdict]
    drawn: Sequence[Drawn]
    cells: int
    seconds: float
    warnings: Sequence[str] = ()
    tables: Sequence[Mapping[str, Any]] = ()
    settings: Sequence[Mapping[str, Any]] = ()
    errors: tuple[str, str] = ("Training MSE", "Held-out loss")
    files: Mapping[str, str] = field(default_factory=lambda: VALUES)
    plan: str = ""
    explorer: str = ""

    def write(self, folder: Path) -> dict[Path, str]:
        """Write summary.json, index.html and the index beside the folder; the files to open, with what they show."""
        summary = {
            "name": self.name,
            "about": self.about,
            "verdicts": [verdict.row() for verdict in self.verdicts],
            "warnings": list(self.warnings),
            "tables": list(self.tables),
            "pictures": [{"file": picture.file.name, "caption": picture.caption} for picture in self.drawn],
            "seconds": self.seconds,
            "cells": self.cells,
            "plan": self.plan,
        }
        page = folder / "index.html"
        also = {
            "drawn": self.drawn,
            "settings": self.settings,
            "errors": self.errors,
            "files": self.files,
            "explorer": self.explorer,
        }
        text = render(TEMPLATES, "study.html", summary | also | scripted())
        held = json.dumps(summary, indent=2)
        write_whole({folder / "summary.json": held.encode(), page: text.encode()}, "The study's page")
        first, what = next(iter(self.files.items()))
        return {page: "the study's page", write_index(folder.parent): "all studies", folder / first: what}


def write_index(folder: Path) -> Path:
    """The page that links every study under the folder."""
    found = [summary for path in sorted(folder.glob("*/summary.json")) if (summary := _summary(path)) is not None]
    page = folder / "index.html"
    write_whole({page: render(TEMPLATES, "index.html", {"studies": found}).encode()}, "The page of all studies")
    return page


def _summary(file: Path) -> dict[str, Any] | None:
    """What a study left; None if that is nothing of this version's."""
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        whole = {"name", "about"} <= set(held) and all(set(verdict) >= LISTED for verdict in held["verdicts"])
    except (OSError, ValueError, TypeError, KeyError):
        return None
    return held if whole else None


def saved(flags: Any) -> dict[str, Any]:
    """The flags of a study, a dataclass, that decide on its results; as settings.json holds them."""
    decisive = {name: value for name, value in asdict(flags).items() if name not in WHERE}
    plain: dict[str, Any] = json.loads(json.dumps(decisive, default=str))
    return plain


def leave_settings(flags: Any, folder: Path) -> None:
    """Write the flags into the folder's settings.json; the summary that a run with other flags left there goes."""
    folder.mkdir(parents=True, exist_ok=True)
    if left_settings(folder) != saved(flags):
        (folder / "summary.json").unlink(missing_ok=True)
    write_whole({folder / "settings.json": json.dumps(saved(flags), indent=2).encode()}, "The settings")


def left_settings(folder: Path) -> dict[str, Any] | None:
    """What a run left in the folder's settings.json, but for flags that change no results; None if it is none."""
    try:
        values = json.loads((folder / "settings.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return {name: value for name, value in values.items() if name not in WHERE} if isinstance(values, dict) else None


def closing(name: str, seconds: float, files: Mapping[Path, str]) -> None:
    """Print how long a study took, and the files to open with what they show."""
    print(f"\n{name}: done in {seconds:.0f} s. Open:")
    for path, what in files.items():
        print(shown(f"  {path}  {what}"))
