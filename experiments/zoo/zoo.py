"""`python -m experiments zoo`: what probes read of the networks of the field, held against plain hooks."""

from __future__ import annotations

import fnmatch
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar

import torch
from torch import Tensor
from tyro.conf import arg

import deepnrc
from deepnrc.data import progress_bar
from deepnrc.errors import UsageError
from deepnrc.table import write_whole
from experiments.zoo import agents, further, language, vision
from experiments.zoo.hooks import kept, measured
from experiments.zoo.member import Member
from probes import Moments

SHELVES = (vision, language, agents, further)
CHOICES = ("weights", "blocks")


def _of_mean(moments: Moments, d: int) -> float:
    return float(moments.mean[:d].norm())


def _of_covariance(S_H: Tensor) -> float:
    return float(torch.linalg.matrix_norm(S_H))


POSITIVE = (0.0, float("inf"))
OWN = [
    deepnrc.Probe("zoo.mean", _of_mean, "Norm of the mean", bounds=POSITIVE),
    deepnrc.Probe("zoo.covariance", _of_covariance, "Norm of the covariance", bounds=POSITIVE),
]
MEASURES = ["deep.noise_fraction", "deep.feature_stable_rank", "deep.cka"]
ABOUT = """# What is read of the networks of the field

Made by `python -m experiments zoo`, not written by hand. Each network is small, has random weights and runs in float64
on 50 random samples, sentences with padding. For each choice of layers: how many were read, and the largest relative
difference of mean and covariance (their norms), noise fraction, stable rank and CKA of any layer from those of features
that plain hooks kept whole, averaged over positions on the axis that is known for that family. Values with a status,
such as those below their floor, are counted and not compared.
"""


@dataclass(frozen=True, kw_only=True)
class Zoo:
    """Networks of many libraries, read by probes and by plain hooks: layers read, and the largest difference."""

    takes: ClassVar[str] = "2 minutes"

    out: Annotated[Path, arg(help="The page to write.")] = Path("docs/networks.md")
    only: Annotated[str, arg(help="Only networks whose library/name match this glob.")] = "*"
    progress: Annotated[bool, arg(help="Show a progress bar.")] = True

    def run(self) -> None:
        """Read them all, print the table and write it."""
        torch.set_num_threads(1)
        wanted = [m for m in members() if fnmatch.fnmatch(f"{m.library}/{m.name}", self.only)]
        if not wanted:
            raise UsageError(f"--only {self.only!r} matches no network, such as 'timm/*'.")
        bar = progress_bar(wanted, unit="network", progress=self.progress)
        text = page(
            [(member, [read(member, choice) for choice in CHOICES] if member.installed else []) for member in bar]
        )
        print(text)
        write_whole({self.out: text.encode()}, "The document")


def members() -> Iterator[Member]:
    """Every network of the zoo."""
    for shelf in SHELVES:
        yield from shelf.members()


@dataclass(frozen=True)
class Found:
    """What was read of one network with one choice of layers.

    Attributes:
        layers: how many were read.
        difference: the largest relative one to the measures by plain hooks.
        unread: values whose status is not ok.
    """

    layers: int
    difference: float
    unread: int = 0

    def __str__(self) -> str:
        if not self.layers:
            return "none | "
        return f"{self.layers} | {self.difference:.0e}" + (f" ({self.unread} not compared)" if self.unread else "")


def read(member: Member, choice: str) -> Found:
    """One network read with one choice of layers."""
    torch.manual_seed(0)
    model, batches = member.network(), member.batches()
    layers = [choice, *(f"!{glob}" for glob in member.left_out)] if choice == "weights" else choice
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of shortcuts left out and of samples too few, which are not at issue
        try:
            options = {"probes": [*MEASURES, *OWN], "progress": False, **member.options}
            table = deepnrc.probe(model, batches, layers=layers, **options).table
        except UsageError as error:
            if str(error).startswith("No blocks"):
                return Found(0, 0.0)
            raise
    names = [*MEASURES, *(probe.name for probe in OWN)]
    table = table[(table["layer"] != "(network)") & table["measure"].isin(names) & (table["variant"] == "default")]
    H = kept(model, batches, list(dict.fromkeys(table["layer"])), choice == "blocks", member.channels)
    by_hand = {layer: measured(rows, torch.cat([y for _, y in batches])) for layer, rows in H.items()}
    differences = [
        apart(row["value"], by_hand[row["layer"]], row["measure"])
        for _, row in table.iterrows()
        if row["status"] == "ok"
    ]
    return Found(len(H), max(differences), unread=int((table["status"] != "ok").sum()))


def apart(value: float, by_hand: Mapping[str, float], measure: str) -> float:
    """How far a value is from that by hand: relative to it, and of a mean, which may be 0, to the features' size."""
    size = by_hand["size"] if measure == "zoo.mean" else by_hand[measure]
    return abs(value - by_hand[measure]) / (size or 1.0)  # a layer that is constant has none


def page(rows: Sequence[tuple[Member, Sequence[Found]]]) -> str:
    """The page in Markdown, a row a network."""
    lines = ["| library | network | weights | difference | blocks | difference |", "|---|---|---|---|---|---|"]
    for member, found in rows:
        cells = " | ".join(map(str, found)) if found else "not installed | | | "
        lines.append(f"| {member.library or 'written here'} | {member.name} | {cells} |")
    return "\n".join([ABOUT, *lines, ""])
