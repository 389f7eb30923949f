import math

import numpy as np
import pytest
import scipy.linalg
import torch
from scipy.optimize import minimize_scalar
from sklearn.decomposition import PCA

from probes import CATALOG, Probe, spectrum
from probes.measures.top import fit_gamma, fixed_gamma


def outside(U, basis):
    U = U / np.linalg.norm(U, axis=1, keepdims=True)
    return ((U - U @ basis @ basis.T) ** 2).sum(1).mean()


def distance(gram, R, s):
    """nrc.3 at sqrt(gamma) = s, with the positive part of R - s I on the range of R."""
    values, vectors = np.linalg.eigh(R)
    A = vectors * np.where(values > 1e-7 * values[-1], values - s, 0) @ vectors.T
    return ((gram / np.linalg.norm(gram) - A / np.linalg.norm(A)) ** 2).sum()


def scan(gram, S_Y):
    """Brute force over sqrt(gamma): a grid, then a bounded search around its best point."""
    values = np.linalg.eigvalsh(S_Y)
    edge = math.sqrt(values[values > 1e-12 * values[-1]].min())
    R = scipy.linalg.sqrtm(S_Y).real
    grid = np.linspace(0, edge, 2001)[:-1]
    best = grid[np.argmin([distance(gram, R, s) for s in grid])]
    bounds = (max(best - edge / 2000, 0), min(best + edge / 2000, edge * (1 - 1e-12)))
    fit = minimize_scalar(lambda s: distance(gram, R, s), bounds=bounds, method="bounded", options={"xatol": 1e-12})
    return fit.fun, (fit.x / edge) ** 2


def near_optimal(Y, d, share, noise, seed=3):
    """A last weight W (n, d) whose Gram is S_Y^(1/2) - sqrt(share l_min) I, up to noise."""
    S_Y = np.cov(Y.T, bias=True)
    A = scipy.linalg.sqrtm(S_Y).real - math.sqrt(share * np.linalg.eigvalsh(S_Y)[0]) * np.eye(len(S_Y))
    rng = np.random.default_rng(seed)
    R = np.linalg.qr(rng.standard_normal((d, len(S_Y))))[0].T
    return scipy.linalg.sqrtm(A).real @ R + noise * rng.standard_normal((len(S_Y), d))


@pytest.mark.parametrize("d", [24, 96])
def test_every_measure_is_its_plain_computation(layer, snap, outcome, d):
    H, Y, _ = layer(d=d)
    W = near_optimal(Y.numpy(), d, 0.4, 0.01)
    snapshot = snap(H, Y, torch.from_numpy(W))
    H, Y = H.numpy(), Y.numpy()
    pca, rows = PCA().fit(H), scipy.linalg.orth(W.T)
    S_Y = np.cov(Y.T, bias=True)
    fitted, ratio = scan(W @ W.T, S_Y)
    assert 0.05 < ratio < 0.95
    wanted = {
        "nrc.1": outside(H, pca.components_[:4].T),
        "nrc.2": outside(H, rows),
        "nrc.1_centred": outside(H - H.mean(0), pca.components_[:4].T),
        "nrc.2_centred": outside(H - H.mean(0), rows),
        "nrc.3": fitted,
        **{f"nrc.evr_{i + 1}": pca.explained_variance_ratio_[i] for i in range(5)},
    }
    assert {*wanted, "nrc.3_gamma_ratio"} == {p.name for p in CATALOG if p.name.startswith("nrc.")}
    for name, number in wanted.items():
        found = outcome(name, snapshot)
        assert (found.status, found.value) == ("ok", pytest.approx(number, rel=1e-9)), name
    assert outcome("nrc.3_gamma_ratio", snapshot).value == pytest.approx(ratio, rel=1e-5)


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("rank", [4, 2])
def test_gamma_is_what_a_scan_finds(seed, rank):
    rng = np.random.default_rng(seed)
    B = rng.standard_normal((4, rank))
    S_Y = B @ B.T
    W = rng.standard_normal((4, 9))
    if seed % 2:
        W = scipy.linalg.sqrtm(S_Y).real @ np.linalg.qr(rng.standard_normal((4, 4)))[0] + 0.1 * W[:, :4]
    fit = fit_gamma(torch.from_numpy(W @ W.T), spectrum(torch.from_numpy(S_Y)), rank)
    fun, ratio = scan(W @ W.T, S_Y)
    if "upper end" not in fit.note:
        assert fit.distance == pytest.approx(fun, rel=1e-9, abs=1e-9)
        assert fit.ratio == pytest.approx(ratio, abs=1e-4)
    assert fit.distance <= fun + 1e-9
    assert ("positive part" in fit.note) == (rank < 4)


