import random

import pytest
import torch

from probes import Directions


def seen(H, sizes):
    directions = Directions(H.shape[1])
    for h in H.split(sizes):
        directions.update(h)
    return directions


def brute(H):
    U = H.double() / H.double().norm(dim=1, keepdim=True)
    return U.T @ U / len(U)


@pytest.mark.parametrize("d", [24, 150])
@pytest.mark.parametrize("sizes", [[700], [1] * 700, [0, 699, 1]], ids=["whole", "ones", "ragged"])
def test_is_the_second_moment_of_unit_rows(layer, d, sizes):
    H = layer(d=d)[0]
    directions = seen(H, sizes)
    torch.testing.assert_close(directions.second, brute(H), rtol=1e-12, atol=1e-14)
    assert float(directions.second.trace()) == pytest.approx(1, rel=1e-13)


@pytest.mark.parametrize("seed", range(4))
def test_merge_of_any_split_is_the_whole(layer, seed):
    H = layer(seed=seed)[0]
    H[::7] = 0
    draw = random.Random(seed)
    cuts = [*sorted(draw.choices(range(701), k=5)), 700]
    parts = [seen(h, [len(h)]) for h in H.split([b - a for a, b in zip([0, *cuts], cuts, strict=False)])]
    while len(parts) > 1:
        draw.shuffle(parts)
        parts.append(parts.pop() + parts.pop())
    whole = seen(H, [700])
    assert (parts[0].count, parts[0].dropped) == (whole.count, whole.dropped) == (600, 100)
    assert float((parts[0].second - whole.second).norm()) <= 1e-12 * float(whole.second.norm())


def test_sum_leaves_its_operands_as_they_were(layer):
    H = layer()[0]
    a, b = seen(H[:300], [300]), seen(H[300:], [400])
    before = a.gram.matrix.clone(), b.gram.matrix.clone()
    (a + b).update(H)
    assert (a.count, b.count) == (300, 400)
    assert torch.equal(a.gram.matrix, before[0])
    assert torch.equal(b.gram.matrix, before[1])


def test_rows_of_zero_norm_are_dropped_and_counted(layer):
    H = layer()[0]
    H[:50] = 0
    directions = seen(H, [50, 650])
    assert (directions.count, directions.dropped) == (650, 50)
    torch.testing.assert_close(directions.second, brute(H[50:]), rtol=1e-12, atol=1e-14)


@pytest.mark.parametrize("scale", [1e-300, 1e-200, 1e200])
def test_norms_neither_vanish_nor_overflow(layer, scale):
    H = layer()[0]
    torch.testing.assert_close(seen(H * scale, [700]).second, brute(H), rtol=1e-9, atol=1e-12)


def test_rows_that_are_not_finite_do_not_pass_for_dead_ones(layer):
    H = layer(N=10)[0]
    H[3, 2] = torch.nan
    assert seen(H, [10]).dropped == 0
