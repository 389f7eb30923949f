"""Which probes to run, chosen by name."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Iterable, Sequence

from deepnrc.errors import UsageError
from deepnrc.wording import did_you_mean
from probes import CATALOG, STATISTICS, Probe, Snapshot


def select(wanted: Sequence[str | Probe] | str | Probe | None) -> tuple[Probe, ...]:
    """The probes to run.

    Args:
        wanted: names or globs ("deep.*", "nrc.1_centred") and ``Probe`` objects of your own; None for every probe of
            the catalog but those that are costly and only measured when asked for.
    Errors: UsageError for an unknown name, with the nearest; for none, or two probes of one name and variant.
    """
    if wanted is None:
        return tuple(probe for probe in CATALOG if probe.default)
    entries = [wanted] if isinstance(wanted, str | Probe) or not isinstance(wanted, Iterable) else list(wanted)
    chosen = tuple(dict.fromkeys(probe for entry in entries for probe in _matching(entry)))
    if not chosen:
        raise UsageError("probes=[] measures nothing. Leave it out for all, or name some: probes=['deep.*'].")
    names = [(probe.name, probe.variant) for probe in chosen]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(
            f"Two different probes are called {twice[0]!r} with the variant {twice[1]!r}. Give yours another name or "
            "variant."
        )
    return chosen


def statistics(probes: Sequence[Probe], where: str, number: int) -> set[str]:
    """Names of the streaming statistics that the probes at ``where`` need in pass ``number``."""
    names = {name for probe in probes if probe.where == where for name in probe.reads}
    return {name for name in names if name in STATISTICS and STATISTICS[name][1] == number}


def described(probe: Probe) -> dict[str, object]:
    """What a reader needs to know of a probe that the catalog does not hold, as plain values."""
    names = ("name", "variant", "title", "meaning", "formula", "source", "collapsed", "better", "log")
    return {name: getattr(probe, name) for name in names} | {"bounds": [str(bound) for bound in probe.bounds]}


def _checked(probe: Probe) -> Probe:
    """A user's own probe, refused where it could never be measured."""
    changing = next((f.name for f in dataclasses.fields(probe) if not _hashable(getattr(probe, f.name))), None)
    if changing is not None:
        raise UsageError(
            f"The probe {probe.name!r} has {changing}={getattr(probe, changing)!r}, which can change. Give it as a "
            "tuple, or as something else that has a hash."
        )
    places = ("layer", "top", "network")
    if probe.where not in places:
        raise UsageError(f"The probe {probe.name!r} is for where={probe.where!r}. Choose from {', '.join(places)}.")
    known = [*STATISTICS, *(name for name in dir(Snapshot) if not name.startswith("_") and name != "read")]
    unknown = [name for name in probe.reads if name not in known]
    if unknown:
        raise UsageError(
            f"The probe {probe.name!r} reads {unknown[0]!r}, and there is no such quantity."
            f"{did_you_mean(unknown[0], known)} There are: {', '.join(known)}."
        )
    return probe


def _hashable(value: object) -> bool:
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _matching(entry: str | Probe) -> list[Probe]:
    if isinstance(entry, Probe):
        return [_checked(entry)]
    if not isinstance(entry, str):
        raise UsageError(f"probes may hold names, globs and deepnrc.Probe objects, not {entry!r}.")
    found = [probe for probe in CATALOG if fnmatch.fnmatchcase(probe.name, entry)]
    if not found:
        names = list(dict.fromkeys(probe.name for probe in CATALOG))
        raise UsageError(
            f"There is no probe {entry!r}.{did_you_mean(entry, names)} `deepnrc probes` lists all {len(names)}."
        )
    return found
