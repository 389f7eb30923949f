"""What the deep measures cannot tell, or tell with a doubt, and what they say of it."""

import math

import pytest
import torch

from probes import CATALOG

OF_FEATURES = {p.name for p in CATALOG if p.name.startswith("deep.") and "direction_r2" not in p.name}


def test_k_beyond_the_width_is_not_defined(layer, snap, outcome):
    H, Y, W = layer(d=5)
    snapshot = snap(H, Y, W, rank=6)
    for name in ("noise", "noise_fraction", "feature_weight_alignment", "noise_alignment", "feature_side_alignment"):
        found = outcome(f"deep.{name}", snapshot)
        assert (found.status, math.isnan(found.value)) == ("not defined", True)
        assert "k = 6 exceeds the width d = 5" in found.note
    assert outcome("deep.cka", snapshot, "signal").status == "not defined"


def test_k_beyond_the_targets_is_not_defined(layer, snap, outcome):
    snapshot = snap(*layer(n=2), rank=3)
    for name in ("feature_target_alignment", "feature_side_alignment"):
        found = outcome(f"deep.{name}", snapshot)
        assert (found.status, found.note) == ("not defined", "the targets have rank 2 < k = 3")
    assert outcome("deep.cross_alignment", snapshot).status == "not defined"
    assert outcome("deep.noise_fraction", snapshot).status == "ok"


def test_k_of_the_whole_space_is_said_to_be_trivial(layer, snap, outcome):
    snapshot = snap(*layer(d=4, n=4), rank=4)
    aligned = outcome("deep.feature_weight_alignment", snapshot)
    assert aligned.value == pytest.approx(1)
    assert "trivially 1: k = 4 is the whole space" in aligned.note
    assert "whole target space" in outcome("deep.feature_target_alignment", snapshot).note
    assert "none remain" in outcome("deep.cross_alignment", snapshot).note
    assert "no cut" in outcome("deep.spectral_gap", snapshot).note
    assert outcome("deep.cross_alignment", snapshot).status == "not defined"


@pytest.mark.parametrize("name", ["noise", "noise_fraction", "noise_alignment"])
def test_noise_outside_the_whole_space_is_trivially_0(layer, snap, outcome, name):
    assert "trivially 0: k = 4 is the whole space" in outcome(f"deep.{name}", snap(*layer(d=4, n=4), rank=4)).note
    assert "trivially" not in outcome(f"deep.{name}", snap(*layer(d=5, n=4), rank=4)).note


def test_noise_alignment_of_the_whole_space_is_not_called_1(layer, snap, outcome):
    found = outcome("deep.noise_alignment", snap(*layer(d=4, n=4), rank=4))
    assert found.value < 1e-14
    assert "trivially 0" in found.note


@pytest.mark.parametrize("N", [10, 24, 25])
def test_no_more_samples_than_features_is_degenerate(layer, snap, outcome, N):
    snapshot = snap(*layer(N=N), rank=3, network_mse=1.0)
    for name, variant in (("linear_mse", "default"), ("linear_mse", "ratio"), ("linear_r2", "default")):
        found = outcome(f"deep.{name}", snapshot, variant)
        assert found.status == "degenerate"
        assert f"of N = {N} samples use {N - 1} directions" in found.note


def test_fewer_samples_than_features_of_few_directions_are_fitted_as_any_other(layer, snap, outcome):
    g = torch.Generator().manual_seed(0)
    H = torch.randn(50, 2, dtype=torch.float64, generator=g) @ torch.randn(2, 128, dtype=torch.float64, generator=g)
    Y = torch.randn(50, 3, dtype=torch.float64, generator=g)
    U, V = H - H.mean(0), Y - Y.mean(0)
    wanted = (V - U @ torch.linalg.lstsq(U, V, driver="gelsd").solution).square().mean()
    found = outcome("deep.linear_mse", snap(H, Y))
    assert (found.status, found.note) == ("ok", "126 of 128 directions were below rounding and cut")
    assert found.value == pytest.approx(float(wanted), rel=1e-9)


def test_one_sample_more_is_not_degenerate(layer, snap, outcome):
    assert outcome("deep.linear_mse", snap(*layer(N=26), rank=3)).status == "ok"


@pytest.mark.parametrize("unit", [1e-4, 1e-6, 1e-9, 1e-12, 1e6])
def test_linear_fit_does_not_depend_on_the_units_of_the_features(layer, snap, value, unit):
    H, Y, _ = layer()
    units = torch.ones(24, dtype=torch.float64)
    units[3] = unit
    plain, scaled = (value("deep.linear_mse", snap(X - X.mean(0), Y)) for X in (H, H * units))
    assert scaled == pytest.approx(plain, rel=1e-9, abs=0)


def test_directions_that_are_cut_are_counted(layer, snap, outcome):
    H, Y, _ = layer()
    twice = torch.cat([H, H[:, :2] + H[:, 2:4]], 1)
    assert outcome("deep.linear_mse", snap(twice, Y)).note == "2 of 26 directions were below rounding and cut"
    assert outcome("deep.linear_mse", snap(H, Y)).note == ""


@pytest.mark.parametrize(("level", "kept"), [(1e-6, True), (1e-9, False)])
def test_a_direction_is_cut_where_its_eigenvalue_is_below_rounding(layer, snap, outcome, level, kept):
    H, Y, _ = layer()
    near = torch.cat(
        [H, H[:, :1] + level * torch.randn(700, 1, generator=torch.Generator().manual_seed(1)).double()], 1
    )
    assert ("cut" not in outcome("deep.linear_mse", snap(near, Y)).note) == kept


