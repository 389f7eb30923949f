import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import deepnrc
from deepnrc.data.sources import load_data
from deepnrc.errors import UsageError


def ranks(loader):
    report = deepnrc.probe(nn.Linear(3, 2), loader, progress=False)
    return set(report.table.query("measure == 'deep.noise'")["rank"])


@pytest.fixture
def pairs():
    """Targets of rank 1, rounded to two decimals."""
    x = torch.randn(300, 3, generator=torch.Generator().manual_seed(0))
    y = 4 * x[:, :1].double() @ torch.tensor([[1.0, 0.7]], dtype=torch.float64)
    return x, y.round(decimals=2)


def test_columns_rounded_to_what_was_written_do_not_add_to_the_targets_rank(tmp_path, pairs):
    table = torch.cat([pairs[0].double(), pairs[1]], 1).tolist()
    lines = [f"{a:.6f},{b:.6f},{c:.6f},{u:.2f},{v:.2f}" for a, b, c, u, v in table]
    (tmp_path / "t.csv").write_text("\n".join(["a,b,c,u,v", *lines]))
    loader = load_data(str(tmp_path / "t.csv"), targets=["u,v"])
    assert loader.dataset.target_resolution.tolist() == [0.005, 0.005]
    assert ranks(loader) == {1}
    assert ranks(loader.dataset.tensors) == {2}  # the same numbers, of which nothing is known


def test_a_loader_says_how_finely_its_targets_are_written(pairs):
    loader = DataLoader(TensorDataset(*pairs), batch_size=100)
    assert ranks(loader) == {2}
    loader.target_resolution = [0.005, 0.005]
    assert ranks(loader) == {1}
    part = DataLoader(torch.utils.data.Subset(loader.dataset, range(200)), batch_size=100)
    loader.dataset.target_resolution = torch.tensor([0.005, 0.005])
    assert ranks(part) == {1}
    loader.target_resolution = [0.005]
    with pytest.raises(UsageError, match="The targets' resolution must be 2 numbers from 0 up"):
        ranks(loader)
