import random

import numpy as np
import pytest
import torch

from probes import Batch, Moments


def seen(H, Y, sizes):
    moments = Moments(H.shape[1], Y.shape[1])
    for h, y in zip(H.split(sizes), Y.split(sizes), strict=True):
        moments.update(h, y)
    return moments


def brute(H, Y):
    """Two passes in long double over the numbers as they are stored."""
    Z = np.concatenate([H.numpy().astype(np.longdouble), Y.numpy().astype(np.longdouble)], 1)
    centred = Z - Z.mean(0)
    return torch.from_numpy((centred.T @ centred / len(Z)).astype(np.float64))


def assert_same(a, b, tolerance):
    assert a.count == b.count
    for name in ("mean", "covariance"):
        x, y = getattr(a, name), getattr(b, name)
        assert float((x - y).norm()) <= tolerance * float(y.norm()), name


def relative(found, wanted):
    return float(((found - wanted) / wanted.diagonal().outer(wanted.diagonal()).sqrt()).abs().max())


@pytest.mark.parametrize("seed", range(6))
def test_merge_of_any_split_is_the_whole(layer, seed):
    H, Y, _ = layer(seed=seed)
    draw = random.Random(seed)
    cuts = [*sorted(draw.choices(range(701), k=6)), 700]
    sizes = [b - a for a, b in zip([0, *cuts], cuts, strict=False)]
    parts = [seen(h, y, [len(h)]) for h, y in zip(H.split(sizes), Y.split(sizes), strict=True)]
    while len(parts) > 1:
        draw.shuffle(parts)
        parts.append(parts.pop() + parts.pop())
    assert_same(parts[0], seen(H, Y, [700]), 1e-12)


def test_nothing_and_nothing_is_nothing():
    assert (Moments(3, 2) + Moments(3, 2)).count == 0


def test_sum_leaves_its_operands_as_they_were(layer):
    H, Y, _ = layer()
    a, b = seen(H[:300], Y[:300], [300]), seen(H[300:], Y[300:], [400])
    before = [t.clone() for m in (a, b) for t in (m.mean, m.scatter)]
    total = a + b
    total.update(H, Y)
    assert (a.count, b.count, total.count) == (300, 400, 1400)
    assert all(torch.equal(x, y) for x, y in zip(before, (a.mean, a.scatter, b.mean, b.scatter), strict=True))


@pytest.mark.parametrize("sizes", [[699, 1], [1] * 700, [0, 350, 0, 350, 0], [3, 597, 100]], ids=str)
def test_batching_changes_nothing(layer, sizes):
    H, Y, _ = layer()
    assert_same(seen(H, Y, sizes), seen(H, Y, [700]), 1e-12)


@pytest.mark.parametrize("sizes", [[700], [1] * 700, [64] * 10 + [60]], ids=["whole", "ones", "64"])
@pytest.mark.parametrize(("spread", "tolerance"), [(1.0, 1e-9), (1e-4, 1e-6)])
def test_offset_of_1e4_costs_no_digits(layer, sizes, spread, tolerance):
    H, Y, _ = layer()
    H, Y = spread * (H - H.mean(0)) + 1e4, spread * (Y - Y.mean(0)) - 1e4
    assert relative(seen(H, Y, sizes).covariance, brute(H, Y)) < tolerance


@pytest.mark.parametrize("first", [0.0, 1e4, 7.3])
def test_dead_first_batch_comes_alive(layer, first):
    H, Y, _ = layer()
    H[:100] = first
    assert relative(seen(H, Y, [100, 300, 300]).covariance, brute(H, Y)) < 1e-9


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_whatever_arrives_is_summed_in_float64(layer, dtype):
    H, Y, _ = layer()
    H, Y = H.to(dtype), Y.to(dtype)
    assert relative(seen(H, Y, [64] * 10 + [60]).covariance, brute(H.double(), Y.double())) < 1e-12


@pytest.mark.parametrize("classes", [False, True])
@pytest.mark.parametrize("sizes", [[2, 2], [2, 698], [350, 350], [1, 699]])  # few rows, which are kept, and many
def test_memory_that_is_given_away_is_written_over_and_changes_nothing(layer, sizes, classes):
    H, Y, _ = layer()
    H, Y = H[: sum(sizes)], Y[: sum(sizes)]
    labels = torch.arange(len(H)) % Y.shape[1] if classes else None
    Y = torch.eye(Y.shape[1], dtype=Y.dtype)[labels] if classes else Y
    memory = torch.empty(701, H.shape[1] + Y.shape[1], dtype=torch.float64)
    lent, own = Moments(H.shape[1], Y.shape[1]), Moments(H.shape[1], Y.shape[1])
    at = 0
    for size in sizes:
        here = slice(at, at + size)
        given = None if labels is None else labels[here]
        rows = memory[: size + 1]
        rows[:-1] = torch.cat([H[here], Y[here]], 1)
        lent.update(Batch(rows[:-1, : H.shape[1]], rows[:-1, H.shape[1] :], given), memory=rows)
        own.update(Batch(H[here], Y[here], given))
        rows.fill_(torch.nan)  # the next batch but one
        at += size
    assert_same(lent, own, 1e-14)


def test_input_is_left_as_it_was(layer):
    H, Y, _ = layer(N=9)
    kept = H.clone(), Y.clone()
    seen(H, Y, [4, 5])
    assert torch.equal(H, kept[0])
    assert torch.equal(Y, kept[1])
