"""A tracker's folder: what it holds of this run already, and what is written to it."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import distributed, nn

from deepnrc.measuring.provenance import fingerprint
from deepnrc.measuring.traces.undisturbed import unwrapped
from deepnrc.measuring.tracking.resuming import Identity, check_data, check_same, data_ahead, other_weights, refusal
from deepnrc.report import Report, load
from deepnrc.table import MANIFEST, Journal


class Keeping:
    """The folder of a tracker. Of several processes that probe together the first one writes."""

    def __init__(self, folder: Path, replace: bool) -> None:
        self.folder, self.held = folder, set[int]()
        self._identity: Identity | None = None
        self._before: Report | None = None
        self._begun = False
        self._journal: Journal[Report] | None = None
        if _first() and (replace or not (folder / MANIFEST).exists()):
            self._journal = Journal(folder, replace)
        self._replace = replace

    def earlier(self, model: nn.Module, loader: Any, mine: Identity, options: Mapping[str, Any]) -> dict[int, Report]:
        """What the folder holds of this run, by step.

        Errors: UsageError if what it holds is of another run.
        """
        self._identity = mine
        if self._replace or not (self.folder / MANIFEST).exists():
            return {}
        before = load(self.folder)
        ahead = None if _several() else data_ahead(model, loader, options)
        check_same(self.folder, before, mine, ahead)
        if _first():
            self._journal = Journal.going_on(self.folder, before)
        self._before = before
        self.held = set(before.steps)
        return {step: before.at(step) for step in before.steps}

    def meet(self, step: int, model: nn.Module, reports: dict[int, Report]) -> None:
        """See whether this run is at a step what the folder holds of it.

        Errors: UsageError if it is another run. One that goes on from the middle may take another way than before; what
        was measured behind the fork then gives way, with a warning.
        """
        begun, self._begun = self._begun, True
        if not self.held:
            return
        if step not in self.held:
            if not begun and step < min(self.held):
                raise refusal(self.folder, f"begins at step {min(self.held)}, and this run at step {step}")
            return
        if _weights(reports[step]) == fingerprint(unwrapped(model)):
            return
        if not begun:
            raise other_weights(self.folder, step)
        gone = sorted(held for held in self.held if held >= step)
        warnings.warn(
            f"This training goes another way than the one in '{self.folder}' by step {step}, as training is not always "
            f"the same twice: {'it is' if len(gone) == 1 else 'from there on all is'} measured anew.",
            stacklevel=3,
        )
        for one in gone:
            del reports[one]
        self.held -= set(gone)
        if self._journal is not None:
            self._journal.cut(step)

    def signed(self, measured: Report) -> Report:
        """A measurement whose record tells the arguments, for a run that goes on.

        Errors: UsageError if it is of other data than what the folder holds.
        """
        if self._before is not None:
            check_data(self.folder, self._before, measured.provenance[0]["data"])
        options = {} if self._identity is None else self._identity.options
        records = tuple({**record, "options": options} for record in measured.provenance)
        return dataclasses.replace(measured, provenance=records)

    def add(self, measured: Report) -> None:
        """Write one more. Errors: UsageError if it cannot be written now; it is kept."""
        if self._journal is not None:
            self._journal.add(measured)


def _weights(report: Report) -> str:
    return str(report.provenance[0]["model"]["fingerprint"])


def _several() -> bool:
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def _first() -> bool:
    return not _several() or distributed.get_rank() == 0
