"""Which probes to run, chosen by name."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence

from deepnrc.errors import UsageError
from deepnrc.wording import did_you_mean
from probes import CATALOG, STATISTICS, Probe


def select(wanted: Sequence[str | Probe] | str | Probe | None) -> tuple[Probe, ...]:
    """The probes to run.

    Args:
        wanted: names or globs ("deep.*", "nrc.1_centred") and ``Probe`` objects of your own; None for every probe of
            the catalog that one pass over the data can feed.
    """
    if wanted is None:
        return tuple(probe for probe in CATALOG if passes(probe) == 1)
    entries = [wanted] if isinstance(wanted, str | Probe) else list(wanted)
    chosen = [probe for entry in entries for probe in _matching(entry)]
    if not chosen:
        raise UsageError("probes=[] measures nothing. Leave it out for all, or name some: probes=['deep.*'].")
    return tuple(dict.fromkeys(chosen))


def statistics(probes: Sequence[Probe], where: str, number: int) -> set[str]:
    """Names of the streaming statistics that the probes at ``where`` need in pass ``number``."""
    names = {name for probe in probes if probe.where == where for name in probe.reads}
    return {name for name in names if name in STATISTICS and STATISTICS[name][1] == number}


def passes(probe: Probe) -> int:
    """How many passes over the data the probe needs."""
    return max([STATISTICS[name][1] for name in probe.reads if name in STATISTICS], default=1)


def _matching(entry: str | Probe) -> list[Probe]:
    if isinstance(entry, Probe):
        return [entry]
    found = [probe for probe in CATALOG if fnmatch.fnmatchcase(probe.name, entry)]
    if not found:
        names = list(dict.fromkeys(probe.name for probe in CATALOG))
        raise UsageError(
            f"There is no probe {entry!r}.{did_you_mean(entry, names)} `deepnrc probes` lists all {len(names)}."
        )
    return found
