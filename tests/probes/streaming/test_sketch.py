import pytest
import torch

from probes import Batch, DegenerateError, Moments, NotDefinedError
from probes.streaming.sketch import Sketch, _omega

N, D, K, S = 120, 90, 3, 24


def rows(seed=0, noise=0.05, offset=0.0):
    """Features (N, D) of K strong directions, and their targets."""
    g = torch.Generator().manual_seed(seed)
    Y = torch.randn(N, K, generator=g, dtype=torch.float64)
    H = Y @ torch.randn(K, D, generator=g, dtype=torch.float64) + offset
    return H + noise * torch.randn(N, D, generator=g, dtype=torch.float64), Y


def fed(H, Y, sizes=(N,), sketch=S):
    moments = Moments(D, K, sketch=sketch)
    for h, y in zip(H.split(sizes), Y.split(sizes), strict=True):
        moments.update(h, y)
    return moments


def test_all_but_the_covariance_of_the_features_is_exact():
    H, Y = rows(offset=100.0)
    exact, seen = fed(H, Y, sketch=None), fed(H, Y)
    for a, b in [
        (exact.joint.cross, seen.joint.cross),
        (exact.targets, seen.targets),
        (exact.mean, seen.mean),
        (exact.features.trace(), seen.features.trace()),
        (exact.features.diagonal(), seen.features.diagonal()),
    ]:
        torch.testing.assert_close(b, a, rtol=1e-10, atol=1e-10)
    assert seen.mean_square == pytest.approx(exact.mean_square, rel=1e-12)


@pytest.mark.parametrize("noise", [0.0, 0.05, 1.0])
def test_the_approximation_never_exceeds_the_covariance(noise):
    seen, exact = fed(*rows(noise=noise)).features, fed(*rows(noise=noise), sketch=None)
    left = torch.linalg.eigvalsh(exact.covariance[:D, :D] - seen.dense())
    assert left[0] > -1e-10
    assert left[-1] <= seen.rest + 1e-10


def test_features_of_fewer_directions_than_the_sketch_are_exact():
    H, Y = rows(noise=0.0)
    torch.testing.assert_close(fed(H, Y).features.dense(), fed(H, Y, sketch=None).covariance[:D, :D])


@pytest.mark.parametrize("sizes", [(60, 60), (1, 119), (7, 100, 0, 13)])
def test_neither_batches_nor_merging_change_it(sizes):
    H, Y = rows(offset=10.0)
    whole, parts = fed(H, Y), Moments(D, K, sketch=S)
    for h, y in zip(H.split(sizes), Y.split(sizes), strict=True):
        part = Moments(D, K, sketch=S)
        part.update(h, y)
        parts.merge(part)
    for other in (fed(H, Y, sizes), parts):
        torch.testing.assert_close(other.features.dense(), whole.features.dense(), rtol=1e-9, atol=1e-9)


def test_the_same_rows_give_the_same_numbers():
    assert torch.equal(fed(*rows()).features.X, fed(*rows()).features.X)
    assert torch.equal(_omega.__wrapped__(D, S, "cpu"), _omega.__wrapped__(D, S, "cpu"))


def test_classes_are_columns_of_their_own():
    H, Y = rows()
    labels = Y.argmax(1)
    hot = torch.nn.functional.one_hot(labels, K).double()
    exact, seen = Moments(D, K), Moments(D, K, sketch=S)
    for moments in (exact, seen):
        moments.update(Batch(H, hot, labels))
    torch.testing.assert_close(seen.joint.cross, exact.joint.cross)
    assert isinstance(seen.gram, Sketch)


def test_a_layer_no_wider_than_its_sketch_is_kept_whole():
    assert Moments(D, K, sketch=D).sketch is None
    assert Moments(D, K, sketch=D - 1).sketch == D - 1


def test_what_does_not_fit_or_exist_is_refused():
    with pytest.raises(ValueError, match="do not merge"):
        Moments(D, K, sketch=S).merge(Moments(D, K))
    with pytest.raises(ValueError, match="merges with one of the same widths"):
        Sketch(D, K, S).merge(Sketch(D, K, S + 1))
    with pytest.raises(NotDefinedError, match="a sketch was kept"):
        _ = fed(*rows()).covariance
    with pytest.raises(DegenerateError, match="too large"):
        _ = fed(torch.full((N, D), 1e200, dtype=torch.float64) * rows()[0], rows()[1]).joint
