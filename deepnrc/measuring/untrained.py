"""An untrained network of the same shape, beside which a network's noise is told from what its shape alone gives."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from deepnrc.errors import UsageError
from deepnrc.networks import reads_features
from deepnrc.report import Report
from deepnrc.table import NOISE, Table, with_reference
from deepnrc.wording import Argument, Given, listing

UNTRAINED = "untrained"
SEED = 0
Reference = nn.Module | Table | str | None
OWN = "Build an untrained network yourself and give that."


def checked(reference: Reference, model: nn.Module) -> nn.Module | Table | None:
    """The reference as a network to probe or a table to hold against.

    Errors: UsageError for what is none of these, and for a network that cannot be re-initialised.
    """
    if isinstance(reference, str) and reference == UNTRAINED:
        return untrained(model)
    if reference is None or isinstance(reference, nn.Module | Table):
        return reference
    raise UsageError(
        Argument("reference", reference),
        f" must be a network, a report, or 'untrained'; it is {_shown(reference)}.",
    )


def untrained(model: nn.Module, seed: int = SEED) -> nn.Module:
    """A copy of a network whose parameters are drawn anew, by each module's own ``reset_parameters``.

    Errors: UsageError where the network cannot be copied, and for parameters that no module of it re-initialises, by
        their names: a copy that kept trained values would be no reference.
    """
    try:
        twin = copy.deepcopy(model)
    except (RuntimeError, TypeError) as error:
        raise UsageError(
            Given("reference", UNTRAINED), f" needs a copy of the network, which cannot be copied ({error}). {OWN}"
        ) from error
    _refuse(
        [name or type(part).__name__ for name, part in twin.named_modules() if reads_features(part) and _bare(part)],
        "have no parameters to draw anew",
    )
    devices = {tensor.device for tensor in twin.parameters() if tensor.device.type not in ("cpu", "meta", "mps")}
    kind = next(iter(devices)).type if devices else "cuda"
    with torch.no_grad(), torch.random.fork_rng([d.index or 0 for d in devices], device_type=kind):
        torch.manual_seed(seed)
        for parameter in twin.parameters():
            parameter.fill_(float("nan"))
        for part in reversed(list(twin.modules())):  # what holds others has the last word, as when it was made
            reset = getattr(part, "reset_parameters", None) or getattr(part, "_reset_parameters", None)
            if callable(reset):
                reset()
        left = [name for name, parameter in twin.named_parameters() if not bool(parameter.isfinite().all())]
    _refuse(left, "are drawn anew by no reset_parameters() of their module")
    return twin


def beside(report: Report, other: Table, required: str = NOISE) -> Report:
    """The report with what the reference reads in the column ``reference``, and a record of what that was."""
    table = with_reference(report.table, other.table, required)
    records = tuple({**mine, "reference": _record(other)} for mine in report.provenance)
    return replace(report, table=table, provenance=records)


def held_against(report: Report, reference: nn.Module | Table, measure: Callable[[nn.Module], Report]) -> Report:
    """The report beside a reference: a table as it is, a network as ``measure`` reads it."""
    if isinstance(reference, nn.Module):
        return beside(report, measure(reference))
    return beside(report, reference)


def _record(other: Table) -> dict[str, Any]:
    """Which reference it was: run, step, and the fingerprints of its network and data, as far as they are known."""
    known = other.provenance[-1] if other.provenance else {}
    place = {"run": other.runs[0], "step": other.steps[0]} if len(other.table) else {}
    model, data = known.get("model", {}).get("fingerprint"), known.get("data", {}).get("fingerprint")
    return {name: value for name, value in {**place, "model": model, "data": data}.items() if value is not None}


def _bare(part: nn.Module) -> bool:
    return next(part.parameters(), None) is None


def _refuse(names: list[str], why: str) -> None:
    if names:
        raise UsageError(Given("reference", UNTRAINED), f" cannot be built: {listing(names, 4)} {why}. {OWN}")


def _shown(reference: object) -> str:
    return repr(reference) if isinstance(reference, str) else f"a {type(reference).__name__}"
