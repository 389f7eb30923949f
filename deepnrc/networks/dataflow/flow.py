"""What feeds what in a network: which weights give each output, and which weight reads what another one gives."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace

from deepnrc.networks.dataflow.operations import ACTIVATIONS
from deepnrc.wording import listing

ELEMENTWISE = frozenset(ACTIVATIONS.values())


@dataclass(frozen=True)
class Link:
    """One weight reads what another one gives.

    Attributes:
        source, target: names of the two.
        between: the operations from one to the other, in words.
        alone: whether nothing else comes in between: no other weight, input or parameter.
    """

    source: str
    target: str
    between: tuple[str, ...] = ()
    alone: bool = True


@dataclass(frozen=True)
class Giving:
    """What gives one output of the network.

    Attributes:
        weights: names of the nearest weights behind it, in the order of its columns.
        between: the operations from them to the output, in words.
        rows: by column of the output, the row of the stacked weights that gives it; None where they are all of them.
        factors: by column, by how much that row is multiplied; None where by one positive number for all.
        mixture: by column, its parts in a sum of all rows; None where each column is given by one row.
        altered: what each column is put through alone, so that only the row space of the weights is left; or "".
        logits: what is made of the logits that the weights give, "softmax" or "log softmax"; or "".
        missing: why the output is not what one weight, or several side by side, gives; "" if it is.
        behind: the other outputs from which it was computed.
        by_numbers: whether numbers of the pass were compared to tell this, which further training may change.
    """

    weights: tuple[str, ...] = ()
    between: tuple[str, ...] = ()
    rows: tuple[int, ...] | None = None
    factors: tuple[float, ...] | None = None
    mixture: tuple[tuple[float, ...], ...] | None = None
    altered: str = ""
    logits: str = ""
    missing: str = ""
    behind: frozenset[str] = frozenset()
    by_numbers: bool = False


@dataclass(frozen=True)
class Dataflow:
    """What one batch showed of a network.

    Attributes:
        links: which weight reads what another gives.
        outputs: by name, what gives each floating output.
        runs: how often each weight was used in the pass.
        bare: by the names of parameters and buffers that activations are multiplied by outside of any module, joined by
            "and" where one product takes several, why no layer of its own can be read there, or "".
        shortcuts: by the weight on a shortcut, what it reads and what reads the sum.
        readers: by module, the weights that read its output and nothing else with it.
        through: by module and reader, what the output goes through before the reader sees it, in words.
        detached: whether a detach() or no_grad() lies inside the network; it was read through.
        hidden: what is used in ways that the graph does not show, or "".
        unknown: why nothing of this can be told, or "".
    """

    links: tuple[Link, ...] = ()
    outputs: Mapping[str, Giving] = field(default_factory=dict)
    runs: Mapping[str, int] = field(default_factory=dict)
    bare: Mapping[str, str] = field(default_factory=dict)
    shortcuts: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    readers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    through: Mapping[tuple[str, str], tuple[str, ...]] = field(default_factory=dict)
    detached: bool = False
    hidden: str = ""
    unknown: str = ""

    def renamed(self, names: Mapping[str, str]) -> Dataflow:
        """The same with other names for some of the weights."""

        def new(name: str) -> str:
            return names.get(name, name)

        def each(weights: tuple[str, ...]) -> tuple[str, ...]:
            return tuple(map(new, weights))

        return replace(
            self,
            links=tuple(replace(link, source=new(link.source), target=new(link.target)) for link in self.links),
            outputs={key: replace(giving, weights=each(giving.weights)) for key, giving in self.outputs.items()},
            runs={new(name): runs for name, runs in self.runs.items()},
            shortcuts={new(name): (new(start), new(end)) for name, (start, end) in self.shortcuts.items()},
            readers={name: each(readers) for name, readers in self.readers.items()},
            through={(name, new(reader)): words for (name, reader), words in self.through.items()},
        )

    def leading_nowhere(self) -> frozenset[str]:
        """The weights that, by the graph, lead to no output."""
        reached: set[str] = set()
        waiting = [name for giving in self.outputs.values() for name in giving.weights]
        while waiting:
            name = waiting.pop()
            if name not in reached:
                reached.add(name)
                waiting += [link.source for link in self.links if link.target == name]
        return frozenset(self.runs) - reached

    def behind(self, names: Collection[str]) -> frozenset[str]:
        """The weights that read, however far behind, what some weights give."""
        reached: set[str] = set()
        waiting = list(names)
        while waiting:
            name = waiting.pop()
            further = {link.target for link in self.links if link.source == name} - reached
            reached |= further
            waiting += further
        return frozenset(reached)

    def by_numbers(self, modules: Collection[str]) -> bool:
        """Whether any of it was told by the numbers of the pass: of equal features, of slopes that were zero, or of
        modules that led nowhere and moved no output."""
        compared = any(giving.by_numbers for giving in self.outputs.values())
        return bool(self.unknown) or compared or bool(self.leading_nowhere() & set(modules))

    def giving(self, output: str | None) -> Giving:
        """What gives an output; with ``missing`` where that is unknown."""
        if self.unknown or output is None or output not in self.outputs:
            return Giving(missing=self.unknown or "which output predicts is unknown")
        return self.outputs[output]

    def following(self, name: str) -> tuple[Link | None, str]:
        """The link to the one weight that reads all that ``name`` gives, elementwise activations between, or why not.

        Returns: the link, and "" or the reason.
        """
        if self.unknown or self.hidden:
            return None, self.unknown or self.hidden
        if self.runs.get(name, 0) != 1:
            return None, f"the weight is used {self.runs.get(name, 0)} times in a pass"
        links = [link for link in self.links if link.source == name]
        gives = [output or "(output)" for output, giving in self.outputs.items() if name in giving.weights]
        if not links:
            return None, "no weight reads what this one gives"
        if len(links) > 1:
            return None, f"{len(links)} weights read what this one gives: {listing([x.target for x in links], 4)}"
        if gives:
            return None, f"what this weight gives is an output of the network too, {listing(gives, 2)}"
        link = links[0]
        if not link.alone:
            return None, f"'{link.target}' reads it together with what else comes in between"
        other = [word for word in link.between if word not in ELEMENTWISE]
        if other:
            return None, f"between it and '{link.target}' lies more than elementwise activations: {', '.join(other)}"
        if self.runs[link.target] != 1:
            return None, f"the next weight, '{link.target}', is used {self.runs[link.target]} times in a pass"
        return link, ""
