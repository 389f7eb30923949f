import pytest
import torch

from probes.algebra.factored import Factored, dense
from probes.streaming import gram
from probes.streaming.gram import BLOCK, Gram, add_gram_, mirrored, products_by


@pytest.mark.parametrize("d", [1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK + 44])
@pytest.mark.parametrize("sizes", [(5,), (1, 0, 30)])
def test_sums_what_a_plain_product_sums(d, sizes):
    g = torch.Generator().manual_seed(d)
    batches = [torch.randn(N, d, generator=g, dtype=torch.float64) for N in sizes]
    matrix = torch.zeros(d, d, dtype=torch.float64)
    for rows in batches:
        add_gram_(matrix, rows)
    torch.testing.assert_close(mirrored(matrix), sum(X.T @ X for X in batches), rtol=1e-13, atol=1e-12)


def test_blocks_below_the_diagonal_are_left_alone():
    matrix = torch.zeros(BLOCK + 5, BLOCK + 5, dtype=torch.float64)
    add_gram_(matrix, torch.ones(3, BLOCK + 5, dtype=torch.float64))
    assert not matrix[BLOCK:, :BLOCK].any()


def test_mirrored_reads_the_upper_triangle_alone():
    matrix = torch.tensor([[1.0, 2.0], [torch.nan, 3.0]])
    assert torch.equal(mirrored(matrix), torch.tensor([[1.0, 2.0], [2.0, 3.0]]))


def known(d):
    """An accumulator that holds a matrix already."""
    return Gram.of(torch.zeros(d, d, dtype=torch.float64))


def drawn(*sizes, d=6):
    g = torch.Generator().manual_seed(0)
    return [torch.randn(N, d, generator=g, dtype=torch.float64) for N in sizes]


def test_large_products_wait_and_are_added_by_their_matrices(monkeypatch):
    monkeypatch.setattr(gram, "LARGE", 10 * 6**2)
    rows, calls, (one, other) = drawn(10, 12, 3, 20), [], (known(6), known(6))

    def each(add, products):
        calls.append([(matrix is one._upper, len(parts)) for matrix, parts in products])
        return map(add, products)

    with products_by(each):
        one.add(rows[0])
        one.add(rows[1])
        assert not one._upper.any()
        one.add(rows[2])  # small: at once
        assert one._upper.any()
        other.add(rows[3])
        direct = torch.zeros(6, 6, dtype=torch.float64)
        add_gram_(direct, rows[3])  # what is no accumulator's never waits
        assert direct.any()
    assert calls == [[(True, 2), (False, 1)]]
    torch.testing.assert_close(one.matrix, sum(X.T @ X for X in rows[:3]))
    torch.testing.assert_close(other.matrix, rows[3].T @ rows[3])
    other.add(rows[0])  # outside nothing waits
    torch.testing.assert_close(other.matrix, rows[3].T @ rows[3] + rows[0].T @ rows[0])
    assert gram.WAITING.get() is None


def test_work_that_is_mostly_one_matrixs_is_not_shared_out(monkeypatch):
    monkeypatch.setattr(gram, "LARGE", 0)
    rows, calls, (one, other) = drawn(30, 3), [], (known(6), known(6))
    with products_by(lambda add, products: calls.append(0) or map(add, products)):
        one.add(rows[0])
        other.add(rows[1])
    assert calls == []
    torch.testing.assert_close(one.matrix, rows[0].T @ rows[0])


@pytest.mark.parametrize("begun", [0, 1])
def test_what_was_counted_is_added_whatever_happens(monkeypatch, begun):
    monkeypatch.setattr(gram, "LARGE", 0)
    rows, (one, other) = drawn(9, 8, 5), (known(6), known(6))

    def interrupted(add, products):
        yield from map(add, products[:begun])
        raise KeyboardInterrupt

    def observed(each, adding, error=None):
        with products_by(each):
            for matrix, some in adding:
                matrix.add(some)
            if error is not None:
                raise error

    with pytest.raises(KeyboardInterrupt):
        observed(interrupted, zip((one, other, one), rows, strict=True))
    with pytest.raises(KeyError):
        observed(map, [(other, rows[0])], KeyError())
    torch.testing.assert_close(one.matrix, rows[0].T @ rows[0] + rows[2].T @ rows[2])
    torch.testing.assert_close(other.matrix, rows[1].T @ rows[1] + rows[0].T @ rows[0])


