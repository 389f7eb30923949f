"""The table: what was measured, one row one value, the spectra behind it and where both came from."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from deepnrc.arguments import TAU, in_full
from deepnrc.errors import UsageError
from deepnrc.table import depthwise, grouping
from deepnrc.table.collapse import verdicts
from deepnrc.table.files import storage
from deepnrc.table.noisecurve import noise_curves
from deepnrc.table.onset import onsets
from deepnrc.table.records import labelled
from deepnrc.table.schema import COLUMNS, NETWORK, distinct, no_spectra, typed
from deepnrc.table.sidebyside import side_by_side
from deepnrc.wording import did_you_mean, listing

T = TypeVar("T", bound="Table")
Chosen = str | int | Iterable[str] | Iterable[int] | None


@dataclasses.dataclass(frozen=True, eq=False)
class Table:
    """What was measured, as data alone: it can be read, filtered, joined and saved, and neither draws nor prints.

    Attributes:
        table: tidy frame, one row one value; `(network)` rows hold what belongs to no layer.
        provenance: one record for each (run, step): versions, arguments, fingerprints, time, device.
        spectra: tidy frame of the eigenvalues, singular values and cosines that the measures were read from, with the
            columns of ``deepnrc.table.SPECTRA``; empty if they were not kept.
    """

    table: pd.DataFrame
    provenance: tuple[Mapping[str, Any], ...] = ()
    spectra: pd.DataFrame = dataclasses.field(default_factory=no_spectra)

    @classmethod
    def of(
        cls: type[T],
        rows: Iterable[Mapping[str, Any]],
        provenance: Iterable[Mapping[str, Any]] = (),
        spectra: pd.DataFrame | None = None,
    ) -> T:
        """A table from rows with its columns, and a frame of spectra if there is one."""
        table = pd.DataFrame(list(rows), columns=list(COLUMNS))
        known = no_spectra() if spectra is None else spectra
        return cls(typed(table, COLUMNS), tuple(map(labelled, provenance)), known)

    @classmethod
    def load(cls: type[T], *folders: str | Path) -> T:
        """Read tables that ``save`` wrote; several folders become one.

        Runs that share a label are told apart by their folders: by the names, or by as much of the paths as differs.
        Errors: DataError if a folder is no report, or a table in it is damaged or was changed; UsageError if none is
            given, or one twice.
        """
        if not folders:
            raise UsageError("load() needs at least one folder that Report.save wrote.")
        paths = [Path(folder).resolve() for folder in folders]
        again = [folder for folder, path in zip(folders, paths, strict=True) if paths.count(path) > 1]
        if again:
            raise UsageError(f"The report '{again[0]}' is named twice. Name each once.")
        tables = [cls._loaded(folder) for folder in folders]
        labels = [run for table in tables for run in table.runs]
        if len(set(labels)) < len(labels):
            tables = [
                table.renamed(label) if len(table.runs) == 1 else table
                for label, table in zip(_distinct(paths), tables, strict=True)
            ]
        return join(tables) if len(tables) > 1 else tables[0]

    @classmethod
    def _loaded(cls: type[T], folder: str | Path) -> T:
        table, records, spectra = storage.load(folder)
        return cls(table, tuple(map(labelled, records)), spectra)

    def save(self, folder: str | Path, *, replace: bool = False) -> Path:
        """Write table.parquet, spectra.parquet and manifest.json into a folder, which is made.

        ``deepnrc.load`` reads it back. With ``replace`` a report that is already there gives way, all at once.
        Errors: UsageError if the folder holds a report that may not be replaced, is a file or cannot be written to.
        """
        return storage.save(self.table, self.provenance, self.spectra, folder, replace)

    def __add__(self: T, other: T) -> T:
        """Both in one; the same run and step in both is an error."""
        return join([self, other])

    @property
    def runs(self) -> list[str]:
        """Runs in the order in which they were added."""
        return distinct(self.table["run"])

    @property
    def steps(self) -> list[int]:
        """All steps, ascending."""
        return sorted(distinct(self.table["step"]))

    @property
    def measures(self) -> list[str]:
        """Names of the measures in the table."""
        return distinct(self.table["measure"])

    def at(self: T, step: int | None = None, run: str | None = None) -> T:
        """One step only (None: each run's last), of one run or of all."""
        if self.table.empty:
            raise UsageError("The report is empty: it holds no values.")
        mine = self if run is None else self.where(run=run)
        if step is None:
            return mine._of(mine.table["step"] == mine.table.groupby("run")["step"].transform("max"))
        return mine.where(step=step)

    def where(
        self: T,
        *,
        run: Chosen = None,
        step: Chosen = None,
        layer: Chosen = None,
        measure: Chosen = None,
        variant: Chosen = None,
    ) -> T:
        """The rows of some runs, steps, layers, measures and variants, each given as one or as several; None for all.

        Their provenance comes with them, and their spectra: those of the runs, steps and layers.

        Errors: UsageError for one that the table does not hold, and where no row is of all that are named.
        """
        given = {"run": run, "step": step, "layer": layer, "measure": measure, "variant": variant}
        wanted = {column: self._known(column, value) for column, value in given.items() if value is not None}
        kept = pd.Series(True, index=self.table.index)
        for column, values in wanted.items():
            kept &= self.table[column].isin(values)
        if wanted and not kept.any():
            named = "; ".join(f"{column} {listing([str(v) for v in values])}" for column, values in wanted.items())
            raise UsageError(f"No row of the report is of all of these at once: {named}. Name fewer.")
        return self._of(kept, wanted.get("layer"))

    def _known(self, column: str, value: Any) -> list[Any]:
        """The values that were asked for, as the column holds them."""
        values = [value] if isinstance(value, str) or not isinstance(value, Iterable) else list(value)
        there = distinct(self.table[column])
        if column == "step":
            missing = [step for step in values if step not in there]
            if missing:
                shown = listing([str(step) for step in sorted(there)])
                raise UsageError(f"Step {missing[0]} was not measured. Steps: {shown}.")
            return values
        values = [in_full(str(name), there) if column == "measure" else str(name) for name in values]
        for name in values:
            if name not in there:
                near, shown = did_you_mean(name, there), listing(there, 40 if column == "measure" else 8)
                raise UsageError(f"There is no {column} {name!r}.{near} {column.capitalize()}s: {shown}.")
        return values

    def _of(self: T, kept: pd.Series[bool], layers: Sequence[str] | None = None) -> T:
        """The rows that are kept, with the records and the spectra that belong to them."""
        every = bool(kept.all()) and layers is None
        table = (self.table if every else self.table[kept]).reset_index(drop=True)
        measured = set(zip(table["run"].tolist(), table["step"].tolist(), strict=True))
        records = tuple(record for record in self.provenance if (record["run"], record["step"]) in measured)
        spectra = self.spectra
        if not every:
            behind = pd.MultiIndex.from_frame(spectra[["run", "step"]]).isin(measured)
            spectra = spectra[behind if layers is None else behind & spectra["layer"].isin(layers).to_numpy()]
        return type(self)(table, records, spectra.reset_index(drop=True))

    def renamed(self: T, run: str) -> T:
        """The same with another label for its one run."""
        if len(self.runs) != 1:
            raise UsageError(f"Only a report of one run can be renamed; this one has {listing(self.runs)}.")
        run = str(run)
        records = tuple({**p, "run": run} for p in self.provenance)
        return type(self)(self.table.assign(run=run), records, self.spectra.assign(run=run))

    def means(self: T, groups: Mapping[str, str]) -> T:
        """One run a group of runs, such as the seeds of a setting: each value the mean over them, without spectra.

        Args:
            groups: for each run its group's label; runs that it leaves out are left out. What is degenerate or not
                defined counts in no mean. Records are those of each group's first run.
        Errors: UsageError for a run that is not there.
        """
        frame = grouping.means(self.table, groups)
        members: dict[str, list[str]] = {}
        for run, label in groups.items():
            members.setdefault(str(label), []).append(run)
        records = (
            {**record, "run": label, "mean_of": runs}
            for label, runs in members.items()
            for record in self.provenance
            if record["run"] == runs[0]
        )
        return type(self)(frame, tuple(records), no_spectra())

    def values(self, measure: str, variant: str = "default") -> pd.DataFrame:
        """The rows of one measure, in order of run, step and depth.

        Errors: UsageError for a measure or variant that the table does not hold.
        """
        measure = in_full(measure, self.measures)
        if measure not in self.measures:
            raise UsageError(
                f"The report has no measure {measure!r}.{did_you_mean(measure, self.measures)} "
                f"It has: {listing(self.measures, 40)}."
            )
        rows = self.table[self.table["measure"] == measure]
        if variant not in (there := distinct(rows["variant"])):
            raise UsageError(f"{measure} has no variant {variant!r} here. Variants: {listing(there)}.")
        return self._sorted(rows[rows["variant"] == variant])

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
        by = ["run", "step", "depth"]
        return rows.sort_values(by, key=lambda c: c.map(order) if c.name == "run" else c, kind="stable")

    def onset(self, tau: float = TAU) -> pd.DataFrame:
        """The layers from which noise is low and from which all are collapsed, up to the last one, for each run and
        step, as ``onsets`` tells."""
        return onsets(self.table, tau)

    def verdicts(self, tau: float = TAU, reference: Table | None = None) -> pd.DataFrame:
        """What is to be said of every layer: collapsed, low noise, not collapsed, too narrow to tell, not learned,
        sketched or not measured, with the reason and the conditions that it rests on.

        Args:
            tau: noise fraction up to which a layer is low in noise, in (0, 1).
            reference: the table of an untrained network of the same shape, at one step; None for the one that was
                measured beside (``probe(reference=...)``, or a tracker's step 0), if there is any.
        Errors: UsageError for a tau that is no noise fraction, and for a reference of another shape.
        """
        return verdicts(self.table, tau, None if reference is None else reference.table)

    def monotonicity(self, measure: str, variant: str = "default") -> pd.DataFrame:
        """Rank correlation of a measure with depth, for each run and step, as ``depthwise.monotonicity`` tells."""
        return depthwise.monotonicity(self.values(measure, variant))

    def effective_depth(self, eps: float = 0.05) -> pd.DataFrame:
        """The layer from which ``nc.ncc_error``, which is measured when named, stays at or below eps."""
        return depthwise.effective_depth(self.values(depthwise.NEAREST), eps)

    def noise_curves(self) -> pd.DataFrame:
        """Noise fraction of every layer at k = 1 .. min(2n, d - 1), from the stored eigenvalues."""
        return noise_curves(self.table, self.spectra)

    def definitions(self) -> pd.DataFrame:
        """The readings of one quantity side by side, with the reason for each difference; probe with
        ``probes=deepnrc.table.DEFINITIONS`` for all of them."""
        return side_by_side(self.table)

    def _repr_html_(self) -> str:
        return str(self.table.to_html(max_rows=20, notebook=True))  # as pandas shows it

    def __repr__(self) -> str:
        layers = self.table.loc[self.table["layer"] != NETWORK, "layer"].nunique()
        sizes = f"{len(self.runs)} runs, {len(self.steps)} steps, {layers} layers, {len(self.table)} values"
        return f"<{type(self).__name__}: {sizes}>"


def join(tables: Sequence[T]) -> T:
    """Several tables as one, of the first one's class. Errors: UsageError if two of them hold the same run and step."""
    seen: set[tuple[str, int]] = set()
    for table in tables:
        mine = set(table.table[["run", "step"]].drop_duplicates().itertuples(index=False, name=None))
        twice = sorted(seen & mine)
        if twice:
            run, step = twice[0]
            raise UsageError(
                f"Run {run!r}, step {step}, is in more than one report. Give one of them another label with "
                "renamed('LABEL'), or measure all layers and probes in one go."
            )
        seen |= mine
    frame = pd.concat([table.table for table in tables], ignore_index=True)
    spectra = pd.concat([table.spectra for table in tables], ignore_index=True)
    return type(tables[0])(frame, tuple(record for table in tables for record in table.provenance), spectra)


def _distinct(paths: Sequence[Path]) -> list[str]:
    """The shortest ends of paths, all with as many parts, that tell them apart."""
    parts = range(1, max(len(path.parts) for path in paths) + 1)
    ends = ([Path(*path.parts[-n:]).as_posix() for path in paths] for n in parts)
    return next(labels for labels in ends if len(set(labels)) == len(labels))
