"""Unconstrained-feature models as losses with their gradients, many cells at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from deepnrc.errors import UsageError

Point = list[Tensor]


@dataclass(frozen=True)
class Problem:
    """A chain of linear maps on free features, for C cells that differ in their penalties only.

        L = (1/2N) ||H W_1' .. W_L' + 1 b' - Y||^2
            + feature_penalty/2 ||H||^2 + sum weight_penalty_k/2 ||W_k||^2 + bias/2 ||b||^2

    A point is [H (C, N, d_1), W_1 (C, d_2, d_1), .., W_L (C, n, d_L)] and, with a bias, b (C, 1, n).

    Attributes:
        Y: targets (N, n), the same for all cells.
        widths: d_1 .. d_L.
        feature_penalty: (C,); the regression models' lambda_h/N, the classifiers' lambda_h.
        weight_penalties: (C,) for each layer.
        bias: None for none, 0 for a free one, else its penalty.
        relu: whether a ReLU stands before every layer but the first.
    """

    Y: Tensor
    widths: tuple[int, ...]
    feature_penalty: Tensor
    weight_penalties: tuple[Tensor, ...]
    bias: float | None = None
    relu: bool = False

    def __post_init__(self) -> None:
        if len(self.widths) != len(self.weight_penalties):
            raise UsageError(
                f"A chain of {len(self.weight_penalties)} layers reads features of as many widths; "
                f"{len(self.widths)} were given."
            )

    @property
    def cells(self) -> int:
        """C."""
        return self.feature_penalty.numel()

    def cell(self, index: int) -> Problem:
        """One cell alone."""
        one = slice(index, index + 1)
        penalties = tuple(p[one] for p in self.weight_penalties)
        return Problem(self.Y, self.widths, self.feature_penalty[one], penalties, self.bias, self.relu)

    def start(self, seed: int, features: float = 1.0, weights: float = 0.3) -> Point:
        """A random start, the same for all cells: normal entries of these standard deviations, and a bias of 0."""
        generator = torch.Generator().manual_seed(seed)
        N, n = self.Y.shape
        shapes = [(N, self.widths[0]), *zip((*self.widths[1:], n), self.widths, strict=True)]
        point = [
            (weights if i else features) * torch.randn(shape, dtype=torch.float64, generator=generator)
            for i, shape in enumerate(shapes)
        ]
        if self.bias is not None:
            point.append(torch.zeros(1, n, dtype=torch.float64))
        return [part.expand(self.cells, *part.shape).clone() for part in point]

    def evaluate(self, point: Point) -> tuple[Tensor, Point]:
        """Loss (C,) and its gradient in every part of the point."""
        H, weights = point[0], point[1 : 1 + len(self.widths)]
        entering, after = [H], H
        for k, W in enumerate(weights):
            if k and self.relu:
                after = after.relu()
                entering.append(after)
            elif k:
                entering.append(after)
            after = after @ W.mT
        if self.bias is not None:
            after = after + point[-1]
        N = self.Y.shape[0]
        residual = after - self.Y
        loss = residual.square().sum((1, 2)) / (2 * N)
        gradients: Point = []
        back = residual / N
        bias = [back.sum(1, keepdim=True) + self.bias * point[-1]] if self.bias is not None else []
        for k in reversed(range(len(weights))):
            penalty = self.weight_penalties[k]
            loss = loss + penalty / 2 * weights[k].square().sum((1, 2))
            gradients.insert(0, back.mT @ entering[k] + penalty[:, None, None] * weights[k])
            back = back @ weights[k]
            if k and self.relu:
                back = back * (entering[k] > 0)
        loss = loss + self.feature_penalty / 2 * H.square().sum((1, 2))
        if self.bias:
            loss = loss + self.bias / 2 * point[-1].square().sum((1, 2))
        return loss, [back + self.feature_penalty[:, None, None] * H, *gradients, *bias]


class Chain(nn.Module):
    """One cell of a problem as a torch network from sample numbers to outputs: what the framework probes.

    The features are an embedding, the layers are ``nn.Linear`` modules named W1, W2, ..
    """

    def __init__(self, point: Point, cell: int, layers: int, relu: bool = False) -> None:
        super().__init__()
        H, *rest = (part[cell] for part in point)
        self.features = nn.Embedding.from_pretrained(H.clone())
        self.relu = nn.ReLU() if relu else nn.Identity()
        self.layers = layers
        for k, W in enumerate(rest[:layers], 1):
            last = k == layers and len(rest) > layers
            layer = nn.Linear(W.shape[1], W.shape[0], bias=last, dtype=W.dtype)
            layer.weight.data = W.clone()
            if last:
                layer.bias.data = rest[-1][0].clone()
            self.add_module(f"W{k}", layer)

    def weight(self, layer: int) -> Tensor:
        """W of a layer, from 1."""
        return self.get_parameter(f"W{layer}.weight").detach()

    def forward(self, index: Tensor) -> Tensor:
        """Outputs (N, n) of samples (N,)."""
        after = self.features(index)
        for k in range(1, self.layers + 1):
            after = self.get_submodule(f"W{k}")(after if k == 1 else self.relu(after))
        return after


def stacked(points: Sequence[Point]) -> Point:
    """Points of one problem, of any number of cells each, as the cells of one."""
    return [torch.cat(parts) for parts in zip(*points, strict=True)]


def column(*values: float) -> Tensor:
    """Numbers as a vector of float64."""
    return torch.tensor(values, dtype=torch.float64)
