"""The five lines of the README, from an installed wheel: with python -I, so that the checkout is not in the way."""

import tempfile
from pathlib import Path

import torch

import deepnrc

assert "site-packages" in deepnrc.__file__, deepnrc.__file__
model = torch.nn.Sequential(torch.nn.Linear(8, 32), torch.nn.ReLU(), torch.nn.Linear(32, 2))
loader = [(torch.randn(50, 8), torch.randn(50, 2)) for _ in range(4)]
with tempfile.TemporaryDirectory() as made:
    folder = Path(made)
    report = deepnrc.probe(model, loader)
    report.summary()
    report.heatmap("deep.noise_fraction", path=folder / "noise.png")
    report.html(folder / "report.html")
    report.save(folder / "report")
    assert deepnrc.load(folder / "report").table.equals(report.table)
    assert all((folder / name).stat().st_size for name in ("noise.png", "report.html"))
