"""The autograd graph of one recorded pass, walked back from a tensor to the weights that gave it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from deepnrc.networks.dataflow import operations
from deepnrc.networks.dataflow.recording import Call, Key, Recording


@dataclass(frozen=True, eq=False)
class Bare:
    """A product with a parameter or buffer that no module applies.

    Attributes:
        names: of what it is made of.
        closed: whether it lies in an autograd function whose inside is not in the graph.
    """

    names: tuple[str, ...]
    ins: tuple[Key, ...]
    outs: tuple[Key, ...]
    closed: bool = False

    @property
    def name(self) -> str:
        return " and ".join(self.names)


Giver = Call | Bare


@dataclass
class Region:
    """What lies between some tensors and the weights that gave them.

    Attributes:
        givers: the weights' runs, in the order in which a concatenation would hold them.
        inputs: whether the network's own inputs come in beside them.
        others: whether anything else does: constants, or what was computed where there was no graph.
        words: by giver, the operations between it and the tensors.
        mixed: whether an operation brings what different weights gave together, other than side by side.
        matrices: names of the parameters and buffers of two axes and more that come in between.
        fixed: whether a product with a matrix that is no parameter or buffer does.
        vectors: whether other parameters come in.
        opaque: names of Python-written autograd functions on the way.
    """

    givers: list[Giver] = field(default_factory=list)
    inputs: bool = False
    others: bool = False
    words: dict[Giver, tuple[str, ...]] = field(default_factory=dict)
    mixed: bool = False
    matrices: list[str] = field(default_factory=list)
    fixed: bool = False
    vectors: bool = False
    opaque: list[str] = field(default_factory=list)


class Graph:
    """A recording whose graph can be asked what gave a tensor."""

    def __init__(self, recording: Recording, holding: Iterable[str]) -> None:
        self.recording = recording
        held = set(holding)
        self.calls = [call for call in recording.calls if call.name in held and call.outs]
        self.calls = [call for call in self.calls if self._multiplies(call)]
        self._at: dict[Key, Giver] = {key: call for call in self.calls for key in call.outs}
        self._data = {node for node, _ in self._at} | recording.entries
        self._parametric: dict[Any, frozenset[str] | None] = {}
        self._bare: dict[Any, Bare | None] = {}
        self._detached = set(recording.detached)
        self._regions: dict[tuple[Key, ...], Region] = {}
        self.scaling: dict[str, None] = {}  # matrices that activations are multiplied by number by number

    def region(self, keys: Iterable[Key]) -> Region:
        """Everything from ``keys`` back to the weights that gave them."""
        start = tuple(dict.fromkeys(keys))
        if start not in self._regions:
            self._regions[start] = self._walked(start)
        return self._regions[start]

    def _walked(self, start: tuple[Key, ...]) -> Region:
        found = Region()
        above: dict[Key, list[Key]] = {}
        stack, seen = list(start[::-1]), set(start)
        edges: dict[Key, list[Key]] = {}
        while stack:
            key = stack.pop()
            edges[key] = self._step(key, found)
            for below in edges[key]:
                above.setdefault(below, []).append(key)
            for below in reversed(edges[key]):
                if below not in seen:
                    seen.add(below)
                    stack.append(below)
        by_giver: dict[Giver, list[Key]] = {}
        for key in edges:
            giver = self.giver(key)
            if giver is not None:
                by_giver.setdefault(giver, []).append(key)
        found.givers = list(by_giver)
        found.words = {giver: self._words(places, above) for giver, places in by_giver.items()}
        found.mixed = _mixed(edges, by_giver)
        return found

    def giver(self, key: Key) -> Giver | None:
        """The weight whose output lies at ``key``, if one does."""
        return self._at.get(key) or self.bare(key[0])

    def bare(self, node: Any) -> Bare | None:
        """The product with a bare parameter that a node is, if it is one."""
        if node not in self._bare:
            self._bare[node] = self._product(node)
        return self._bare[node]

    def children(self, key: Key) -> list[Key]:
        """The places that a place was computed from."""
        return [(node, nr) for node, nr in key[0].next_functions if node is not None]

    def parametric(self, node: Any) -> frozenset[str] | None:
        """The parameters and buffers of which a tensor is made alone; None if data or constants are in it."""
        stack = [node]
        while stack:
            top = stack[-1]
            if top in self._parametric:
                stack.pop()
                continue
            names = self._known(top)
            below = [] if names is not _UNKNOWN else [n for n, _ in top.next_functions if n is not None]
            waiting = [n for n in below if n not in self._parametric]
            if waiting:
                stack += waiting
                continue
            stack.pop()
            self._parametric[top] = _together([self._parametric[n] for n in below]) if names is _UNKNOWN else names
        return self._parametric[node]

    def _known(self, node: Any) -> Any:
        if node in self.recording.parameters:
            return frozenset(self.recording.parameters[node][:1])
        if node in self._data or operations.LOOKS_UP.match(operations.operation(node)):
            return None
        return _UNKNOWN if any(n is not None for n, _ in node.next_functions) else None

    def _step(self, key: Key, found: Region) -> list[Key]:
        """The data that a place was computed from, noting in ``found`` what else came in."""
        node = key[0]
        if self.giver(key) is not None:
            return []
        if node in self.recording.entries:
            found.inputs = True
            return []
        data = []
        for below in self.children(key):
            names = self.parametric(below[0])
            if names is None:
                data.append(below)
            elif operations.operation(node) != "PreluKernel":
                self._pass_by(names, found)
                if operations.operation(node) == "Mul":
                    self.scaling |= dict.fromkeys(sorted(names & self.recording.matrices))
        if not data and self.parametric(node) is None:
            found.others = True
        found.fixed = found.fixed or operations.times_constant(node)
        if operations.closed(node):
            found.opaque.append(operations.operation(node))
        return data

    def _pass_by(self, names: frozenset[str], found: Region) -> None:
        matrices = sorted(names & self.recording.matrices)
        found.matrices += [name for name in matrices if name not in found.matrices]
        found.vectors = found.vectors or not matrices

    def _words(self, places: list[Key], above: dict[Key, list[Key]]) -> tuple[str, ...]:
        """The operations above these places, from the weight upwards, each once."""
        words: dict[str, None] = {}
        seen, stack = set(places), [key for place in places for key in above.get(place, [])]
        while stack:
            key = stack.pop(0)
            if key in seen:
                continue
            seen.add(key)
            words.setdefault(self.word(key[0]))
            stack += above.get(key, [])
        return tuple(word for word in words if word)

    def word(self, node: Any) -> str:
        return "detach()" if node in self._detached else operations.word(operations.operation(node))

    def _product(self, node: Any) -> Bare | None:
        name = operations.operation(node)
        if not (operations.MULTIPLIES.match(name) or operations.closed(node)):
            return None
        closed = operations.closed(node)
        edges = node.next_functions if closed else operations.factors(name, node.next_functions)
        below = [(n, nr) for n, nr in edges if n is not None]
        made = [self.parametric(n) for n, _ in below]
        names = sorted({x for names in made if names is not None for x in names})
        if closed and not self.recording.matrices.intersection(names):
            return None
        data = tuple(key for key, names in zip(below, made, strict=True) if names is None)
        return Bare(tuple(names), data, ((node, 0),), closed) if names and data else None

    def _multiplies(self, call: Call) -> bool:
        """Whether a module's run holds a product with a weight, or no graph that could tell."""
        if any(key in self.recording.graphless for key in call.outs):
            return True
        stops, stack, seen = set(call.ins), list(call.outs), set(call.outs)
        while stack:
            key = stack.pop()
            name = operations.operation(key[0])
            if operations.MULTIPLIES.match(name) or operations.LOOKS_UP.match(name):
                return True
            if operations.closed(key[0]):
                return True
            for below in self.children(key):
                if below not in seen and below not in stops:
                    seen.add(below)
                    stack.append(below)
        return False


_UNKNOWN = object()


def _together(parts: list[frozenset[str] | None]) -> frozenset[str] | None:
    known = [part for part in parts if part is not None]
    return frozenset().union(*known) if known and len(known) == len(parts) else None


def _mixed(edges: dict[Key, list[Key]], by_giver: dict[Giver, list[Key]]) -> bool:
    """Whether some operation but a concatenation takes what different weights gave from different sides."""
    bits = {key: 1 << i for i, places in enumerate(by_giver.values()) for key in places}
    reach: dict[Key, int] = {}
    for start in edges:
        stack = [start]
        while stack:
            key = stack[-1]
            waiting = [below for below in edges[key] if below not in reach]
            if key not in reach and waiting:
                stack += waiting
                continue
            stack.pop()
            sides = [reach[below] for below in edges[key]]
            total = bits.get(key, 0)
            for side in sides:
                total |= side
            reach[key] = total
    return any(
        len({reach[below] for below in below_all if reach[below]}) > 1
        for key, below_all in edges.items()
        if operations.operation(key[0]) not in operations.JOINS
    )
