"""
Train against test
==================

Subspaces, means and maps are fitted to the training samples and read on others; intervals say how far a value may be
from what more samples would give.
"""

import torch

import deepnrc

torch.manual_seed(0)
X = torch.randn(900, 10)
Y = torch.tanh(X[:, :3]) + 0.2 * torch.randn(900, 3)
train, test = (X[:300], Y[:300]), (X[300:], Y[300:])
model = torch.nn.Sequential(
    torch.nn.Linear(10, 64), torch.nn.ReLU(), torch.nn.Linear(64, 64), torch.nn.ReLU(), torch.nn.Linear(64, 3)
)
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for _ in range(400):
    optimizer.zero_grad()
    torch.nn.functional.mse_loss(model(train[0]), train[1]).backward()
    optimizer.step()

# %%
# Rows with the variant "held out" stand beside the others.

report = deepnrc.probe(model, train, held_out=test, groups=16, progress=False)
for variant in ("adjusted", "held out"):
    print(variant, report.values("deep.linear_r2", variant)[["layer", "value"]].round(3).to_dict("records"))

# %%
# The dashed line is what was held out; the bands are 95 % intervals by the delete-a-group jackknife. Where samples
# depend on one another, as those of an episode do, give each its label: ``groups=episode``.

report.lines("deep.linear_r2")