@pytest.mark.parametrize("classes", range(3, 11))
def test_gamma_drops_out_of_isotropic_targets_and_is_not_fitted_to_rounding(classes):
    g = np.random.default_rng(classes)
    W = torch.from_numpy(g.normal(size=(classes, 20)))
    gram, P = W @ W.T, torch.eye(classes, dtype=torch.float64) - 1 / classes
    fit = fit_gamma(gram, spectrum(P / classes), classes - 1)
    assert fit.distance == pytest.approx(float((gram / gram.norm() - P / P.norm()).norm() ** 2), rel=1e-9)
    assert "S_Y is isotropic" in fit.note


def test_gamma_says_which_end_it_hit():
    targets = spectrum(torch.diag(torch.tensor([4.0, 1.0]).double()))
    cases = {"lower end": [1.0, 2.0], "upper end": [2.0, 0.0], "": [1.7, 0.7]}
    for note, gram in cases.items():
        fit = fit_gamma(torch.diag(torch.tensor(gram).double()), targets, 2)
        assert (note in fit.note, bool(fit.note)) == (True, bool(note))
    assert fit.ratio == pytest.approx(0.3**2)


# ---- unconstrained features (oracles.md A): W and H in closed form


def ufm(values, lh, lw, d=12, M=80):
    """Global optimum of L = (1/2M)||WH + b - Y||^2 + (lh/2M)||H||^2 + (lw/2)||W||^2, S_Y of eigenvalues ``values``."""
    g = torch.Generator().manual_seed(0)
    kw = {"generator": g, "dtype": torch.float64}
    n, lam = len(values), torch.tensor(values, dtype=torch.float64)
    a = (lam.sqrt() - math.sqrt(lh * lw)).clamp(min=0)
    U = torch.linalg.qr(torch.randn(n, n, **kw))[0]
    P = torch.linalg.qr(torch.cat([torch.ones(M, 1).double(), torch.randn(M, n, **kw)], 1))[0][:, 1:] * math.sqrt(M)
    R = torch.linalg.qr(torch.randn(d, n, **kw))[0].T
    W = (lh / lw) ** 0.25 * U * a.sqrt() @ U.T @ R
    H = math.sqrt(lw / lh) * P @ U.T @ W
    return H, P * lam.sqrt() @ U.T + 5, W, a, lam


@pytest.mark.parametrize(("lh", "lw"), [(0.1, 0.5), (0.01, 0.01), (0.3, 2.0)])
def test_optimum_is_collapsed_and_gamma_is_c(snap, outcome, value, lh, lw):
    H, Y, W, a, lam = ufm([3.0, 2.0, 1.0], lh, lw)
    snapshot = snap(H, Y, W)
    for name in ("nrc.1", "nrc.2", "nrc.1_centred", "nrc.2_centred"):
        assert outcome(name, snapshot).status == "below floor"
    assert value("nrc.3", snapshot) < 1e-24
    assert value("nrc.3_gamma_ratio", snapshot) == pytest.approx(lh * lw / 1.0, rel=1e-6)
    assert outcome("nrc.3", snapshot).note == ""
    assert value("deep.cka", snapshot) == pytest.approx(float(a @ lam / (a.norm() * lam.norm())), rel=1e-12)
    assert value("nrc.evr_1", snapshot) == pytest.approx(float(a[0] / a.sum()), rel=1e-12)
    assert value("nrc.evr_4", snapshot) < 1e-15


