"""What a study is: a frozen description of data, networks, training and claims."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from torch import nn

from deepnrc.table import COLUMNS
from experiments.claims.verdicts import Verdict
from experiments.data.splitting import Split
from experiments.networks.mlp import mlp, refuse
from experiments.runner.training import Recipe

if TYPE_CHECKING:
    from experiments.runner.results import Results

TAKEN = frozenset({*COLUMNS, "setting", "seed", "diverged"})


class Data(Protocol):
    """A frozen dataclass that makes or reads data; its fields are part of a cell's key."""

    def load(self, seed: int) -> Split:
        """Training and held-out samples; the seed draws whatever is random in them."""


class Network(Protocol):
    """A frozen dataclass that builds a network; its fields are part of a cell's key."""

    def build(self, data: Split, seed: int) -> nn.Module:
        """The network, its first and last width taken from the data; the seed draws its weights."""


@dataclass(frozen=True)
class Mlp:
    """A multilayer perceptron; see ``experiments.networks.mlp.mlp``, which says what is refused."""

    hidden: tuple[int, ...]
    bias: bool = False
    last_relu: bool = True
    norm: str | None = None

    def __post_init__(self) -> None:
        refuse(self.hidden, self.norm)

    def build(self, data: Split, seed: int) -> nn.Module:
        """The network, its first and last width taken from the data."""
        return mlp(
            data.x.shape[1],
            data.y.shape[1],
            hidden=self.hidden,
            bias=self.bias,
            last_relu=self.last_relu,
            norm=self.norm,
            seed=seed,
        )


@dataclass(frozen=True)
class Setting:
    """One cell of a sweep but for its seed.

    Attributes:
        label: how tables and pictures call it.
        data, network, recipe: what is trained on what, and how.
        probe: further arguments of ``deepnrc.probe``, such as ``rank`` or ``probes``; plain values.
        steps: epochs at which the network is probed besides 0 and the last; None for log-spaced.
        facts: what is swept, by name, for tables: {"weight decay": 1e-3}.
    """

    label: str
    data: Data
    network: Network
    recipe: Recipe
    probe: Mapping[str, Any] = field(default_factory=dict)
    steps: tuple[int, ...] | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Claim:
    """A statement of a paper that a study can hold against what it measured.

    Attributes:
        statement: in words.
        source: where it is made.
        measured: reads one number off the results; NaN where it cannot be read.
        relation: "<" or ">": how the number must stand to ``threshold`` for the claim to hold.
        threshold: ours, unless the source names one.
    """

    statement: str
    source: str
    measured: Callable[[Results], float]
    relation: str
    threshold: float

    def against(self, value: float) -> Verdict:
        """The claim held against a number."""
        return Verdict(self.statement, self.source, value, self.relation, self.threshold)


@dataclass(frozen=True)
class Study:
    """A study as the runner takes it.

    Attributes:
        name: of its folder and its command.
        about: what it shows and how to read it, in a few sentences, for its page.
        settings: the cells of the sweep but for seeds.
        seeds: each setting is run once for each.
        claims: what is checked at the end.
        measures: the measures that its page draws, most telling first.
        sweep: name of the fact that is swept, for axis labels.
        theory: whether the last layers are held against the unconstrained-feature model.
    Errors: ValueError without settings or seeds, for a label that two settings share, and for a fact that has the
        name of a column of the table.
    """

    name: str
    about: str
    settings: tuple[Setting, ...]
    seeds: tuple[int, ...]
    claims: tuple[Claim, ...] = ()
    measures: tuple[str, ...] = (
        "deep.noise_fraction",
        "deep.feature_stable_rank",
        "deep.weight_stable_rank",
        "deep.feature_weight_alignment",
        "deep.cka",
        "deep.linear_mse",
    )
    sweep: str = "weight decay"
    theory: bool = False

    def __post_init__(self) -> None:
        labels = [setting.label for setting in self.settings]
        if not labels or not self.seeds:
            raise ValueError(
                f"The study '{self.name}' has {len(labels)} settings and {len(self.seeds)} seeds; give some."
            )
        twice = sorted({label for label in labels if labels.count(label) > 1})
        if twice:
            raise ValueError(f"More than one setting is called {twice[0]!r}; tables could not tell them apart.")
        taken = sorted({name for setting in self.settings for name in setting.facts} & TAKEN)
        if taken:
            raise ValueError(f"The table has a column {taken[0]!r} of its own; call the fact something else.")
