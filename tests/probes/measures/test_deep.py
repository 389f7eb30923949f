import math

import numpy as np
import pytest
import torch
from scipy.linalg import subspace_angles
from scipy.optimize import brentq
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mean_squared_error, r2_score

from probes import CATALOG

MSE = 0.7
SHAPES = {"ordinary": (24, 40, 3), "wide": (96, 10, 2), "tall": (24, 864, 1)}


def leading(A, k):
    return np.linalg.svd(A, full_matrices=False)[2][:k].T


def gram_cka(A, B):
    K, L = (X @ X.T for X in (A - A.mean(0), B - B.mean(0)))
    return (K * L).sum() / math.sqrt((K * K).sum() * (L * L).sum())


def soft_rank(A, power):
    s = np.linalg.svd(A - A.mean(0), compute_uv=False) ** power
    return s.sum() / s[0]


def expected(H, Y, W, k):
    """Every deep measure from whole matrices, by numpy, scipy and scikit-learn."""
    N = len(H)
    Hc, Yc = H - H.mean(0), Y - Y.mean(0)
    V, T = leading(Hc, k), np.linalg.svd(Yc)[2].T
    left, _, right = np.linalg.svd(Hc.T @ Yc)
    cosines = np.cos(subspace_angles(V, leading(W, k)))
    fitted = LinearRegression().fit(H, Y).predict(H)
    mse = mean_squared_error(Y, fitted)
    noise = ((Hc - Hc @ V @ V.T) ** 2).sum() / N
    s = np.linalg.svd(Hc, compute_uv=False) ** 2
    return {
        ("deep.noise", "default"): noise,
        ("deep.noise_fraction", "default"): noise / ((Hc**2).sum() / N),
        ("deep.spectral_gap", "default"): s[k - 1] / s[k],
        ("deep.feature_stable_rank", "default"): soft_rank(H, 2),
        ("deep.feature_stable_rank", "covariance"): soft_rank(H, 4),
        ("deep.target_stable_rank", "default"): soft_rank(Y, 2),
        ("deep.target_stable_rank", "covariance"): soft_rank(Y, 4),
        ("deep.weight_stable_rank", "default"): (W**2).sum() / np.linalg.norm(W, 2) ** 2,
        ("deep.feature_weight_alignment", "default"): cosines.mean(),
        ("deep.feature_weight_alignment", "smallest"): cosines.min(),
        ("deep.feature_weight_alignment", "published"): cosines.mean(),
        ("deep.noise_alignment", "default"): np.sin(subspace_angles(V, leading(W, k))).mean(),
        ("deep.cka", "default"): gram_cka(H, Y),
        ("deep.cka", "signal"): gram_cka(H @ V, Y),
        ("deep.feature_target_alignment", "default"): np.cos(subspace_angles(right[:k].T, T[:, :k])).mean(),
        ("deep.cross_alignment", "default"): np.cos(subspace_angles(right[:k].T, T[:, k:])).mean(),
        ("deep.feature_side_alignment", "default"): np.cos(subspace_angles(left[:, :k], V)).mean(),
        ("deep.linear_mse", "default"): mse,
        ("deep.linear_mse", "ratio"): mse / MSE,
        ("deep.linear_r2", "default"): r2_score(Y, fitted, multioutput="variance_weighted"),
        ("deep.linear_r2", "adjusted"): 1
        - (1 - r2_score(Y, fitted, multioutput="variance_weighted")) * (N - 1) / (N - 1 - H.shape[1]),
        ("model.mse", "default"): MSE,
    }


@pytest.mark.parametrize("shape", SHAPES)
def test_every_measure_is_its_plain_computation(layer, snap, evaluate, shape):
    d, m, k = SHAPES[shape]
    H, Y, W = layer(d=d, m=m)
    snapshot = snap(H, Y, W, rank=k, network_mse=MSE)
    wanted = expected(H.numpy(), Y.numpy(), W.numpy(), k)
    known = {(p.name, p.variant) for p in CATALOG if not p.name.startswith("nrc.") and not p.classes}
    known = {(name, variant) for name, variant in known if variant not in OTHER_FORMS}
    known -= {key for key in known if key[0] == "deep.balancedness" or key[0] not in OF_FEATURES | {"model.mse"}}
    assert set(wanted) == known
    for (name, variant), number in wanted.items():
        found = evaluate(name, snapshot, variant).outcome
        assert (found.status, found.value) == ("ok", pytest.approx(number, rel=1e-9)), (name, variant)


