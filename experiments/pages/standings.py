"""Which networks of a sweep are collapsed, which are low in noise alone, and why those are no more than that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import deepnrc
from deepnrc.table import COLLAPSE, LOW, NOISE, findings, onsets
from experiments.runner import Results

CAPTION = (
    "Networks by verdict, after training. Low noise: noise fraction <= 0.2 from some layer up to the last, which raw "
    "inputs, untrained networks and networks that dropped a target direction may have too. Collapsed: by verdict."
)
COLUMNS = ["setting", "networks", "low noise", "collapsed", "from", "why low noise alone"]


@dataclass(frozen=True)
class Told:
    """One network: the layer from which noise is low, and from which it is collapsed, up to the last ("" for none);
    and the verdict in words."""

    low: str
    collapsed: str
    said: str


def table(results: Results) -> dict[str, Any] | None:
    """A row a setting for a page, over its cells that did not diverge; None where no noise fraction was measured."""
    found: dict[str, list[deepnrc.Report]] = {label: [] for label in results.settings}
    for report, record in zip(results.reports, results.records, strict=True):
        if not record["diverged"]:
            found[record["label"]].append(report)
    return of_networks(found)


def of_networks(networks: Mapping[str, Sequence[deepnrc.Report]]) -> dict[str, Any] | None:
    """The same of reports of one run each, by what their rows are called: caption, columns, rows."""
    told = {label: [standing(one) for one in reports if NOISE in one.measures] for label, reports in networks.items()}
    rows = [_row(label, standings) for label, standings in told.items() if standings]
    return {"caption": CAPTION, "columns": COLUMNS, "rows": rows} if rows else None


def standing(report: deepnrc.Report) -> Told:
    """What is to be said of the last step of a report of one run."""
    last = report.at()
    starts = onsets(last.table).set_index("rule")["layer"].fillna("")
    return Told(str(starts[LOW]), str(starts.get(COLLAPSE, "")), findings(last, last.runs[0])[0])


def _row(label: str, networks: list[Told]) -> list[object]:
    low, collapsed = ([one for one in networks if one.low], [one for one in networks if one.collapsed])
    start = ", ".join(dict.fromkeys(one.collapsed for one in collapsed))
    why = "; ".join(dict.fromkeys(one.said for one in low if not one.collapsed))
    return [label, len(networks), len(low), len(collapsed), start or "-", why or "-"]
