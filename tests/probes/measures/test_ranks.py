import numpy as np
import pytest
import torch
from scipy.stats import entropy

from probes.measures import ranks


def test_ranks_are_their_plain_computation(layer, snap, value):
    H, Y, _ = layer()
    s, raw = (np.linalg.svd(X, compute_uv=False) for X in ((H - H.mean(0)).numpy(), H.numpy()))
    snapshot = snap(H, Y)
    assert value("rank.effective", snapshot) == pytest.approx(np.exp(entropy(s**2)), rel=1e-9)
    assert value("rank.effective", snapshot, "singular values") == pytest.approx(np.exp(entropy(raw)), rel=1e-9)
    assert value("rank.participation", snapshot) == pytest.approx((s**2).sum() ** 2 / (s**4).sum(), rel=1e-9)
    slope = np.polyfit(np.log(np.arange(1, 25)), np.log(s**2), 1)[0]
    assert value("rank.alpha", snapshot) == pytest.approx(-slope, rel=1e-9)


@pytest.mark.parametrize(("small", "rank"), [(2e-3, 24), (5e-4, 23), (0.0, 23)])
def test_numerical_rank_counts_what_is_above_a_thousandth(snap, outcome, value, small, rank):
    g = torch.Generator().manual_seed(0)
    Q = torch.linalg.qr(torch.cat([torch.ones(100, 1), torch.randn(100, 24, generator=g)], 1).double())[0][:, 1:]
    H = Q * torch.tensor([*[1.0] * 23, small])
    snapshot = snap(H, H[:, :2])
    assert value("rank.numerical", snapshot) == rank
    assert value("rank.numerical", snapshot, "share, tau = 0.001") == pytest.approx(rank / 24)


def test_numerical_share_is_of_the_samples_where_they_are_few(snap, value):
    H = torch.randn(10, 24, generator=torch.Generator().manual_seed(0)).double()
    assert value("rank.numerical", snap(H, H[:, :2]), "share, tau = 0.001") == 1


@pytest.mark.parametrize("power", [0.5, 1.0, 2.5])
@pytest.mark.parametrize("d", [20, 150])
def test_alpha_of_a_power_law(power, d):
    from probes import Spectrum

    values = torch.arange(1, d + 1).double() ** -power
    assert ranks.alpha(Spectrum(values, torch.eye(d).double()), 0.0).value == pytest.approx(power)


def test_alpha_goes_as_far_as_rounding_lets_it(layer, snap, outcome):
    H, Y, _ = layer(N=300)
    low = (H[:, :5] @ torch.randn(5, 24, generator=torch.Generator().manual_seed(1)).double()).float()
    assert outcome("rank.alpha", snap(low, Y)).note == "over the first 5 eigenvalues"
    assert outcome("rank.alpha", snap(H[:, :2], Y)).status == "degenerate"


@pytest.mark.parametrize("name", ["rank.effective", "rank.participation", "rank.numerical", "rank.alpha"])
def test_constant_features_have_no_rank(layer, snap, outcome, name):
    H, Y, _ = layer()
    assert outcome(name, snap(torch.ones_like(H), Y)).status == "degenerate"


def test_isotropic_features_use_every_direction(snap, value):
    H = torch.cat([torch.eye(6), -torch.eye(6)]).double()
    snapshot = snap(H, H[:, :2])
    assert value("rank.effective", snapshot) == pytest.approx(6)
    assert value("rank.participation", snapshot) == pytest.approx(6)


@pytest.mark.parametrize("tau", [0.0, 1.0, -1])
def test_a_tau_that_is_no_share_is_refused(tau):
    with pytest.raises(ValueError, match="tau is a share of the largest singular value"):
        ranks.numerical(tau)