def planted(noise, k=3, d=512, N=600):
    """Features whose noise fraction outside their top k directions is ``noise``, exactly: signal and noise share
    neither a direction nor, over these samples, a correlation."""
    g = torch.Generator().manual_seed(1)
    kw = {"generator": g, "dtype": torch.float64}
    Q = torch.linalg.qr(torch.randn(d, d, **kw))[0]
    scores = torch.linalg.qr(torch.cat([torch.ones(N, 1).double(), torch.randn(N, k, **kw)], 1))[0]
    E = torch.randn(N, d - k, **kw)
    E -= scores @ (scores.T @ E)
    signal = scores[:, 1:] @ Q[:, :k].T
    E = E @ Q[:, k:].T * (signal.norm() / E.norm())
    Y = signal @ torch.randn(d, k, **kw)
    return (signal + math.sqrt(noise / (1 - noise)) * E) * math.sqrt(N), Y


@pytest.mark.parametrize(
    ("noise", "dtype", "within"),
    [
        (1e-12, torch.float64, 1e-4),
        (1e-13, torch.float64, 4e-4),
        (1e-10, torch.float32, 1e-3),
        (1e-3, torch.bfloat16, 0.05),
    ],
)
def test_tiny_noise_is_read_right(snap, outcome, noise, dtype, within):
    H, Y = planted(noise)
    snapshot = snap(H.to(dtype), Y, rank=3, batch=100)
    fraction = outcome("deep.noise_fraction", snapshot)
    assert (fraction.status, fraction.value) == ("ok", pytest.approx(noise, rel=within, abs=0))
    assert outcome("deep.noise", snapshot).value == pytest.approx(noise * float(H.norm() ** 2) / 600, rel=within, abs=0)


@pytest.mark.parametrize("offset", [0.0, 10.0])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16, torch.float16])
def test_what_rounding_makes_is_marked_below_floor(snap, evaluate, dtype, offset):
    H, Y = planted(0.0, d=64)
    snapshot = snap((H + offset).to(dtype), Y, rank=3)
    for name in ("deep.noise", "deep.noise_fraction"):
        found = evaluate(name, snapshot)
        assert found.outcome.status == "below floor", (name, found)
        assert found.outcome.value <= found.floor


def test_noise_of_1e_4_on_an_offset_of_1e4(snap, outcome):
    H, Y = planted(1e-8, d=64)
    fraction = outcome("deep.noise_fraction", snap(H + 1e4, Y, rank=3, batch=50))
    assert (fraction.status, fraction.value) == ("ok", pytest.approx(1e-8, rel=1e-4, abs=0))


OTHER_FORMS = {"first n columns", "without intercept", "unnormalised", "un-normalised optimum", "gamma = 0"}
OF_FEATURES = {p.name for p in CATALOG if p.name.startswith("deep.") and "direction_r2" not in p.name}
OF_FEATURES -= {"deep.balancedness"}
SCALE_FREE = [
    (p.name, p.variant)
    for p in CATALOG
    if p.name in OF_FEATURES - {"deep.noise", "deep.linear_mse"} and p.where == "layer" and p.variant not in OTHER_FORMS
]


@pytest.mark.parametrize("change", ["rotation", "permutation", "1e-8", "1e5", "shift", "order"])
def test_invariances(layer, snap, value, change):
    H, Y, W = layer()
    d = H.shape[1]
    Q = {
        "rotation": torch.linalg.qr(torch.randn(d, d, generator=torch.Generator().manual_seed(2)).double())[0],
        "permutation": torch.eye(d).double()[torch.randperm(d, generator=torch.Generator().manual_seed(2))],
        "1e-8": 1e-8 * torch.eye(d).double(),
        "1e5": 1e5 * torch.eye(d).double(),
    }.get(change, torch.eye(d).double())
    moved, targets = H @ Q + (5.0 if change == "shift" else 0.0), Y
    if change == "order":
        moved, targets = H.flip(0), Y.flip(0)
    before, after = snap(H, Y, W, rank=3), snap(moved, targets, W @ Q, rank=3)
    for name, variant in SCALE_FREE:
        assert value(name, after, variant) == pytest.approx(value(name, before, variant), rel=1e-9), name
    assert value("deep.linear_mse", after) == pytest.approx(value("deep.linear_mse", before), rel=1e-9)


