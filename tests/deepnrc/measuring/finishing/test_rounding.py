"""A layer's floor is that of the products behind which it lies, and of no others."""

import pytest
import torch
from torch import nn

from deepnrc import probe
from deepnrc.networks import Dataflow
from deepnrc.networks.reading import forward
from deepnrc.networks.reading.precision import TF32

BRAIN = 2.0**-8


@pytest.fixture
def tf32(monkeypatch):
    """Products in single precision are said to be made in TF32."""
    monkeypatch.setattr(forward, "product_roundoff", lambda module, x: TF32)


def rows(net, inputs, measure="deep.noise_fraction", **given):
    torch.manual_seed(0)
    report = probe(net, [(inputs, torch.randn(256, 2)) for _ in range(2)], progress=False, **given)
    return report.values(measure).set_index("layer")


class Branches(nn.Module):
    """Images and a state of large offset, which is read after the images were."""

    def __init__(self):
        super().__init__()
        self.image, self.state, self.head = nn.Conv2d(6, 8, 3), nn.Linear(6, 16), nn.Linear(24, 2)

    def forward(self, image, state):
        return self.head(torch.cat([self.image(image).relu().mean((2, 3)), self.state(state).relu()], 1))


def test_what_runs_after_a_coarse_product_and_not_behind_it_keeps_its_digits(tf32):
    torch.manual_seed(0)
    noise = rows(Branches(), (torch.randn(256, 6, 8, 8), 1000 + torch.rand(256, 6)))
    assert noise.loc["state", "status"] == "ok"
    assert noise.loc["state", "floor"] < 1e-6
    assert noise.loc["image", "floor"] < 1e-12
    assert noise.loc["head", "status"] == "degenerate"  # 1000 +- .5 times a weight, with ten bits of mantissa


class Deferred(nn.Module):
    """A norm whose features' axis is told by what reads it."""

    def __init__(self):
        super().__init__()
        self.norm, self.lin, self.head = nn.LayerNorm(8), nn.Linear(8, 16), nn.Linear(16, 2)

    def forward(self, x):
        return self.head((self.lin(self.norm(x) * 2)).relu().mean(1))


def test_what_waits_for_its_axis_has_the_rounding_of_its_own_time(tf32):
    torch.manual_seed(0)
    noise = rows(Deferred(), torch.randn(256, 5, 8), layers=["norm", "lin", "head"])
    assert noise.loc["norm", "floor"] < 1e-12
    assert noise.loc["lin", "floor"] < 1e-12
    assert noise.loc["head", "floor"] > 0.1 * TF32**2


class Attends(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention, self.head = nn.MultiheadAttention(8, 2, batch_first=True), nn.Linear(8, 2)

    def forward(self, x):
        return self.head(self.attention(x, x, x, need_weights=False)[0].mean(1))


def test_weights_within_a_module_lie_behind_one_another(tf32):
    torch.manual_seed(0)
    noise = rows(Attends(), torch.randn(256, 5, 8))
    inner = [name for name in noise.index if "out_proj" in name]
    assert noise.loc[inner[0], "floor"] > 0.1 * TF32**2
    assert all(
        noise.loc[[name for name in noise.index if name.startswith("attention") and name not in inner], "floor"] < 1e-12
    )


def test_recurrent_modules_round_though_they_are_no_layers(tf32):
    class Recurs(nn.Module):
        def __init__(self):
            super().__init__()
            self.recurs, self.head = nn.GRU(8, 8, batch_first=True), nn.Linear(8, 2)

        def forward(self, x):
            return self.head(self.recurs(x)[0].mean(1))

    noise = rows(Recurs(), torch.randn(256, 5, 8), layers=["head"])
    assert noise.loc["head", "floor"] > 0.1 * TF32**2


def test_double_precision_is_left_alone_by_autocast():
    net = nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 2)).double()
    with pytest.warns(UserWarning, match="everything ran in float64"):
        noise = rows(net, torch.randn(256, 6).double(), autocast=torch.bfloat16)
    assert all(noise["floor"] < 1e-12)


def test_the_cut_of_linear_maps_is_that_of_how_features_are_held(tf32):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 2))
    x = torch.randn(256, 6)
    coarse = rows(net, x, "deep.linear_r2")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forward, "product_roundoff", lambda module, x: 0.0)
        exact = rows(net, x, "deep.linear_r2")
    assert list(coarse["value"]) == list(exact["value"])


def test_the_graph_is_asked_as_often_whatever_the_depth(tf32, monkeypatch):
    asked = []
    behind = Dataflow.behind
    monkeypatch.setattr(Dataflow, "behind", lambda flow, names: asked.append(1) or behind(flow, names))

    def times(depth):
        asked.clear()
        rows(nn.Sequential(*[nn.Linear(6, 6) for _ in range(depth)], nn.Linear(6, 2)), torch.randn(256, 6))
        return len(asked)

    assert times(12) == times(3)
