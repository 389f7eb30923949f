"""Builders shared by the tests of the closed forms: targets with a prescribed covariance, and plain losses."""

import math

import pytest
import torch


@pytest.fixture
def targets():
    """Make Y (N, n) of exactly the given covariance eigenvalues along random directions, with a mean."""

    def make(eigenvalues=(1.0, 0.5, 0.2), N=60, seed=0, mean=0.3):
        g = torch.Generator().manual_seed(seed)
        n = len(eigenvalues)
        rows = torch.randn(N, n, dtype=torch.float64, generator=g)
        rows = torch.linalg.qr(rows - rows.mean(0)).Q * math.sqrt(N)
        U = torch.linalg.qr(torch.randn(n, n, dtype=torch.float64, generator=g)).Q
        return (rows * torch.tensor(eigenvalues, dtype=torch.float64).sqrt()) @ U.T + mean

    return make


@pytest.fixture
def chain_loss():
    """(1/2N) ||H W_1' .. W_L' + b - Y||^2 and the penalties, written out with autograd: loss and gradients."""

    def evaluate(Y, H, weights, b, feature_penalty, weight_penalties, bias_penalty=0.0, relu=False):
        parts = [part.clone().requires_grad_() for part in (H, *weights, b)]
        after = parts[0]
        for k, W in enumerate(parts[1:-1]):
            after = (after.relu() if k and relu else after) @ W.T
        loss = (after + parts[-1] - Y).square().sum() / (2 * len(Y)) + feature_penalty / 2 * parts[0].square().sum()
        for W, penalty in zip(parts[1:-1], weight_penalties, strict=True):
            loss = loss + penalty / 2 * W.square().sum()
        loss = loss + bias_penalty / 2 * parts[-1].square().sum()
        return loss.item(), torch.autograd.grad(loss, parts)

    return evaluate
