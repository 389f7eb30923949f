"""What a study measured, over all its settings and seeds."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

import deepnrc
from deepnrc.table import COLUMNS, join
from experiments.runner.cells import Cell
from experiments.runner.study import Study


@dataclass(frozen=True)
class Group:
    """Settings that differ only in what is swept.

    Attributes:
        name: the facts that they share, in words; empty if there are none.
        labels: of its settings, each with how a picture of this group calls it.
    """

    name: str
    labels: dict[str, str]

    @property
    def slug(self) -> str:
        """The name as part of a file's name."""
        return re.sub(r"[^a-z0-9]+", "-", self.name.lower()).strip("-")

    def of(self, rows: pd.DataFrame) -> pd.DataFrame:
        """The rows of its settings."""
        return rows[rows["setting"].isin(list(self.labels))]


@dataclass(frozen=True)
class Results:
    """All cells of a study.

    Attributes:
        table: every cell's tidy table, with the columns ``setting``, ``seed`` and ``diverged``, and one for each fact
            that is swept. No mean or verdict takes in a cell that diverged.
        records: every cell's ``cell.json``, in the study's order; named as the study names them now.
        reports: every cell's report, in the same order.
        folders: every cell's folder, in the same order.
    """

    study: Study
    table: pd.DataFrame
    records: tuple[dict[str, Any], ...]
    reports: tuple[deepnrc.Report, ...]
    folders: tuple[Path, ...] = ()

    @classmethod
    def read(cls, study: Study, cells: Sequence[Cell], store: Path) -> Results:
        """Read the cells' folders."""
        records = tuple(
            json.loads((store / cell.key / "cell.json").read_text())
            | {"title": cell.title, "label": cell.setting.label, "facts": dict(cell.setting.facts)}
            for cell in cells
        )
        reports = tuple(deepnrc.load(store / cell.key).renamed(cell.title) for cell in cells)
        parts = [
            report.table.assign(
                setting=cell.setting.label,
                seed=cell.seed,
                diverged=record["diverged"] is not None,
                **dict(cell.setting.facts),
            )
            for cell, record, report in zip(cells, records, reports, strict=True)
        ]
        folders = tuple(store / cell.key for cell in cells)
        return cls(study, pd.concat(parts, ignore_index=True), records, reports, folders)

    def folder_of(self, label: str, seed: int) -> Path | None:
        """The folder of a cell; None if it diverged or is not there."""
        for record, folder in zip(self.records, self.folders, strict=False):
            if (record["label"], record["seed"]) == (label, seed) and not record["diverged"]:
                return folder
        return None

    def only(self, beginning: str) -> Results:
        """The results of the settings whose labels begin so."""
        settings = tuple(s for s in self.study.settings if s.label.startswith(beginning))
        if len(settings) == len(self.study.settings):
            return self
        kept = [record["label"].startswith(beginning) for record in self.records]
        return Results(
            replace(self.study, settings=settings),
            self.table[self.table["setting"].str.startswith(beginning)],
            tuple(compress(self.records, kept)),
            tuple(compress(self.reports, kept)),
            tuple(compress(self.folders, kept)),
        )

    @property
    def settings(self) -> list[str]:
        """Labels of the settings in the study's order."""
        return [setting.label for setting in self.study.settings]

    @property
    def swept(self) -> list[str]:
        """Labels of the settings that belong to the sweep: not what only stands beside it, such as "untrained"."""
        return [s.label for s in self.study.settings if s.facts.get(self.study.sweep) is not None]

    def groups(self) -> list[Group]:
        """Settings that share all facts but the swept one; what only stands beside the sweep is in every group."""
        sweep = self.study.sweep
        found: dict[str, dict[str, str]] = {}
        for setting in self.study.settings:
            shared = {name: value for name, value in setting.facts.items() if name != sweep}
            name, value = ", ".join(_said(*item) for item in shared.items()), setting.facts.get(sweep)
            label = setting.label if value is None or not name else _said(sweep, value)
            found.setdefault(name, {})[setting.label] = label
        beside = found.pop("", {}) if len(found) > 1 else {}
        return [Group(name, beside | labels) for name, labels in found.items()]

    def grouped(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows with a column ``group``: the name of each one's group."""
        names = {label: group.name for group in self.groups() for label in group.labels}
        return rows.assign(group=rows["setting"].map(names))

    def sweep_values(self) -> list[float]:
        """The values of what is swept, ascending, if they are numbers; none otherwise."""
        values = {setting.facts.get(self.study.sweep) for setting in self.study.settings} - {None}
        numbers = [value for value in values if isinstance(value, int | float)]
        return sorted(numbers) if len(numbers) == len(values) else []

    @property
    def trained(self) -> pd.DataFrame:
        """The table without cells that diverged."""
        return self.table[~self.table["diverged"]]

    def last(self, measure: str, variant: str = "default") -> pd.DataFrame:
        """Rows of a measure at the last step of each cell, of the layers for which it is defined.

        A degenerate value is no measurement, and is NaN here.
        """
        rows = self.trained[(self.trained["measure"] == measure) & (self.trained["variant"] == variant)]
        rows = rows[rows["step"] == rows.groupby(["setting", "seed"])["step"].transform("max")]
        rows = rows[rows["status"] != "not defined"]
        return rows.assign(value=rows["value"].where(rows["status"] != "degenerate"))

    def by_layer(self, measure: str, variant: str = "default") -> pd.DataFrame:
        """Mean over seeds at the last step: a row a layer in depth order, a column a setting of the sweep."""
        rows = self.last(measure, variant)
        means = rows.pivot_table(index="depth", columns="setting", values="value", aggfunc="mean", dropna=False)
        return means.reindex(columns=self.swept)

    def top(self, measure: str, variant: str = "default") -> pd.Series[float]:
        """Mean over seeds at the last step and the last layer for which the measure is defined, by setting."""
        rows = self.last(measure, variant)
        rows = rows[_deepest(rows)]
        return rows.groupby("setting")["value"].mean().reindex(self.settings)

    def last_layer(self, measure: str, variant: str = "default") -> pd.DataFrame:
        """Rows of the swept settings with a value at the last step and the last layer for which it is defined."""
        rows = self.last(measure, variant)
        rows = rows[_deepest(rows)].dropna(subset="value")
        return rows[rows["setting"].isin(self.swept)]

    def layers(self, setting: int = -1) -> list[int]:
        """Depths of the layers of the swept setting at that position; none if all its cells diverged."""
        rows = self.trained[self.trained["setting"] == self.swept[setting]]
        return sorted({int(depth) for depth in rows["depth"] if depth >= 0})

    def overall(self, seed: int | None = None) -> deepnrc.Report:
        """One report with a run a setting: of one seed, or the mean over all seeds.

        A mean keeps the status and the note of the first seed.
        """
        if seed is not None:
            chosen = [
                report.renamed(record["label"])
                for report, record in zip(self.reports, self.records, strict=True)
                if record["seed"] == seed
            ]
            return join(chosen)
        keys = ["setting", "step", "depth", "layer", "kind", "measure", "variant", "pool"]
        numbers = ["value", "chance", "floor"]
        grouped = self.trained.groupby(keys, sort=False, dropna=False)
        means = (
            grouped[numbers].mean().join(grouped[["status", "note", "n_samples", "dim", "target_dim", "rank"]].first())
        )
        rows = means.reset_index().rename(columns={"setting": "run"})
        rows["run"] = pd.Categorical(rows["run"], self.settings, ordered=True)
        rows = rows.sort_values(["run", "step", "depth"], kind="stable").astype({"run": str})
        return deepnrc.Report(
            rows[list(COLUMNS)].astype(COLUMNS).reset_index(drop=True), self.reports[0].provenance[:0]
        )

    def inner(self, measure: str, variant: str = "default") -> pd.DataFrame:
        """``by_layer`` without the first layer, whose features no training changes, and without the last."""
        table = self.by_layer(measure, variant)
        table = table[table.index >= 0]
        return table.iloc[1:-1]


def _deepest(rows: pd.DataFrame) -> pd.Series[bool]:
    """Which rows are of the last layer of their network."""
    return rows["depth"] == rows.groupby(["setting", "seed"])["depth"].transform("max")


def _said(fact: str, value: object) -> str:
    """A fact in words: "targets raw", "weight decay 0.001", "last ReLU" or "no last ReLU"."""
    if isinstance(value, bool):
        return fact if value else f"no {fact}"
    return f"{fact} {value:g}" if isinstance(value, int | float) else f"{fact} {value}"


def falls(table: pd.DataFrame) -> float:
    """Share of rows that fall from each column to the next, in [0, 1]; ties of 1 % do not count against, but from the
    first column to the last a row must fall by more.

    NaN where there is nothing to compare: no rows, fewer than two columns, or a value that is not known.
    """
    values = table.to_numpy(dtype=float)
    if not _comparable(values):
        return np.nan
    steps = (values[:, 1:] <= values[:, :-1] * 1.01).all(axis=1)
    return float(np.mean(steps & (values[:, -1] < values[:, 0] * 0.99)))


def rises(table: pd.DataFrame) -> float:
    """As ``falls``, for rising."""
    values = table.to_numpy(dtype=float)
    if not _comparable(values):
        return np.nan
    steps = (values[:, 1:] >= values[:, :-1] * 0.99).all(axis=1)
    return float(np.mean(steps & (values[:, -1] > values[:, 0] * 1.01)))


def _comparable(values: NDArray[np.float64]) -> bool:
    return len(values) > 0 and values.shape[1] > 1 and not np.isnan(values).any()
