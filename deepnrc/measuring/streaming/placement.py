"""Where the statistics lie in memory."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from probes import Classes, Directions, Moments, Statistic

APART = 5_000_000  # numbers, 40 MB: above what glibc takes from its heap; pages that are not used cost nothing
HELD: dict[type, tuple[str, ...]] = {
    Moments: ("mean", "scatter"),
    Directions: ("total",),
    Classes: ("counts", "means", "scatter"),
}


def together(statistics: Iterable[Statistic]) -> None:
    """Move the tensors of our own statistics into one block, so large that the system maps it apart from the network's
    memory: scattered between the network's own tensors they would slow its forward pass by a third. What a user's
    statistic holds is the user's, and stays where it is."""
    held = [(owner, name, getattr(owner, name)) for owner in statistics for name in HELD.get(type(owner), ())]
    found = [(owner, name, value) for owner, name, value in held if value.device.type == "cpu"]
    size = max(APART, sum(value.numel() for _, _, value in found))
    block = torch.empty(size, dtype=torch.float64, device="cpu")
    start = 0
    for owner, name, value in found:
        place = block[start : start + value.numel()].view(value.shape)
        setattr(owner, name, place.copy_(value))
        start += value.numel()
