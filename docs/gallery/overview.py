"""
Overview
========

Six measures by depth, before training and after it.
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


torch.manual_seed(0)
model = network()
before = deepnrc.probe(model, (X, Y), run="untrained", progress=False)
after = deepnrc.probe(train(model), (X, Y), run="trained", progress=False)

# %%
# Dotted: what chance gives. Where a measure has a level of its own, such as the targets' stable rank, it is a line too.

(before + after).overview()