def test_no_more_than_so_many_bytes_wait(monkeypatch):
    monkeypatch.setattr(gram, "LARGE", 0)
    monkeypatch.setattr(gram, "HELD", 8 * 6 * 20)
    rows, counts, (one, other) = drawn(4, 8, 9, 1, 5), [], (known(6), known(6))

    def each(add, products):
        counts.extend(len(parts) for _, parts in products)
        return map(add, products)

    with products_by(each):
        for matrix, some in zip((one, one, other, one, other), rows, strict=True):
            matrix.add(some)
        assert counts == [2, 1]
    torch.testing.assert_close(other.matrix, rows[2].T @ rows[2] + rows[4].T @ rows[4])
    torch.testing.assert_close(one.matrix, sum(rows[i].T @ rows[i] for i in (0, 1, 3)))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_matrix_that_lies_otherwise_is_added_to_all_the_same(dtype):
    (rows,) = drawn(9)
    turned = torch.zeros(6, 6, dtype=dtype).mT.contiguous().mT
    add_gram_(turned, rows.to(dtype))
    torch.testing.assert_close(mirrored(turned), (rows.T @ rows).to(dtype), rtol=1e-5, atol=1e-5)


def test_what_is_read_of_a_matrix_holds_the_products_that_wait(monkeypatch):
    monkeypatch.setattr(gram, "LARGE", 0)
    one, rows = filled(4, (9, 5))
    other, more = filled(4, (9, 3), seed=1)
    new = torch.randn(6, 4, dtype=torch.float64)
    with products_by(lambda add, products: map(add, products)):
        one.add(new.clone())
        torch.testing.assert_close(one.diagonal(), (torch.cat([rows, new]) ** 2).sum(0))
        other.add(new.clone())
        one.merge(other)
        other.add(new.clone())
        torch.testing.assert_close(other.matrix, torch.cat([more, new, new]).T @ torch.cat([more, new, new]))
    whole = torch.cat([rows, new, more, new])
    torch.testing.assert_close(one.matrix, whole.T @ whole)


def filled(d, sizes, seed=0):
    """An accumulator, and the rows that it took in."""
    g = torch.Generator().manual_seed(seed)
    batches = [torch.randn(N, d, generator=g, dtype=torch.float64) for N in sizes]
    made = Gram(d)
    for rows in batches:
        made.add(rows)
    return made, torch.cat([torch.zeros(0, d, dtype=torch.float64), *batches])


@pytest.mark.parametrize("sizes", [(), (0,), (3,), (3, 4), (3, 4, 1), (9, 8), (40,)])
def test_rows_are_kept_while_they_are_few(sizes):
    made, X = filled(10, sizes)
    assert isinstance(made.over(2), Factored) == (len(X) <= 7)
    torch.testing.assert_close(made.matrix, X.T @ X)
    torch.testing.assert_close(made.diagonal(), (X**2).sum(0))
    torch.testing.assert_close(dense(made.over(4.0)), X.T @ X / 4)


@pytest.mark.parametrize("first", [(), (2,), (5, 5), (30,)])
@pytest.mark.parametrize("second", [(), (2,), (4, 5), (30,)])
def test_a_merge_is_the_sum_and_leaves_the_other_alone(first, second):
    (a, X), (b, Z) = filled(10, first), filled(10, second, seed=1)
    a.merge(b)
    a.add(torch.ones(1, 10, dtype=torch.float64))
    torch.testing.assert_close(a.matrix, X.T @ X + Z.T @ Z + 1)
    torch.testing.assert_close(b.matrix, Z.T @ Z)


def test_a_known_matrix_is_added_to():
    made = Gram.of(2 * torch.eye(4))
    made.add(torch.ones(1, 4, dtype=torch.float64))
    torch.testing.assert_close(made.matrix, 2 * torch.eye(4, dtype=torch.float64) + 1)
