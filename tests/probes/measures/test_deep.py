"""The deep measures against plain computation, their laws, and closed forms with known answers."""

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


def test_a_direction_below_what_float64_determines_is_not_aligned(snap, outcome):
    H, Y, W = planted(0.0, d=24)[0], None, torch.eye(24).double()
    axes = torch.linalg.svd(H - H.mean(0), full_matrices=False)[2].T
    extra = torch.randn(600, 1, generator=torch.Generator().manual_seed(3)).double() @ axes[:, 3:4].T
    Y = torch.randn(600, 4, generator=torch.Generator().manual_seed(4)).double()
    for size, status in ((1e-7, "degenerate"), (1e-5, "ok")):
        assert outcome("deep.feature_weight_alignment", snap(H + size * extra, Y, W, rank=4)).status == status


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
