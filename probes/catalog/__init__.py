"""The one table of every probe: its name, what it computes, how to read it, and where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from probes.streaming.moments import Moments
from probes.streaming.statistic import Statistic

from . import alternative_rows, class_rows, deep_rows, further_rows, top_rows
from .probe import Probe

CATALOG: tuple[Probe, ...] = (
    *deep_rows.ROWS,
    *top_rows.ROWS,
    *class_rows.ROWS,
    *further_rows.ROWS,
    *alternative_rows.ROWS,
)

# every statistic that the catalog's probes bring along, for probes of one's own that read it by its name
STATISTICS: Mapping[str, type[Statistic]] = MappingProxyType(
    {"moments": Moments} | {name: kind for probe in CATALOG for name, kind in probe.statistics.items()}
)
