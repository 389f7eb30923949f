"""What is said of networks whose standing is known: random ones are never collapsed, nor is one that lost a target."""

import pytest
import torch
from torch import nn

import deepnrc

NAMES = ["deep.noise_fraction", "deep.feature_weight_alignment", "deep.linear_mse", "deep.direction_r2*", "model.*"]


def random_network(seed, d, n):
    """A network of random weights whose last layer reads d features, with inputs (N, 12)."""
    g = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, d), nn.ReLU(), nn.Linear(d, n))
    return model, torch.randn(250, 12, generator=g), g


def fitted(model, X, Y):
    """The network with its last layer the least-squares fit to the targets."""
    with torch.no_grad():
        design = torch.cat([model[:-1](X), torch.ones(len(X), 1)], 1).double()
        solution = torch.linalg.lstsq(design, Y.double(), driver="gelsd").solution.float()
        model[-1].weight.copy_(solution[:-1].T)
        model[-1].bias.copy_(solution[-1])
    return model


def read(model, X, Y):
    return deepnrc.probe(model, (X, Y), probes=NAMES, progress=False)


def meets_fixed_thresholds(report):
    """Whether the last layer has low noise, is aligned, and predicts as the network does, by thresholds alone."""
    last = report.wide().iloc[-1]
    error = float(report.values("model.mse")["value"].iloc[0])
    noise, aligned = last["deep.noise_fraction"], last["deep.feature_weight_alignment"]
    return bool(noise <= 0.2 and aligned >= 0.8 and last["deep.linear_mse"] <= 1.1 * error)


@pytest.mark.parametrize("d", [3, 10, 16])
def test_random_networks_on_random_targets_are_not_collapsed(d):
    for seed, n in ((1, 1), (2, 3), (3, 10)):
        model, X, g = random_network(seed, d, n)
        found = read(model, X, torch.randn(250, n, generator=g)).verdicts()["verdict"]
        assert "collapsed" not in set(found), (seed, n)


def test_a_last_layer_as_wide_as_the_targets_is_trivially_aligned_and_too_narrow():
    model, X, g = random_network(0, 10, 10)
    report = read(model, X, torch.randn(250, 10, generator=g))
    assert report.wide()["deep.feature_weight_alignment"].iloc[-1] == pytest.approx(1)
    assert report.verdicts()["verdict"].iloc[-1] == "too narrow to tell"


def test_random_bodies_with_a_fitted_head_are_not_collapsed_though_they_meet_fixed_thresholds():
    met, called = 0, []
    for seed in range(9):
        d, n = 11 + seed % 6, 8 + seed % 3
        model, X, g = random_network(seed, d, n)
        Y = X @ torch.randn(12, n, generator=g) + 0.05 * torch.randn(250, n, generator=g)
        report = read(fitted(model, X, Y), X, Y)
        met += meets_fixed_thresholds(report)
        called += [row.layer for row in report.verdicts().itertuples() if row.verdict == "collapsed"]
    assert met >= 3
    assert called == []


def test_inputs_that_are_quiet_and_aligned_are_not_collapsed_where_no_affine_map_predicts_from_them():
    """|x_1| and |x_2| of inputs that hold little else, by a network that reads just these two."""
    g = torch.Generator().manual_seed(0)
    X = torch.randn(300, 20, generator=g) * torch.tensor([1.0, 0.9, *[0.05] * 18])
    model = nn.Sequential(nn.Linear(20, 4, bias=False), nn.ReLU(), nn.Linear(4, 2, bias=False))
    with torch.no_grad():
        model[0].weight.copy_(torch.eye(20)[[0, 0, 1, 1]] * torch.tensor([1.0, -1.0, 1.0, -1.0])[:, None])
        model[2].weight.copy_(torch.eye(2).repeat_interleave(2, 1))
    found = read(model, X, X[:, :2].abs()).verdicts()
    assert found["verdict"].iloc[0] == "low noise"
    assert found["reason"].iloc[0] == "noise is low; it does not predict as the network does"


@pytest.mark.parametrize("lost", [0, 1, 2])
def test_a_network_that_lost_a_target_direction_is_not_collapsed_and_its_r2_says_so(lost):
    """Each layer keeps two of three target directions, and no noise."""
    g = torch.Generator().manual_seed(lost)
    X = torch.randn(300, 20, generator=g, dtype=torch.float64)
    kept = [i for i in range(3) if i != lost]
    sizes = torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64)
    read_in = torch.eye(20, dtype=torch.float64)[kept] * sizes[kept, None]
    spread = torch.linalg.qr(torch.randn(16, 2, generator=g, dtype=torch.float64)).Q
    weights = [spread @ read_in, spread @ spread.T, torch.eye(3, dtype=torch.float64)[:, kept] @ spread.T]
    model = nn.Sequential(*(nn.Linear(W.shape[1], W.shape[0], bias=False, dtype=torch.float64) for W in weights))
    with torch.no_grad():
        for part, W in zip(model, weights, strict=True):
            part.weight.copy_(W)
    report = read(model, X, X[:, :3] * sizes)
    assert set(report.verdicts()["verdict"].iloc[1:]) == {"not learned"}
    found = [float(report.values(f"model.direction_r2_{i}")["value"].iloc[0]) for i in (1, 2, 3)]
    assert [value < 0.1 for value in found] == [i == lost for i in range(3)]
    assert float(report.values("model.direction_r2_smallest")["value"].iloc[0]) < 0.1
    assert (report.values(f"deep.direction_r2_{lost + 1}")["value"].iloc[1:] < 0.1).all()
