import pytest
import torch

from probes.algebra.factored import Factored, dense
from probes.streaming.gram import BLOCK, Gram, add_gram_, mirrored


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
