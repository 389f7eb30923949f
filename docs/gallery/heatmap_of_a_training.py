"""
Heatmap of a training
=====================

Layers down, training across, a panel a run.
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


def train(model, tracker, decay):
    """Full-batch AdamW on the squared error."""
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=decay)
    for _ in range(400):
        tracker()
        optimizer.zero_grad()
        torch.nn.functional.mse_loss(model(X), Y).backward()
        optimizer.step()
    tracker()


reports = []
for decay in (0.3, 0.0):
    torch.manual_seed(0)
    model = network()
    tracker = deepnrc.Tracker(model, (X, Y), steps=[0, 5, 10, 20, 50, 100, 200, 400], run=f"weight decay {decay:g}")
    train(model, tracker, decay)
    reports.append(tracker.report)

# %%
# A report is added to another, and may be saved and loaded with it.

(reports[0] + reports[1]).heatmap("deep.noise_fraction")