def test_a_rank_above_that_of_the_targets_says_so(layer, snap, outcome):
    H, Y, W = layer()
    snapshot = snap(H, Y[:, :1] @ torch.tensor([[1.0, 2.0, -1.0]]).double(), W, rank=2)
    for name in ("feature_target_alignment", "cross_alignment", "feature_side_alignment"):
        found = outcome(f"deep.{name}", snapshot)
        assert (found.status, found.note) == ("not defined", "the targets have rank 1 < k = 2")


def test_ties_at_the_cut_of_the_targets_are_noted(snap, outcome):
    g = torch.Generator().manual_seed(0)
    rows = torch.linalg.qr(torch.randn(400, 8, generator=g).double()).Q
    Y = torch.linalg.qr(rows - rows.mean(0)).Q[:, :4]
    found = outcome("deep.feature_target_alignment", snap(rows, Y, rank=2))
    assert "values 2 and 3 of S_Y coincide" in found.note


@pytest.mark.parametrize(("noise", "exact"), [(1e-7, True), (1e-3, False)])
def test_targets_count_as_of_exact_rank_only_where_nothing_is_left(layer, snap, outcome, noise, exact):
    H, Y, W = layer()
    low = Y[:, :2] @ torch.randn(2, 4, generator=torch.Generator().manual_seed(1)).double()
    blurred = low + noise * torch.randn(700, 4, generator=torch.Generator().manual_seed(2)).double()
    note = outcome("deep.feature_target_alignment", snap(H, blurred, W, rank=2)).note
    assert ("exact rank" in note) == exact


def test_floors_are_what_their_formulas_say(layer, snap, evaluate):
    H, Y, W = layer()
    snapshot = snap(H.float(), Y, W)
    square = float((H.float().double() ** 2).sum(1).mean())
    trace = float(H.float().double().var(0, correction=0).sum())
    wanted = 2.0**-48 * square + 24**0.5 * 2.0**-52 * trace
    assert evaluate("deep.noise", snapshot).floor == pytest.approx(wanted, rel=1e-9)
    assert evaluate("deep.noise_fraction", snapshot).floor == pytest.approx(wanted / trace, rel=1e-9)
    assert evaluate("nrc.1", snapshot).floor == pytest.approx(2.0**-48 + 24**0.5 * 2.0**-52, rel=1e-9)
    variance = float(Y.var(0, correction=0).sum()) / 4
    assert snapshot.linear_fit.floor == pytest.approx(4 * 24**0.5 * 2.0**-52 * variance, rel=1e-9)


@pytest.mark.parametrize("batch", [700, 64, 1])
@pytest.mark.parametrize("constant", [0.0, 0.1, 3.3, 1e4 + 0.1])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_layer_that_does_not_vary_is_degenerate(layer, snap, outcome, dtype, constant, batch):
    H, Y, W = layer()
    snapshot = snap(torch.full_like(H, constant).to(dtype), Y, W, batch=batch, rank=3, network_mse=1.0)
    for p in CATALOG:
        if p.name in OF_FEATURES - {"deep.balancedness", "deep.weight_stable_rank", "deep.target_stable_rank"}:
            found = outcome(p.name, snapshot, p.variant)
            assert (found.status, math.isnan(found.value)) == ("degenerate", True), (p.name, found)
            assert "dead or constant layer" in found.note


def test_targets_that_do_not_vary_are_degenerate(layer, snap, outcome):
    H, Y, W = layer()
    snapshot = snap(H, torch.full_like(Y, 7.3).float(), W)
    for name in ("noise_fraction", "target_stable_rank", "cka", "feature_weight_alignment", "linear_r2"):
        found = outcome(f"deep.{name}", snapshot)
        assert (found.status, "targets do not vary" in found.note) == ("degenerate", True), name


def test_features_of_low_rank_leave_the_subspace_undetermined(layer, snap, outcome):
    _, Y, W = layer()
    g = torch.Generator().manual_seed(0)
    H = torch.randn(700, 1, generator=g).double() @ torch.randn(1, 24, generator=g).double()
    for name in ("feature_weight_alignment", "noise_alignment", "feature_side_alignment"):
        found = outcome(f"deep.{name}", snap(H, Y, W, rank=3))
        assert found.status == "degenerate" or found.note, (name, found)


def test_duplicated_values_at_the_cut_are_noted(snap, outcome):
    H = torch.linalg.qr(torch.cat([torch.ones(60, 1), torch.randn(60, 6)], 1).double())[0][:, 1:]
    H = H * torch.tensor([3.0, 2, 2, 1, 1, 1])
    W = torch.eye(6).double() * torch.tensor([4.0, 3, 2, 1, 1, 1])
    found = outcome("deep.feature_weight_alignment", snap(H, H[:, :3], W, rank=2))
    assert "values 2 and 3 of S_H coincide" in found.note
    assert outcome("deep.spectral_gap", snap(H, H[:, :3], rank=2)).value == pytest.approx(1)
    found = outcome("deep.noise_alignment", snap(H @ W, H[:, :3], torch.eye(6).double(), rank=2))
    assert "singular values 2 to 6 of the weight are tied" in found.note


def test_missing_numbers_say_why(layer, snap, outcome):
    H, Y, W = layer()
    snapshot = snap(H, Y, mse_missing="the network returned a dict")
    assert outcome("model.mse", snapshot).note == "the network returned a dict"
    assert outcome("deep.linear_mse", snapshot, "ratio").status == "not defined"
    assert "exactly 0" in outcome("deep.linear_mse", snap(H, Y, W, network_mse=0.0), "ratio").note
