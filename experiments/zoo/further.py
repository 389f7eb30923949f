"""Networks written here: a U-Net as diffusion policies use, recurrent ones, graphs, and blocks of a plain class."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from experiments.zoo.member import LABELS, Member, part, vectors

HORIZON, SEEN = 8, 6


class ConditionalBlock(nn.Module):
    """Two convolutions over time with a shortcut, shifted between them by a condition (N, c)."""

    def __init__(self, d: int, m: int, condition: int) -> None:
        super().__init__()
        self.first = nn.Sequential(nn.Conv1d(d, m, 3, padding=1), nn.GroupNorm(2, m), nn.Mish())
        self.second = nn.Sequential(nn.Conv1d(m, m, 3, padding=1), nn.GroupNorm(2, m), nn.Mish())
        self.encoder = nn.Sequential(nn.Mish(), nn.Linear(condition, m))
        self.shortcut = nn.Conv1d(d, m, 1) if d != m else nn.Identity()

    def forward(self, x: Tensor, condition: Tensor) -> Tensor:
        return self.second(self.first(x) + self.encoder(condition)[..., None]) + self.shortcut(x)


class ConditionalUnet1d(nn.Module):
    """The mean noise (N, n) in a chunk of actions (N, T, n), from waves of its diffusion step and what was seen."""

    def __init__(self, widths: tuple[int, int] = (12, 16), condition: int = 10) -> None:
        super().__init__()
        a, b = widths
        self.step = nn.Sequential(nn.Linear(8, 16), nn.Mish(), nn.Linear(16, condition - SEEN))
        self.down = nn.ModuleList([ConditionalBlock(LABELS, a, condition), ConditionalBlock(a, b, condition)])
        self.shrink = nn.Conv1d(a, a, 3, 2, 1)
        self.middle = ConditionalBlock(b, b, condition)
        self.grow = nn.ConvTranspose1d(b, b, 4, 2, 1)
        self.up = ConditionalBlock(a + b, a, condition)
        self.final = nn.Conv1d(a, LABELS, 1)

    def forward(self, sample: Tensor, timestep: Tensor, global_cond: Tensor) -> Tensor:
        condition = torch.cat([self.step(timestep), global_cond], 1)
        fine = self.down[0](sample.transpose(1, 2), condition)
        coarse = self.middle(self.down[1](self.shrink(fine), condition), condition)
        return self.final(self.up(torch.cat([self.grow(coarse), fine], 1), condition)).mean(-1)


class Recurrent(nn.Module):
    """A recurrent network with a readout of its last state through one hidden layer."""

    def __init__(self, kind: type[nn.LSTM] | type[nn.GRU]) -> None:
        super().__init__()
        self.embed, self.recurrent = nn.Linear(SEEN, 12), kind(12, 16, num_layers=2, batch_first=True)
        self.hidden, self.readout = nn.Linear(16, 10), nn.Linear(10, LABELS)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.recurrent(self.embed(x).tanh())
        return self.readout(self.hidden(states[:, -1]).relu())


class B(nn.Module):
    """Two layers and a shortcut, under a name that says nothing."""

    def __init__(self, d: int) -> None:
        super().__init__()
        self.f, self.g = nn.Linear(d, 2 * d), nn.Linear(2 * d, d)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.g(self.f(x).relu())


class Stack(nn.Module):
    """A list of blocks between two layers."""

    def __init__(self) -> None:
        super().__init__()
        self.stem, self.bs, self.out = (
            nn.Linear(SEEN, 12),
            nn.ModuleList(B(12) for _ in range(4)),
            nn.Linear(12, LABELS),
        )

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.bs:
            x = block(x)
        return self.out(x)


def noised(samples: int) -> dict[str, Tensor]:
    """What a diffusion policy is called with."""
    options: Any = {"dtype": torch.float64}
    return {
        "sample": torch.randn(samples, HORIZON, LABELS, **options),
        "timestep": torch.cat(
            [wave(torch.rand(samples, 1, **options) * 2 ** torch.arange(4)) for wave in (torch.sin, torch.cos)], 1
        ),
        "global_cond": torch.randn(samples, SEEN, **options),
    }


def _encoder() -> nn.Module:
    layer = nn.TransformerEncoderLayer(16, 2, 24, batch_first=True)
    return nn.Sequential(nn.Linear(SEEN, 16), nn.TransformerEncoder(layer, 3, enable_nested_tensor=False), Last())


class Last(nn.Module):
    """A readout of the last token."""

    def __init__(self) -> None:
        super().__init__()
        self.out = nn.Linear(16, LABELS)

    def forward(self, x: Tensor) -> Tensor:
        return self.out(x[:, -1])


class Graphs(nn.Module):
    """Two rounds of messages along a graph's edges, and a readout of each node."""

    def __init__(self, kind: str, **options: Any) -> None:
        super().__init__()
        convolution = part("torch_geometric", f"nn.{kind}")
        self.first, self.second = convolution(SEEN, 12, **options), convolution(12, 10, **options)
        self.readout = nn.Linear(10, LABELS)

    def forward(self, x: Tensor, edge_index: Tensor) -> Tensor:
        return self.readout(self.second(self.first(x, edge_index).relu(), edge_index).relu())


def graph(samples: int) -> dict[str, Tensor]:
    """The nodes of a random graph and its edges."""
    edges = torch.randint(0, samples, (2, 4 * samples))
    return {"x": torch.randn(samples, SEEN, dtype=torch.float64), "edge_index": edges}


def members() -> Iterator[Member]:
    """The networks of this file."""
    for kind, options in (("GCNConv", {}), ("GATConv", {"heads": 2, "concat": False}), ("SAGEConv", {})):
        make = partial(Graphs, kind, **options)
        yield Member(name=kind.removesuffix("Conv"), library="torch_geometric", make=make, inputs=graph)
    own = partial(Member, library="")
    yield own(name="ConditionalUnet1d", make=ConditionalUnet1d, inputs=noised, channels=1)
    yield own(name="LSTM", make=partial(Recurrent, nn.LSTM), inputs=vectors(HORIZON, SEEN))
    yield own(name="GRU", make=partial(Recurrent, nn.GRU), inputs=vectors(HORIZON, SEEN))
    yield own(name="nn.TransformerEncoder", make=_encoder, inputs=vectors(HORIZON, SEEN))
    yield own(name="ModuleList of B", make=Stack, inputs=vectors(SEEN))
