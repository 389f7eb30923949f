"""scipy's routines give what torch's give, in place, whatever way the memory lies, and leave Python to others."""

import threading

import pytest
import torch

from probes.algebra import routines

G = torch.Generator().manual_seed(0)


def drawn(*shape):
    return torch.randn(*shape, generator=G, dtype=torch.float64)


LAID = {
    "as they come": lambda X: X,
    "part of wider ones": lambda X: torch.cat([X, X], 1)[:, : X.shape[1]],
    "column by column": lambda X: X.mT.contiguous().mT,
    "part of more, column by column": lambda X: torch.cat([X, X]).mT.contiguous().mT[: len(X)],
    "every second column": lambda X: X.repeat_interleave(2, 1)[:, ::2],
    "one row for all": lambda X: X[:1].expand(len(X), -1),
}


@pytest.mark.parametrize("laid", LAID.values(), ids=LAID)
@pytest.mark.parametrize("shape", [(0, 3), (1, 1), (1, 5), (7, 1), (7, 5), (5, 7), (300, 90)])
def test_rows_are_squared_into_the_upper_triangle(laid, shape):
    rows, d = laid(drawn(*shape)), shape[1]
    start = drawn(d, d)
    matrix = start.clone()
    routines.syrk_(matrix, rows)
    torch.testing.assert_close(matrix.triu(), (start + rows.mT @ rows).triu(), rtol=1e-13, atol=1e-12)
    assert torch.equal(matrix.tril(-1), start.tril(-1))


def test_what_is_added_to_may_be_part_of_a_larger_matrix():
    whole, rows = torch.zeros(9, 9, dtype=torch.float64), drawn(4, 5)
    routines.syrk_(whole[2:7, 3:8], rows)
    torch.testing.assert_close(whole[2:7, 3:8], (rows.mT @ rows).triu())
    assert int((whole != 0).sum()) == int((whole[2:7, 3:8] != 0).sum()) == 15


@pytest.mark.parametrize(
    ("matrix", "rows"),
    [
        (torch.zeros(3, 3), torch.zeros(2, 3)),
        (torch.zeros(3, 3).double(), torch.zeros(2, 3)),
        (torch.zeros(3, 3).double(), torch.zeros(2, 4).double()),
        (torch.zeros(4, 3).double(), torch.zeros(2, 4).double()),
        (torch.zeros(3, 4).double().mT[:3], torch.zeros(2, 3).double()),
        (torch.zeros(3, 3).double(), torch.zeros(2, 3, device="meta").double()),
    ],
    ids=["single", "mixed", "wider", "not square", "column by column", "elsewhere"],
)
def test_what_would_be_written_elsewhere_is_refused(matrix, rows):
    with pytest.raises(ValueError, match="nothing is added"):
        routines.syrk_(matrix, rows)


@pytest.mark.parametrize("d", [2, 3, 70, 200])
def test_a_symmetric_matrix_is_put_together_again_from_its_reduction(d):
    X = drawn(d, d)
    S = X + X.mT
    columns = S.tril().mT.contiguous().mT  # what lies above the diagonal is not read
    diagonal, beside, scales = routines.tridiagonal_(columns)
    T = torch.diag(diagonal) + torch.diag(beside, 1) + torch.diag(beside, -1)
    values, vectors = routines.tridiagonal_values(diagonal, beside), routines.tridiagonal_vectors(diagonal, beside)
    torch.testing.assert_close(T @ vectors, vectors * values, rtol=0, atol=1e-12 * d)
    torch.testing.assert_close(values, torch.linalg.eigvalsh(S), rtol=0, atol=1e-12 * d)
    assert vectors.stride() == (1, d)
    routines.reflected_(columns[1:, :-1], scales, vectors[1:])
    torch.testing.assert_close(S @ vectors, vectors * values, rtol=0, atol=1e-12 * d)


@pytest.mark.parametrize("d", [2, 3, 70, 200])
@pytest.mark.parametrize("kind", ["drawn", "in blocks", "tied"])
def test_few_vectors_of_a_tridiagonal_matrix_are_those_of_its_largest_values(d, kind):
    diagonal, beside = drawn(d), drawn(d - 1)
    if kind == "in blocks":  # which come block by block, and not by their values
        beside[::3] = 0
    if kind == "tied":
        diagonal[:], beside[:] = 1, 0
    T = torch.diag(diagonal) + torch.diag(beside, 1) + torch.diag(beside, -1)
    values = torch.linalg.eigvalsh(T)
    for k in {1, 2, max(1, d // 4), d}:
        vectors = routines.tridiagonal_leading(diagonal, beside, k)
        assert vectors.stride() == (1, d)
        torch.testing.assert_close(T @ vectors, vectors * values[d - k :], rtol=0, atol=1e-12 * d)
        torch.testing.assert_close(vectors.mT @ vectors, torch.eye(k).double(), rtol=0, atol=1e-11)


def test_a_routine_that_fails_says_which():
    diagonal = torch.tensor([1.0, torch.nan, 1.0], dtype=torch.float64)
    beside = torch.tensor([torch.nan, 1.0], dtype=torch.float64)
    with pytest.raises(ArithmeticError, match=r"LAPACK's dsterf failed"):
        routines.tridiagonal_values(diagonal, beside)


def test_other_threads_run_while_a_routine_computes():
    ticks, seen, done = [0], [], threading.Event()
    S = drawn(700, 700)

    def reduce():
        before = ticks[0]
        routines.tridiagonal_(S)
        seen.append(ticks[0] - before)
        done.set()

    threading.Thread(target=reduce).start()
    while not done.is_set():
        ticks[0] += 1
    assert seen[0] > 100


def counts():
    return [library.get_num_threads() for library in routines._libraries()]


def test_scipy_keeps_to_one_thread_until_the_last_block_ends():
    for library in routines._libraries():
        library.set_num_threads(2)
    first, second = routines.one_thread(), routines.one_thread()
    first.__enter__()
    second.__enter__()
    assert set(counts()) == {1}
    first.__exit__(None, None, None)
    assert set(counts()) == {1}  # the other is still inside
    second.__exit__(None, None, None)
    assert set(counts()) == {2}
    with pytest.raises(KeyError), routines.one_thread():
        raise KeyError
    assert set(counts()) == {2}
