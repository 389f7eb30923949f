"""Targets whose covariance is exactly as prescribed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor


def spread(eigenvalues: Sequence[float], N: int, seed: int = 0, mean: float = 0.0) -> Tensor:
    """Y (N, n) whose covariance has these eigenvalues along random directions, about ``mean``."""
    generator = torch.Generator().manual_seed(seed)
    n = len(eigenvalues)
    rows = torch.randn(N, n, dtype=torch.float64, generator=generator)
    rows = torch.linalg.qr(rows - rows.mean(0)).Q * math.sqrt(N)
    U = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=generator)).Q
    return (rows * torch.tensor(eigenvalues, dtype=torch.float64).sqrt()) @ U.mT + mean


def covariance(Y: Tensor) -> Tensor:
    """S_Y (n, n), divided by N."""
    centred = Y - Y.mean(0)
    return centred.mT @ centred / Y.shape[0]


def one_hot(K: int, n: int) -> Tensor:
    """Y (Kn, K), n samples of each of K classes side by side."""
    return torch.eye(K, dtype=torch.float64).repeat_interleave(n, 0)
