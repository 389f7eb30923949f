"""
A classifier by depth
=====================

Targets that are classes bring the measures of classifiers along.
"""

import torch

import deepnrc

torch.manual_seed(0)


def network():
    """Five hidden layers of 64."""
    widths = [20] + [64] * 5
    hidden = [m for i in range(5) for m in (torch.nn.Linear(widths[i], widths[i + 1]), torch.nn.ReLU())]
    return torch.nn.Sequential(*hidden, torch.nn.Linear(64, 4))


labels = torch.arange(1000) % 4
Z = torch.randn(4, 20)[labels] + 0.5 * torch.randn(1000, 20)
torch.manual_seed(0)
model = network()
before = deepnrc.probe(model, (Z, labels), run="untrained", progress=False)
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=0.3)
for _ in range(300):
    optimizer.zero_grad()
    torch.nn.functional.cross_entropy(model(Z), labels).backward()
    optimizer.step()
after = deepnrc.probe(model, (Z, labels), run="trained", progress=False)
(before + after).lines("nc.1")

# %%
# Variability within classes over distances between class means, which needs no inverse:

(before + after).lines("nc.cdnv")
