import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression


def test_cka_of_the_first_n_columns(layer, snap, outcome, value):
    H, Y, W = layer()
    found = value("deep.cka", snap(H, Y, W), "first n columns")
    assert found == pytest.approx(value("deep.cka", snap(H[:, :4], Y)), rel=1e-10)
    Q = torch.linalg.qr(torch.randn(24, 24, dtype=torch.float64, generator=torch.Generator().manual_seed(0)))[0]
    assert value("deep.cka", snap(H @ Q, Y), "first n columns") != pytest.approx(found, rel=1e-3)
    H[:, :4] = 1.0
    assert outcome("deep.cka", snap(H, Y), "first n columns").note == "the first 4 features do not vary"
    assert outcome("deep.cka", snap(H[:, 4:7], Y), "first n columns").status == "not defined"


@pytest.mark.parametrize("d", [24, 100])
def test_linear_mse_without_intercept_is_scikit_learns(layer, snap, value, outcome, d):
    H, Y, _ = layer(d=d)
    fit = LinearRegression(fit_intercept=False).fit(H.numpy(), Y.numpy())
    wanted = ((fit.predict(H.numpy()) - Y.numpy()) ** 2).mean()
    found = value("deep.linear_mse", snap(H, Y), "without intercept")
    assert found == pytest.approx(wanted, rel=1e-8)
    assert found >= value("deep.linear_mse", snap(H, Y))
    few = outcome("deep.linear_mse", snap(H[:d], Y[:d]), "without intercept")
    assert (few.status, few.note) == ("degenerate", f"{d - 1} directions of N = {d} samples fit any targets exactly")


def test_a_constant_unit_is_an_intercept(layer, snap, value):
    H, Y, _ = layer()
    H[:, 3] = 2.0
    assert value("deep.linear_mse", snap(H, Y), "without intercept") == value("deep.linear_mse", snap(H, Y))
    H[:, 3] = 0.0
    assert value("deep.linear_mse", snap(H, Y), "without intercept") > value("deep.linear_mse", snap(H, Y))


@pytest.mark.parametrize(("offset", "is_one"), [(1.0, True), (1e-9, True), (0.0, False)])
def test_a_direction_that_is_constant_is_one_too(layer, snap, value, offset, is_one):
    H, Y, _ = layer()
    H = H - H.mean(1, keepdim=True) + offset  # as behind a LayerNorm: all rows sum to 24 times the offset
    plain, without = value("deep.linear_mse", snap(H, Y)), value("deep.linear_mse", snap(H, Y), "without intercept")
    assert (without == pytest.approx(plain, rel=1e-9)) == is_one


def test_unnormalised_nrc1_weighs_rows_by_their_length(layer, snap, value):
    H, Y, _ = layer()
    V = np.linalg.svd((H - H.mean(0)).numpy(), full_matrices=False)[2][:4].T
    rest = H.numpy() - H.numpy() @ V @ V.T
    assert value("nrc.1", snap(H, Y), "unnormalised") == pytest.approx(
        (rest**2).sum() / (H.numpy() ** 2).sum(), rel=1e-9
    )
    same = H / H.norm(dim=1, keepdim=True)
    assert value("nrc.1", snap(same, Y), "unnormalised") == pytest.approx(value("nrc.1", snap(same, Y)), rel=1e-9)


def test_nrc3_at_the_unnormalised_optimum(layer, snap, outcome, value):
    H, Y, W = layer(m=4)
    small = 0.05 * W
    gram, S_Y = (small @ small.mT).numpy(), torch.cov(Y.mT, correction=0).numpy()
    t, U = np.linalg.eigh(S_Y)
    s = (np.sqrt(t).sum() - np.trace(gram)) / 4
    A = (U * np.maximum(np.sqrt(t) - s, 0)) @ U.T
    wanted = np.linalg.norm(gram / np.linalg.norm(gram) - A / np.linalg.norm(A)) ** 2
    found = outcome("nrc.3", snap(H, Y, small), "un-normalised optimum")
    assert found.value == pytest.approx(wanted, rel=1e-9)
    assert found.note == f"gamma = {s**2:.3g}"
    assert outcome("nrc.3", snap(H, Y, 100 * W), "un-normalised optimum").status == "not defined"
    root = (U * np.sqrt(t)) @ U.T
    plain = np.linalg.norm(gram / np.linalg.norm(gram) - root / np.linalg.norm(root)) ** 2
    assert value("nrc.3", snap(H, Y, small), "gamma = 0") == pytest.approx(plain, rel=1e-9)
    assert value("nrc.3", snap(H, Y, small)) <= min(wanted, plain) * (1 + 1e-12)
