import random

import pytest
import torch
from torch.nn.functional import one_hot

from probes import Classes, is_one_hot


def seen(H, Y, sizes, K=5):
    classes = Classes(H.shape[1], K)
    for h, y in zip(H.split(sizes), Y.split(sizes), strict=True):
        classes.update(h, y)
    return classes


def brute(H, labels, K):
    """Counts, means and S_W by a loop over classes."""
    H = H.double()
    counts = torch.tensor([int((labels == k).sum()) for k in range(K)]).double()
    means = torch.stack([H[labels == k].mean(0) if counts[k] else torch.zeros(H.shape[1]).double() for k in range(K)])
    rest = H - means[labels]
    return counts, means, rest.T @ rest / len(H)


def assert_same(a, b, tolerance=1e-12):
    assert torch.equal(a.counts, b.counts)
    for name in ("means", "within"):
        x, y = getattr(a, name), getattr(b, name)
        assert float((x - y).norm()) <= tolerance * float(y.norm()), name


@pytest.mark.parametrize("d", [24, 150])
@pytest.mark.parametrize("sizes", [[700], [1] * 700, [699, 1], [0, 350, 0, 350, 0], [64] * 10 + [60]], ids=len)
def test_counts_means_and_scatter_are_those_of_a_loop(classes, d, sizes):
    H, Y, _ = classes(d=d)
    found = seen(H, Y, sizes)
    counts, means, within = brute(H, Y.argmax(1), 5)
    assert torch.equal(found.counts, counts)
    torch.testing.assert_close(found.means, means, rtol=1e-12, atol=1e-13)
    torch.testing.assert_close(found.within, within, rtol=1e-11, atol=1e-13)
    assert found.count == 700


@pytest.mark.parametrize("seed", range(6))
def test_merge_of_any_split_is_the_whole(classes, seed):
    H, Y, _ = classes(seed=seed)
    order = Y.argmax(1).argsort() if seed % 2 else torch.arange(700)  # sorted: most parts lack most classes
    H, Y = H[order], Y[order]
    draw = random.Random(seed)
    cuts = [*sorted(draw.choices(range(701), k=6)), 700]
    sizes = [b - a for a, b in zip([0, *cuts], cuts, strict=False)]
    parts = [seen(h, y, [len(h)]) for h, y in zip(H.split(sizes), Y.split(sizes), strict=True)]
    while len(parts) > 1:
        draw.shuffle(parts)
        parts.append(parts.pop() + parts.pop())
    assert_same(parts[0], seen(H, Y, [700]))


def test_sum_leaves_its_operands_as_they_were(classes):
    H, Y, _ = classes()
    a, b = seen(H[:300], Y[:300], [300]), seen(H[300:], Y[300:], [400])
    before = [t.clone() for c in (a, b) for t in (c.counts, c.means, c.scatter)]
    (a + b).update(H, Y)
    after = [t for c in (a, b) for t in (c.counts, c.means, c.scatter)]
    assert all(torch.equal(x, y) for x, y in zip(before, after, strict=True))


@pytest.mark.parametrize("sizes", [[700], [1] * 700, [64] * 10 + [60]], ids=["whole", "ones", "64"])
@pytest.mark.parametrize(("dtype", "offset"), [(torch.float64, 0.0), (torch.float64, 1e2), (torch.float32, 0.0)])
def test_variance_within_of_relative_size_1e_10_is_read_right(classes, sizes, dtype, offset):
    H, Y, _ = classes()
    means = torch.randn(5, 24, generator=torch.Generator().manual_seed(9)).double()[Y.argmax(1)]
    noise = H - brute(H, Y.argmax(1), 5)[1][Y.argmax(1)]
    noise *= 1e-5 * means.norm() / noise.norm()
    H = (means + noise + offset).to(dtype)
    share = float(seen(H, Y, sizes).within.trace()) * 700 / float(means.norm() ** 2)
    assert share == pytest.approx(1e-10, rel=0.03, abs=0)


@pytest.mark.parametrize("sizes", [[700], [1] * 700, [64] * 10 + [60]], ids=["whole", "ones", "64"])
def test_offset_of_1e4_beside_noise_of_1e_4_costs_no_digits(classes, sizes):
    H, Y, _ = classes()
    H = 1e-4 * H + 1e4
    wanted = brute(H - 1e4, Y.argmax(1), 5)[2]
    found = seen(H, Y, sizes).within
    assert float((found - wanted).norm()) < 1e-6 * float(wanted.norm())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_whatever_arrives_is_summed_in_float64(classes, dtype):
    H, Y, _ = classes()
    assert_same(seen(H.to(dtype), Y.to(dtype), [64] * 10 + [60]), seen(H.to(dtype).double(), Y, [700]))


def test_a_class_of_one_sample_and_one_of_none(classes):
    H, Y, _ = classes(K=3, N=50)
    Y = one_hot(torch.tensor([3] + [0, 1] * 24 + [0]), 5).double()
    found = seen(H, Y, [20, 20, 10])
    assert found.present.tolist() == [True, True, False, True, False]
    assert torch.equal(found.means[3], H[0])
    assert not found.means[[2, 4]].any()
    torch.testing.assert_close(found.within, brute(H, Y.argmax(1), 5)[2], rtol=1e-11, atol=1e-13)


def test_whole_numbers_and_one_hot_rows_are_the_same_classes(classes):
    H, Y, _ = classes()
    assert_same(seen(H, Y.argmax(1), [100] * 7), seen(H, Y, [100] * 7), 0)


def test_input_is_left_as_it_was(classes):
    H, Y, _ = classes(N=9)
    kept = H.clone(), Y.clone()
    seen(H, Y, [4, 5])
    assert torch.equal(H, kept[0])
    assert torch.equal(Y, kept[1])


@pytest.mark.parametrize(
    "Y",
    [torch.ones(9, 5), torch.zeros(9, 5), torch.eye(9, 4), torch.arange(9), torch.zeros(9), torch.zeros(8).long()],
    ids=["many", "none", "narrow", "too large", "floats", "short"],
)
def test_what_is_no_class_is_refused(classes, Y):
    H, _, _ = classes(N=9)
    with pytest.raises(ValueError, match=r"Classes are one-hot rows \(9, 5\), or whole numbers from 0 to 4"):
        Classes(24, 5).update(H, Y)


def test_foreign_widths_are_refused(classes):
    H, Y, _ = classes()
    with pytest.raises(ValueError, match=r"take H \(N, 23\), not \(700, 24\)"):
        Classes(23, 5).update(H, Y)
    with pytest.raises(ValueError, match=r"widths \(24, 4\) do not merge into those of \(24, 5\)"):
        Classes(24, 5).merge(Classes(24, 4))


@pytest.mark.parametrize(
    ("Y", "is_one"),
    [
        ([[0.0, 1.0], [1.0, 0.0]], True),
        ([[0.0, 1.0], [1.0, 1.0]], False),
        ([[0.0, 1.0], [0.0, 0.0]], False),
        ([[0.0, 2.0], [1.0, 0.0]], False),
        ([[2.0, -1.0], [1.0, 0.0]], False),
        ([[0.5, 0.5], [1.0, 0.0]], False),
        ([[float("nan"), 1.0]], False),
        ([[1.0], [1.0]], False),
        ([1.0, 0.0], False),
    ],
)
def test_one_hot_is_a_single_1_in_each_row_of_two_columns_or_more(Y, is_one):
    assert is_one_hot(torch.tensor(Y)) is is_one
