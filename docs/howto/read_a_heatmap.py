"""
Read a heatmap
==============

Dark is collapsed; grey cannot be read; the ticks of the colour bar are what a value is to be held against.
"""

import torch

import deepnrc

# %%
# Two networks on the same targets, of rank 2 in R^10: one trained with weight decay, the other without.

torch.manual_seed(0)
X = torch.randn(1000, 20)
Y = torch.tanh(X @ torch.randn(20, 2) / 20**0.5) @ torch.linalg.qr(torch.randn(10, 2)).Q.T
Y = Y / Y.std()


def trained(decay):
    """A report of a training: log-spaced steps, the last one among them."""
    torch.manual_seed(0)
    widths = [20] + [64] * 5
    hidden = [m for i in range(5) for m in (torch.nn.Linear(widths[i], widths[i + 1]), torch.nn.ReLU())]
    model = torch.nn.Sequential(*hidden, torch.nn.Linear(64, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=decay)
    with deepnrc.Tracker(model, (X, Y), steps=[0, 30, 100, 200, 400], run=f"weight decay {decay:g}") as tracker:
        for _ in range(800):
            tracker()
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(model(X), Y).backward()
            optimizer.step()
    return tracker.report


report = trained(3e-3) + trained(0.0)

# %%
# Layers from the input down, steps across, a panel a run. The colour bar ends dark where the measure says collapse. The
# tick "τ" is the threshold below which noise counts as low: a threshold of ours, in no paper.

report.heatmap("deep.noise_fraction")

# %%
# Low noise alone is not collapse. The features must be aligned with their weight too, an affine map from the layer must
# predict as the network does, and the network must have learned every direction of the targets:

final = report.at().verdicts()
print(final[["run", "layer", "noise", "aligned", "predicts", "learned", "verdict"]].to_string(index=False))

# %%
# One snapshot with all main measures, each on its own scale:

report.at(run="weight decay 0.003").heatmap()