def test_cka_feels_an_anisotropic_scale(layer, snap, value):
    H, Y, _ = layer()
    stretched = H * torch.linspace(0.1, 3, H.shape[1])
    assert abs(value("deep.cka", snap(stretched, Y)) - value("deep.cka", snap(H, Y))) > 0.01
    assert value("deep.linear_mse", snap(stretched, Y)) == pytest.approx(value("deep.linear_mse", snap(H, Y)), rel=1e-9)


def test_no_share_exceeds_1(snap, value):
    for seed in range(10):
        H = torch.randn(50, 5, generator=torch.Generator().manual_seed(seed)).double()
        snapshot = snap(H, H, torch.eye(5).double(), rank=2)
        for name in ("deep.cka", "deep.linear_r2"):
            assert 1 - 1e-12 < value(name, snapshot) <= 1, name


@pytest.mark.parametrize("tilt", [0.3, 1e-12])
def test_noise_alignment_is_the_cosine_to_the_remaining_directions(snap, value, tilt):
    H, Y = planted(1e-4, d=24)
    axes = torch.linalg.svd(H - H.mean(0), full_matrices=False)[2].T
    W = (axes[:, :3] + tilt * axes[:, 3:6]).T * torch.tensor([[3.0], [2.0], [1.0]])
    angles = torch.linalg.svdvals(torch.linalg.qr(W.T)[0].T @ axes[:, 3:])
    found = value("deep.noise_alignment", snap(H, Y, W, rank=3))
    assert found == pytest.approx(float(angles.mean()), rel=1e-3, abs=0)
    assert found == pytest.approx(math.sin(math.atan(tilt)), rel=1e-3, abs=0)


def test_isotropic_gaussian(snap, value):
    g = torch.Generator().manual_seed(0)
    H, Y = torch.randn(8000, 20, generator=g), torch.randn(8000, 2, generator=g)
    for k, fraction in ((2, 0.892), (3, 0.839), (5, 0.734)):
        assert value("deep.noise_fraction", snap(H, Y, rank=k, batch=1000)) == pytest.approx(fraction, abs=4e-3)
    snapshot = snap(H, Y, batch=1000)
    assert value("deep.feature_stable_rank", snapshot) == pytest.approx(18.3, abs=0.25)
    assert value("deep.feature_stable_rank", snapshot, "covariance") == pytest.approx(16.8, abs=0.45)


@pytest.mark.parametrize("seed", range(5))
def test_covariance_form_of_the_stable_rank_is_the_smaller(layer, snap, value, seed):
    snapshot = snap(*layer(seed=seed))
    for name in ("deep.feature_stable_rank", "deep.target_stable_rank"):
        assert 1 <= value(name, snapshot, "covariance") <= value(name, snapshot)


@pytest.fixture
def exact_rank(snap):
    """Features that know nothing of targets of rank 3 in 10 dimensions."""
    g = torch.Generator().manual_seed(0)
    return snap(torch.randn(700, 24, generator=g), torch.randn(700, 3, generator=g) @ torch.randn(3, 10, generator=g))


def test_targets_of_exact_rank_align_with_any_features(exact_rank, outcome):
    assert exact_rank.k == 3
    for name, number in (("deep.feature_target_alignment", 1), ("deep.cross_alignment", 0)):
        assert outcome(name, exact_rank).value == pytest.approx(number, abs=1e-4)
        assert "the targets have exact rank 3" in outcome(name, exact_rank).note
    assert outcome("deep.feature_side_alignment", exact_rank).value < 0.8


def test_linear_targets_are_predicted_whatever_the_mean(layer, snap, outcome):
    H, _, _ = layer()
    Y = (H + 50) @ torch.randn(24, 4, generator=torch.Generator().manual_seed(0)).double() - 7
    found = outcome("deep.linear_mse", snap(H, Y))
    assert found.status == "below floor"
    assert 0 <= found.value < 1e-12
    assert outcome("deep.linear_r2", snap(H, Y)).value == pytest.approx(1, abs=1e-14)


# ---- deep linear UFM (oracles.md B): three factors W_2 W_1 H, widths above n, all in closed form


