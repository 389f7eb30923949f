"""Weights on a shortcut: the short way of two that part, and are summed again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from deepnrc.networks.dataflow import operations
from deepnrc.networks.dataflow.flow import ELEMENTWISE
from deepnrc.networks.dataflow.graph import Bare, Giver, Graph
from deepnrc.networks.dataflow.recording import Key

SUMS = {"Add", "Sub"}
BOTH_WAYS = ELEMENTWISE - {"sum", "difference", "product", "quotient"}


def shortcuts(graph: Graph, givers: Sequence[Giver], outputs: Iterable[Key]) -> dict[str, tuple[str, str]]:
    """By the weight on a shortcut, what it reads ("(input)" if no weight gave it) and what reads the sum ("(output)").

    A weight is on a shortcut where it alone lies on one side of a sum, with no activation behind it, and at least two
    weights with an activation between them on the other, both sides from one origin.
    """
    ancestors = _Ancestors(graph, givers)
    found: dict[str, tuple[str, str]] = {}
    starts = [(giver.ins, giver.name) for giver in givers] + [((key,), "(output)") for key in outputs]
    for keys, reader in starts:
        for left, right in _sums(graph, keys):
            for short, long in ((left, right), (right, left)):
                on_it = ancestors.at(short) & ~ancestors.at(long)
                beside = ancestors.at(long) & ~ancestors.at(short)
                if on_it.bit_count() != 1 or beside.bit_count() < 2:
                    continue
                giver = givers[on_it.bit_length() - 1]
                if isinstance(giver, Bare) or giver.name in found or not _bypasses(graph, giver, short, long):
                    continue
                given = graph.region(giver.ins).givers
                found[giver.name] = (given[0].name if given else "(input)", reader)
    return found


def _bypasses(graph: Graph, giver: Giver, short: Key, long: Key) -> bool:
    near, behind = graph.region([short]), graph.region(giver.ins)
    if near.givers != [giver] or BOTH_WAYS & set(near.words[giver]) or not (behind.givers or behind.inputs):
        return False
    far = graph.region([long])
    words: set[str] = set()
    for last in far.givers:
        for first in graph.region(last.ins).givers:
            words |= set(graph.region(last.ins).words[first])
    return bool(words & BOTH_WAYS)


def _sums(graph: Graph, keys: Iterable[Key]) -> list[tuple[Key, Key]]:
    """The two sides of every sum of data between some places and the weights that gave them."""
    stack, seen, found = list(keys), set(keys), []
    while stack:
        key = stack.pop()
        if graph.giver(key) is not None or key[0] in graph.recording.entries:
            continue
        data = [below for below in graph.children(key) if graph.parametric(below[0]) is None]
        if len(data) == 2 and operations.operation(key[0]) in SUMS:
            found.append((data[0], data[1]))
        for below in data:
            if below not in seen:
                seen.add(below)
                stack.append(below)
    return found


class _Ancestors:
    """The weights behind a place, as the bits of a whole number."""

    def __init__(self, graph: Graph, givers: Sequence[Giver]) -> None:
        self.graph = graph
        self.bit = {giver: 1 << i for i, giver in enumerate(givers)}
        self.known: dict[Key, int] = {}

    def at(self, start: Key) -> int:
        stack = [start]
        while stack:
            key = stack[-1]
            if key in self.known:
                stack.pop()
                continue
            giver = self.graph.giver(key)
            below = list(giver.ins) if giver is not None else self.graph.children(key)
            waiting = [place for place in below if place not in self.known]
            if waiting:
                stack += waiting
                continue
            stack.pop()
            total = self.bit.get(giver, 0) if giver is not None else 0
            for place in below:
                total |= self.known[place]
            self.known[key] = total
        return self.known[start]
