"""Networks that are not collapsed: random ones on random targets, and random bodies with a fitted head."""

from __future__ import annotations

import random
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn

ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU, "none": nn.Identity}
WIDTHS = (3, 4, 5, 8, 11, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)


@dataclass(frozen=True)
class Stranger:
    """A network with inputs X (N, d_in) and targets Y (N, n)."""

    model: nn.Sequential
    X: Tensor
    Y: Tensor
    words: str


def untrained(seed: int) -> Stranger:
    """A network with random weights on targets that nothing it was given tells: widths 3 to 256, depths 2 to 6,
    n 1 to 10, N 200 to 2000."""
    draw, g = _sources(seed)
    n, N, inputs, model, words = _shape(draw)
    return Stranger(model, torch.randn(N, inputs, generator=g), _mixed(n, N, draw, g), words)


def fitted_head(seed: int) -> Stranger:
    """A random body whose last layer is the least-squares fit to targets that can be learned from the inputs."""
    draw, g = _sources(seed)
    n, N, inputs, model, words = _shape(draw)
    X = torch.randn(N, inputs, generator=g)
    told = X if draw.random() < 0.5 else torch.tanh(X @ torch.randn(inputs, 2 * n + 2, generator=g))
    Y = told @ torch.randn(told.shape[1], n, generator=g)
    Y = Y / Y.std(0) + draw.choice((0.0, 0.05, 0.3)) * torch.randn(N, n, generator=g)
    head = nn.Linear(model[-1].in_features, n)  # type: ignore[arg-type]
    with torch.no_grad():
        design = torch.cat([model[:-1](X), torch.ones(N, 1)], 1).double()
        solution = torch.linalg.lstsq(design, Y.double(), driver="gelsd").solution.float()
        head.weight.copy_(solution[:-1].T)
        head.bias.copy_(solution[-1])
    model[-1] = head
    return Stranger(model, X, Y, words)


def _sources(seed: int) -> tuple[random.Random, torch.Generator]:
    return random.Random(seed), torch.Generator().manual_seed(seed)


def _shape(draw: random.Random) -> tuple[int, int, int, nn.Sequential, str]:
    """n, N, d_in, the network, and all of it in words."""
    n, N, depth, inputs = draw.randint(1, 10), draw.randint(200, 2000), draw.randint(2, 6), draw.choice(WIDTHS[1:])
    narrowing = draw.random() < 0.3  # a bottleneck near the targets' width is where a fixed threshold errs
    widths = [inputs, *(draw.choice(WIDTHS) if not narrowing else draw.randint(n + 1, 2 * n + 4) for _ in range(depth))]
    kind, bias = draw.choice(list(ACTIVATIONS)), draw.random() < 0.7
    parts: list[nn.Module] = []
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(draw.getrandbits(31))
        for a, b in pairwise(widths):
            parts += [nn.Linear(a, b, bias=bias), ACTIVATIONS[kind]()]
        parts.append(nn.Linear(widths[-1], n))
    return n, N, inputs, nn.Sequential(*parts), f"{kind}, widths {widths}, n = {n}, N = {N}"


def _mixed(n: int, N: int, draw: random.Random, g: torch.Generator) -> Tensor:
    """Targets (N, n) of full or low rank, of one scale or several."""
    rank = draw.randint(1, n)
    Y = torch.randn(N, rank, generator=g) @ torch.randn(rank, n, generator=g)
    return Y * torch.logspace(0, -draw.choice((0, 1, 2)), n)
