"""Null levels against pairs that really are unrelated: shuffled targets, random planes, pure noise."""

import numpy as np
import pytest
import torch
from scipy import stats

from probes import principal_cosines
from probes.nulls import levels

PAIRS = {  # name: (d, power of the features' spectrum, n, rank of the targets, N)
    "steep": (64, 1.5, 4, 4, 2000), "steeper": (64, 3.0, 4, 4, 2000), "flat": (32, 0.0, 3, 3, 1000),
    "one target": (48, 1.0, 1, 1, 800), "two of ten": (64, 1.5, 10, 2, 1000), "ten": (40, 1.0, 10, 10, 1000),
    "narrow": (6, 0.7, 2, 2, 500), "wide": (200, 1.0, 3, 3, 600), "few samples": (24, 1.0, 3, 3, 60),
    "long tail": (300, 0.5, 5, 5, 900),
}  # fmt: skip


def frame(d, k, g):
    return torch.linalg.qr(torch.randn(d, k, generator=g, dtype=torch.float64)).Q


def unrelated(name, seed=0):
    d, power, n, rank, N = PAIRS[name]
    g = torch.Generator().manual_seed(seed)
    kw = {"generator": g, "dtype": torch.float64}
    H = torch.randn(N, d, **kw) * torch.arange(1, d + 1).double() ** (-power / 2) @ frame(d, d, g)
    Y = torch.randn(N, rank, **kw) @ torch.randn(rank, n, **kw) * 0.8 ** torch.arange(n).double() + 3
    return H, Y, g


def shuffled(H, Y, k, g, times=200):
    """The measures of S_HY and of the fit for shuffled targets, from the data: a list of values for each."""
    Hc, Yc = H - H.mean(0), Y - Y.mean(0)
    basis, sizes, _ = torch.linalg.svd(Hc, full_matrices=False)
    T = torch.linalg.svd(Yc.T @ Yc)[2].T
    found = {}
    for _ in range(times):
        moved = basis.T @ Yc[torch.randperm(len(Yc), generator=g)]
        left, values, right = torch.linalg.svd(sizes[:, None] * moved, full_matrices=False)
        both = float((sizes**2).norm() * (Yc.T @ Yc).norm())
        one = {
            "deep.feature_side_alignment": principal_cosines(left[:, :k], torch.eye(len(sizes), k).double()).mean(),
            "deep.feature_target_alignment": principal_cosines(right[:k].T, T[:, :k]).mean(),
            "deep.cka": (values**2).sum() / both,
            "deep.linear_r2": moved.square().sum() / Yc.square().sum(),
        }
        if k < Y.shape[1]:
            one["deep.cross_alignment"] = principal_cosines(right[:k].T, T[:, k:]).mean()
        for name, value in one.items():
            found.setdefault(name, []).append(float(value))
    return found


@pytest.mark.parametrize("name", PAIRS)
@pytest.mark.parametrize("fewer", [0, 1])
def test_shuffled_targets_read_their_null(snap, evaluate, name, fewer):
    H, Y, g = unrelated(name)
    k = max(1, PAIRS[name][3] - fewer)
    snapshot = snap(H, Y, rank=k)
    for measure, values in shuffled(H, Y, k, g).items():
        drawn = np.array(values)
        found = evaluate(measure, snapshot)
        error = 4 * (drawn.std() / 200**0.5 + drawn.std() / 500**0.5) + 0.004
        assert found.chance == pytest.approx(drawn.mean(), abs=error), measure
        assert np.mean(drawn > found.chance_high + 1e-9) <= 0.045, measure
        if drawn.std() > 1e-3 and found.chance_high < 0.99:
            assert found.chance_high <= drawn.max() + 2 * drawn.std(), measure


@pytest.mark.slow
@pytest.mark.parametrize("power", [0.5, 1.0, 1.5, 2.0])
@pytest.mark.parametrize("n", [1, 2, 4, 6, 10])
def test_the_null_of_a_steep_spectrum_to_2_percent_and_its_quantile(power, n):
    d, draws = 96, 6000
    g = torch.Generator().manual_seed(n)
    large, wide = torch.arange(1, d + 1).double() ** -power, 0.7 ** torch.arange(n).double()
    k = max(1, n - 1)
    G = torch.randn(draws, d, n, generator=g, dtype=torch.float64)
    left, _, right = torch.linalg.svd(large.sqrt()[:, None] * G * wide.sqrt(), full_matrices=False)
    found = levels.crossed(large, wide, k)
    for null, blocks in ((found.features, left[:, :k, :k]), (found.targets, right.mT[:, :k, :k])):
        cosines = torch.linalg.svdvals(blocks).mean(1)
        assert null.mean == pytest.approx(float(cosines.mean()), rel=0.02)
        assert 0.002 <= float((cosines > null.high).double().mean()) <= 0.03 or null.high > 0.999


