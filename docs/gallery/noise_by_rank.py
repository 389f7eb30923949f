"""
Noise over the signal rank
==========================

Which k? The noise fraction of every layer over k: where the curve of a collapsed layer drops is the number of
directions that it keeps.
"""

import torch

import deepnrc

torch.manual_seed(0)
X = torch.randn(1000, 20)
Y = torch.tanh(X @ torch.randn(20, 2) / 20**0.5) @ torch.linalg.qr(torch.randn(10, 2)).Q.T


def network():
    """Five hidden layers of 64."""
    widths = [20] + [64] * 5
    hidden = [m for i in range(5) for m in (torch.nn.Linear(widths[i], widths[i + 1]), torch.nn.ReLU())]
    return torch.nn.Sequential(*hidden, torch.nn.Linear(64, 10))


def train(model, decay=0.3):
    """Full-batch AdamW on the squared error."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=decay)
    for _ in range(400):
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(X), Y).backward()
        optimizer.step()
    return model


report = deepnrc.probe(train(network()), (X, Y), progress=False)
report.noise_by_rank()
