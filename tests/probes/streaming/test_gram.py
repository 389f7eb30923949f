import pytest
import torch

from probes.streaming.gram import BLOCK, add_gram_, mirrored


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
