"""Alignment of features with weights: weights of zero, of low rank and of tied values; directions within rounding."""

import pytest
import torch


def test_zero_weight_is_degenerate(layer, snap, outcome):
    H, Y, W = layer()
    for name in ("weight_stable_rank", "feature_weight_alignment", "noise_alignment"):
        found = outcome(f"deep.{name}", snap(H, Y, 0 * W))
        assert (found.status, found.note) == ("degenerate", "the weight is zero")


def test_a_weight_of_low_rank_has_fewer_angles(layer, snap, outcome):
    H, Y, W = layer()
    V = torch.linalg.svd(H - H.mean(0), full_matrices=False)[2][:3].T
    for low in (W[:, :2] @ W[:2], W[:2], torch.cat([W[:2], W[:2]])):
        rows = torch.linalg.svd(low, full_matrices=False)[2][:2].T
        cosines = torch.linalg.svdvals(V.T @ rows)
        sines = torch.linalg.svdvals(rows - V @ (V.T @ rows))
        snapshot = snap(H, Y, low, rank=3)
        for name, variant, wanted in (
            ("feature_weight_alignment", "default", cosines.mean()),
            ("feature_weight_alignment", "smallest", cosines.min()),
            ("feature_weight_alignment", "published", cosines.sum() / 3),
            ("noise_alignment", "default", sines.mean()),
        ):
            found = outcome(f"deep.{name}", snapshot, variant)
            assert (found.status, found.value) == ("ok", pytest.approx(float(wanted), rel=1e-9)), (name, variant)
            assert "the weight has rank 2 < k = 3" in found.note
        assert outcome("deep.feature_weight_alignment", snapshot, "published").value <= 2 / 3


@pytest.mark.parametrize(("tied", "held"), [(1.0, 5), (1.005, 5), (1.02, 3)])
def test_a_weight_of_tied_values_is_held_with_all_of_the_tied_space(layer, snap, outcome, tied, held):
    H, Y, _ = layer()
    Q = torch.linalg.qr(torch.randn(24, 24, generator=torch.Generator().manual_seed(5)).double())[0]
    s = torch.tensor([2.0, tied, tied, 1.0, 1.0, 0.5])
    V = torch.linalg.svd(H - H.mean(0), full_matrices=False)[2][:3].T
    cosines = torch.linalg.svdvals(V.T @ Q[:, :held])
    for turn in range(3):  # what the singular value decomposition takes for the top 3 of them does not matter
        left = torch.linalg.qr(torch.randn(6, 6, generator=torch.Generator().manual_seed(turn)).double())[0]
        snapshot = snap(H, Y, left @ torch.diag(s).double() @ Q[:, :6].T, rank=3)
        found = outcome("deep.feature_weight_alignment", snapshot)
        assert (found.status, found.value) == ("ok", pytest.approx(float(cosines.mean()), rel=1e-9))
        assert ("tied: V is held against the space of all 5" in found.note) == (held == 5)
        square = (1 - cosines**2).clamp(min=0).sqrt().mean()
        assert outcome("deep.noise_alignment", snapshot).value == pytest.approx(float(square), rel=1e-6)


@pytest.mark.parametrize("d", [3, 4])
def test_ties_that_would_fill_the_whole_space_leave_the_leading_directions(layer, snap, outcome, d):
    H, Y, _ = layer(N=200, d=d, n=2)
    generator = torch.Generator().manual_seed(d)
    right = torch.linalg.qr(torch.randn(d, d, generator=generator, dtype=torch.float64)).Q
    W = torch.diag(torch.tensor([2.0, *[1.008 - 0.003 * i for i in range(d - 1)]], dtype=torch.float64)) @ right.T
    found = outcome("deep.feature_weight_alignment", snap(H, Y, W, rank=2))
    V = torch.linalg.svd(H - H.mean(0), full_matrices=False).Vh[:2].T
    assert found.value == pytest.approx(float(torch.linalg.svdvals(V.T @ right[:, :2]).mean()), abs=1e-12)
    assert "which 2 directions lead is arbitrary" in found.note


def test_a_perfect_classifier_is_aligned_whichever_of_its_tied_directions_are_taken(snap, value):
    K, k, d = 6, 5, 12
    Q = torch.linalg.qr(torch.randn(d, K, generator=torch.Generator().manual_seed(0)).double())[0]
    Y = torch.eye(K).double().repeat(20, 1)
    assert value("deep.feature_weight_alignment", snap(Y @ Q.T, Y, Q.T, rank=k)) == pytest.approx(1, abs=1e-9)


@pytest.mark.parametrize("small", [1e-4, 1e-5])
def test_directions_within_their_rounding_are_not_aligned_with_anything(snap, outcome, value, small):
    g = torch.Generator().manual_seed(0)
    Q = torch.linalg.qr(torch.randn(16, 16, generator=g).double())[0]
    scores = torch.randn(2000, 2, generator=g).double() * torch.tensor([1.0, small])
    H = scores @ Q[:, :2].T
    W = torch.diag(torch.tensor([2.0, 1.0])).double() @ Q[:, :2].T
    Y = scores / torch.tensor([1.0, small])
    for X, status in (((H + 1e4).float(), "degenerate"), (H, "ok")):
        snapshot = snap(X, Y, W, rank=2)
        for name in ("feature_weight_alignment", "noise_alignment", "feature_side_alignment"):
            found = outcome(f"deep.{name}", snapshot)
            assert found.status == status, (name, found)
            assert ("fewer than k = 2" in found.note) == (status == "degenerate")
    assert value("deep.feature_weight_alignment", snap(H, Y, W, rank=2)) == pytest.approx(1)


@pytest.mark.parametrize("power", [-150, -100, 100, 150])
def test_cka_is_free_of_scale(layer, snap, value, power):
    H, Y, _ = layer()
    for X, T in ((H * 10.0**power, Y), (H, Y * 10.0**power)):
        for variant in ("default", "signal"):
            found = value("deep.cka", snap(X, T, rank=3), variant)
            assert found == pytest.approx(value("deep.cka", snap(H, Y, rank=3), variant), rel=1e-9)