def deep_ufm(sigma, decay, d=12, M=60):
    """Minimiser of (1/2M)||H W_1' W_2' - Y||^2 + (l_2/2)||W_2||^2 + (l_1/2)||W_1||^2 + (l_h/2M)||H||^2, and its q."""
    g = torch.Generator().manual_seed(0)
    kw = {"generator": g, "dtype": torch.float64}
    n, (l2, l1, lh) = len(sigma), decay
    G = (l2 * l1 * lh) ** (1 / 3)
    z = [x * brentq(lambda s, x=x: s ** (1 / 3) * (1 - s) - G * x ** (-4 / 3), 0.5, 1, xtol=1e-14) for x in sigma]
    q = (torch.tensor(z, dtype=torch.float64) ** 2 * l2 * l1 * lh) ** (1 / 3)
    P = torch.linalg.qr(torch.cat([torch.ones(M, 1).double(), torch.randn(M, n, **kw)], 1))[0][:, 1:] * math.sqrt(M)
    R0, R1 = (torch.linalg.qr(torch.randn(d, n, **kw))[0] for _ in range(2))
    U = torch.linalg.qr(torch.randn(n, n, **kw))[0]
    H, W1, W2 = P * (q / lh).sqrt() @ R0.T, R1 * (q / l1).sqrt() @ R0.T, U * (q / l2).sqrt() @ R1.T
    Y = P * torch.tensor(sigma).double() @ U.T
    error = (H @ W1.T @ W2.T - Y) / M
    assert float((error.T @ H @ W1.T + l2 * W2).norm()) < 1e-12  # stationary: the oracle holds by itself
    assert float((W2.T @ error.T @ H + l1 * W1).norm()) < 1e-12
    return H, W1, W2, Y, q


def test_deep_linear_optimum_is_collapsed_in_every_layer(snap, outcome, value):
    H, W1, W2, Y, q = deep_ufm([2.0, 1.5, 1.0], (0.02, 0.05, 0.01))
    for X, W, rank in ((H, W1, q), (H @ W1.T, W2, q**2)):
        snapshot = snap(X, Y, W)
        assert snapshot.k == 3
        assert outcome("deep.noise_fraction", snapshot).status == "below floor"
        assert outcome("deep.linear_mse", snapshot).status == "below floor"
        assert value("deep.feature_weight_alignment", snapshot) == pytest.approx(1, abs=1e-14)
        assert value("deep.feature_weight_alignment", snapshot, "smallest") == pytest.approx(1, abs=1e-14)
        assert value("deep.noise_alignment", snapshot) < 1e-13
        assert value("deep.feature_side_alignment", snapshot) == pytest.approx(1, abs=1e-14)
        assert value("deep.feature_stable_rank", snapshot) == pytest.approx(float(rank.sum() / rank[0]), rel=1e-12)
        assert value("deep.weight_stable_rank", snapshot) == pytest.approx(float(q.sum() / q[0]), rel=1e-12)


# ---- degenerate answers


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
        if p.name in OF_FEATURES - {"deep.weight_stable_rank", "deep.target_stable_rank"}:
            found = outcome(p.name, snapshot, p.variant)
            assert (found.status, math.isnan(found.value)) == ("degenerate", True), (p.name, found)
            assert "dead or constant layer" in found.note


def test_targets_that_do_not_vary_are_degenerate(layer, snap, outcome):
    H, Y, W = layer()
    snapshot = snap(H, torch.full_like(Y, 7.3).float(), W)
    for name in ("noise_fraction", "target_stable_rank", "cka", "feature_weight_alignment", "linear_r2"):
        found = outcome(f"deep.{name}", snapshot)
        assert (found.status, "targets do not vary" in found.note) == ("degenerate", True), name


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


def test_a_direction_below_what_float64_determines_is_not_aligned(snap, outcome):
    H, Y, W = planted(0.0, d=24)[0], None, torch.eye(24).double()
    axes = torch.linalg.svd(H - H.mean(0), full_matrices=False)[2].T
    extra = torch.randn(600, 1, generator=torch.Generator().manual_seed(3)).double() @ axes[:, 3:4].T
    Y = torch.randn(600, 4, generator=torch.Generator().manual_seed(4)).double()
    for size, status in ((1e-7, "degenerate"), (1e-5, "ok")):
        assert outcome("deep.feature_weight_alignment", snap(H + size * extra, Y, W, rank=4)).status == status


@pytest.mark.parametrize("power", [-150, -100, 100, 150])
def test_cka_is_free_of_scale(layer, snap, value, power):
    H, Y, _ = layer()
    for X, T in ((H * 10.0**power, Y), (H, Y * 10.0**power)):
        for variant in ("default", "signal"):
            found = value("deep.cka", snap(X, T, rank=3), variant)
            assert found == pytest.approx(value("deep.cka", snap(H, Y, rank=3), variant), rel=1e-9)


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