def test_optimum_beyond_the_smallest_eigenvalue(snap, outcome, value):
    H, Y, W, a, lam = ufm([3.0, 2.0, 0.05], 0.2, 0.5)
    assert a[2] == 0
    snapshot = snap(H, Y, W)
    assert outcome("nrc.1", snapshot).status == "below floor"
    assert outcome("nrc.2", snapshot).status == "below floor"
    assert value("deep.cka", snapshot) == pytest.approx(float(a @ lam / (a.norm() * lam.norm())), rel=1e-12)


def test_optimum_of_low_rank_targets_has_the_positive_part(snap, outcome, value):
    H, Y, W, _, _ = ufm([3.0, 1.0, 0.0], 0.2, 0.5)
    snapshot = snap(H, Y, W)
    assert snapshot.target_rank == 2
    assert value("nrc.3", snapshot) < 1e-24
    assert value("nrc.3_gamma_ratio", snapshot) == pytest.approx(0.1, rel=1e-6)
    assert "rank 2 < n" in outcome("nrc.3", snapshot).note
    assert outcome("nrc.2", snapshot).status == "below floor"


def test_row_space_of_low_rank_weight_is_not_padded(layer, snap, value):
    H, Y, W = layer()
    flat = W[:4, :2] @ W[:2]
    wanted = outside(H.numpy(), scipy.linalg.orth(W[:2].numpy().T))
    assert value("nrc.2", snap(H, Y, flat)) == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("change", ["rotation", "1e-8", "1e5"])
def test_invariances(layer, snap, value, change):
    H, Y, W = layer(m=4)
    random = torch.randn(24, 24, generator=torch.Generator().manual_seed(2)).double()
    Q = torch.linalg.qr(random)[0] if change == "rotation" else float(change) * torch.eye(24).double()
    before, after = snap(H, Y, W), snap(H @ Q, Y, W @ Q)
    for p in CATALOG:
        if p.name.startswith("nrc."):
            assert value(p.name, after) == pytest.approx(value(p.name, before), rel=1e-9), p.name


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("offset", [0.0, 10.0])
def test_what_rounding_makes_of_centred_rows_is_below_floor(snap, evaluate, dtype, offset):
    g = torch.Generator().manual_seed(0)
    H = torch.randn(700, 2, generator=g).double() @ torch.randn(2, 24, generator=g).double() + offset
    Y = torch.randn(700, 2, generator=g).double()
    found = evaluate("nrc.1_centred", snap(H.to(dtype), Y))
    assert found.outcome.status == "below floor", found


# ---- degenerate answers


def test_single_target(layer, snap, outcome):
    H, Y, W = layer(n=1, m=1)
    snapshot = snap(H, Y, W)
    assert outcome("nrc.3", snapshot).note == "identically 0 for a single target"
    for name in ("nrc.3", "nrc.3_gamma_ratio"):
        assert (outcome(name, snapshot).status, math.isnan(outcome(name, snapshot).value)) == ("not defined", True)
    assert outcome("nrc.1", snapshot).status == "ok"


def test_gamma_drops_out_of_targets_of_rank_1(layer, snap, outcome):
    H, Y, W = layer(n=1, m=3)
    snapshot = snap(H, Y * torch.tensor([1.0, 2.0, 3.0]), W)
    found = outcome("nrc.3_gamma_ratio", snapshot)
    assert (found.status, found.note) == ("not defined", "the targets have rank 1, and gamma drops out")
    assert outcome("nrc.3", snapshot).status == "ok"


def test_more_targets_than_features(layer, snap, outcome):
    found = outcome("nrc.1", snap(*layer(d=3, n=4, m=4)))
    assert (found.status, "n = 4 target dimensions exceed the width d = 3" in found.note) == ("not defined", True)
    assert "only 3 dimensions" in outcome("nrc.evr_4", snap(*layer(d=3, n=4, m=4))).note


