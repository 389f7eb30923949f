"""Few rows by their products with one another: the directions that a singular value decomposition of them has."""

import pytest
import torch

from probes import subspace
from probes.algebra.factored import Factored
from probes.algebra.fewrows import FewRows
from probes.subspace import late_spectrum, linear_fit, principal_sines, spectrum

G = torch.Generator().manual_seed(0)
R, D = 150, 320
FALLS = {
    "level": torch.ones(R, dtype=torch.float64),
    "slow": torch.arange(1, R + 1).double() ** -0.5,
    "steep": torch.arange(1, R + 1).double() ** -3,
    "low rank": torch.cat([torch.arange(9, 0, -1), torch.zeros(R - 9)]).double(),
    "huge": 1e150 * torch.arange(1, R + 1).double() ** -1,
    "tiny": 1e-150 * torch.arange(1, R + 1).double() ** -1,
}


def drawn(*shape):
    return torch.randn(*shape, generator=G, dtype=torch.float64)


def rows(fall, centred=True):
    """Rows (R, D) whose singular values fall so; centred, as they come, so that one direction is 0."""
    left, right = torch.linalg.qr(drawn(R, R)).Q, torch.linalg.qr(drawn(D, R)).Q
    X = left * fall @ right.mT
    return X - X.mean(0) if centred else X


@pytest.mark.parametrize("fall", FALLS.values(), ids=FALLS)
def test_values_and_vectors_are_those_of_the_decomposition(fall):
    X = rows(fall)
    found, whole = late_spectrum(Factored(X)), spectrum(Factored(X))
    assert isinstance(found.basis, FewRows)
    assert found.basis.shape == (D, R)
    torch.testing.assert_close(found.values, whole.values, rtol=0, atol=1e-14 * float(whole.values[0]))
    for k in (1, 5, 9, R):
        V = found.leading(k)
        assert V.shape == (D, k)
        torch.testing.assert_close(V.mT @ V, torch.eye(k).double(), rtol=0, atol=1e-13)
    told = int((whole.values > 1e-9 * whole.values[0]).sum())  # a span is as sharp as the gap behind it
    assert float(principal_sines(found.leading(told), whole.leading(told)).max()) < 1e-6


def test_the_basis_turns_and_weighs_as_its_vectors_do():
    basis, A = FewRows.of(rows(FALLS["slow"], centred=False)), drawn(3, D)
    V = basis.leading(R)
    torch.testing.assert_close(basis.turn(A), A @ V)
    torch.testing.assert_close(basis.squares(A[0] ** 2), (A[0] ** 2) @ V**2)
    torch.testing.assert_close((V * basis.values) @ V.mT, basis.X.mT @ basis.X, rtol=0, atol=1e-13)


@pytest.mark.parametrize("threads", [1, 100])
def test_few_ones_and_those_of_many_threads_are_decomposed_at_once(monkeypatch, threads):
    monkeypatch.setattr(subspace.torch, "get_num_threads", lambda: threads)
    X = rows(FALLS["slow"])
    assert isinstance(late_spectrum(Factored(X)).basis, FewRows) == (threads == 1)
    assert isinstance(late_spectrum(Factored(X[:100])).basis, torch.Tensor)
    more = late_spectrum(Factored(X[:, :140]))  # more rows than features have no more directions
    assert isinstance(more.basis, torch.Tensor)
    assert more.values.shape == (140,)


@pytest.mark.parametrize("fall", ["slow", "steep", "low rank"])
@pytest.mark.parametrize("most", [None, 5, R])
@pytest.mark.parametrize("held", [0.0, 2.0**-48])
def test_a_linear_fit_is_the_same_by_either(fall, most, held):
    X = rows(FALLS[fall]) / R**0.5
    noise = drawn(R, 2)
    Y = X @ drawn(D, 2) + 0.3 * (noise - noise.mean(0)) / R**0.5
    S, cross, S_Y = Factored(X), X.mT @ Y, Y.mT @ Y
    rounding = held * S.diagonal() if held else None
    one, other = (linear_fit(S, of(S), cross, S_Y, rounding, most) for of in (late_spectrum, spectrum))
    assert (one.used, one.cut) == (other.used, other.cut)
    torch.testing.assert_close(one.residual.dense(), other.residual.dense(), rtol=1e-8, atol=1e-8 * float(S_Y.trace()))
