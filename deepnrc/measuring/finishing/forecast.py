"""How long the measures of layers are going to take, from an eigen-decomposition that is timed."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping
from functools import cache

import torch

SIDE = 256
DECOMPOSITIONS = 3  # what all measures of a layer cost, in eigen-decompositions of its covariance
LONG = 600  # seconds from which a run is warned of
NEVER = 1e11  # operations that take no machine so long, so that nothing needs timing


def seconds(shapes: Mapping[str, tuple[int | None, int]]) -> float:
    """About what measuring layers takes behind their passes over the data.

    Args:
        shapes: N, None where it is not known, and d of each layer; of N < d samples N^2 d operations are done, not d^3.
    """
    return work(shapes) * DECOMPOSITIONS * _decomposition() / SIDE**3


def work(shapes: Mapping[str, tuple[int | None, int]]) -> float:
    """The number of operations, up to a factor."""
    return float(sum((d if N is None else min(N, d)) ** 2 * d for N, d in shapes.values()))


def warn_of_long(shapes: Mapping[str, tuple[int | None, int]]) -> None:
    """Warn of more than ten minutes, naming the layer that takes most of them."""
    if work(shapes) < NEVER or seconds(shapes) < LONG:
        return
    key = max(shapes, key=lambda key: work({key: shapes[key]}))
    warnings.warn(
        f"Measuring {len(shapes)} layers is going to take about {seconds(shapes) / 60:.0f} minutes behind the passes "
        f"over the data, most of them the {shapes[key][1]} features of '{key}'. layers= leaves some out, and another "
        "pool= reads fewer features.",
        stacklevel=2,
    )


@cache
def _decomposition() -> float:
    """Seconds of an eigen-decomposition (256, 256), the faster of three."""
    A = torch.randn(SIDE, SIDE, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    took = []
    for _ in range(3):
        started = time.perf_counter()
        torch.linalg.eigh(A @ A.mT)
        took.append(time.perf_counter() - started)
    return min(took)
