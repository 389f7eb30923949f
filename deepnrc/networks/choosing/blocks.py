"""Blocks by structure: the repeated parts of a network that hold weights, whatever their classes are called.

Siblings are the parts of one module, those inside its lists and sequences of parts included. Of siblings of one class
that hold two weights or more, each is a block, unless it is a stage: one that keeps all weights but one, such as that
of a downsampling, in repeated siblings of its own, which then are the blocks.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection

from torch import nn

from deepnrc.networks.weights.stored import forward_from

CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
HEAVY = 2  # weights of a block: what holds one is a layer with its norm and activation


def block_names(model: nn.Module, weights: Collection[str]) -> list[str]:
    """Names of the network's blocks in the order of registration; where nothing is repeated, of the parts that hold
    several weights in a forward of their own.

    Args:
        weights: names of everything in the network that multiplies by a weight.
    """
    heavy, light = _Tree(model, weights, HEAVY), _Tree(model, weights, 1)
    return heavy.repeated([""]) or heavy.numbered() or light.repeated([""]) or heavy.alone("") or light.alone("")


class _Tree:
    def __init__(self, model: nn.Module, weights: Collection[str], least: int) -> None:
        self.modules, self.weights, self.least = dict(model.named_modules()), list(weights), least

    def held(self, name: str) -> int:
        """How many weights are inside."""
        return sum(weight.startswith(f"{name}.") for weight in self.weights)

    def siblings(self, parent: str, plain: bool = False) -> list[str]:
        """Parts of a module that hold weights and are none; with ``plain`` those in lists or with numbered names."""
        found = []
        for child, module in self.modules[parent].named_children():
            name = f"{parent}.{child}" if parent else child
            if name in self.weights or not self.held(name) or name not in self.modules:
                continue
            inner = self.siblings(name) if isinstance(module, CONTAINERS) else []
            if _runs(module) and not inner:
                found += [name] if not plain or re.search(r"\d", child) else []
            else:
                found += inner
        return found

    def in_a_list(self, name: str) -> bool:
        """Whether a name is one of several that differ in a number: of a list, or as in layer1, layer2."""
        parent, _, child = name.rpartition(".")
        stem = re.sub(r"\d+", "#", child)
        names = [other for other, _ in self.modules[parent].named_children()]
        return "#" in stem and sum(re.sub(r"\d+", "#", other) == stem for other in names) > 1

    def repeated(self, parents: list[str], plain: bool = False) -> list[str]:
        """Blocks among the siblings in ``parents``, which are of one class, and below them."""
        line = [n for parent in parents for n in self.siblings(parent, plain) if self.held(n) >= self.least]
        line = [n for n in line if plain or type(self.modules[n]) not in CONTAINERS or self.in_a_list(n)]
        classes = Counter(type(self.modules[name]) for name in line)
        blocks = []
        for kind, count in classes.items():
            group = [name for name in line if type(self.modules[name]) is kind]
            if count > 1 or plain:
                blocks += self._stages(group) or group
        for name in line:
            if not plain and classes[type(self.modules[name])] == 1:
                blocks += [name] if self._among(name, blocks) else self.repeated([name])
        return [name for name in self.modules if name in blocks]

    def numbered(self) -> list[str]:
        """Where no class is repeated, parts with a forward of their own that stand in a list or sequence of several."""
        own = [n for n in self.siblings("") if self.held(n) >= self.least and type(self.modules[n]) not in CONTAINERS]
        found = [n for n in own if self.in_a_list(n) or self.in_a_list(n.rpartition(".")[0] or n)]
        return found if len(found) > 1 else []

    def _among(self, name: str, blocks: Collection[str]) -> bool:
        """Whether a part of a class of its own stands in a list of blocks, or in a sequence beside one of blocks."""
        around = name.rpartition(".")[0]
        if isinstance(self.modules[around], nn.ModuleList):
            beside = around
        elif isinstance(self.modules[around], CONTAINERS) and around and self.in_a_list(around):
            beside = around.rpartition(".")[0]
        else:
            return False
        level = name.count(".")
        start = f"{beside}." if beside else ""
        return any(block.startswith(start) and block.count(".") == level for block in blocks)

    def _stages(self, group: list[str]) -> list[str]:
        """What the members of a group are stages of, or nothing."""
        kinds = []
        for name in group:
            line = [type(self.modules[n]) for n in self.siblings(name, plain=True) if self.held(n) >= self.least]
            most = Counter(line).most_common(1)
            if most and 2 * most[0][1] <= len(line):  # parts that differ make up a block, not a stage
                return []
            kinds += line
        if not any(count > 1 for count in Counter(kinds).values()):
            return []
        inner = self.repeated(group, plain=True)
        if all(type(self.modules[n]) in CONTAINERS and self._in_a_forward(n) for n in inner):  # its branches
            return []
        rest = [self.held(name) - sum(self.held(n) for n in inner if n.startswith(f"{name}.")) for name in group]
        return inner if max(rest) <= 1 else []

    def _in_a_forward(self, name: str) -> bool:
        """Whether a part is one of a module that says itself how its parts run."""
        return type(self.modules[name.rpartition(".")[0]]) not in CONTAINERS

    def alone(self, parent: str) -> list[str]:
        """Parts of several weights with a forward of their own, where no class is repeated."""
        line = [n for n in self.siblings(parent) if self.held(n) >= self.least]
        own = [n for n in line if type(self.modules[n]) not in CONTAINERS]
        deeper = [n for name in own for n in self.alone(name)]
        if len(own) != 1 or not deeper:
            return own
        lists = [n for n in own if self._listed(n)]
        return lists if lists and not any(map(self._listed, deeper)) else deeper

    def _listed(self, name: str) -> bool:
        """Whether a part stands in a list, which is for repeating, if only once."""
        return isinstance(self.modules[name.rpartition(".")[0]], nn.ModuleList)


def _runs(module: nn.Module) -> bool:
    return bool(forward_from(module))
