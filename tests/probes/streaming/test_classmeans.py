import pytest
import torch

from probes import Batch, Moments
from probes.streaming.classmeans import ClassMeans


def seen(H, labels, K, sizes):
    found = ClassMeans(H.shape[1], K)
    for h, y in zip(H.split(sizes), labels.split(sizes), strict=True):
        mean = h.mean(0)
        shares = found.update(h - mean, mean, y)
        assert torch.allclose(shares, y.bincount(minlength=K).double() / len(y), atol=1e-15)
    return found


def test_means_are_those_of_each_class_and_merge(classes):
    H, Y, _ = classes(K=6)
    y = Y.argmax(1)
    whole, parts = seen(H, y, 7, 50), seen(H[:300], y[:300], 7, 50)
    parts.merge(seen(H[300:], y[300:], 7, 11))
    for found in (whole, parts):
        assert found.counts.tolist() == y.bincount(minlength=7).tolist()
        for k in range(6):
            assert torch.allclose(found.means[k], H[y == k].mean(0), rtol=1e-13)
        assert found.means[6].tolist() == [0.0] * 24


@pytest.mark.parametrize("known", [(True, True), (True, False), (False, True)])
def test_moments_of_labelled_and_other_batches_are_those_of_one_hot_columns(classes, known):
    H, Y, _ = classes(N=300)
    found, merged, wanted = Moments(24, 5), Moments(24, 5), Moments(24, 5)
    wanted.update(H, Y)
    for at, labelled in zip(torch.arange(300).split(200), known, strict=True):
        part, batch = Moments(24, 5), Batch(H[at], Y[at], Y[at].argmax(1) if labelled else None)
        for moments in (found, part):
            moments.update(batch)
        merged.merge(part)
    for moments in (found, merged):
        assert (moments.classes is not None) == all(known)
        assert torch.allclose(moments.mean, wanted.mean, rtol=1e-13, atol=1e-15)
        assert (
            float((moments.covariance - wanted.covariance).abs().max())
            < 1e-14 * float(wanted.covariance.abs().max()) * 20
        )
