"""The inner loop: adding X'X to a symmetric matrix, at half the cost of a plain product; and not even that for rows so
few that they are less than the matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

import torch
from torch import Tensor

from probes.algebra.factored import Covariance, Factored
from probes.algebra.routines import syrk_

BLOCK = 144  # a multiple of the 12 or 24 rows that the double product's kernels take at once: 0.9 of the time of 128
LARGE = 2**24  # multiplications from which a product is worth another thread's while
HELD = 2**27  # bytes of rows from which they wait no longer
FEW = 0.7  # rows over width up to which rows are kept: there their singular values cost less than eigenvalues of X'X

Products = tuple[Tensor, list[Tensor]]  # a matrix (d, d), and rows (N, d) of which X'X is to be added to it
WAITING: ContextVar[Later | None] = ContextVar("WAITING", default=None)


class Gram:
    """Streaming X'X of rows X that come in batches: the rows themselves while they are fewer than they are
    wide, after that the matrix.

    Attributes:
        d: width of the rows.
        device: where they are.
    """

    def __init__(self, d: int, device: torch.device | str = "cpu") -> None:
        self.d, self.device = d, torch.device(device)
        self._rows: list[Tensor] = []
        self._upper: Tensor | None = None

    def add(self, rows: Tensor, lent: bool = False) -> None:
        """Take in rows (N, d) of float64, which are the accumulator's own from now on, or lent until products that wait
        are added."""
        if self._upper is None:
            self._rows.append(rows.clone() if lent else rows)
            if sum(map(len, self._rows)) <= FEW * self.d:
                return
            self._upper = torch.zeros(self.d, self.d, dtype=torch.float64, device=self.device)
            new, self._rows = self._rows, []
        else:
            new = [rows]
        for some in new:
            _add_in_time(self._upper, some)

    def merge(self, other: Gram) -> None:
        """Take in another accumulator over other rows; it stays as it is."""
        if other._upper is None:
            for rows in other._rows:
                self.add(rows.to(self.device))
            return
        new, self._rows = self._rows, []
        if self._upper is None:
            self._upper = torch.zeros(self.d, self.d, dtype=torch.float64, device=self.device)
        self._upper += added(other._upper).to(self.device)
        for some in new:
            _add_in_time(self._upper, some)

    def over(self, count: float) -> Covariance:
        """X'X / count: by its rows while they are few, else as a matrix (d, d)."""
        if self._upper is None:
            rows = self._rows or [torch.zeros(0, self.d, dtype=torch.float64, device=self.device)]
            return Factored(torch.cat(rows) / count**0.5)
        return mirrored(added(self._upper)) / count

    @property
    def matrix(self) -> Tensor:
        """X'X (d, d)."""
        total = self.over(1)
        return total.dense() if isinstance(total, Factored) else total

    def diagonal(self) -> Tensor:
        """Diagonal of X'X (d,)."""
        return self.over(1).diagonal() if self._upper is None else added(self._upper).diagonal()

    @classmethod
    def of(cls, matrix: Tensor) -> Gram:
        """The accumulator whose X'X is known (d, d)."""
        made = cls(len(matrix), matrix.device)
        made._upper = matrix.to(torch.float64)
        return made


Each = Callable[[Callable[[Products], None], Sequence[Products]], Iterable[None]]


@dataclass
class Later:
    """Products of accumulators that wait to be added, by the matrix's identity, and the bytes of their rows."""

    each: Each
    products: dict[int, Products] = field(default_factory=dict)
    size: int = 0

    def take(self, matrix: Tensor, rows: Tensor) -> None:
        """Have a product wait; once too much waits, add it all."""
        self.products.setdefault(id(matrix), (matrix, []))[1].append(rows)
        self.size += 8 * rows.numel()
        if self.size > HELD:
            self.add()

    def add(self) -> None:
        """Add all that waits: several at once, unless most of the work is one matrix's; whatever happens, for what was
        counted must be there."""
        chosen, self.products, self.size = list(self.products.values()), {}, 0
        work = [sum(map(len, parts)) * len(matrix) ** 2 for matrix, parts in chosen]
        each = self.each if chosen and 3 * max(work) < 2 * sum(work) else map
        token = WAITING.set(None)
        try:
            for _ in each(_add_all, chosen):
                pass
        finally:
            for products in chosen:
                _add_all(products)
            WAITING.reset(token)


@contextmanager
def products_by(each: Each) -> Iterator[None]:
    """Within the block large products on the CPU wait before accumulators add them; at its end, or when many do,
    ``each`` is called with what adds those of one matrix and with all of them by their matrices: it may add several at
    once. What is read of an accumulator holds all of its products."""
    later = Later(each)
    token = WAITING.set(later)
    try:
        yield
    finally:
        WAITING.reset(token)
        later.add()


def added(matrix: Tensor) -> Tensor:
    """The matrix itself, with all products that wait for it."""
    later = WAITING.get()
    if later is not None and id(matrix) in later.products:
        _, parts = found = later.products.pop(id(matrix))
        later.size -= 8 * sum(rows.numel() for rows in parts)
        _add_all(found)
    return matrix


def _add_all(products: Products) -> None:
    """Add the products of one matrix, each of which waits until it is added."""
    matrix, parts = products
    while parts:
        add_gram_(matrix, parts[0])
        del parts[0]


def _add_in_time(matrix: Tensor, rows: Tensor) -> None:
    """Add X'X to an accumulator's matrix, at once or as ``products_by`` says."""
    waiting = WAITING.get()
    if waiting is not None and matrix.device.type == "cpu" and len(rows) * len(matrix) ** 2 >= LARGE:
        waiting.take(matrix, rows)
    else:
        add_gram_(matrix, rows)


def add_gram_(matrix: Tensor, rows: Tensor) -> None:
    """Add X'X to the upper block triangle of ``matrix`` in place.

    Only the blocks on and above the diagonal are written: a symmetric update needs no more, and on a layer of width
    512 this costs 0.6 of the full product. ``mirrored`` gives the whole matrix back.

    Args:
        matrix: accumulator (d, d), float64.
        rows: X (N, d), float64.
    """
    on_cpu = matrix.device.type == rows.device.type == "cpu"
    double = matrix.dtype == rows.dtype == torch.float64
    # on more threads several of scipy's own would contend with torch's, which still spin
    if on_cpu and double and torch.get_num_threads() == 1 and matrix.stride(1) == 1:
        syrk_(matrix, rows)
        return
    # elsewhere than on the CPU, starting a product takes longer than half of it
    block = BLOCK if on_cpu else max(1, len(matrix))
    for start in range(0, len(matrix), block):
        stop = start + block
        matrix[start:stop, start:].addmm_(rows[:, start:stop].T, rows[:, start:])


def mirrored(matrix: Tensor) -> Tensor:
    """Return the full symmetric matrix (d, d) whose upper triangle ``matrix`` holds."""
    upper = matrix.triu()
    return upper + matrix.triu(1).T
