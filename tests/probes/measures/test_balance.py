import itertools
import math

import pytest
import torch

from probes import Moments, Snapshot, balance
from probes.ufm import LinearMinimum


@pytest.fixture
def pair(layer, snap):
    """A snapshot of a layer whose weight is W, followed by V."""
    H, Y, _ = layer()

    def make(W, V, **rest):
        return snap(H, Y, W, following_weight=V, **rest)

    return make


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def by_hand(A, B):
    return float((A - B).norm()) / math.sqrt(float((A**2).sum() + (B**2).sum()))


def test_is_its_plain_computation(pair, value):
    W, V = random(10, 24), random(7, 10, seed=1)
    snapshot, A, B = pair(W, V), V.T @ V, W @ W.T
    assert value("deep.balancedness", snapshot) == pytest.approx(by_hand(A, B), rel=1e-12)
    assert value("deep.balancedness", snapshot, "diagonal") == pytest.approx(by_hand(A.diag(), B.diag()), rel=1e-12)


@pytest.mark.parametrize("near", [1.0, 0.3, 0.02, 1e-3, 1e-6])
@pytest.mark.parametrize(("p", "d"), [(3, 24), (24, 3), (4, 5)])
def test_of_many_outputs_it_is_the_same_by_smaller_products(p, d, near):
    """Whether weights share much or little, to the digits that a direct difference has."""
    U = torch.linalg.qr(random(40, 3))[0]
    s = torch.tensor([3.0, 2.0, 1.0], dtype=torch.float64)
    W = U * s @ torch.linalg.qr(random(d, 3, seed=1))[0].T + near * random(40, d, seed=2)
    V = torch.linalg.qr(random(p, 3, seed=3))[0] * s @ U.T + near * random(p, 40, seed=4)
    found = balance.balancedness(W, V).value
    assert found == pytest.approx(by_hand(V.T @ V, W @ W.T), rel=1e-10)
    assert balance.balancedness(V.T, W.T).value == pytest.approx(found, rel=1e-10)
    assert balance.balancedness(W, V, torch.linalg.svdvals(W)).value == pytest.approx(found, rel=1e-10)


@pytest.mark.parametrize("scale", [1.0, 1e-8, 1e8])
def test_balanced_weights_and_weights_that_share_nothing(pair, value, scale):
    U, Q = torch.linalg.qr(random(10, 10))[0], torch.linalg.qr(random(24, 10, seed=2))[0]
    s = torch.arange(1, 11).double() * scale
    W, V = U @ torch.diag(s) @ Q.T, torch.linalg.qr(random(12, 10, seed=3))[0] @ torch.diag(s) @ U.T
    for variant in ("default", "diagonal"):
        assert value("deep.balancedness", pair(W, V), variant) == pytest.approx(0, abs=1e-14)
        assert value("deep.balancedness", pair(W, 0 * V), variant) == pytest.approx(1, rel=1e-14)
    turned = V @ random(10, 10, seed=4)
    assert value("deep.balancedness", pair(W, turned)) > 0.1


def test_a_rotation_between_the_two_changes_the_diagonal_alone(pair, value):
    W, V, R = random(10, 24), random(7, 10, seed=1), torch.linalg.qr(random(10, 10, seed=2))[0]
    before, after = (value("deep.balancedness", pair(w, v)) for w, v in ((W, V), (R @ W, V @ R.T)))
    assert after == pytest.approx(before, rel=1e-12)
    diagonals = [value("deep.balancedness", pair(w, v), "diagonal") for w, v in ((W, V), (R @ W, V @ R.T))]
    assert abs(diagonals[0] - diagonals[1]) > 0.01


@pytest.mark.parametrize(("relu", "variant"), [(False, "default"), (False, "diagonal"), (True, "diagonal")])
def test_descent_with_weight_decay_ends_balanced(value, relu, variant):
    X, Y = random(60, 5), random(60, 5) @ random(5, 3, seed=1)
    W, V = (0.5 * random(*shape, seed=s) for shape, s in (((8, 5), 2), ((3, 8), 3)))
    for w in (W, V):
        w.requires_grad_()
    optimizer = torch.optim.SGD([W, V], lr=0.05, weight_decay=0.04)
    start = value("deep.balancedness", pair_of(W, V), variant)
    for _ in range(4000):
        optimizer.zero_grad()
        hidden = X @ W.T
        ((hidden.relu() if relu else hidden) @ V.T - Y).pow(2).mean().backward()
        optimizer.step()
    end = pair_of(W, V)
    assert start > 0.1
    assert value("deep.balancedness", end, variant) < 1e-4
    assert float(W.detach().norm()) > 0.1
    if relu:
        assert value("deep.balancedness", end) > 1e-2


@pytest.mark.parametrize("equal", [True, False])
def test_the_minimum_of_the_deep_linear_model_is_balanced_if_the_decay_is_equal(value, equal):
    S_Y = torch.diag(torch.tensor([1.0, 0.5, 0.2])).double()
    weights = LinearMinimum(S_Y, 0.02, (0.01, 0.01 if equal else 0.03, 0.01)).at(random(60, 3), (6, 6, 6))[1]
    for W, V in itertools.pairwise(weights):
        found = value("deep.balancedness", pair_of(W, V))
        # W_2'W_2 l_2 = W_1 W_1' l_1: of two that differ by a factor 3, |3 - 1| / sqrt(3^2 + 1)
        assert found == pytest.approx(0 if equal else 2 / 10**0.5, abs=1e-9)


def pair_of(W, V):
    moments = Moments(W.shape[1], 1)
    moments.update(random(9, W.shape[1]), random(9, 1))
    return Snapshot({"moments": moments}, W.detach().clone(), following_weight=V.detach().clone())


def test_the_note_says_when_it_is_exact(pair, outcome):
    found = outcome("deep.balancedness", pair(random(10, 24), random(7, 10)))
    assert (found.status, found.note) == ("ok", balance.LINEAR)
    assert outcome("deep.balancedness", pair(random(10, 24), random(7, 10)), "diagonal").note == ""


def test_what_cannot_be_measured_says_why(pair, outcome):
    W, V = random(10, 24), random(7, 10)
    bad = V.clone()
    bad[0, 0] = torch.nan
    for given, status, note in (
        (pair(W, None), "not defined", "no weight follows"),
        (pair(W, None, following_missing="Conv2d is not Linear"), "not defined", "Conv2d is not Linear"),
        (pair(W, V[:, :9]), "not defined", "the weight has 10 outputs, and the next reads 9 features"),
        (pair(0 * W, 0 * V), "degenerate", "both weights are zero"),
        (pair(W, bad), "degenerate", "the weight that follows holds NaN or infinity"),
        (pair(None, V), "not defined", "the layer has no weight matrix"),
    ):
        for variant in ("default", "diagonal"):
            found = outcome("deep.balancedness", given, variant)
            assert (found.status, found.note) == (status, note)
