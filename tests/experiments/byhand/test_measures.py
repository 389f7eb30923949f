"""The oracle's own known answers: planted spectra and subspaces."""

import numpy as np
import pytest
from torch import nn

from experiments.byhand.measures import (
    balance_measures,
    layer_measures,
    network_measures,
    rank,
    rank_measures,
    top_measures,
    unit_measures,
    weight,
)


def white(N, d, seed=0):
    """Columns that are orthonormal times sqrt(N), each with mean zero: covariance exactly I."""
    z = np.random.default_rng(seed).normal(size=(N, d))
    return np.linalg.qr(z - z.mean(0))[0] * N**0.5


def test_planted_features_have_their_known_measures():
    Z = white(50, 4)
    H = Z * [2.0, 1.0, 0.5, 0.1] + 3
    Y = Z[:, :2] @ np.array([[1.0, 2.0], [-1.0, 1.0]])
    W = np.array([[3.0, 0, 0, 0], [0, 1.0, 0, 0]])
    found = layer_measures(H, Y, W, network_mse=0.5)
    expected = {
        ("deep.noise", "default"): 0.26,
        ("deep.noise_fraction", "default"): 0.26 / 5.26,
        ("deep.spectral_gap", "default"): 4.0,
        ("deep.feature_stable_rank", "default"): 5.26 / 4,
        ("deep.feature_stable_rank", "covariance"): (16 + 1 + 0.0625 + 0.0001) / 16,
        ("deep.weight_stable_rank", "default"): 10 / 9,
        ("deep.feature_weight_alignment", "default"): 1.0,
        ("deep.feature_weight_alignment", "smallest"): 1.0,
        ("deep.noise_alignment", "default"): 0.0,
        ("deep.feature_side_alignment", "default"): 1.0,
        ("deep.linear_mse", "default"): 0.0,
        ("deep.linear_mse", "ratio"): 0.0,
        ("deep.linear_r2", "default"): 1.0,
    }
    assert {key: found[key] for key in expected} == pytest.approx(expected, abs=1e-12)
    # ||S_HY||^2 over the norms of S_H and S_Y, both of which are known
    S_HY = np.diag([2.0, 1.0]) @ np.array([[1.0, 2.0], [-1.0, 1.0]])
    S_Y = np.array([[2.0, 1.0], [1.0, 5.0]])
    assert found["deep.cka", "default"] == pytest.approx(
        (S_HY**2).sum() / (np.sqrt(16 + 1 + 0.0625 + 0.0001) * np.linalg.norm(S_Y))
    )


def test_collapsed_features_are_so_at_the_top():
    Y = white(40, 2, 1) * [2.0, 1.0]
    W = np.diag([2.0, 1.0]) ** 0.5 @ np.eye(2, 5)  # WW' = S_Y^(1/2), which is collapse with gamma = 0
    H = Y @ np.linalg.pinv(W).T
    found = top_measures(H, Y, W)
    for name in ("nrc.1", "nrc.2", "nrc.3", "nrc.1_centred", "nrc.2_centred"):
        assert found[name, "default"] == pytest.approx(0, abs=1e-12), name
    assert found["nrc.3_gamma_ratio", "default"] == pytest.approx(0, abs=1e-12)
    assert found["nrc.evr_3", "default"] == pytest.approx(0, abs=1e-12)


def test_gamma_is_found():
    Y = white(40, 2, 1) * [2.0, 1.0]
    W = np.diag([2.0 - 0.6, 1.0 - 0.6]) ** 0.5 @ np.eye(2, 5)
    found = top_measures(Y @ np.linalg.pinv(W).T, Y, W)
    assert found["nrc.3_gamma_ratio", "default"] == pytest.approx(0.36, rel=1e-9)
    assert found["nrc.3", "default"] == pytest.approx(0, abs=1e-12)


def test_rank_and_networks_own():
    Y = white(30, 3) @ np.diag([1.0, 1.0, 0.0])
    assert rank(Y) == 2
    found = network_measures(Y + 0.5, Y)
    assert found["model.mse", "default"] == pytest.approx(0.25)
    assert found["deep.target_stable_rank", "default"] == pytest.approx(2)
    assert ("model.mse", "default") not in network_measures(Y[:, :1], Y)


def test_the_weight_of_a_convolution_reads_its_channels():
    conv = nn.Conv2d(3, 2, 5)
    expected = conv.weight.detach().double().permute(1, 0, 2, 3).reshape(3, -1).numpy()  # c_in x (c_out k k)
    assert np.allclose(np.linalg.svd(weight(conv), compute_uv=False), np.linalg.svd(expected, compute_uv=False))
    assert weight(conv).shape == (50, 3)
    assert weight(nn.Conv2d(4, 4, 3, groups=2)) is None


def test_balanced_weights_are_so():
    W = np.diag([1.0, 2.0]) @ np.eye(2, 4)
    assert balance_measures(W, np.eye(3, 2) @ np.diag([1.0, 2.0]))["deep.balancedness", "default"] == pytest.approx(0)
    found = balance_measures(W, np.zeros((3, 2)))
    assert (found["deep.balancedness", "default"], found["deep.balancedness", "diagonal"]) == pytest.approx((1, 1))


def test_ranks_and_units_of_planted_features():
    H = np.zeros((64, 4))
    H[:, :2] = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]] * 16)
    H[:, 2] = 0.01
    found = rank_measures(H) | unit_measures(H)
    assert found["rank.effective", "default"] == pytest.approx(2)
    assert found["rank.participation", "default"] == pytest.approx(2)
    assert (found["rank.numerical", "default"], found["rank.numerical", "share, tau = 0.001"]) == (2, 0.5)
    assert found["rank.effective", "singular values"] > 2
    assert ("rank.alpha", "default") not in found
    assert (found["features.dormant", "default"], found["features.dormant", "tau = 0.025"]) == (0.25, 0.5)
