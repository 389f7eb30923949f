"""Networks that are collapsed by construction: closed forms of linear models, planted ones, perfect classifiers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from experiments.soundness.untrained import Stranger
from probes.ufm import LinearMinimum

DTYPE = torch.float64
N = 600


def collapsed() -> Iterator[Stranger]:
    """All of them: 18 closed forms at depths 1 to 6, 13 planted ones, 9 perfect classifiers."""
    for depth in range(1, 7):
        for n in (1, 3, 6):
            yield closed_form(depth, n)
    for depth in (2, 3, 5):
        for k in (1, 2, 4, 8):
            yield planted(depth, k)
    yield planted(4, 3, offset=5.0)
    for K in range(2, 11):
        yield perfect_classifier(K)


def closed_form(depth: int, n: int, d: int = 24, penalty: float = 1e-3) -> Stranger:
    """The minimum of the deep linear model with free features, which are the network's inputs."""
    g = torch.Generator().manual_seed(10 * depth + n)
    Y = torch.randn(N, n, generator=g, dtype=DTYPE) @ torch.diag(torch.linspace(1, 1.5, n, dtype=DTYPE))
    centred = Y - Y.mean(0)
    minimum = LinearMinimum(centred.T @ centred / N, penalty, (penalty,) * depth)
    spectrum = minimum.targets
    inner = [_orthonormal(d, n, g) for _ in range(depth)]
    sides = [*inner, spectrum.vectors]  # right side of W_l is the left side of W_(l-1)
    whitened = centred @ spectrum.vectors / spectrum.values.sqrt()
    X = whitened @ torch.diag(minimum.feature_values(1)[:n].sqrt()) @ inner[0].T
    weights = [sides[k + 1] @ torch.diag(minimum.weight_values(k + 1)[:n]) @ sides[k].T for k in range(depth)]
    return Stranger(_network(weights, Y.mean(0), nn.Identity), X, Y, f"closed form, depth {depth}, n = {n}")


def planted(depth: int, k: int, d: int = 32, offset: float = 0.0) -> Stranger:
    """ReLU layers of positive features that span k directions; only the inputs hold more."""
    g = torch.Generator().manual_seed(100 * depth + k)
    signal = torch.rand(N, k, generator=g, dtype=DTYPE) + offset
    noise = torch.rand(N, d - k, generator=g, dtype=DTYPE)
    read = torch.cat([torch.eye(k, dtype=DTYPE), torch.zeros(k, d - k, dtype=DTYPE)], 1)
    # blocks of equal units keep the k directions apart and of one size, so that each weight reads its features whole
    spread = torch.eye(k, dtype=DTYPE).repeat_interleave(d // k, 0)
    spread = torch.cat([spread, torch.zeros(d - len(spread), k, dtype=DTYPE)])
    back = spread.T / (d // k)
    weights = [spread @ read, *(spread @ back for _ in range(depth - 2)), torch.eye(k, dtype=DTYPE) @ back]
    Y = signal - 0.2
    network = _network(weights, torch.full((k,), -0.2, dtype=DTYPE), nn.ReLU)
    return Stranger(network, torch.cat([signal, noise], 1), Y, f"planted, depth {depth}, k = {k}, offset {offset:g}")


def perfect_classifier(K: int, d: int = 24, depth: int = 3) -> Stranger:
    """Features that are their class's vertex of a simplex, and weights that are its dual; Y holds classes (N,)."""
    g = torch.Generator().manual_seed(K)
    classes = torch.arange(N) % K
    simplex = torch.eye(K, dtype=DTYPE) - 1 / K
    inner = [_orthonormal(d, K, g) for _ in range(depth)]
    weights = [inner[k + 1] @ simplex @ inner[k].T for k in range(depth - 1)]
    weights.append(4 * simplex @ inner[-1].T)
    model = _network(weights, torch.zeros(K, dtype=DTYPE), nn.Identity)
    return Stranger(model, simplex[classes] @ inner[0].T, classes, f"perfect classifier, K = {K}")


def _orthonormal(d: int, n: int, g: torch.Generator) -> Tensor:
    return torch.linalg.qr(torch.randn(d, n, generator=g, dtype=DTYPE)).Q


def _network(weights: Sequence[Tensor], bias: Tensor, activation: type[nn.Module]) -> nn.Sequential:
    """Linear layers of these weights (m, d), the activation between them, the bias at the end."""
    parts: list[nn.Module] = []
    for k, W in enumerate(weights):
        last = k == len(weights) - 1
        linear = nn.Linear(W.shape[1], W.shape[0], bias=last, dtype=DTYPE)
        with torch.no_grad():
            linear.weight.copy_(W)
            if last:
                linear.bias.copy_(bias)
        parts += [linear] if last else [linear, activation()]
    return nn.Sequential(*parts)
