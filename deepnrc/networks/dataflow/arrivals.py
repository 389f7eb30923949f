"""What arrives at weights and modules of numbers that are sent back from an output: which places it is made of."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from deepnrc.networks.dataflow.flow import Dataflow
from deepnrc.networks.dataflow.graph import Graph
from deepnrc.networks.dataflow.recording import Key, place
from deepnrc.networks.dataflow.slopes import sent_back

SHOWN = 64  # columns of what a weight gives tell of its places; more of them are brought together to so many
BY_VALUE = frozenset(("Max", "Min", "Amax", "Amin", "Topk", "Sort", "Median", "Nanmedian", "Kthvalue", "Mode"))

Arrived = Mapping[str, Mapping[str, Tensor]]  # by output, and by weight or module


def arrivals(
    graph: Graph, flow: Dataflow, outputs: Mapping[str, Tensor], turned: Collection[str] = ()
) -> dict[str, dict[str, Tensor]]:
    """By output (N, n) or (N,), the slopes that arrive at the weights that give it and at modules that only these read.

    Every sample is sent the same numbers, so that what arrives for one compares with what does for another.

    Args:
        turned: outputs (n, N).
    """
    found = {}
    for name, x in outputs.items():
        giving = flow.outputs.get(name)
        if giving is None or giving.missing or x.ndim > 2 or not x.numel():
            continue
        calls = graph.recording.calls
        blocks = {block for block, readers in flow.readers.items() if readers and readers == giving.weights}
        at = {call.name: call.outs for call in calls if call.name in blocks}
        key = place(x)
        at |= {} if key is None else {giver.name: giver.outs for giver in graph.region([key]).givers}
        found[name] = _arrived(x, at, 1 if name in turned else 0)
    return found


def _arrived(output: Tensor, at: Mapping[str, Sequence[Key]], samples: int) -> dict[str, Tensor]:
    shape = list(output.shape)
    shape[samples] = 1
    drawn = torch.randn(shape, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    sent = drawn.to(output.device, output.dtype).expand_as(output)
    edges = [(name, GradientEdge(*key)) for name, keys in at.items() for key in keys]
    try:
        came = sent_back(output, sent, [edge for _, edge in edges])
    except RuntimeError:
        return {}
    used: dict[str, list[Tensor]] = {}
    for (name, _), x in zip(edges, came, strict=True):
        if x is not None:
            used.setdefault(name, []).append(x.detach())
    return {name: parts[0] for name, parts in used.items() if len(parts) == 1}


def as_read(arrived: Tensor, axis: int | None, shape: torch.Size) -> Tensor | None:
    """What arrived where a weight gives, with the axes of what it reads and at most ``SHOWN`` columns on the features'
    axis; None where the places that it reads and gives do not correspond.

    Args:
        axis: of the features that the weight reads; None for what arrived at the very tensor that is read.
        shape: of what is read.
    """
    if hasattr(arrived, "full_tensor"):
        arrived = arrived.full_tensor()
    if axis is None:
        return arrived if arrived.shape == shape else None
    axis %= len(shape)
    places = [n for i, n in enumerate(shape) if i != axis]
    last = arrived.movedim(axis, -1) if arrived.ndim == len(shape) else arrived
    columns = last.shape[-1]
    if list(last.shape[:-1]) != places:
        if axis != len(shape) - 1 or last.numel() != columns * math.prod(places):
            return None
        last = last.reshape(*places, columns)
    if columns > SHOWN:
        mixing = torch.randn(columns, SHOWN, generator=torch.Generator().manual_seed(3), dtype=torch.float64)
        last = last @ mixing.to(last.device, last.dtype)
    return last.movedim(-1, axis)
