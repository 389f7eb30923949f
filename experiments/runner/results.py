"""What a study measured, over all its settings and seeds."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from pathlib import Path
from typing import Any

import pandas as pd

import deepnrc
from deepnrc.errors import UsageError
from deepnrc.table import join
from experiments.runner.cells import Cell
from experiments.runner.study import DECAY, Fact, Setting, Study, in_words


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


@dataclass(frozen=True)
class Results:
    """All cells of a study.

    Attributes:
        table: every cell's tidy table, with the columns ``setting``, ``seed`` and ``diverged``, and one for each fact.
            No mean or verdict takes in a cell that diverged.
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
            | {"title": cell.title, "label": cell.setting.label, "facts": cell.setting.facts}
            for cell in cells
        )
        reports = tuple(deepnrc.load(store / cell.key).renamed(cell.title) for cell in cells)
        told = [told_of(cell.setting, record) for cell, record in zip(cells, records, strict=True)]
        return cls(study, beside(reports, told), records, reports, tuple(store / cell.key for cell in cells))

    def folder_of(self, label: str, seed: int) -> Path | None:
        """The folder of a cell; None if it diverged or is not there."""
        for record, folder in zip(self.records, self.folders, strict=False):
            if (record["label"], record["seed"]) == (label, seed) and not record["diverged"]:
                return folder
        return None

    def where(self, **facts: Fact | None) -> Results:
        """The results of the settings that have these facts: ``where(targets="raw", last_relu=False)``.

        Errors: UsageError if there are none, with what there is.
        """
        study = self.study
        strange = [name for name in facts if name not in study.facts]
        if strange:
            raise UsageError(f"No setting has the fact {strange[0]!r}; there are {', '.join(study.facts)}.")
        settings = tuple(setting for setting in study.settings if setting.has(facts))
        if not settings:
            raise UsageError(f"No setting has {in_words(facts)}; there are: {'; '.join(self.settings)}.")
        return self._cut(replace(study, settings=settings), "setting", {setting.label for setting in settings})

    def single(self, seed: int) -> Results:
        """The results of one seed."""
        return self._cut(replace(self.study, seeds=(seed,)), "seed", {seed})

    def only(self, label: str) -> Results:
        """The results of one setting."""
        settings = tuple(setting for setting in self.study.settings if setting.label == label)
        return self._cut(replace(self.study, settings=settings), "setting", {label})

    def _cut(self, study: Study, column: str, values: set[Any]) -> Results:
        """The cells whose ``column`` of the table has one of the values; a record calls the setting its label."""
        kept = [record["label" if column == "setting" else column] in values for record in self.records]
        return Results(
            study,
            self.table[self.table[column].isin(values)],
            tuple(compress(self.records, kept)),
            tuple(compress(self.reports, kept)),
            tuple(compress(self.folders, kept)),
        )

    def at_ends(self, ends: Mapping[str, str]) -> Results:
        """The results with each setting's values at the "low" or at the "high" ends of their intervals, where they
        have any."""
        column = self.table["setting"].map(ends)
        moved = self.table["low"].where(column == "low", self.table["high"])
        reports = tuple(
            replace(report, table=_at(report.table, report.table[ends[record["label"]]]))
            for report, record in self._cells()
        )
        return replace(self, table=_at(self.table, moved), reports=reports)

    @property
    def settings(self) -> list[str]:
        """Labels of the settings in the study's order."""
        return [setting.label for setting in self.study.settings]

    @property
    def swept(self) -> list[str]:
        """Labels of the settings that belong to the sweep: not what only stands beside it, such as "untrained"."""
        return [s.label for s in self.study.settings if s.facts.get(self.study.sweep) is not None]

    @property
    def most_decayed(self) -> str | None:
        """Label of the setting with the largest weight decay; None if all of them are 0."""
        decays = self._decays()
        label = max(decays, key=lambda name: decays[name], default=None)
        return None if label is None or decays[label] == 0 else label

    @property
    def undecayed(self) -> str | None:
        """Label of the first setting that is trained without weight decay; None if there is none."""
        return next((label for label, decay in self._decays().items() if decay == 0), None)

    def _decays(self) -> dict[str, float]:
        """Weight decays of what is trained."""
        return {s.label: s.recipe.weight_decay for s in self.study.settings if s.recipe.epochs}

    def groups(self) -> list[Group]:
        """Settings that share all facts but the swept one, named by those in which settings differ; what only stands
        beside the sweep is in every group. A weight decay that follows what is swept sets nothing apart."""
        sweep, settings = self.study.sweep, self.study.settings
        differing = [f for f in self.study.facts if f != sweep and len({s.facts.get(f) for s in settings}) > 1]
        swept = {s.facts.get(sweep) for s in settings}
        if len({(s.facts.get(sweep), s.facts[DECAY]) for s in settings}) == len(swept):
            differing = [f for f in differing if f != DECAY]
        found: dict[str, dict[str, str]] = {}
        for setting in settings:
            name, value = in_words({f: setting.facts.get(f) for f in differing}), setting.facts.get(sweep)
            own = value is None or (setting.name and not name)
            found.setdefault(name, {})[setting.label] = setting.label if own else in_words({sweep: value})
        beside = found.pop("", {}) if len(found) > 1 else {}
        return [Group(name, beside | labels) for name, labels in found.items()]

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

    def layers(self, setting: int = -1) -> list[int]:
        """Depths of the layers of the swept setting at that position; none if all its cells diverged."""
        rows = self.trained[self.trained["setting"] == self.swept[setting]]
        return sorted({int(depth) for depth in rows["depth"] if depth >= 0})

    @property
    def report(self) -> deepnrc.Report:
        """All cells that did not diverge as one report, a run a cell."""
        whole = [report for report, record in self._cells() if not record["diverged"]]
        return join(whole) if whole else deepnrc.Report(self.reports[0].table.iloc[:0])

    def of_seed(self, seed: int) -> deepnrc.Report:
        """The cells of one seed as one report, a run a setting."""
        return join([report.renamed(record["label"]) for report, record in self._cells() if record["seed"] == seed])

    def runs(self, group: Group | None = None) -> dict[str, str]:
        """By run of ``report`` its setting's label, in a group as the group's pictures call it."""
        called = {label: label for label in self.settings} if group is None else group.labels
        there = [record for _, record in self._cells() if not record["diverged"]]
        return {record["title"]: called[name] for name in called for record in there if record["label"] == name}

    def _cells(self) -> Iterator[tuple[deepnrc.Report, dict[str, Any]]]:
        return zip(self.reports, self.records, strict=True)

    def inner(self, measure: str, variant: str = "default") -> pd.DataFrame:
        """``by_layer`` without the first layer, whose features no training changes, and without the last."""
        table = self.by_layer(measure, variant)
        table = table[table.index >= 0]
        return table.iloc[1:-1]


def _at(table: pd.DataFrame, moved: pd.Series[float]) -> pd.DataFrame:
    return table.assign(value=moved.where(moved.notna(), table["value"]))


def _deepest(rows: pd.DataFrame) -> pd.Series[bool]:
    """Which rows are of the last layer of their network."""
    return rows["depth"] == rows.groupby(["setting", "seed"])["depth"].transform("max")


def told_of(setting: Setting, record: Mapping[str, Any]) -> dict[str, Any]:
    """What stands in each row of a cell beside what was measured."""
    return {
        "setting": setting.label,
        "seed": record["seed"],
        "diverged": record["diverged"] is not None,
        **setting.facts,
    }


def beside(reports: Sequence[deepnrc.Report], told: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The rows of all reports, with what is told of each report in all of its rows."""
    values = pd.concat([report.table for report in reports], ignore_index=True)
    facts = pd.DataFrame(list(told))  # one column, one kind, also where some cells have no such fact
    rows = facts.loc[facts.index.repeat([len(report.table) for report in reports])].reset_index(drop=True)
    return pd.concat([values, rows], axis=1)
