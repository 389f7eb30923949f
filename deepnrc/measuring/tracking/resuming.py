"""A folder that holds a report already: whether it is of this run, and then goes on, or of another one, and stays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn

from deepnrc.data import Reader, as_loader, pairs, tensors
from deepnrc.errors import UsageError
from deepnrc.measuring.provenance import DataFingerprint, class_of, shapes, told
from deepnrc.measuring.traces.undisturbed import generators_put_back, unwrapped
from deepnrc.report import Report
from deepnrc.wording import Either, Given, Remedy, listing, shown

ANEW = (". Name another folder, or begin anew with ", Remedy("replace", True), ".")
MISSING = object()


@dataclass(frozen=True)
class Identity:
    """What must be the same for a run to go on: its label, its network but for the weights, and its arguments."""

    run: str
    network: str
    parameters: int
    shapes: str
    options: Mapping[str, Any]

    @classmethod
    def of(cls, model: nn.Module, run: str | None, options: Mapping[str, Any]) -> Identity:
        """That of a tracker."""
        network = unwrapped(model)
        size = sum(p.numel() for p in network.parameters())
        label = type(network).__name__ if run is None else str(run)
        return cls(label, class_of(network), size, shapes(network), told(options))

    def unlike(self, record: Mapping[str, Any]) -> str:
        """In what a measurement's record differs from this, in words; nothing if in nothing."""
        if record["run"] != self.run:
            return f"is of run '{shown(record['run'])}', and this is run '{shown(self.run)}'"
        options, held = record.get("options"), record["model"]
        if options is None:
            return "no tracker wrote, or one of a version that does not tell its arguments"
        if (held["class"], held["parameters"]) != (self.network, self.parameters):
            mine = f"{self.network} of {self.parameters:,} parameters"
            return f"is of a network {held['class']} of {held['parameters']:,} parameters, and this one is a {mine}"
        if held["shapes"] != self.shapes:
            return "is of a network whose parameters have other names or shapes"
        names = sorted({*options, *self.options})
        other = [name for name in names if options.get(name, MISSING) != self.options.get(name, MISSING)]
        apart = ", ".join(self._apart(name, options) for name in other)
        return f"was measured with other arguments: {apart}" if other else ""

    def _apart(self, name: str, options: Mapping[str, Any]) -> str:
        there, here = (f"{held[name]!r:.60}" if name in held else "not given" for held in (options, self.options))
        return f"{name} was {there} and is {here}"


def check_same(folder: Path, report: Report, mine: Identity, data: Mapping[str, Any] | None) -> None:
    """Refuse a folder whose report is of another run.

    Args:
        data: what tells the data from other, as in a record; None where it cannot be read ahead.
    Errors: UsageError, naming the folder and what differs.
    """
    if len(report.runs) != 1:
        raise refusal(folder, f"is of several runs, {listing(report.runs)}")
    for record in report.provenance:
        if why := mine.unlike(record):
            raise refusal(folder, why)
    check_data(folder, report, data)


def check_data(folder: Path, report: Report, data: Mapping[str, Any] | None) -> None:
    """Refuse a folder whose report is of other data."""
    for record in report.provenance if data is not None else ():
        if record["data"] != data:
            raise refusal(folder, "was measured on other data, or on its samples in another order")


def refusal(folder: Path, why: str) -> UsageError:
    """Why a folder is left as it is."""
    return UsageError(Given("folder", str(folder)), f" holds a report that {why}", *ANEW)


def other_weights(folder: Path, step: int) -> UsageError:
    """Of a network that was not what the folder holds of the step at which this run begins."""
    return UsageError(
        Given("folder", str(folder)),
        f" holds another run: at step {step} its network had other weights. If this training goes on from a "
        "checkpoint, ",
        Either("say where it is, tracker(step)", "say where it is"),
        "; else name another folder, or begin anew with ",
        Remedy("replace", True),
        ".",
    )


def data_ahead(model: nn.Module, loader: Any, options: Mapping[str, Any]) -> dict[str, Any] | None:
    """What tells the data from other, read without running the network; None of data that is given only once."""
    limit, sources = options.get("max_samples"), {"fingerprint": loader, "held_out": options.get("held_out")}
    found: dict[str, Any] = {"max_samples": limit}
    for name, source in sources.items():
        if source is None:
            continue
        batches = as_loader(source)
        if isinstance(batches, Iterator):
            return None
        found[name] = _fingerprint(unwrapped(model), batches, limit, options.get("batch"))
    return found


def _fingerprint(model: nn.Module, batches: Any, limit: int | None, batch: Any) -> str:
    seen = DataFingerprint()
    with generators_put_back(batches):
        for x, y, _ in pairs(batches, torch.device("cpu"), limit, Reader(batch, model)):
            seen.update([*tensors(x), *tensors(y)])
    return str(seen)
