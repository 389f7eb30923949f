"""The report: one tidy table, the spectra behind it and where both came from; saved, loaded, joined and read."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from deepnrc import summary as terminal
from deepnrc.arguments import labelled
from deepnrc.errors import UsageError
from deepnrc.measuring.rows import COLUMNS, NETWORK
from deepnrc.table import spectra as behind
from deepnrc.table import storage
from deepnrc.table.onset import TAU, onsets
from deepnrc.wording import did_you_mean, listing

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclasses.dataclass(frozen=True, eq=False)
class Report:
    """What was measured.

    Attributes:
        table: tidy frame, one row one value; `(network)` rows hold what belongs to no layer.
        provenance: one record for each (run, step): versions, arguments, fingerprints, time, device.
        spectra: tidy frame of the eigenvalues, singular values and cosines that the measures were read from, with the
            columns of ``deepnrc.table.spectra.COLUMNS``; empty if they were not kept.
    """

    table: pd.DataFrame
    provenance: tuple[Mapping[str, Any], ...] = ()
    spectra: pd.DataFrame = dataclasses.field(default_factory=behind.table)

    @classmethod
    def of(
        cls,
        rows: Iterable[Mapping[str, Any]],
        provenance: Iterable[Mapping[str, Any]] = (),
        spectra: pd.DataFrame | None = None,
    ) -> Report:
        """A report from rows with the table's columns, and a frame of spectra if there is one."""
        table = pd.DataFrame(list(rows), columns=list(COLUMNS))
        return cls(
            table.astype(COLUMNS), tuple(map(labelled, provenance)), behind.table() if spectra is None else spectra
        )

    def __add__(self, other: Report) -> Report:
        """Both reports in one; the same run and step in both is an error."""
        return join([self, other])

    @property
    def runs(self) -> list[str]:
        """Runs in the order in which they were added."""
        return list(dict.fromkeys(self.table["run"]))

    @property
    def steps(self) -> list[int]:
        """All steps, ascending."""
        return sorted(set(self.table["step"]))

    @property
    def measures(self) -> list[str]:
        """Names of the measures in the table."""
        return list(dict.fromkeys(self.table["measure"]))

    def at(self, step: int | None = None, run: str | None = None) -> Report:
        """One step only (None: each run's last), of one run or of all."""
        table = self.table
        if table.empty:
            raise UsageError("The report is empty: it holds no values.")
        if run is not None:
            run = str(run)
            if run not in self.runs:
                raise UsageError(f"There is no run {run!r}.{did_you_mean(run, self.runs)} Runs: {listing(self.runs)}.")
            table = table[table["run"] == run]
        there = sorted(set(table["step"]))
        wanted = table.groupby("run")["step"].transform("max") if step is None else step
        table = table[table["step"] == wanted]
        if table.empty:
            raise UsageError(f"Step {step} was not measured. Steps: {listing([str(s) for s in there])}.")
        kept = set(zip(table["run"], table["step"], strict=True))
        records = tuple(record for record in self.provenance if (record["run"], record["step"]) in kept)
        return Report(table.reset_index(drop=True), records, behind.within(self.spectra, kept))

    def renamed(self, run: str) -> Report:
        """The same with another label for its one run."""
        if len(self.runs) != 1:
            raise UsageError(f"Only a report of one run can be renamed; this one has {listing(self.runs)}.")
        run = str(run)
        records = tuple({**p, "run": run} for p in self.provenance)
        return Report(self.table.assign(run=run), records, self.spectra.assign(run=run))

    def values(self, measure: str, variant: str = "default") -> pd.DataFrame:
        """The rows of one measure, in order of run, step and depth.

        Errors: UsageError for a measure or variant that the table does not hold.
        """
        rows = self.table[self.table["measure"] == measure]
        if rows.empty:
            raise UsageError(
                f"The report has no measure {measure!r}.{did_you_mean(measure, self.measures)} "
                f"It has: {listing(self.measures, 40)}."
            )
        chosen = rows[rows["variant"] == variant]
        if chosen.empty:
            there = list(dict.fromkeys(rows["variant"]))
            raise UsageError(f"{measure} has no variant {variant!r} here. Variants: {listing(there)}.")
        return self._sorted(chosen)

    def wide(self) -> pd.DataFrame:
        """A row a layer: indexed by run, step, depth and layer, a column a measure ("name (variant)" for variants)."""
        rows = self._sorted(self.table[self.table["layer"] != NETWORK])
        plain = rows["variant"] == "default"
        names = rows["measure"].where(plain, rows["measure"] + " (" + rows["variant"] + ")")
        index = ["run", "step", "depth", "layer"]
        frame = rows.assign(measure=names).pivot(index=index, columns="measure", values="value")
        order = pd.MultiIndex.from_frame(rows[index].drop_duplicates())
        return frame.loc[order, list(dict.fromkeys(names))].rename_axis(columns=None)

    def _sorted(self, rows: pd.DataFrame) -> pd.DataFrame:
        """Rows by run as they were added, step and depth."""
        order = {run: i for i, run in enumerate(self.runs)}
        return rows.sort_values(
            ["run", "step", "depth"], key=lambda c: c.map(order) if c.name == "run" else c, kind="stable"
        )

    def onset(self, tau: float = TAU) -> pd.DataFrame:
        """The layer from which collapse holds up to the last one, for each run and step; see ``table.onset``."""
        return onsets(self.table, tau)

    def summary(self, tau: float = TAU) -> None:
        """Print warnings, a row a layer, and collapse onset, for the last step of each run."""
        print(terminal.text(self, tau))  # noqa: T201

    def __str__(self) -> str:
        return terminal.text(self)

    def __repr__(self) -> str:
        layers = self.table.loc[self.table["layer"] != NETWORK, "layer"].nunique()
        return f"<Report: {len(self.runs)} runs, {len(self.steps)} steps, {layers} layers, {len(self.table)} values>"

    def heatmap(
        self,
        measure: str | Sequence[str] | None = None,
        *,
        tau: float = TAU,
        path: str | Path | None = None,
        **kwargs: Any,
    ) -> Axes:
        """Draw a heatmap with layers down the side; see ``deepnrc.figures.heatmap`` for all arguments.

        Across: steps if there are several, else runs if there are several, else measures.
        """
        from deepnrc import figures

        return figures.heatmap(self, measure, tau=tau, path=path, **kwargs)

    def lines(self, measure: str, *, tau: float = TAU, path: str | Path | None = None, **kwargs: Any) -> Axes:
        """Draw a measure by depth, one line a step or run; see ``deepnrc.figures.lines``."""
        from deepnrc import figures

        return figures.lines(self, measure, tau=tau, path=path, **kwargs)

    def overview(self, *, tau: float = TAU, path: str | Path | None = None, **kwargs: Any) -> Axes:
        """Draw six measures by depth in one figure; see ``deepnrc.figures.overview``."""
        from deepnrc import figures

        return figures.overview(self, tau=tau, path=path, **kwargs)

    def spectrum(
        self,
        of: str = "features",
        step: int | None = None,
        run: str | None = None,
        path: str | Path | None = None,
        **kwargs: Any,
    ) -> Axes:
        """Draw the eigenvalues or singular values of every layer; see ``deepnrc.figures.spectrum`` for all arguments.

        At a step, or at each run's last; of one run, or of all, side by side.
        """
        from deepnrc import figures

        return figures.spectrum(self, of, step=step, run=run, path=path, **kwargs)

    def html(self, path: str | Path, title: str | None = None, *, tau: float = TAU) -> Path:
        """Write one self-contained page: summary, heatmaps, table, explanations, provenance, data."""
        from deepnrc.page import document as html

        return html.write(self, path, title, tau)

    def save(self, folder: str | Path) -> Path:
        """Write table.parquet, spectra.parquet and manifest.json into a folder, which is made.

        ``deepnrc.load`` reads it back. A report that is already there is replaced, all at once.
        Errors: UsageError if the folder is a file or cannot be written to.
        """
        return storage.save(self.table, self.provenance, self.spectra, folder)


