"""The networks that the measures' pages show: two trained until they collapse, and the same two untrained."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn

import deepnrc
from deepnrc import Report

WIDTH, DEPTH, GAIN = 64, 6, 1.6  # the gain keeps what passes through so many layers alive
UNTRAINED, TRAINED = "untrained", "trained with weight decay"


def network(d: int, n: int) -> nn.Sequential:
    """d -> 64 -> .. -> 64 -> n with ReLUs, drawn by seed 0."""
    torch.manual_seed(0)
    widths = [d] + [WIDTH] * DEPTH
    hidden = [m for a, b in pairwise(widths) for m in (nn.Linear(a, b), nn.ReLU())]
    model = nn.Sequential(*hidden, nn.Linear(WIDTH, n))
    with torch.no_grad():
        for layer in model[::2]:
            layer.weight *= GAIN
    return model


def directions() -> tuple[Tensor, Tensor]:
    """Inputs (1000, 20), and targets of rank 2 in R^10."""
    g = torch.Generator().manual_seed(1)
    X = torch.randn(1000, 20, generator=g)
    plane = torch.linalg.qr(torch.randn(10, 2, generator=g)).Q
    Y = torch.tanh(X @ torch.randn(20, 2, generator=g) / 20**0.5) @ plane.mT
    Y = Y - Y.mean(0)
    return X, Y / Y.square().sum(1).mean().sqrt() * 10**0.5


def classes() -> tuple[Tensor, Tensor]:
    """Inputs (1000, 20) about four centres, and which of them, (1000,)."""
    g = torch.Generator().manual_seed(1)
    labels = torch.arange(1000) % 4
    return torch.randn(4, 20, generator=g)[labels] + 0.5 * torch.randn(1000, 20, generator=g), labels


def trained(model: nn.Module, X: Tensor, Y: Tensor, decay: float, steps: int) -> nn.Module:
    """The network after so many steps on the squared error, of classes on that to one-hot rows."""
    wanted = nn.functional.one_hot(Y).float() if Y.ndim == 1 else Y
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=decay)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.mse_loss(model(X), wanted).backward()
        optimizer.step()
        schedule.step()
    return model


def reports(folder: Path) -> dict[str, Report]:
    """One report of a network for regression and one for classes, each with two runs; kept in the folder."""
    asked = {"regression": (directions(), 10, 3e-3, 2000), "classes": (classes(), 4, 3e-3, 1000)}
    found = {}
    for name, ((X, Y), n, decay, steps) in asked.items():
        if not (folder / name).is_dir():
            costly = ["nrc.?_centred", "dimension.two_nn", "nc.4", "nc.ncc_error", "model.residual_whiteness"]
            named = [probe.name for probe in deepnrc.CATALOG if probe.default] + costly
            models = {UNTRAINED: network(20, n), TRAINED: trained(network(20, n), X, Y, decay, steps)}
            before, after = (
                deepnrc.probe(m, (X, Y), probes=named, run=run, progress=False) for run, m in models.items()
            )
            (before + after).save(folder / name)
        found[name] = deepnrc.load(folder / name)
    return found