@pytest.mark.parametrize(
    ("k", "q", "d"),
    [(1, 1, 5), (2, 2, 64), (31, 31, 64), (2, 2, 4), (9, 9, 16), (3, 7, 20), (7, 3, 20), (5, 6, 8), (2, 9, 10)],
)  # fmt: skip
def test_random_planes_read_their_null(k, q, d):
    g = torch.Generator().manual_seed(d)
    cosines = torch.stack([principal_cosines(frame(d, k, g), frame(d, q, g)) for _ in range(300)])
    found = levels.planes(k, q, d)
    sines = (1 - cosines**2).clamp(min=0).sqrt().mean(1)
    for null, drawn in ((found.cosine, cosines.mean(1)), (found.smallest, cosines.amin(1)), (found.sine, sines)):
        assert null.mean == pytest.approx(float(drawn.mean()), abs=5 * float(drawn.std()) / 200**0.5 + 1e-9)
        assert float((drawn > null.high + 1e-9).double().mean()) <= 0.05
        assert null.high >= null.mean - 1e-12


@pytest.mark.parametrize(
    ("k", "d", "mean"), [(2, 64, 0.144), (31, 64, 0.623), (2, 4, 0.631), (9, 16, 0.677), (10, 12, 0.87)]
)
def test_planes_known_from_elsewhere(k, d, mean):
    assert levels.planes(k, k, d).cosine.mean == pytest.approx(mean, rel=0.03)


@pytest.mark.parametrize("d", [2, 5, 24])
def test_a_plane_and_a_line_have_closed_forms(d):
    found = levels.planes(1, 1, d)
    cosine = stats.beta(0.5, (d - 1) / 2)
    assert found.cosine.mean == pytest.approx(cosine.expect(np.sqrt), rel=0.05)
    assert found.cosine.high == pytest.approx(float(np.sqrt(cosine.ppf(0.99))), rel=0.06)


def test_planes_that_must_meet_do():
    assert levels.planes(4, 4, 4).cosine == levels.Null(1.0, 1.0)
    assert levels.planes(4, 4, 4).sine == levels.Null(0.0, 0.0)
    assert levels.planes(3, 5, 5).cosine.mean == 1
    with pytest.raises(ValueError, match="Planes of 3 and 6 directions are not both in R\\^5"):
        levels.planes(3, 6, 5)


def test_nulls_are_the_same_for_the_same_spectra_and_leave_torch_alone(layer, snap, evaluate):
    H, Y, W = layer()
    torch.manual_seed(5)
    wanted = torch.rand(1)
    torch.manual_seed(5)
    first = [
        evaluate(f"deep.{m}", snap(H, Y, W)) for m in ("feature_side_alignment", "feature_weight_alignment", "cka")
    ]
    levels.planes.cache_clear()
    assert torch.equal(torch.rand(1), wanted)
    torch.manual_seed(77)
    again = [
        evaluate(f"deep.{m}", snap(H, Y, W)) for m in ("feature_side_alignment", "feature_weight_alignment", "cka")
    ]
    assert first == again


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_nulls_do_not_depend_on_units(layer, snap, evaluate, scale):
    H, Y, W = layer()
    for measure in ("feature_side_alignment", "feature_target_alignment", "cka", "linear_r2"):
        ours, theirs = (evaluate(f"deep.{measure}", snap(X, Y, W, rank=3)) for X in (H, H * scale))
        assert theirs.chance == pytest.approx(ours.chance, rel=1e-6), measure


@pytest.mark.parametrize(("d", "N", "share"), [(64, 75, 0.86), (64, 125, 0.52), (64, 250, 0.26), (64, 625, 0.10)])
def test_r2_of_pure_noise(snap, evaluate, value, d, N, share):
    """oracles: used/(N - 1) in the mean over draws, and adjusted R2 equals 0."""
    g = torch.Generator().manual_seed(N)
    kw = {"generator": g, "dtype": torch.float64}
    snapshots = [snap(torch.randn(N, d, **kw), torch.randn(N, 3, **kw)) for _ in range(40)]
    plain = np.array([value("deep.linear_r2", s) for s in snapshots])
    adjusted = np.array([value("deep.linear_r2", s, "adjusted") for s in snapshots])
    assert evaluate("deep.linear_r2", snapshots[0]).chance == pytest.approx(d / (N - 1))
    assert plain.mean() == pytest.approx(d / (N - 1), abs=4 * plain.std() / 40**0.5) == pytest.approx(share, abs=0.02)
    assert adjusted.mean() == pytest.approx(0, abs=4 * adjusted.std() / 40**0.5)
    found = evaluate("deep.linear_r2", snapshots[0], "adjusted")
    assert found.chance == 0
    assert found.chance_high == pytest.approx(
        1 - (1 - evaluate("deep.linear_r2", snapshots[0]).chance_high) * (N - 1) / (N - 1 - d)
    )
    error = evaluate("deep.linear_mse", snapshots[0])
    variance = snapshots[0].targets.total / 3
    assert error.chance == pytest.approx(variance * (1 - d / (N - 1)))


