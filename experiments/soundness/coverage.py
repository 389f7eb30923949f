"""How often an interval holds the truth: draws from a population whose values are known."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from deepnrc.data import progress_bar
from deepnrc.errors import UsageError
from deepnrc.table import write_whole
from probes import CATALOG, Interval, Moments, Probe, Snapshot, jackknife

HEAD = """# How often an interval holds the truth

Made by `python -m experiments coverage --out docs/coverage.md`: samples drawn from a Gaussian layer whose values are \
known, and the intervals of `groups=16` about them.
"""
MEASURES = ("deep.noise_fraction", "deep.feature_weight_alignment", "deep.cka", "deep.linear_r2")
TARGETS = 3


@dataclass(frozen=True)
class Population:
    """Gaussian features (d,) of falling variances about an offset, targets (n,) of them with noise, and a weight.

    Attributes:
        root: (d + n, d + n), the lower triangular root of the covariance of [h, y].
        mean: (d + n,).
        W: (m, d).
    """

    root: Tensor
    mean: Tensor
    W: Tensor

    @property
    def d(self) -> int:
        return len(self.mean) - TARGETS

    def known(self) -> Snapshot:
        """The layer as it would be seen with all samples that there are."""
        moments = Moments.of(self.mean, self.root @ self.root.mT, 10**12, TARGETS)
        return Snapshot({"moments": moments}, self.W)

    def drawn(self, N: int, generator: torch.Generator) -> Tensor:
        """Rows [h, y] (N, d + n)."""
        normal = torch.randn(N, len(self.mean), generator=generator, dtype=torch.float64)
        return self.mean + normal @ self.root.mT


def population(d: int, seed: int) -> Population:
    """Signal of standard deviations 3, 2.5 and 2 that the targets read, the rest falling from 1 as i^-1/2; the weight
    reads the signal and some of the rest."""
    g = torch.Generator().manual_seed(seed)
    sizes = torch.cat([torch.tensor([3.0, 2.5, 2.0]), torch.arange(1, d - TARGETS + 1) ** -0.5]).double()
    turned = torch.linalg.qr(torch.randn(d, d, generator=g, dtype=torch.float64)).Q
    features = turned * sizes
    read = torch.eye(d, TARGETS, dtype=torch.float64) + 0.1 * torch.randn(d, TARGETS, generator=g, dtype=torch.float64)
    root = torch.zeros(d + TARGETS, d + TARGETS, dtype=torch.float64)
    root[:d, :d], root[d:, :d] = features, read.mT
    root[d:, d:] = 0.7 * torch.eye(TARGETS, dtype=torch.float64)
    mixed = torch.zeros(d, d, dtype=torch.float64)
    mixed[:TARGETS, :TARGETS] = 3 * torch.eye(TARGETS, dtype=torch.float64)
    W = (mixed + 0.5 / d**0.5 * torch.randn(d, d, generator=g, dtype=torch.float64)) @ turned.mT
    return Population(root, torch.randn(d + TARGETS, generator=g, dtype=torch.float64), W)


def intervals(rows: Tensor, W: Tensor, groups: int, probes: tuple[Probe, ...]) -> list[Interval | None]:
    """The interval of each measure from rows [h, y] (N, d + n), dealt out to groups of consecutive ones."""
    d = W.shape[1]
    parts = [_moments(part, d) for part in rows.tensor_split(groups)]
    whole = Snapshot({"moments": _sum(parts)}, W, rank=TARGETS)
    left = [jackknife.without(whole, {"moments": _sum(parts[:group] + parts[group + 1 :])}) for group in range(groups)]
    found = []
    for probe in probes:
        one = jackknife.measured(
            probe,
            probe.jackknifed.outcome(whole),
            [probe.jackknifed.outcome(snapshot) for snapshot in left],
            [part.count for part in parts],
        )
        found.append(one if isinstance(one, Interval) else None)
    return found


def _moments(rows: Tensor, d: int) -> Moments:
    moments = Moments(d, TARGETS)
    moments.update(rows[:, :d], rows[:, d:])
    return moments


def _sum(parts: list[Moments]) -> Moments:
    total = Moments(parts[0].d, parts[0].n)
    for part in parts:
        total.merge(part)
    return total


@dataclass(frozen=True)
class Covered:
    """One measure at one size: how many of the draws' intervals hold the truth, and how many draws had one."""

    measure: str
    d: int
    N: int
    truth: float
    held: int
    had: int

    @property
    def line(self) -> str:
        """A line of the table in markdown."""
        share = f"{self.held / self.had:.3f}" if self.had else "none"
        return f"| `{self.measure}` | {self.d} | {self.N:,} | {self.truth:.4g} | {share} | {self.had} |"


@dataclass(frozen=True)
class Coverage:
    """How often the 95 % intervals of groups= hold the truth, for four measures at two widths and two sizes."""

    takes: ClassVar[str] = "6 minutes"

    draws: int = 200
    groups: int = 16
    widths: tuple[int, ...] = (32, 256)
    sizes: tuple[int, ...] = (500, 2000)
    seed: int = 0
    out: Path | None = None

    def __post_init__(self) -> None:
        least = min(self.sizes, default=0)
        if self.draws < 1 or self.groups < 2 or least < 4 * self.groups or min(self.widths, default=0) <= TARGETS:
            raise UsageError(
                f"--draws must be at least 1, --groups 2, --sizes 4 times the groups and --widths {TARGETS + 1}; they "
                f"are {self.draws}, {self.groups}, {self.sizes} and {self.widths}."
            )

    def run(self) -> None:
        """Draw, print the share of intervals that hold the truth, and write the table to ``out`` with a heading."""
        head = [
            f"{self.draws} draws, {self.groups} groups; a share of .95 is what is promised.\n",
            "| measure | d | N | truth | share that holds it | draws with an interval |",
            "|---|---|---|---|---|---|",
        ]
        told = "\n".join([*head, *(cell.line for cell in self.cells())])
        print(told)
        if self.out is not None:
            write_whole({self.out: f"{HEAD}\n{told}\n".encode()}, "The document")

    def cells(self) -> Iterator[Covered]:
        """One after another."""
        probes = tuple(
            next(probe for probe in CATALOG if (probe.name, probe.variant) == (name, "default")) for name in MEASURES
        )
        for d in self.widths:
            whole = population(d, self.seed)
            truths = [probe.outcome(whole.known()).value for probe in probes]
            for N in self.sizes:
                g = torch.Generator().manual_seed(self.seed + 1)
                drawn = [
                    intervals(whole.drawn(N, g), whole.W, self.groups, probes)
                    for _ in progress_bar(range(self.draws), desc=f"d = {d}, N = {N}")
                ]
                for i, (probe, truth) in enumerate(zip(probes, truths, strict=True)):
                    there = [one for draw in drawn if (one := draw[i]) is not None]
                    held = sum(one.low <= truth <= one.high for one in there)
                    yield Covered(probe.name, d, N, truth, held, len(there))
