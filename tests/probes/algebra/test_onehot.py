"""Classes by their labels against one-hot columns: every measure, its null level and its floor."""

import pytest
import torch

from probes import CATALOG, Batch, HeldOut, Moments, Snapshot
from probes.algebra.onehot import OneHot, forms, turned, weighed
from probes.subspace import Spectrum, spectrum

TIED = ("direction_r2",)  # read along single directions, which ties leave open


def labels(K, distinct, draw):
    """Classes of sizes 2, 3, 4, ..., or of three sizes; one class stays away."""
    sizes = torch.arange(2, K + 2) if distinct else torch.tensor([3, 5, 5]).repeat(K)[:K]
    sizes[K // 2] = 0
    found = torch.arange(K).repeat_interleave(sizes)
    return found[torch.randperm(len(found), generator=draw)]


def layer(K, d, distinct, seed=0):
    draw = torch.Generator().manual_seed(seed)
    y = labels(K, distinct, draw)
    kw = {"generator": draw, "dtype": torch.float64}
    H = torch.randn(K, d, **kw)[y] + 0.5 * torch.randn(len(y), d, **kw) + torch.randn(d, **kw)
    W = torch.randn(K, d, **kw)
    return H, torch.nn.functional.one_hot(y, K).double(), W, H @ W.mT


def streamed(H, Y, classes, sizes=97):
    """Moments by the classes (N,), or of one-hot columns where there are none."""
    found = Moments(H.shape[1], Y.shape[1])
    for at in torch.arange(len(H)).split(sizes):
        found.update(Batch(H[at], Y[at], None if classes is None else classes[at]))
    return found


def both(snap, K, d, distinct, rank=None, seed=0):
    """The layer by one-hot columns, and by labels."""
    H, Y, W, F = layer(K, d, distinct, seed)
    told = {"rank": rank, "one_hot": True, "network_mse": 0.3, "network_accuracy": 0.7, "following_weight": W.mT}
    dense = snap(H, Y, W, network_outputs=streamed(F - Y, Y, None), **told)
    known = {**dense.statistics, "moments": streamed(H, Y, Y.argmax(1))}
    return dense, Snapshot(known, W, network_outputs=streamed(F - Y, Y, Y.argmax(1)), **told)


CASES = [(6, 20, True, None), (70, 80, True, None), (70, 80, False, None), (80, 12, True, 5), (80, 12, False, None)]


@pytest.mark.parametrize(("K", "d", "distinct", "rank"), CASES)
def test_every_measure_is_that_of_one_hot_columns(snap, K, d, distinct, rank):
    dense, labelled = both(snap, K, d, distinct, rank)
    assert isinstance(labelled.joint.targets, OneHot)
    compared, apart = 0, []
    for probe in CATALOG:
        if (not distinct and probe.name.split(".")[1].startswith(TIED)) or probe.name == "features.two_nn":
            continue
        plain, found = probe.evaluate(dense), probe.evaluate(labelled)
        pairs = {
            "status": ((plain.outcome.status, plain.outcome.note), (found.outcome.status, found.outcome.note)),
            "chance": (plain.chance, found.chance), "high": (plain.chance_high, found.chance_high),
            "floor": (plain.floor, found.floor),
        }  # fmt: skip
        if plain.outcome.status == "ok":
            pairs["value"], compared = (plain.outcome.value, found.outcome.value), compared + 1
        apart += [(probe.label, name, *pair) for name, pair in pairs.items() if not same(*pair)]
    assert not apart
    assert compared > 40


def same(wanted, found):
    return found == (pytest.approx(wanted, rel=1e-9, abs=1e-11) if isinstance(wanted, float) else wanted)


@pytest.mark.parametrize(("K", "d", "distinct"), [(6, 20, True), (70, 80, True), (70, 12, False)])
def test_every_held_out_measure_too(snap, K, d, distinct):
    fitted, held = both(snap, K, d, distinct), both(snap, K, d, distinct, seed=1)
    for probe in (p for p in CATALOG if p.held_out is not None):
        if not distinct and probe.name.split(".")[1].startswith(TIED):
            continue
        plain, found = (probe.evaluate_held(HeldOut(a, b)).outcome for a, b in zip(fitted, held, strict=True))
        assert (found.status, found.note) == (plain.status, plain.note), probe.label
        assert found.value == pytest.approx(plain.value, rel=1e-9, abs=1e-11, nan_ok=True), probe.label


@pytest.mark.parametrize("distinct", [True, False])
@pytest.mark.parametrize("K", [2, 7, 90])
def test_eigenvectors_are_those_of_the_matrix(K, distinct):
    draw = torch.Generator().manual_seed(K)
    shares = labels(K, distinct, draw).bincount(minlength=K).double()
    S = OneHot(shares / shares.sum())
    values, basis = S.eigen()
    assert float((values - spectrum(S.dense()).values).abs().max()) < 1e-14
    U = basis.leading(K)
    assert float((U.mT @ U - torch.eye(K)).abs().max()) < 1e-13
    assert float((S.dense() @ U - U * values).abs().max()) < 1e-14
    A, weights = torch.randn(3, K, generator=draw).double(), torch.rand(K, generator=draw).double()
    assert float((turned(A, basis, 2) - A @ U[:, :2]).abs().max()) < 1e-13
    assert float((weighed(weights, basis) - weighed(weights, U)).abs().max()) < 1e-13
    moved = S.about(torch.randn(K, generator=draw).double())
    for wanted in (S, moved):
        assert float((forms(wanted, basis, K) - forms(wanted.dense(), U, K)).abs().max()) < 1e-12
        assert float((wanted.diagonal() - wanted.dense().diagonal()).abs().max()) < 1e-14
    assert float((forms(S.dense(), basis, K) - values).abs().max()) < 1e-13


def test_a_spectrum_of_many_classes_writes_vectors_out_on_request():
    found = spectrum(OneHot(torch.full((80,), 1 / 80).double()))
    assert not isinstance(found.basis, torch.Tensor)
    assert (found.dim, found.leading(3).shape, found.remaining(78).shape) == (80, (80, 3), (80, 2))
    assert torch.equal(Spectrum(found.values, found.vectors).leading(3), found.leading(3))