def test_r2_of_pure_noise_along_one_direction(snap, evaluate, value):
    """Its null is that of a single target, wider than that of all of them."""
    g = torch.Generator().manual_seed(0)
    kw = {"generator": g, "dtype": torch.float64}
    snapshots = [snap(torch.randn(120, 24, **kw), torch.randn(120, 3, **kw)) for _ in range(60)]
    plain = np.array([[value(f"deep.direction_r2_{i}", s) for i in (1, 2, 3)] for s in snapshots])
    found = evaluate("deep.direction_r2_2", snapshots[0])
    assert found.chance == pytest.approx(24 / 119) == pytest.approx(plain.mean(), abs=0.02)
    assert found.chance_high == pytest.approx(stats.beta(12, 95 / 2).ppf(0.99), rel=0.02)
    assert float((plain > found.chance_high).mean()) <= 0.04
    adjusted = evaluate("deep.direction_r2_2", snapshots[0], "adjusted")
    assert (adjusted.chance, adjusted.chance_high) == (0, pytest.approx(1 - (1 - found.chance_high) * 119 / 95))


def test_a_map_from_no_direction_explains_nothing_by_chance_too():
    assert levels.predicted(torch.tensor([2.0, 1.0]), 0, 50) == (levels.Null(0.0, 0.0), levels.Null(1.0, 1.0))


def test_a_map_that_fits_anything_has_no_adjusted_r2(layer, snap, outcome, evaluate):
    snapshot = snap(*layer(N=20))
    assert outcome("deep.linear_r2", snapshot, "adjusted").status == "degenerate"
    assert evaluate("deep.linear_r2", snapshot).chance == 1


@pytest.mark.parametrize(("d", "N"), [(256, 300), (256, 1000), (128, 1200)])
def test_bias_of_stable_ranks_is_told(snap, outcome, d, N):
    H = torch.randn(N, d, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    snapshot = snap(H, H[:, :2])
    for variant, told in (
        ("default", levels.isotropic_stable_rank), ("covariance", levels.isotropic_stable_rank_covariance)
    ):  # fmt: skip
        found = outcome("deep.feature_stable_rank", snapshot, variant)
        assert told(d, N) == pytest.approx(found.value, rel=0.06)
        assert f"biased low for N = {N} < 10 d" in found.note
    assert outcome("deep.feature_stable_rank", snap(H[:, :4], H[:, :2])).note == ""


@pytest.mark.parametrize("fall", [1e-10, 1e-12, 1e-15])
@pytest.mark.parametrize("n", [2, 5])
def test_eigenvalues_far_apart_have_a_null(fall, n):
    large = torch.cat([fall ** (torch.arange(n).double() / (n - 1)), 1e-4 * fall * torch.rand(12).double()])
    found = levels.crossed(large.sort(descending=True)[0], torch.arange(n, 0, -1).double(), n).features
    assert 0 < found.mean <= found.high <= 1


def test_draws_are_kept_and_can_be_forgotten():
    features, targets = torch.arange(80, 0, -1).double(), torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64)
    levels.forget_draws()
    first = levels.crossed(features, targets, 2)
    assert levels.kept_normals.cache_info().currsize > 0
    assert levels.crossed(features + 1 - 1, targets, 2) == first
    assert levels.kept_normals.cache_info().hits > 0
    levels.planes(2, 3, 20)
    levels.forget_draws()
    assert levels.kept_normals.cache_info().currsize == levels.planes.cache_info().currsize == 0
    assert levels.crossed(features, targets, 2) == first


def test_many_draws_are_not_kept(monkeypatch):
    features, targets = torch.arange(80, 0, -1).double(), torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64)
    levels.forget_draws()
    kept = levels.crossed(features, targets, 2)
    levels.forget_draws()
    monkeypatch.setattr(levels, "KEPT", 100)
    assert levels.crossed(features, targets, 2) == kept
    assert levels.kept_normals.cache_info().currsize == 0
