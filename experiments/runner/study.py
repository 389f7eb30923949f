"""What is run: settings, told apart by their facts, and a study of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from torch import nn

from deepnrc.table import COLUMNS
from experiments.data import Data, Split
from experiments.runner.training import Recipe

Fact = str | bool | int | float
DECAY = "weight_decay"
TAKEN = frozenset({*COLUMNS, "setting", "seed", "diverged"})
WRITTEN = {"last_relu": "last ReLU"}  # names of facts that are not written as they are spelt


class Network(Protocol):
    """A frozen dataclass that builds a network; its fields are part of a cell's key."""

    def build(self, data: Split, seed: int) -> nn.Module:
        """The network, its first and last width taken from the data; the seed draws its weights."""


@dataclass(frozen=True)
class Setting:
    """One cell of a sweep but for its seed.

    Attributes:
        data, network, recipe: what is trained on what, and how.
        probe: further arguments of ``deepnrc.probe``, such as ``rank`` or ``probes``; plain values.
        steps: epochs at which the network is probed besides 0 and the last; None for log-spaced.
        apart: what sets it apart from other settings besides its weight decay, which is the recipe's: plain values by
            names that are identifiers, such as {"targets": "raw", "last_relu": False}.
        name: how tables and pictures call it; if not given, its facts in words.
    Errors: ValueError for a fact whose name is no identifier, or that of the weight decay or of a column of the table,
        and for a value that is not plain.
    """

    data: Data
    network: Network
    recipe: Recipe
    probe: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[int, ...] | None = None
    apart: Mapping[str, Fact] = field(default_factory=dict)
    name: str = ""

    def __post_init__(self) -> None:
        for fact, value in self.apart.items():
            if not fact.isidentifier():
                raise ValueError(f"A fact's name is an identifier, such as last_relu; {fact!r} is none.")
            if fact == DECAY:
                raise ValueError(f"The weight decay is the recipe's, {self.recipe.weight_decay:g}; leave the fact out.")
            if fact in TAKEN:
                raise ValueError(f"The table has a column {fact!r} of its own; call the fact something else.")
            if not isinstance(value, Fact):
                raise ValueError(f"A fact is a string, a number or a bool; {fact} is a {type(value).__name__}.")

    @property
    def facts(self) -> dict[str, Fact | None]:
        """What tells it from other settings, by name; the weight decay of a network that is not trained is None."""
        return {**self.apart, DECAY: self.recipe.weight_decay if self.recipe.epochs else None}

    @property
    def label(self) -> str:
        """How tables and pictures call it."""
        return self.name or in_words(self.facts)

    def has(self, facts: Mapping[str, Fact | None]) -> bool:
        """Whether it has all of these facts."""
        return all(name in self.facts and self.facts[name] == value for name, value in facts.items())


def in_words(facts: Mapping[str, Fact | None]) -> str:
    """Facts as a table says them: "raw, no last ReLU, weight decay 0.001"."""
    return ", ".join(_said(name, value) for name, value in facts.items() if value is not None)


def heading(fact: str) -> str:
    """A fact's name as an axis or a column has it."""
    return WRITTEN.get(fact, fact.replace("_", " "))


def _said(fact: str, value: Fact) -> str:
    if isinstance(value, bool):
        return heading(fact) if value else f"no {heading(fact)}"
    return value if isinstance(value, str) else f"{heading(fact)} {value:g}"


@dataclass(frozen=True)
class Beside:
    """A setting whose networks are drawn beside a paper's.

    Attributes:
        label: of the setting.
        published: study and series of the paper's curves; ``deepnrc published`` lists them.
        words: what the two have in common and what not, for the page.
        again: signal ranks at which the networks are read once more and drawn without a curve.
    """

    label: str
    published: tuple[str, str]
    words: str
    again: tuple[int, ...] = ()


@dataclass(frozen=True)
class Study:
    """A study as the runner takes it.

    Attributes:
        name: of its folder and its command.
        about: what it shows and how to read it, in a few sentences, for its page.
        settings: the cells of the sweep but for seeds.
        seeds: each setting is run once for each.
        measures: the measures that its page draws, most telling first.
        sweep: name of the fact that is swept.
        theory: whether the last layers are held against the unconstrained-feature model.
        beside: settings that stand beside networks of a paper.
    Errors: ValueError without settings or seeds, for a label that two settings share, and for a swept fact that no
        setting has.
    """

    name: str
    about: str
    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]
    measures: tuple[str, ...] = (
        "deep.noise_fraction",
        "deep.feature_stable_rank",
        "deep.weight_stable_rank",
        "deep.feature_weight_alignment",
        "deep.cka",
        "deep.linear_mse",
    )
    sweep: str = DECAY
    theory: bool = False
    beside: tuple[Beside, ...] = ()

    def __post_init__(self) -> None:
        labels = [setting.label for setting in self.settings]
        if not labels or not self.seeds:
            raise ValueError(
                f"The study '{self.name}' has {len(labels)} settings and {len(self.seeds)} seeds; give some."
            )
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise ValueError(f"More than one setting is called {twice[0]!r}; tables could not tell them apart.")
        if self.sweep not in self.facts:
            raise ValueError(f"No setting has the swept fact {self.sweep!r}; there are {', '.join(self.facts)}.")

    @property
    def facts(self) -> tuple[str, ...]:
        """Names of the facts that its settings have."""
        return tuple(dict.fromkeys(name for setting in self.settings for name in setting.facts))