def join(reports: Sequence[Report]) -> Report:
    """Several reports as one. Errors: UsageError if two of them hold the same run and step."""
    seen: set[tuple[str, int]] = set()
    for report in reports:
        mine = set(zip(report.table["run"], report.table["step"], strict=True))
        twice = sorted(seen & mine)
        if twice:
            run, step = twice[0]
            raise UsageError(
                f"Run {run!r}, step {step}, is in more than one report. Give one of them another label with "
                "renamed('LABEL'), or measure all layers and probes in one go."
            )
        seen |= mine
    table = pd.concat([report.table for report in reports], ignore_index=True)
    spectra = pd.concat([report.spectra for report in reports], ignore_index=True)
    return Report(table, tuple(record for report in reports for record in report.provenance), spectra)


def load(*folders: str | Path) -> Report:
    """Read reports that ``Report.save`` wrote; several folders become one report.

    Runs that share a label are told apart by their folders: by the names, or by as much of the paths as differs.
    Errors: DataError if a folder is no report, or a table in it is damaged or was changed; UsageError if none is given,
        or one twice.
    """
    if not folders:
        raise UsageError("load() needs at least one folder that Report.save wrote.")
    paths = [Path(folder).resolve() for folder in folders]
    again = [folder for folder, path in zip(folders, paths, strict=True) if paths.count(path) > 1]
    if again:
        raise UsageError(f"The report '{again[0]}' is named twice. Name each once.")
    reports = [_loaded(folder) for folder in folders]
    labels = [run for report in reports for run in report.runs]
    if len(set(labels)) < len(labels):
        reports = [
            report.renamed(label) if len(report.runs) == 1 else report
            for label, report in zip(_distinct(paths), reports, strict=True)
        ]
    return join(reports) if len(reports) > 1 else reports[0]


def _loaded(folder: str | Path) -> Report:
    table, records, spectra = storage.load(folder)
    return Report(table, tuple(map(labelled, records)), spectra)


def _distinct(paths: Sequence[Path]) -> list[str]:
    """The shortest ends of paths, all with as many parts, that tell them apart."""
    parts = range(1, max(len(path.parts) for path in paths) + 1)
    ends = ([Path(*path.parts[-n:]).as_posix() for path in paths] for n in parts)
    return next(labels for labels in ends if len(set(labels)) == len(labels))