def test_zero_rows_are_counted_and_left_out(layer, snap, outcome):
    H, Y, W = layer(m=4)
    H[:70] = 0
    found = outcome("nrc.2", snap(H, Y, W))
    assert (found.status, found.note) == ("ok", "70 rows of zero norm left out")
    assert found.value == pytest.approx(outside(H[70:].numpy(), scipy.linalg.orth(W.numpy().T)), rel=1e-9)


@pytest.mark.parametrize("constant", [0.0, 3.0])
def test_constant_layer_has_an_answer_for_every_measure(layer, snap, outcome, constant):
    H, Y, W = layer(m=4)
    snapshot = snap(torch.full_like(H, constant).float(), Y, W)
    for p in CATALOG:
        if p.name.startswith("nrc.") and not p.name.startswith("nrc.3"):
            found = outcome(p.name, snapshot)
            assert found.status in ("degenerate", "not defined"), p.name
            assert found.note


def test_zero_weight_and_foreign_shape(layer, snap, outcome):
    H, Y, W = layer(m=4)
    for name in ("nrc.2", "nrc.3", "nrc.3_gamma_ratio"):
        assert (outcome(name, snap(H, Y, 0 * W)).status, outcome(name, snap(H, Y, 0 * W)).note) == (
            "degenerate",
            "the weight is zero",
        )
    found = outcome("nrc.3", snap(H, Y, W[:3]))
    assert (found.status, found.note) == ("not defined", "the layer has 3 outputs and the targets 4")


# ---- nrc.3 at a known gamma


def at_gamma(snapshot, gamma):
    return Probe("nrc.3_known", fixed_gamma(gamma), "NRC3 at gamma").evaluate(snapshot).outcome


@pytest.mark.parametrize(("lh", "lw"), [(0.1, 0.5), (0.01, 0.01), (0.3, 2.0), (1.0, 1.5)])
def test_nrc3_at_the_penalties_is_zero_at_the_optimum_and_only_there(snap, value, lh, lw):
    H, Y, W, a, lam = ufm([3.0, 2.0, 1.0], lh, lw)
    snapshot = snap(H, Y, W)
    assert at_gamma(snapshot, lh * lw).value < 1e-24
    if lh * lw < 1:
        assert value("nrc.3", snapshot) < 1e-24
    for gamma in (0.0, 0.5 * lh * lw, 1.2 * lh * lw):
        wanted = (lam.sqrt() - math.sqrt(gamma)).clamp(min=0)
        assert at_gamma(snapshot, gamma).value == pytest.approx(
            float((a / a.norm() - wanted / wanted.norm()).square().sum()), rel=1e-9
        )
        assert at_gamma(snapshot, gamma).value > 1e-10


def test_nrc3_at_the_fitted_gamma_is_nrc3(layer, snap, value):
    H, Y, _ = layer()
    snapshot = snap(H, Y, torch.from_numpy(near_optimal(Y.numpy(), 24, 0.4, 0.01)))
    gamma = value("nrc.3_gamma_ratio", snapshot) * float(snapshot.targets.values[-1])
    assert at_gamma(snapshot, gamma).value == pytest.approx(value("nrc.3", snapshot), rel=1e-9)
    assert at_gamma(snapshot, 1.5 * gamma).value > 1.01 * value("nrc.3", snapshot)


def test_nrc3_at_a_gamma_that_leaves_nothing_and_of_what_has_no_gram(layer, snap):
    H, Y, W = layer(m=4)
    found = at_gamma(snap(H, Y, W), 1e6)
    assert (found.status, found.note) == (
        "degenerate", "gamma = 1e+06 exceeds every eigenvalue of S_Y: nothing is left to compare with",
    )  # fmt: skip
    assert at_gamma(snap(H, Y, 0 * W), 0.1).note == "the weight is zero"
    assert at_gamma(snap(*layer(n=1, m=1)), 0.1).status == "not defined"


@pytest.mark.parametrize("gamma", [-0.1, math.nan])
def test_a_gamma_that_is_no_product_of_penalties_is_refused(gamma):
    with pytest.raises(ValueError, match=r"gamma must be at least 0; it is (-0\.1|nan)\."):
        fixed_gamma(gamma)
