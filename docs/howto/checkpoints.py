"""
A folder of checkpoints
=======================

Training left checkpoints behind. One report holds them all: its steps are the numbers in the files' names.
"""

import tempfile
from pathlib import Path

import torch

import deepnrc

# %%
# A small network, trained here so that there is something to read. Yours are on disk already.

torch.manual_seed(0)
X = torch.randn(500, 8)
Y = torch.tanh(X[:, :2] + X[:, 2:4])
folder = Path(tempfile.mkdtemp())


def build():
    """The network, untrained."""
    return torch.nn.Sequential(
        torch.nn.Linear(8, 32), torch.nn.ReLU(), torch.nn.Linear(32, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2)
    )


model = build()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3, weight_decay=1e-3)
for step in range(401):
    if step % 100 == 0:
        torch.save(model.state_dict(), folder / f"step-{step}.pt")
    optimizer.zero_grad()
    torch.nn.functional.mse_loss(model(X), Y).backward()
    optimizer.step()

# %%
# A file is read as weights only: nothing in it is run. What was measured is kept in ``folder``; called again, it
# measures what is new. A bad file is named and passed over. ``jobs=4`` measures side by side, ``backend="dask"`` on a
# cluster.

report = deepnrc.probe_checkpoints(build(), folder, (X, Y), folder=folder / "report", progress=False)
print(report.steps)

# %%
# Layers down, steps across.

report.heatmap("deep.noise_fraction")

# %%
# The same in a terminal:
#
# .. code-block:: bash
#
#    deepnrc probe mynet.py:build --checkpoint 'ck/*.pt' --data data.npz --out runs/all --jobs 4
