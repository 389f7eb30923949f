"""Intervals of a layer's measures: each measured again without each group of samples."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from deepnrc.measuring.streaming.layerstream import LayerStream
from deepnrc.measuring.streaming.performance import Performance
from deepnrc.measuring.streaming.streams import Streams
from probes import OF_WEIGHT, OK, NotDefinedError, Outcome, Probe, Snapshot, jackknife

Rows = Iterable[tuple[Probe, dict[str, Any]]]


def fill(rows: Rows, layer: LayerStream, streams: Streams, places: Mapping[str, Snapshot]) -> None:
    """Write ``corrected``, ``low`` and ``high`` into the rows, or the reason why there are none into the note.

    Args:
        rows: rows of this layer, or of the network, with their probes.
        places: by name, the layer as its measures see it.
    """
    told = [(probe, row, Outcome(row["value"], row["status"])) for probe, row in rows]
    asked = [probe for probe, _, outcome in told if outcome.status == OK and not probe.counts]
    left = _left(asked, layer, streams, places)
    for probe, row, outcome in told:
        if probe.unbiased is not None and outcome.status == OK:
            outcome = probe.jackknifed.outcome(places[place(probe, places)])
        found = jackknife.measured(probe, outcome, left.get((probe.name, probe.variant), []), streams.sizes)
        if isinstance(found, NotDefinedError):
            row["note"] = "; ".join(filter(None, [row["note"], f"no interval: {found}"]))
        elif found is not None:
            row |= {"corrected": found.corrected, "low": found.low, "high": found.high}


def place(probe: Probe, places: Mapping[str, Snapshot]) -> str:
    """The name under which a probe sees the layer: ``Probe.where``, or "classes" where it reads the classes' weight."""
    of_classes = probe.classes and not set(OF_WEIGHT).isdisjoint(probe.reads)
    return "classes" if of_classes and "classes" in places else probe.where


def _left(
    probes: Sequence[Probe], layer: LayerStream, streams: Streams, places: Mapping[str, Snapshot]
) -> dict[tuple[str, str], list[Outcome]]:
    """By measure and variant, what it reads without each group; the statistics of one at a time are in memory."""
    found: dict[tuple[str, str], list[Outcome]] = {(probe.name, probe.variant): [] for probe in probes}
    groups = range(len(layer.groups)) if probes else ()
    for group in groups:
        rest = [other for other in groups if other != group]
        statistics, network = layer.merged(rest), Performance.joined([streams.parts[g] for g in rest])
        told = {} if streams.network.mse is None else _told(network, streams)
        seen = {id(whole): jackknife.without(whole, statistics, **told) for whole in places.values()}
        for probe in probes:
            found[probe.name, probe.variant].append(probe.jackknifed.outcome(seen[id(places[place(probe, places)])]))
    return found


def _told(network: Performance, streams: Streams) -> dict[str, Any]:
    accuracy = network.accuracy if streams.one_hot else None
    return {"network_mse": network.mse, "network_accuracy": accuracy, "network_outputs": network.residuals}
