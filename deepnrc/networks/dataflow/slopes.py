"""What an output makes of what weights give, told by its slopes: numbers are sent back from it and arrive there."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.autograd.graph import GradientEdge

from deepnrc.networks.dataflow.graph import Giver

COLUMNS = 64  # an output of more columns is not followed column by column
CLOSE = 64  # in units of the coarser dtype's rounding


@dataclass(frozen=True)
class Makeup:
    """How the columns of an output (..., n) are made of the m rows of the weights, one above the other.

    Attributes:
        rows: by column, the one row that makes it; None where they are all of them, in order.
        factors: by column, by how much that row is multiplied; None where by one positive number for all.
        mixture: by column, its m parts in a sum of all rows; None where each column is made of one row.
        varying: whether a column follows its row otherwise than as a multiple of it, each sample for itself.
    """

    rows: tuple[int, ...] | None = None
    factors: tuple[float, ...] | None = None
    mixture: tuple[tuple[float, ...], ...] | None = None
    varying: bool = False


def makeup(givers: Sequence[Giver], output: Tensor) -> Makeup | None:
    """The makeup of a floating output; None where samples or columns are mixed otherwise than by fixed numbers.

    Errors: RuntimeError where nothing can be sent back.
    """
    probe = _Probe(givers, output)
    sent = probe.drawn()
    arrived = probe.send(sent)
    if len(arrived) == 1 and arrived[0].numel() == sent.numel() and torch.equal(arrived[0].reshape(sent.shape), sent):
        return Makeup()
    for v, a in _pairs(sent, arrived):
        found = _multiples(a, v, probe.rounding)
        if found is not None:
            return found
    for features in _axes(sent):
        if sent.shape[features] <= COLUMNS:
            found = _by_columns(probe, features)
            if found is not None:
                return found
    return None


def log_odds(givers: Sequence[Giver], output: Tensor) -> Makeup | None:
    """The makeup of the logits of an output (N, K) of probabilities or their logarithms; None if it is neither.

    Only differences within a row are told by these, so what is sent back has rows of sum 0.
    """
    values = output.detach().double()
    logs = values if bool((values <= 0).all()) else values.log()
    if output.ndim != 2 or not bool(torch.isfinite(logs).all()) or float(logs.logsumexp(1).abs().max()) > 1e-2:
        return None
    probe = _Probe(givers, output)
    v = probe.drawn().double()
    v = v - v.mean(1, keepdim=True)
    arrived = probe.send((v if logs is values else v / values).to(output.dtype))
    found = next((f for u, a in _pairs(v, arrived) if (f := _multiples(a, u, 16 * probe.rounding))), None)
    return found if found is not None and found.factors is None else None


def sent_back(output: Tensor, sent: Tensor, edges: Sequence[GradientEdge]) -> Sequence[Tensor | None]:
    """What arrives at some places of numbers that are sent back from an output; None where nothing does.

    They go back from one number, their product: torch's check of several imports sympy, which takes half a second.
    """
    with torch.enable_grad():
        product = (output * sent).sum()
    return torch.autograd.grad([product], list(edges), retain_graph=True, allow_unused=True)


class _Probe:
    """Sends numbers back from an output to weights."""

    def __init__(self, givers: Sequence[Giver], output: Tensor) -> None:
        self.output = output
        self.edges = [[GradientEdge(*out) for out in giver.outs] for giver in givers]
        self.random = torch.Generator().manual_seed(0)
        self.rounding = CLOSE * torch.finfo(output.dtype).eps

    def drawn(self) -> Tensor:
        drawn = torch.randn(self.output.shape, generator=self.random, dtype=torch.float64)
        return drawn.to(self.output.device, self.output.dtype)

    def send(self, sent: Tensor) -> list[Tensor]:
        """By weight, what arrives at the one of its outputs that is used."""
        flat = [edge for edges in self.edges for edge in edges]
        came = iter(sent_back(self.output, sent, flat))
        arrived = []
        for edges in self.edges:
            used = [x for x in [next(came) for _ in edges] if x is not None]
            if len(used) != 1:
                raise RuntimeError("none or several of a weight's outputs are used")
            self.rounding = max(self.rounding, CLOSE * torch.finfo(used[0].dtype).eps)
            arrived.append(used[0].detach())
        return arrived


def _axes(x: Tensor) -> tuple[int, ...]:
    """Where the columns of an output may lie."""
    return (0,) if x.ndim == 1 else (-1, 0) if x.ndim == 2 else (-1, 1)


def _pairs(sent: Tensor, arrived: Sequence[Tensor]) -> Iterator[tuple[Tensor, Tensor]]:
    """What was sent (P, n) beside what arrived (P, m), at each place alone and summed over all places of a sample."""
    for features in _axes(sent):
        yield from _along(sent, arrived, features)


def _along(sent: Tensor, arrived: Sequence[Tensor], features: int) -> Iterator[tuple[Tensor, Tensor]]:
    turned = sent.ndim == 2 and features == 0  # then the weights' columns lie last: the samples are never columns
    for v in _forms(sent, features):
        for axis in (-1,) if turned else (-1, 1, 0):
            for form in (_alone, _following, _apart_by):
                parts = [form(x, axis, len(v)) for x in arrived]
                whole = [part.double() for part in parts if part is not None]
                if len(whole) == len(arrived):
                    yield v.double(), torch.cat(whole, 1)


def _forms(x: Tensor, features: int) -> Iterator[Tensor]:
    """(P, n) of all places, and (N, n) summed over those of a sample."""
    if x.ndim == 1:
        yield x[:, None]
        return
    last = x.movedim(features, -1)
    yield last.reshape(-1, last.shape[-1])
    if x.ndim > 2:
        yield last.flatten(1, -2).sum(1)


def _flat(x: Tensor, axis: int) -> Tensor | None:
    """(P, m) with the columns on one axis; None where that is none of the axes on which they may lie."""
    if x.ndim == 1:
        return x[:, None] if axis == -1 else None
    if axis == (1 if x.ndim == 2 else 0):
        return None
    last = x.movedim(axis, -1)
    return last.reshape(-1, last.shape[-1])


def _alone(x: Tensor, axis: int, places: int) -> Tensor | None:
    """What arrived (P, m), each place for itself."""
    flat = _flat(x, axis)
    return flat if flat is not None and len(flat) == places else None


def _following(x: Tensor, axis: int, places: int) -> Tensor | None:
    """What arrived (P, m), summed over places that follow one another, as the tokens of a sample do."""
    flat = _flat(x, axis)
    if flat is None or not places or len(flat) == places or len(flat) % places:
        return None
    return flat.unflatten(0, (places, -1)).sum(1)


def _apart_by(x: Tensor, axis: int, places: int) -> Tensor | None:
    """What arrived (P, m), summed over places that lie ``places`` apart, as tokens do with time first."""
    flat = _flat(x, axis)
    if flat is None or not places or len(flat) == places or len(flat) % places:
        return None
    return flat.unflatten(0, (-1, places)).sum(0)


def _multiples(arrived: Tensor, sent: Tensor, rounding: float) -> Makeup | None:
    """The makeup if each column that was sent arrives as a multiple of itself, in a place of its own."""
    if sent.shape[1] > arrived.shape[1] or not sent.numel():
        return None
    if len(sent) == 1:  # one number alone is a multiple of any other
        distance = (arrived.T - sent).abs()
    else:
        distance = 1 - (_unit(arrived).T @ _unit(sent)).abs()
    rows = distance.argmin(0)
    there = arrived[:, rows]
    factors = (there * sent).sum(0) / sent.square().sum(0)
    if len(sent) == 1:
        factors = torch.ones_like(factors)
    back = torch.zeros_like(arrived).index_add(1, rows, sent * factors)
    if len(rows.unique()) != len(rows) or not _close(back, arrived, rounding) or not bool(factors.all()):
        return None
    return Makeup(_order(rows.tolist(), arrived.shape[1]), _apart(factors, rounding))


def _by_columns(probe: _Probe, features: int) -> Makeup | None:
    """The makeup told by one column of the output after the other."""
    made: dict[int, list[Tensor | int]] = {}
    sent = probe.drawn()
    for column in range(1 if sent.ndim == 1 else sent.shape[features]):
        one = _only(sent, features, column)
        cut = _only(_halved(sent, features), features, column)
        whole = enumerate(_along(one, probe.send(one), features))
        half = [(u[:, column] == 0, b) for u, b in _along(cut, probe.send(cut), features)]
        told = {nr: _column(v[:, column], a, *half[nr], probe.rounding) for nr, (v, a) in whole}
        made = {nr: [*made.get(nr, []), x] for nr, x in told.items() if x is not None and (not column or nr in made)}
    fixed = next((parts for parts in made.values() if all(isinstance(x, Tensor) for x in parts)), None)
    if fixed is not None:
        return _mixed([x for x in fixed if isinstance(x, Tensor)], probe.rounding)
    rows = next(iter(made.values()), None)
    if rows is None:
        return None
    found = [x if isinstance(x, int) else int(x.abs().argmax()) for x in rows]
    single = all(isinstance(x, int) or int((x != 0).sum()) == 1 for x in rows)
    return Makeup(tuple(found), varying=True) if single else None


def _only(x: Tensor, features: int, column: int) -> Tensor:
    if x.ndim == 1:
        return x
    kept = torch.zeros_like(x)
    kept.select(features, column).copy_(x.select(features, column))
    return kept


def _halved(x: Tensor, features: int) -> Tensor:
    """With nothing for every second sample."""
    samples = 1 if x.ndim == 2 and features == 0 else 0
    kept = x.clone()
    kept.narrow(samples, 0, x.shape[samples]).movedim(samples, 0)[1::2] = 0
    return kept


def _column(v: Tensor, arrived: Tensor, unsent: Tensor, half: Tensor, rounding: float) -> Tensor | int | None:
    """Of one column (P,): its parts (m,) if these are the same for all samples; else the one row on which it depends;
    None if there are several, none, or another sample comes in.

    Args:
        half: what arrives where nothing is sent at the places ``unsent``.
    """
    if len(v) > 1:
        parts = (v @ arrived) / v.square().sum()
        if _close(v[:, None] * parts, arrived, rounding):
            return torch.where(parts.abs() > rounding * parts.abs().max(), parts, 0) if bool(parts.any()) else None
    rows = arrived.abs().sum(0).nonzero().flatten().tolist()
    mixed = bool(half[unsent].any()) or not torch.equal(half[~unsent], arrived[~unsent])
    return rows[0] if len(rows) == 1 and not mixed and bool(unsent.any()) else None


def _mixed(parts: Sequence[Tensor], rounding: float) -> Makeup:
    matrix = torch.stack(list(parts))
    if bool(((matrix != 0).sum(1) == 1).all()):
        rows = matrix.abs().argmax(1)
        factors = matrix[torch.arange(len(matrix)), rows]
        return Makeup(_order(rows.tolist(), matrix.shape[1]), _apart(factors, rounding))
    U, sizes, V = torch.linalg.svd(matrix, full_matrices=False)
    kept = sizes > rounding * sizes[0]
    if not bool(kept.all()):  # sums that depend on one another still do
        matrix = U[:, kept] * sizes[kept] @ V[kept]
    return Makeup(mixture=tuple(tuple(row) for row in matrix.tolist()))


def _order(rows: list[int], m: int) -> tuple[int, ...] | None:
    return None if rows == list(range(m)) else tuple(rows)


def _apart(factors: Tensor, rounding: float) -> tuple[float, ...] | None:
    """None for one positive factor, which no measure of the weight depends on."""
    one = bool((factors > 0).all()) and float(factors.max() - factors.min()) <= rounding * float(factors.max())
    return None if one else tuple(factors.tolist())


def _unit(x: Tensor) -> Tensor:
    return torch.nn.functional.normalize(x, dim=0)


def _close(a: Tensor, b: Tensor, rounding: float) -> bool:
    return a.shape == b.shape and bool((a - b).abs().max() <= rounding * b.abs().max())
