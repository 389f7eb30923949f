"""Which probes to run, chosen by name."""

from __future__ import annotations

import dataclasses
import fnmatch
from collections.abc import Collection, Iterable, Sequence

from deepnrc.arguments import in_full
from deepnrc.errors import UsageError
from deepnrc.wording import Argument, Given, Remedy, did_you_mean, listing
from probes import CATALOG, HELD_PREFIX, HELD_QUANTITIES, STATISTICS, Part, Pass, Probe, Snapshot, Statistic


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
        raise UsageError(
            Given("probes", []),
            " measures nothing. Leave it out for all, or name some: ",
            Remedy("probes", ["deep.*"]),
            ".",
        )
    names = [(probe.name, probe.variant) for probe in chosen]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise UsageError(
            f"Two different probes are called {twice[0]!r} with the variant {twice[1]!r}. Give yours another name or "
            "variant."
        )
    brought: dict[str, type[Statistic]] = {}
    for probe in chosen:
        for name, kind in statistics([probe]).items():
            if brought.setdefault(name, kind) is not kind:
                raise UsageError(
                    f"The probe {probe.name!r} brings {kind.__name__} along as the statistic {name!r}, and another one "
                    f"brings {brought[name].__name__}. Give yours another name."
                )
    return chosen


def statistics(probes: Iterable[Probe]) -> dict[str, type[Statistic]]:
    """The streaming statistics that the probes need, by name: those that they bring along, and those of the catalog
    that they read."""
    return {
        name: kind
        for probe in probes
        for name, kind in {**{n: STATISTICS[n] for n in probe.reads if n in STATISTICS}, **probe.statistics}.items()
    }


def held_statistics(probes: Iterable[Probe]) -> dict[str, type[Statistic]]:
    """The streaming statistics of held-out samples that the probes' held-out forms need, by name."""
    found: dict[str, type[Statistic]] = {}
    for probe in probes:
        read = [name.removeprefix(HELD_PREFIX) for name in probe.held_reads if name.startswith(HELD_PREFIX)]
        found |= {name: STATISTICS[name] for name in read if name in STATISTICS}
        found |= probe.statistics if probe.held_out is not None else {}
    return found


def with_held_out(probes: Sequence[Probe], chosen: bool) -> list[Probe]:
    """Those of the probes that have a held-out form; where they were not named, also those of the catalog that are
    left out of them only because they take a second pass, which held-out samples need not."""
    classes = any(probe.classes for probe in probes)
    dear = (
        []
        if chosen
        else [p for p in CATALOG if not p.default and Pass.SECOND in {k.in_pass for k in p.statistics.values()}]
    )
    return [p for p in [*probes, *dear] if p.held_out is not None and (classes or chosen or not p.classes)]


def _checked(probe: Probe) -> Probe:
    """A user's own probe, refused where it could never be measured."""
    hashed = [f.name for f in dataclasses.fields(probe) if f.hash is not False]
    changing = next((name for name in hashed if not _hashable(getattr(probe, name))), None)
    if changing is not None:
        raise UsageError(
            f"The probe {probe.name!r} has {changing}={getattr(probe, changing)!r}, which can change. Give it as a "
            "tuple, or as something else that has a hash."
        )
    places = ("layer", "top", "network")
    if probe.where not in places:
        raise UsageError(f"The probe {probe.name!r} is for where={probe.where!r}. Choose from {', '.join(places)}.")
    quantities = [name for name in dir(Snapshot) if not name.startswith("_") and name != "read"]
    for name, kind in probe.statistics.items():
        _check_statistic(probe, name, kind, taken={*quantities, *STATISTICS})
    known = [*STATISTICS, *probe.statistics, *quantities]
    held = [*(HELD_PREFIX + name for name in known), *HELD_QUANTITIES]
    unknown = [name for name in probe.reads if name not in known]
    unknown += [name for name in probe.held_reads if name not in {*known, *held}]
    if unknown:
        raise UsageError(
            f"The probe {probe.name!r} reads {unknown[0]!r}, and there is no such quantity."
            f"{did_you_mean(unknown[0], known)} There are: {', '.join(known)}."
        )
    return probe


def _check_statistic(probe: Probe, name: str, kind: object, taken: Collection[str]) -> None:
    """Refuse a statistic that does not keep the contract, or whose name stands for something else."""
    if name in taken and STATISTICS.get(name) is not kind:
        raise UsageError(
            f"The probe {probe.name!r} brings a statistic {name!r} along, and that name is taken. Give it another, and "
            "the measure's parameter too."
        )
    whole = isinstance(getattr(kind, "in_pass", None), Pass) and isinstance(getattr(kind, "needs", None), Part)
    lacking = [method for method in ("begin", "update", "merge") if not callable(getattr(kind, method, None))]
    if not isinstance(kind, type) or not whole or lacking:
        raise UsageError(
            f"The statistic {name!r} of the probe {probe.name!r} must be a class with in_pass = probes.Pass.FIRST or "
            "SECOND, needs = probes.Part.NONE or what it needs, a classmethod begin(opening), update(batch) and "
            f"merge(other), as probes.Statistic tells; it is {kind!r}"
            f"{f', without {listing(lacking)}' if lacking else ''}."
        )


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
        raise UsageError(Argument("probes", entry), f" may hold names, globs and deepnrc.Probe objects, not {entry!r}.")
    names = list(dict.fromkeys(probe.name for probe in CATALOG))
    found = [probe for probe in CATALOG if fnmatch.fnmatchcase(probe.name, in_full(entry, names, "probes"))]
    if not found:
        raise UsageError(
            f"There is no probe {entry!r}.{did_you_mean(entry, names)} `deepnrc probes` lists all {len(names)}."
        )
    return found
