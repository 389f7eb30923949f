"""Which weight acts on the features of a layer, and which one comes after it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from deepnrc.measuring.settling.top import Top
from deepnrc.measuring.streaming.layerstream import LayerStream
from deepnrc.networks import Dataflow, NoWeightError, Weight
from deepnrc.wording import listing

Weights = Mapping[str, Weight]
POOLED = ("reshaping", "selection", "mean over an axis", "sum over an axis")  # which pooling has its own words for


@dataclass(frozen=True)
class Found:
    """A weight matrix (m, d), or None with ``missing`` saying why; and what a reader must know of it."""

    matrix: Tensor | None
    missing: str = ""
    note: str = ""


def acting(layer: LayerStream, flow: Dataflow, weights: Weights) -> Found:
    """The weight that acts on a layer's features: its own, or, behind a block, those that read its output."""
    site = layer.site
    if site.reads == "input":
        weight = weights.get(site.name, site.weight)
        return Found(None, site.missing) if weight is None else _read(weight)
    names = _readers(layer, flow)
    if not names:
        return Found(None, flow.unknown or site.missing)
    found = _stacked(names, weights, layer.width)
    return replace(found, note=_and(_between(site.name, names, flow), found.note))


def acting_on_top(layer: LayerStream, top: Top, weights: Weights) -> Found:
    """The weight that gives the outputs from the top layer's features: rows of one, or several side by side."""
    names = top.weights or (layer.site.name,)
    found = _stacked(names, weights, layer.width)
    sides = " side by side" if len(names) > 1 else ""
    if found.matrix is None or top.whole or (top.rows is None and top.factors is None and top.mixture is None):
        return Found(found.matrix, found.missing, _and(f"of {listing(names)}{sides}" if sides else "", found.note))
    made = top.in_use(found.matrix)
    if made is None:
        return Found(None, f"{listing(names)} give the outputs in more than one place")
    rows = (
        "" if top.rows in (None, tuple(range(len(found.matrix)))) else f", rows {', '.join(map(str, top.rows or ()))}"
    )
    behind = ", with fixed factors behind it" if top.factors else ", with fixed sums behind it" if top.mixture else ""
    return Found(made, "", _and(f"of {listing(names)}{sides}{rows}{behind}", found.note))


def _and(*notes: str) -> str:
    return "; ".join(filter(None, notes))


def after(layer: LayerStream, flow: Dataflow, weights: Weights) -> Found:
    """The Linear that reads all that a layer's Linear gives, elementwise activations between them."""
    site = layer.site
    names = [site.name] if site.reads == "input" else _readers(layer, flow)
    if len(names) != 1:
        return Found(None, site.missing or flow.unknown)
    own = site.weight if site.reads == "input" else weights.get(names[0])
    if own is None:
        return Found(None, site.missing)
    if not _linear(own):
        return Found(None, f"{type(own.module).__name__} is not Linear")
    link, reason = flow.following(names[0])
    if link is None:
        return Found(None, reason)
    target = weights.get(link.target)
    if target is None or not _linear(target):
        kind = "one that cannot be read" if target is None else type(target.module).__name__
        return Found(None, f"the next weight, '{link.target}', is {kind} and not Linear")
    if target.d != own.m:
        return Found(None, f"the next weight, '{link.target}', reads {target.d} features and not {own.m}")
    found = _matrix(link.target, weights)
    between = " and ".join(link.between) or "nothing"
    return Found(found.matrix, found.missing, _and(f"with {between} between it and '{link.target}'", found.note))


def _between(block: str, names: Sequence[str], flow: Dataflow) -> str:
    """What a block's output goes through before the weights that read it, those of one way together; "" for nothing."""
    ways: dict[str, list[str]] = {}
    for name in names:
        between = " and ".join(word for word in flow.through.get((block, name), ()) if word not in POOLED)
        if between:
            ways.setdefault(between, []).append(name)
    told = (
        f"{listing(those, 4)} {'read' if len(those) > 1 else 'reads'} these features through {between}"
        for between, those in ways.items()
    )
    return "; ".join(told)


def _readers(layer: LayerStream, flow: Dataflow) -> list[str]:
    return [name for name in flow.readers.get(layer.site.name, ()) if name not in flow.shortcuts]


def _linear(weight: Weight) -> bool:
    """Whether a module is linear in its last axis as a whole, with the adapters around it."""
    return weight.axis == -1 and weight.part in ("", "base_layer")


def _matrix(name: str, weights: Weights) -> Found:
    if name not in weights:
        return Found(None, f"the next weight, '{name}', is neither Linear nor a convolution")
    return _read(weights[name])


def _read(weight: Weight) -> Found:
    if weight.missing:
        return Found(None, weight.missing)
    try:
        return Found(weight.matrix(), note=weight.note)
    except NoWeightError as reason:
        return Found(None, str(reason))


def _stacked(names: Sequence[str], weights: Weights, width: int) -> Found:
    """Weights that read one tensor act on it as one: their rows one above the other."""
    parts, notes = [], dict[str, None]()
    for name in names:
        found = _matrix(name, weights)
        if found.matrix is None:
            return found
        if found.matrix.shape[1] != width:
            reads = f"reads {found.matrix.shape[1]} features and not {width}"
            return Found(None, f"the next weight, '{name}', {reads}")
        parts.append(found.matrix)
        notes |= {found.note: None}
    return Found(parts[0] if len(parts) == 1 else torch.cat(parts), note="; ".join(filter(None, notes)))
