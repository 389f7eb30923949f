"""Which weights give an output of the network, and which of their rows."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from deepnrc.networks.dataflow.flow import Giving
from deepnrc.networks.dataflow.graph import Bare, Giver, Graph, Region
from deepnrc.networks.dataflow.recording import place

LINEAR = frozenset(
    ("selection", "reshaping", "concatenation", "negation", "mean over an axis", "sum over an axis", "detach()")
)
COLUMNS = 64  # outputs of more columns are not followed column by column


def giving(graph: Graph, output: Tensor) -> Giving:
    """What gives one output that lies in the graph."""
    key = place(output)
    assert key is not None
    region = graph.region([key])
    names = tuple(dict.fromkeys(giver.name for giver in region.givers))
    words = tuple(dict.fromkeys(word for giver in region.givers for word in region.words[giver]))
    missing, rows = _not_given(region, names), None
    by_numbers = len(names) > 1 and missing in ("", _apart(names)) and not _one_tensor(region.givers)
    if not missing and (len(names) > 1 or "selection" in words or _narrow(region, output)):
        rows = _rows(region, output)
        by_numbers = by_numbers or not LINEAR.issuperset(words)  # slopes of all else may be zero by chance
        if rows is None and (len(names) > 1 or "selection" in words):
            missing = f"which rows of {listed(names)} give which output could not be told"
    return Giving(names, words, rows, missing, by_numbers=by_numbers)


def _not_given(region: Region, names: tuple[str, ...]) -> str:
    if not names:
        return "no weight gives the prediction"
    if region.opaque:
        return f"an autograd function of its own ({region.opaque[0]}) lies between the weights and the prediction"
    if region.fixed:
        said = f"a matrix that is no parameter gives the prediction, from what {listed(names)} gives"
        return f"{said}: top= names the layer to be taken all the same"
    if region.matrices:
        return f"'{region.matrices[0]}' comes in between {listed(names)} and the prediction"
    if region.inputs:
        return f"the network's own inputs come in beside {listed(names)}: top= names the layer to be taken all the same"
    if region.mixed:
        return f"{listed(names)} give the prediction together, and not side by side"
    if len(region.givers) > len(names):
        return f"{listed(names)} gives the prediction in {len(region.givers)} runs"
    if len(names) > 1 and not _same_features(region.givers):
        return _apart(names)
    return ""


def _apart(names: Sequence[str]) -> str:
    return f"{listed(names)} give the prediction from different features"


def listed(names: Sequence[str]) -> str:
    """Names in quotes, the last behind an "and"."""
    quoted = [f"'{name}'" for name in names]
    return quoted[0] if len(quoted) == 1 else f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def _same_features(givers: Sequence[Giver]) -> bool:
    first = givers[0]
    return all(giver.ins == first.ins or _equal(giver, first) for giver in givers[1:])


def _one_tensor(givers: Sequence[Giver]) -> bool:
    """Whether all weights read the same tensor, and not only equal ones."""
    return all(giver.ins == givers[0].ins for giver in givers)


def _equal(a: Giver, b: Giver) -> bool:
    if isinstance(a, Bare) or isinstance(b, Bare) or len(a.inputs) != len(b.inputs):
        return False
    return all(x.shape == y.shape and torch.equal(x, y) for x, y in zip(a.inputs, b.inputs, strict=True))


def _narrow(region: Region, output: Tensor) -> bool:
    """Whether the one weight behind an output (N, n) has another number of outputs."""
    giver = region.givers[0]
    if isinstance(giver, Bare) or output.ndim != 2 or giver.outputs[0].ndim != 2:
        return False
    return bool(giver.outputs[0].shape[1] != output.shape[1])


def _rows(region: Region, output: Tensor) -> tuple[int, ...] | None:
    """By column of an output (N, n), the one row of the stacked weights on which it depends."""
    with torch.enable_grad():
        flat = output[:, None] if output.ndim == 1 else output
    if flat.ndim != 2 or flat.shape[1] > COLUMNS or any(len(giver.outs) != 1 for giver in region.givers):
        return None
    edges = [GradientEdge(*giver.outs[0]) for giver in region.givers]
    rows = []
    for column in range(flat.shape[1]):
        with torch.enable_grad():
            total = flat[:, column].sum()
        try:
            slopes = torch.autograd.grad(total, edges, retain_graph=True, allow_unused=True, materialize_grads=False)
        except RuntimeError:
            return None
        found = _moved(slopes, region)
        if found is None:
            return None
        rows.append(found)
    return tuple(rows)


def _moved(slopes: Sequence[Tensor | None], region: Region) -> int | None:
    start, found = 0, []
    for slope, giver in zip(slopes, region.givers, strict=True):
        width = slope.shape[-1] if slope is not None else _width(giver)
        if width is None or (slope is not None and slope.ndim != 2):
            return None
        if slope is not None:
            found += [start + int(i) for i in slope.abs().sum(0).nonzero().flatten()]
        start += width
    return found[0] if len(found) == 1 else None


def _width(giver: Giver) -> int | None:
    meta = giver.outs[0][0]._input_metadata[giver.outs[0][1]]
    return int(meta.shape[-1]) if len(meta.shape) == 2 else None
