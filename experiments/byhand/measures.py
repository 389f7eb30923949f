"""The measures by hand: whole feature matrices in float64, every number from its definition.

Slow and plain, and sharing nothing with the library, so that its table can be held against them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import brentq
from torch import nn

Matrix = NDArray[np.float64]
Named = dict[tuple[str, str], float]
EPS = float(np.finfo(float).eps)


def weight(module: nn.Module) -> Matrix | None:
    """W (m, d), its rows in the space of the features: a convolution as (c_out k k, c_in); None where it is grouped."""
    if getattr(module, "groups", 1) > 1:
        return None
    w = module.weight.detach().double().cpu().numpy()  # type: ignore[operator]
    return np.moveaxis(w, 1, -1).reshape(-1, w.shape[1])


def layer_measures(
    H: Matrix, Y: Matrix, W: Matrix | None, network_mse: float | None = None, network_r2: list[float] | None = None
) -> Named:
    """Every measure of one layer that is defined for it, by name and variant.

    Args:
        H: features (N, d).
        Y: targets (N, n).
        W: the layer's weight (m, d), or None.
        network_mse: the network's own error on the same samples.
        network_r2: its R2 along each direction of the targets.
    """
    N, d = H.shape
    Hc, Yc = H - H.mean(0), Y - Y.mean(0)
    _, s, V = np.linalg.svd(Hc, full_matrices=False)
    k = rank(Yc)
    found: Named = {
        ("deep.feature_stable_rank", "default"): float((s**2).sum() / s[0] ** 2),
        ("deep.feature_stable_rank", "covariance"): float((s**4).sum() / s[0] ** 4),
        ("deep.cka", "default"): _cka(Hc, Yc),
    }
    found |= rank_measures(H) | unit_measures(H)
    if Y.shape[1] <= d and (H[:, : Y.shape[1]] != H[0, : Y.shape[1]]).any():
        found["deep.cka", "first n columns"] = _cka(Hc[:, : Y.shape[1]], Yc)
    if d < N:
        left_over = Y - H @ np.linalg.lstsq(H, Y, rcond=None)[0]
        found["deep.linear_mse", "without intercept"] = float((left_over**2).mean())
    if k <= d:
        found |= _signal_measures(Hc, Yc, s, V, k)
    if d + 1 < N:
        residual = _left(Hc, Yc)
        error = float((residual**2).mean())
        found["deep.linear_mse", "default"] = error
        found["deep.linear_r2", "default"] = 1 - error / float((Yc**2).mean())
        left = N - 1 - np.linalg.matrix_rank(Hc)
        found["deep.linear_r2", "adjusted"] = 1 - error / float((Yc**2).mean()) * (N - 1) / left
        by_direction = _by_direction(residual, Yc)
        adjusted = [1 - (1 - r2) * (N - 1) / left for r2 in by_direction]
        for variant, values in (("default", by_direction), ("adjusted", adjusted)):
            found |= {(f"deep.direction_r2_{i}", variant): r2 for i, r2 in enumerate(values[:10], 1)}
        if network_r2 is not None:
            found["deep.direction_r2_gap", "default"] = float((np.array(network_r2) - np.array(adjusted)).max())
        if network_mse:
            found["deep.linear_mse", "ratio"] = error / network_mse
    if W is not None and W.shape[1] == d:
        found |= _weight_measures(W, V[:k].T, k)
    return found


def rank_measures(H: Matrix) -> Named:
    """The ranks of features (N, d) beside the stable ones; the decay of the spectrum as far as it is above 1e-6 of the
    largest singular value."""
    s = np.linalg.svd(H - H.mean(0), compute_uv=False).astype(np.float64)
    uncentred = np.linalg.svd(H, compute_uv=False).astype(np.float64)
    numerical = int((s > 1e-3 * s[0]).sum())
    found: Named = {
        ("rank.effective", "default"): _entropy_rank(s**2),
        ("rank.effective", "singular values"): _entropy_rank(uncentred),
        ("rank.participation", "default"): float((s**2).sum() ** 2 / (s**4).sum()),
        ("rank.numerical", "default"): float(numerical),
        ("rank.numerical", "share, tau = 0.001"): numerical / min(len(H) - 1, H.shape[1]),
    }
    known = s[s > 1e-6 * s[0]][:100] ** 2
    if len(known) > 2:
        slope = np.polynomial.Polynomial.fit(np.log(np.arange(1, len(known) + 1)), np.log(known), 1)
        found["rank.alpha", "default"] = -float(slope.convert().coef[1])
    return found


def unit_measures(H: Matrix) -> Named:
    """Shares of the units of features (N, d) that hardly answer."""
    sizes = np.abs(H).mean(0)
    return {
        ("features.dormant", "default"): float((sizes == 0).mean()),
        ("features.dormant", "tau = 0.025"): float((sizes <= 0.025 * sizes.mean()).mean()),
    }


def _entropy_rank(values: Matrix) -> float:
    p = values[values > 0] / values.sum()
    return float(np.exp(-(p * np.log(p)).sum()))


def _signal_measures(Hc: Matrix, Yc: Matrix, s: Matrix, V: Matrix, k: int) -> Named:
    """What needs the k leading directions of the centred features Hc (N, d), k <= d, whose SVD has s and V."""
    top, U = V[:k].T, np.linalg.svd(Yc, full_matrices=False)[2]
    left, _, right = np.linalg.svd(Hc.T @ Yc, full_matrices=False)
    found: Named = {
        ("deep.noise", "default"): float((s[k:] ** 2).sum() / len(Hc)),
        ("deep.noise_fraction", "default"): float((s[k:] ** 2).sum() / (s**2).sum()),
        ("deep.cka", "signal"): _cka(Hc @ top, Yc),
        ("deep.feature_target_alignment", "default"): _mean_cosine(right[:k].T, U[:k].T),
        ("deep.feature_side_alignment", "default"): _mean_cosine(left[:, :k], top),
    }
    if k < len(s) and s[k] > 0:
        found["deep.spectral_gap", "default"] = float(s[k - 1] ** 2 / s[k] ** 2)
    if k < Yc.shape[1]:
        found["deep.cross_alignment", "default"] = _mean_cosine(right[:k].T, U[k:].T)
    return found


def rank(Yc: Matrix) -> int:
    """k, the numerical rank of centred targets that came in float32."""
    t = np.linalg.svd(Yc, compute_uv=False)
    return int((t > 8 * np.finfo(np.float32).eps * t[0]).sum())


def _weight_measures(W: Matrix, top: Matrix, k: int) -> Named:
    _, w, R = np.linalg.svd(W, full_matrices=False)
    found = {("deep.weight_stable_rank", "default"): float((w**2).sum() / w[0] ** 2)}
    if k > W.shape[1]:
        return found
    there = int((w > 1e-10 * w[0]).sum())
    tied = int((1.01 * w > w[min(k, there) - 1]).sum())  # values within 1 % of the k-th stand for one space
    held = min(there, tied)
    near = held == W.shape[1] and w[k - 1] > 1.001 * w[held - 1]  # all of R^d would be aligned with anything
    reads = R[: min(k, there) if near else held].T
    cosines = np.linalg.svd(top.T @ reads, compute_uv=False)
    found["deep.feature_weight_alignment", "default"] = float(cosines.mean())
    found["deep.feature_weight_alignment", "smallest"] = float(cosines.min())
    found["deep.feature_weight_alignment", "published"] = float(cosines.sum() / k)
    if k < W.shape[1]:
        outside = reads - top @ (top.T @ reads) if reads.shape[1] <= k else top - reads @ (reads.T @ top)
        found["deep.noise_alignment", "default"] = float(np.linalg.svd(outside, compute_uv=False).mean())
    return found


def _mean_cosine(A: Matrix, B: Matrix) -> float:
    return float(np.linalg.svd(A.T @ B, compute_uv=False).mean())


def _cka(Hc: Matrix, Yc: Matrix) -> float:
    """Through the N x N Gram matrices of its definition."""
    K, L = Hc @ Hc.T, Yc @ Yc.T
    return float((K * L).sum() / (np.linalg.norm(K) * np.linalg.norm(L)))


def _left(Hc: Matrix, Yc: Matrix) -> Matrix:
    """What least squares leaves, on columns of one scale; directions of less than d eps of the largest variance cut."""
    scale = Hc.std(0)
    columns = Hc[:, scale > 0] / scale[scale > 0]
    left, s, _ = np.linalg.svd(columns, full_matrices=False)
    kept = left[:, s**2 > Hc.shape[1] * EPS * s[0] ** 2]
    return Yc - kept @ (kept.T @ Yc)


def _by_direction(left: Matrix, Yc: Matrix) -> list[float]:
    """R2 along each principal direction of the targets, strongest first, of what a prediction leaves of them."""
    _, _, U = np.linalg.svd(Yc, full_matrices=False)
    U = U[: rank(Yc)]
    return list(1 - ((left @ U.T) ** 2).sum(0) / ((Yc @ U.T) ** 2).sum(0))


def top_measures(H: Matrix, Y: Matrix, W: Matrix) -> Named:
    """The measures of the last layer, whose weight W (n, d) gives the outputs."""
    n, d = Y.shape[1], H.shape[1]
    Hc, Yc = H - H.mean(0), Y - Y.mean(0)
    _, s, V = np.linalg.svd(Hc, full_matrices=False)
    uncentred = np.linalg.svd(H, full_matrices=False)[2]
    _, w, R = np.linalg.svd(W, full_matrices=False)
    rows = R[w > 1e-10 * w[0]].T
    found: Named = {(f"nrc.evr_{i}", "default"): float(s[i - 1] ** 2 / (s**2).sum()) for i in range(1, min(5, d) + 1)}
    for suffix, features in (("", H), ("_centred", Hc)):
        u = features / np.linalg.norm(features, axis=1, keepdims=True)
        found[f"nrc.1{suffix}", "default"] = _outside(u, V[:n].T)
        found[f"nrc.2{suffix}", "default"] = _outside(u, rows)
    directions = H / np.linalg.norm(H, axis=1, keepdims=True)
    found["nrc.1", "none"] = _outside(directions, uncentred[:n].T)
    found["nrc.1", "unnormalised"] = _outside(H, V[:n].T) / float((H**2).sum(1).mean())
    if n > 1 and W.shape[0] == n and rank(Yc) == n:
        found |= _third(W @ W.T, Yc.T @ Yc / len(Yc))
    return found


def _outside(u: Matrix, basis: Matrix) -> float:
    return float(((u - u @ basis @ basis.T) ** 2).sum(1).mean())


def _third(gram: Matrix, S_Y: Matrix) -> Named:
    """nrc.3, its gamma found by searching for where the slope is zero, and not in closed form."""
    values, vectors = np.linalg.eigh(S_Y)
    root, edge = (vectors * np.sqrt(values)) @ vectors.T, float(np.sqrt(values[0]))

    def less(s: float) -> Matrix:
        return root - s * np.eye(len(root))

    def distance(s: float) -> float:
        A = less(s)
        return float(np.linalg.norm(gram / np.linalg.norm(gram) - A / np.linalg.norm(A)) ** 2)

    def positive(s: float) -> float:
        A = (vectors * np.maximum(np.sqrt(values) - s, 0)) @ vectors.T
        return float(np.linalg.norm(gram / np.linalg.norm(gram) - A / np.linalg.norm(A)) ** 2)

    def slope(s: float) -> float:
        A = less(s)
        return float((gram * A).sum() * np.trace(A) - np.trace(gram) * (A * A).sum())

    turns = [float(brentq(slope, 0.0, edge, xtol=1e-15))] if slope(0.0) * slope(edge) < 0 else []
    best = min((0.0, edge, *turns), key=distance)
    found: Named = {
        ("nrc.3", "default"): distance(best),
        ("nrc.3", "gamma = 0"): distance(0.0),
        ("nrc.3_gamma_ratio", "default"): (best / edge) ** 2,
    }
    unnormalised = float(np.trace(root) - np.trace(gram)) / len(root)
    if 0 < unnormalised < float(np.sqrt(values[-1])):
        found["nrc.3", "un-normalised optimum"] = positive(unnormalised)
    return found


def balance_measures(W: Matrix, following: Matrix) -> Named:
    """How far a weight W (m, d) and the one after it (p, m) are from balance, whole and unit by unit."""
    given, read = W @ W.T, following.T @ following
    return {
        ("deep.balancedness", "default"): _apart(read, given),
        ("deep.balancedness", "diagonal"): _apart(np.diag(read), np.diag(given)),
    }


def _apart(A: Matrix, B: Matrix) -> float:
    return float(np.linalg.norm(A - B) / np.sqrt(np.linalg.norm(A) ** 2 + np.linalg.norm(B) ** 2))


def network_r2(output: Matrix, Y: Matrix, classes: bool = False) -> list[float] | None:
    """R2 along each direction of the targets of the network's outputs, of classes after an affine fit to one-hot; None
    where outputs and targets are of different widths."""
    if output.shape != Y.shape:
        return None
    Yc = Y - Y.mean(0)
    return _by_direction(_left(output - output.mean(0), Yc) if classes else output - Y, Yc)


def network_measures(output: Matrix, Y: Matrix, classes: bool = False) -> Named:
    """The measures that belong to no layer, from the network's outputs (N, m) and targets (N, n)."""
    t = np.linalg.svd(Y - Y.mean(0), compute_uv=False)
    found: Named = {
        ("deep.target_stable_rank", "default"): float((t**2).sum() / t[0] ** 2),
        ("deep.target_stable_rank", "covariance"): float((t**4).sum() / t[0] ** 4),
    }
    if output.shape == Y.shape:
        found["model.mse", "default"] = float(((output - Y) ** 2).mean())
    r2 = network_r2(output, Y, classes)
    if r2 is not None:
        spread = np.linalg.svd(output - Y - (output - Y).mean(0), compute_uv=False) ** 2
        if Y.shape[1] > 1 and spread[0] > 0:
            found["model.residual_whiteness", "default"] = float(spread[-1] / spread[0])
        found |= {(f"model.direction_r2_{i}", "default"): value for i, value in enumerate(r2[:10], 1)}
        found["model.direction_r2_smallest", "default"] = min(r2)
    return found
