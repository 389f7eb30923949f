"""Eigenvalues at once and eigenvectors when asked for are those of the whole decomposition."""

import pytest
import torch

from probes import subspace
from probes.algebra.factored import Factored
from probes.algebra.reduced import Reduced
from probes.subspace import late_spectrum, linear_fit, principal_sines, spectrum

G = torch.Generator().manual_seed(0)
D = 140
Q = torch.linalg.qr(torch.randn(D, D, generator=G, dtype=torch.float64)).Q
FALLS = {
    "slow": torch.arange(1, D + 1).double() ** -1,
    "steep": torch.arange(1, D + 1).double() ** -6,
    "low rank": torch.cat([torch.arange(9, 0, -1), torch.zeros(D - 9)]).double(),
    "huge": 1.7e308 * torch.arange(1, D + 1).double() ** -1,
    "tiny": 1e-250 * torch.arange(1, D + 1).double() ** -1,
}


@pytest.mark.parametrize("fall", FALLS.values(), ids=FALLS)
@pytest.mark.parametrize("k", [1, 4, 9, 60, D])
def test_values_and_vectors_are_those_of_the_whole(fall, k):
    S = Q * fall @ Q.mT
    found, whole = late_spectrum((S + S.mT) / 2), spectrum((S + S.mT) / 2)
    assert isinstance(found.basis, Reduced)
    assert found.basis.shape == (D, D)
    torch.testing.assert_close(found.values, whole.values, rtol=0, atol=1e-14 * float(fall[0]))
    V = found.leading(k)
    torch.testing.assert_close(V.mT @ V, torch.eye(k).double(), rtol=0, atol=1e-13)
    assert found.leading(k) is V or k > D // 4
    if k <= 9:
        assert float(principal_sines(V, whole.leading(k)).max()) < 1e-9


def test_the_basis_turns_and_weighs_as_its_vectors_do():
    S = Q * FALLS["slow"] @ Q.mT
    basis, A = Reduced.of(S), torch.randn(3, D, generator=G, dtype=torch.float64)
    torch.testing.assert_close((basis.whole * basis.values) @ basis.whole.mT, S, rtol=0, atol=1e-14)
    torch.testing.assert_close(basis.turn(A), A @ basis.whole)
    torch.testing.assert_close(basis.squares(A[0] ** 2), (A[0] ** 2) @ basis.whole**2)


@pytest.mark.parametrize("threads", [1, 100])
def test_narrow_and_few_ones_and_those_of_many_threads_are_decomposed_at_once(monkeypatch, threads):
    monkeypatch.setattr(subspace.torch, "get_num_threads", lambda: threads)
    S = Q * FALLS["slow"] @ Q.mT
    assert isinstance(late_spectrum(S).basis, Reduced) == (threads == 1)
    assert isinstance(late_spectrum(S[:50, :50]).basis, torch.Tensor)
    assert isinstance(late_spectrum(Factored(Q[:20])).basis, torch.Tensor)


@pytest.mark.parametrize(("fall", "used"), [("slow", D), ("steep", None), ("low rank", 9)])
@pytest.mark.parametrize("most", [None, 5, D])
def test_a_linear_fit_is_the_same_by_either(fall, used, most):
    X = torch.randn(4 * D, D, generator=G, dtype=torch.float64) * FALLS[fall].sqrt() @ Q.mT
    Y = X @ torch.randn(D, 2, generator=G, dtype=torch.float64) + torch.randn(4 * D, 2, generator=G).double()
    S, cross, S_Y = (a.mT @ b / (4 * D) for a, b in ((X, X), (X, Y), (Y, Y)))
    late, early = (linear_fit(S, made(S), cross, S_Y, most=most) for made in (late_spectrum, spectrum))
    assert (late.used, late.cut) == (early.used, early.cut)
    assert used is None or late.used == min(used, D if most is None else most)
    assert late.mse == pytest.approx(early.mse, rel=1e-11)
    assert late.residual.trace() == pytest.approx(early.residual.trace(), rel=1e-11)
