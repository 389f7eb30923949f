"""From finished statistics to the rows of the tidy table, one row, one value; and to the spectra behind them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import Tensor, nn
from tqdm.auto import tqdm

from deepnrc.measuring.layerstream import LayerStream
from deepnrc.measuring.readings import Reading, of_layer, of_targets
from deepnrc.measuring.streams import Streams
from deepnrc.networks import NoWeightError, Weight, following, has_weight, site_at, weight_matrix
from deepnrc.table import NETWORK
from probes import Evaluation, Outcome, Probe, Snapshot, defined


def measured(
    streams: Streams,
    ran: Sequence[str],
    weights: Mapping[str, nn.Module],
    *,
    rank: int | None,
    run: str,
    step: int,
    progress: bool,
) -> tuple[list[dict[str, Any]], list[Reading]]:
    """Evaluate every probe on every layer, and keep the spectra that the measures were read from.

    Args:
        ran: names of the weights and output sites in the order in which they ran, for finding the weight that reads a
            block's output.
        weights: by name, the network's modules that read features with a weight.
        rank: k, or None for the numerical rank of the targets.
    """
    rows: list[dict[str, Any]] = []
    readings: list[Reading] = []
    layers = list(streams.layers.values())
    host = next((layer for layer in layers if layer.top), layers[-1])
    for layer in tqdm(layers, desc="measuring", unit="layer", disable=not progress, delay=2, leave=False):
        holder, missing = _holder(layer, ran, weights)
        W, missing = _matrix(holder, missing)
        after, none_after = following(None if holder is None else holder.module, missing, ran, weights)
        device = layer.device
        snapshot = Snapshot(
            layer.statistics,
            weight_matrix=None if W is None else W.to(device),
            weight_missing=missing,
            following_weight=None if after is None else weight_matrix(after).to(device),
            following_missing=none_after,
            rank=rank,
            unit_roundoff=layer.roundoff,
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
        places = {"layer", "top"} if layer.top else {"layer"}
        shared = {"run": run, "step": step, "depth": layer.depth, "layer": layer.key, "kind": layer.site.kind}
        rows += _rows(streams.fitting, places, snapshot, {**shared, "pool": layer.pool})
        readings += of_layer(snapshot, shared)
        if layer is host:
            if not any(other.top for other in layers):
                rows += [
                    _absent(probe, streams.top.missing, shared, snapshot)
                    for probe in streams.fitting
                    if probe.where == "top"
                ]
            network = {"run": run, "step": step, "depth": -1, "layer": NETWORK, "kind": "network", "pool": "none"}
            rows += _rows(streams.fitting, {"network"}, snapshot, network)
            readings += of_targets(snapshot, network)
    return rows, readings


def _rows(
    probes: Sequence[Probe], places: set[str], snapshot: Snapshot, shared: dict[str, Any]
) -> list[dict[str, Any]]:
    rows = []
    for probe in probes:
        if probe.where in places and probe.direction <= snapshot.n:
            rows.append(_row(probe, probe.evaluate(snapshot), shared, snapshot))
    return rows


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


def _matrix(holder: Weight | None, missing: str) -> tuple[Tensor | None, str]:
    try:
        return (None, missing) if holder is None else (holder.matrix(), "")
    except NoWeightError as reason:
        return None, str(reason)


def _holder(layer: LayerStream, ran: Sequence[str], weights: Mapping[str, nn.Module]) -> tuple[Weight | None, str]:
    """The weight that acts on these features: the layer's own, or, behind a block, that of the next to run."""
    site = layer.site
    if site.reads == "input" or site.name not in ran:
        return site.weight, site.missing
    end = len(ran) - list(reversed(ran)).index(site.name)
    following = next((name for name in ran[end:] if name in weights), None)
    if following is None:
        return None, site.missing
    if not has_weight(weights[following]):
        return None, f"the next weight, '{following}', is neither Linear nor a convolution"
    reader = site_at(following, weights[following])
    if reader.dim != layer.width:
        return None, f"the next weight, '{following}', reads {reader.dim} features and not {layer.width}"
    return reader.weight, reader.missing
