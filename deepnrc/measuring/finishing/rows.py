"""From finished statistics to the rows of the tidy table, one row, one value; and to the spectra behind them."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any

import torch
from torch import Tensor

from deepnrc.data import progress_bar
from deepnrc.measuring.finishing import intervals
from deepnrc.measuring.finishing.atonce import at_once, many_outputs
from deepnrc.measuring.finishing.home import CPU, at_home
from deepnrc.measuring.finishing.readings import SpectralReading, of_layer, of_targets
from deepnrc.measuring.finishing.rounding import Rounding
from deepnrc.measuring.settling.acting import Found, acting, acting_on_top, after
from deepnrc.measuring.settling.top import Top
from deepnrc.measuring.streaming.layerstream import LayerStream
from deepnrc.measuring.streaming.parallel import in_parallel
from deepnrc.measuring.streaming.streams import Streams
from deepnrc.networks import Dataflow, Weight, over_map
from deepnrc.table import COSINES, FEATURES, NETWORK
from probes import (
    OF_WEIGHT,
    Evaluation,
    HeldOut,
    Outcome,
    Probe,
    Snapshot,
    defined,
    lent,
    of_sketch,
    read_ahead,
    sketch_tells,
)

PATCHES = (
    "the convolution in front of the outputs reads patches of several positions, and pooled features are of one: its "
    "rows do not lie among them. top= names another layer"
)
SKETCH_LACKS = "of this layer's features only a sketch was kept, and it reads their covariance or rows (sketch=)"
UNSKETCHED = (FEATURES, COSINES)  # spectra that a sketch does not tell
READERS = {"weight": OF_WEIGHT, "following": ("following",)}  # what a probe reads that is concerned with a note


def finished(
    streams: Streams, flow: Dataflow, weights: Mapping[str, Weight], **named: Any
) -> tuple[list[dict[str, Any]], list[SpectralReading]]:
    """``measured`` of streams that are brought up to date, held-out ones with those that they stand beside.

    Errors: UsageError for groups of too few samples.
    """
    streams.flush()
    whole, held = (streams, None) if streams.fitted is None else (streams.fitted, streams)
    if whole.dealing is not None:
        whole.dealing.check(whole.sizes)
    away = next((layer.device for layer in whole.layers.values() if layer.device != CPU), CPU)
    with lent(away):
        return measured(at_home(whole), flow, weights, held=None if held is None else at_home(held), **named)


def measured(
    streams: Streams,
    flow: Dataflow,
    weights: Mapping[str, Weight],
    *,
    rank: int | None,
    run: str,
    step: int,
    progress: bool,
    held: Streams | None = None,
    host: str | None = None,
) -> tuple[list[dict[str, Any]], list[SpectralReading]]:
    """Evaluate every probe on every layer, and keep the spectra that the measures were read from.

    Args:
        flow: what feeds what in the network.
        weights: every weight of the network by its layer's name.
        rank: k, or None for the numerical rank of the targets.
        held: the streams of held-out samples, if there are any.
        host: key of the layer that stands for the network, if it is among these layers; None for the top or last one.
    """
    layers, outputs = list(streams.layers.values()), streams.network.residuals
    rounding, held_rounding = (Rounding({} if s is None else s.products, flow) for s in (streams, held))
    host = next((layer.key for layer in layers if layer.top), layers[-1].key) if host is None else host

    def known(layer: LayerStream) -> _Layer:
        weight, following = acting(layer, flow, weights), after(layer, flow, weights)
        snapshot = _snapshot(layer, streams, rounding, weight, following, rank)
        places = {"layer": snapshot}
        notes = {"layer": {"weight": weight.note, "following": following.note}}
        if layer.top:
            places["top"], of_weight = _of_top(layer, streams.top, snapshot, weights)
            notes["top"] = {"weight": of_weight or weight.note}
        places |= _of_classes(layer, streams.top, places)
        notes["classes"] = notes.get("top", notes["layer"])
        other = (
            None if held is None else _snapshot(held.layers[layer.key], held, held_rounding, weight, following, rank)
        )
        return _Layer(layer, places, notes, other)

    def of(one: _Layer | None) -> tuple[list[dict[str, Any]], list[SpectralReading]]:
        if one is None:
            read_ahead(outputs)
            return [], []
        layer, places, snapshot = one.stream, one.places, one.places["layer"]
        shared = {"run": run, "step": step, "depth": layer.depth, "layer": layer.key, "kind": layer.site.kind}
        read = _sketched if layer.sketch is not None else _whole
        pairs = _rows(streams.fitting, places, {**shared, "pool": layer.pool}, one.notes, read)
        fill = streams.dealing is not None
        if fill:
            intervals.fill(pairs, layer, streams, places)
        rows = [row for _, row in pairs] + _held(held, places, one.held, {**shared, "pool": layer.pool})
        readings = [r for r in of_layer(snapshot, shared) if layer.sketch is None or r.name not in UNSKETCHED]
        if layer.key == host:
            if not layer.top:
                rows += [
                    _absent(probe, streams.top.missing, shared, snapshot)
                    for probe in streams.fitting
                    if probe.where == "top"
                ]
            network = {"run": run, "step": step, "depth": -1, "layer": NETWORK, "kind": "network", "pool": "none"}
            pairs, whole = _rows(streams.fitting, {"network": snapshot}, network, {}, read), {"network": snapshot}
            if fill:
                intervals.fill(pairs, layer, streams, whole)
            rows += [row for _, row in pairs] + _held(held, whole, one.held, network)
            readings += of_targets(snapshot, network)
        return rows, readings

    rows: list[dict[str, Any]] = []
    readings: list[SpectralReading] = []
    # weights are read on this thread, in order: they may be brought together from other processes, or read by code of
    # the user's own
    ahead = [None] if outputs is not None and many_outputs(streams) else []
    with contextlib.closing(in_parallel(of, chain(ahead, map(known, layers)), at_once(layers, len(ahead)))) as found:
        for _ in ahead:
            next(found)
        for some, read in progress_bar(found, total=len(layers), desc="measuring", unit="layer", progress=progress):
            rows += some
            readings += read
    return rows, readings


@dataclass(frozen=True)
class _Layer:
    """All that is known of a layer before any of it is computed.

    Attributes:
        places: the layer as measures of each place see it.
        notes: by place, what the reader of a quantity must know.
        held: the layer on the held-out samples.
    """

    stream: LayerStream
    places: Mapping[str, Snapshot]
    notes: Mapping[str, Mapping[str, str]]
    held: Snapshot | None


def _snapshot(
    layer: LayerStream, streams: Streams, rounding: Rounding, weight: Found, following: Found, rank: int | None
) -> Snapshot:
    return Snapshot(
        layer.statistics,
        weight_matrix=_on(weight, layer.device),
        weight_missing=weight.missing,
        following_weight=_on(following, layer.device),
        following_missing=following.missing,
        rank=rank,
        unit_roundoff=max(layer.roundoff, rounding.of(layer)),
        held_roundoff=layer.roundoff,
        target_roundoff=streams.roundoff,
        target_resolution=streams.resolution,
        network_mse=streams.network.mse,
        network_outputs=streams.network.residuals,
        one_hot=streams.one_hot,
        mse_missing=streams.network.missing,
        mse_note="against classes as one-hot targets" if streams.one_hot else "",
        network_accuracy=streams.network_accuracy,
        missing=streams.missing,
    )


def _held(
    held: Streams | None, places: Mapping[str, Snapshot], other: Snapshot | None, shared: dict[str, Any]
) -> list[dict[str, Any]]:
    """A row for the held-out form of each probe that has one and is for one of these places."""
    if held is None or other is None:
        return []
    chosen = [probe for probe in held.probes if probe.where in places and probe.direction <= other.n]
    fitted = next(iter(places.values()))
    k = defined(lambda: fitted.k)
    both = {where: HeldOut(snapshot, other) for where, snapshot in places.items()}
    return [
        {
            **_row(probe, probe.evaluate_held(both[intervals.place(probe, places)]), shared, other),
            "variant": probe.held_variant,
            "rank": k,
        }
        for probe in chosen
    ]


def _on(found: Found, device: torch.device) -> Tensor | None:
    return None if found.matrix is None else found.matrix.to(device)


def _of_top(layer: LayerStream, top: Top, snapshot: Snapshot, weights: Mapping[str, Weight]) -> tuple[Snapshot, str]:
    """The layer as measures of the top see it, whose weight is all that gives the outputs; and what to say of that."""
    missing = {**snapshot.missing, "gram": top.altered} if top.altered else snapshot.missing
    own, W = weights.get(layer.site.name), snapshot.weight_matrix
    flat = over_map(layer.site.module, snapshot.d) if top.whole and layer.pool == "flatten" else None
    if flat is not None:
        return replace(snapshot, weight_matrix=flat.detach().to(layer.device), weight_missing="", missing=missing), ""
    if own is not None and W is not None and len(W) > own.m:
        return replace(snapshot, weight_matrix=None, weight_missing=PATCHES, missing=missing), ""
    if top.whole:
        return replace(snapshot, missing=missing) if top.altered else snapshot, top.altered.partition(", so")[0]
    found = acting_on_top(layer, top, weights)
    seen = replace(snapshot, weight_matrix=_on(found, layer.device), weight_missing=found.missing, missing=missing)
    return seen, "; ".join(filter(None, [found.note, top.altered.partition(", so")[0]]))


def _of_classes(layer: LayerStream, top: Top, places: Mapping[str, Snapshot]) -> dict[str, Snapshot]:
    """The layer as measures of the classes' weight see it, where what they are to read is not the layer's own weight:
    the one in use at the outputs, or none where the outputs are no multiples of what it gives."""
    if layer.top:
        seen, reason = places["top"], top.altered
    elif top.key is None and layer.site.name in top.weights:
        seen, reason = places["layer"], top.missing
    else:
        return {}
    if reason:
        seen = replace(seen, weight_matrix=None, weight_missing=reason)
    return {"classes": seen}


def _rows(
    probes: Sequence[Probe],
    places: Mapping[str, Snapshot],
    shared: dict[str, Any],
    notes: Mapping[str, Mapping[str, str]],
    read: Callable[[Probe, Snapshot], list[tuple[Probe, Evaluation]]],
) -> list[tuple[Probe, dict[str, Any]]]:
    """A row for each probe that is for one of these places, beside it.

    Args:
        notes: by place, what the reader of a quantity must know.
        read: evaluates a probe, in one form or two.
    """
    rows = []
    for probe in probes:
        if probe.where in places and probe.direction <= places[probe.where].n:
            place = intervals.place(probe, places)
            known = notes.get(place, {})
            said = dict.fromkeys(n for name, n in known.items() if n and set(probe.reads) & set(READERS[name]))
            for form, found in read(probe, places[place]):
                row = _row(form, found, shared, places[place])
                if said and row["status"] != "not defined":
                    row["note"] = "; ".join(filter(None, [row["note"], *said]))
                rows.append((form, row))
    return rows


def _whole(probe: Probe, snapshot: Snapshot) -> list[tuple[Probe, Evaluation]]:
    return [(probe, probe.evaluate(snapshot))]


def _sketched(probe: Probe, snapshot: Snapshot) -> list[tuple[Probe, Evaluation]]:
    """What a sketch tells: the measure itself where it is exact, else that it is not defined, and its own form."""
    if sketch_tells(probe):
        return _whole(probe, snapshot)
    form, nothing = of_sketch(probe), Evaluation(Outcome(float("nan"), "not defined", SKETCH_LACKS))
    return [(probe, nothing), *([] if form is None else _whole(form, snapshot))]


def _absent(probe: Probe, reason: str, shared: dict[str, Any], snapshot: Snapshot) -> dict[str, Any]:
    """The row of a measure of the top layer where that was not probed."""
    return _row(probe, Evaluation(Outcome(float("nan"), "not defined", reason)), {**shared, "pool": "none"}, snapshot)


def _row(probe: Probe, result: Evaluation, shared: dict[str, Any], snapshot: Snapshot) -> dict[str, Any]:
    return shared | {
        "measure": probe.name,
        "variant": probe.variant,
        "value": result.outcome.value,
        "status": result.outcome.status,
        "note": result.outcome.note,
        "n_samples": snapshot.N,
        "dim": snapshot.d,
        "target_dim": snapshot.n,
        "rank": defined(lambda: snapshot.k),
        "chance": result.chance,
        "floor": result.floor,
        "chance_high": result.chance_high,
    }
