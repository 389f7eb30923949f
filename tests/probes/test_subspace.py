import numpy as np
import pytest
import scipy.linalg
import torch

from probes import Spectrum, chance_cosine, principal_cosines, principal_sines, singular, spectrum
from probes.subspace import linear_fit, row_space


def rand(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def frame(d, k, seed=0):
    return torch.linalg.qr(rand(d, k, seed=seed))[0]


@pytest.mark.parametrize(("p", "q"), [(1, 1), (3, 3), (2, 5), (5, 2)])
def test_angles_are_scipys(p, q):
    A, B = frame(24, p), frame(24, q, seed=1)
    angles = np.sort(scipy.linalg.subspace_angles(A.numpy(), B.numpy()))
    np.testing.assert_allclose(principal_cosines(A, B), np.cos(angles), rtol=1e-12)
    if p <= q:
        np.testing.assert_allclose(np.sort(principal_sines(A, B)), np.sin(angles), rtol=1e-12)


def test_small_angle_keeps_its_digits_and_no_cosine_passes_1():
    A = frame(10, 4)
    tilted = A[:, :2] + 1e-12 * A[:, 2:]
    np.testing.assert_allclose(principal_sines(tilted, A[:, :2]), 1e-12, rtol=1e-3)
    assert float(principal_cosines(2 * A, A).max()) == 1


@pytest.mark.parametrize("shape", [(4, 24), (24, 24), (864, 24)], ids=str)
def test_singular_is_numpys(shape):
    W = rand(*shape)
    found, (_, values, right) = singular(W), np.linalg.svd(W.numpy(), full_matrices=False)
    np.testing.assert_allclose(found.values, values, rtol=1e-12)
    np.testing.assert_allclose((found.vectors.numpy() * right.T).sum(0) ** 2, 1, rtol=1e-9)
    assert found.dim == 24


def test_spectrum_is_descending_and_rebuilds_its_matrix():
    S = rand(30, 7).T @ rand(30, 7)
    found = spectrum(S)
    assert bool((found.values.diff() <= 0).all())
    torch.testing.assert_close(found.vectors * found.values @ found.vectors.T, S)
    assert found.total == pytest.approx(float(S.trace()))
    assert torch.equal(torch.cat([found.leading(3), found.remaining(3)], 1), found.vectors)


def test_gap_and_rank():
    found = Spectrum(torch.tensor([8.0, 4.0, 1e-3, -1e-9]), torch.eye(4))
    assert [found.gap(k) for k in (1, 3, 4)] == [2, float("inf"), float("inf")]
    assert [found.rank(t) for t in (0, 1e-3, 5)] == [3, 2, 1]


def test_row_space_reveals_the_rank_to_1e_10():
    W = frame(12, 3).T * torch.tensor([[1.0], [1e-9], [1e-11]])
    assert row_space(singular(W)).shape == (12, 2)


@pytest.mark.parametrize(("k", "d"), [(2, 64), (5, 200)])
def test_chance_is_what_random_planes_give(k, d):
    cosines = [float(principal_cosines(frame(d, k, seed=i), frame(d, k, seed=1000 + i)).mean()) for i in range(300)]
    assert chance_cosine(k, d) == pytest.approx(np.mean(cosines), rel=0.07)
    assert chance_cosine(d, d) == 1


def test_directions_that_are_only_rounding_are_not_fitted():
    """Behind a LayerNorm the features sum to 0 but for float32 rounding; their sum must not predict anything."""
    g = torch.Generator().manual_seed(0)
    H = torch.nn.functional.layer_norm(torch.randn(4000, 32, generator=g), (32,))
    exact = H.double() - H.double().mean(1, keepdim=True)
    lost = H.double().sum(1)  # what rounding left of the sum
    Y = torch.stack((lost / lost.std(), exact[:, 0]), 1)
    U, V, C = H.double() - H.double().mean(0), Y - Y.mean(0), exact - exact.mean(0)
    S_H, S_HY, S_Y = U.T @ U / 4000, U.T @ V / 4000, V.T @ V / 4000
    rounding = (2.0**-24) ** 2 * H.double().square().mean(0)
    fit = linear_fit(S_H, spectrum(S_H), S_HY, S_Y, rounding)
    assert fit.cut == 1
    wanted = (V - C @ torch.linalg.lstsq(C, V, driver="gelsd").solution).square().mean()
    assert fit.mse == pytest.approx(float(wanted), rel=1e-6)
    assert linear_fit(S_H, spectrum(S_H), S_HY, S_Y).mse < 0.9 * float(wanted)


@pytest.mark.parametrize("d", [16, 64, 256])
@pytest.mark.parametrize("e", [1e-5, 1e-6, 3e-7, 1e-7, 3e-8, 1e-8])
def test_a_feature_of_little_more_than_its_rounding_takes_no_other_along(d, e):
    g = torch.Generator().manual_seed(0)
    H = torch.randn(2000, 10, dtype=torch.float64, generator=g) @ torch.randn(10, d, dtype=torch.float64, generator=g)
    H = H.relu()
    H[:, 3] = 0.3 + e * H[:, 3]
    H = H.float().double()
    Y = H @ torch.randn(d, 2, dtype=torch.float64, generator=g)
    U, V = H - H.mean(0), Y - Y.mean(0)
    S_H, S_HY, S_Y = U.T @ U / 2000, U.T @ V / 2000, V.T @ V / 2000
    fit = linear_fit(S_H, spectrum(S_H), S_HY, S_Y, (2.0**-24) ** 2 * H.square().mean(0))
    assert fit.mse * 2 / float(S_Y.trace()) < 1e-12


def test_a_feature_that_hardly_varies_is_still_fitted_above_its_rounding():
    g = torch.Generator().manual_seed(1)
    H = torch.randn(500, 3, dtype=torch.float64, generator=g) * torch.tensor([1.0, 1.0, 1e-3], dtype=torch.float64)
    H = (H + torch.tensor([0.0, 0.0, 1.0])).float().double()
    Y = H[:, 2:] - H[:, 2:].mean()
    U = H - H.mean(0)
    S_H, S_HY, S_Y = U.T @ U / 500, U.T @ Y / 500, Y.T @ Y / 500
    fit = linear_fit(S_H, spectrum(S_H), S_HY, S_Y, (2.0**-24) ** 2 * H.square().mean(0))
    assert (fit.cut, fit.mse) == (0, pytest.approx(0, abs=1e-18))
