"""Decompositions of large matrices on an accelerator that the caller lends; everything else stays on the CPU."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar

import torch
from torch import Tensor

LARGE = 256  # side of a matrix from which bringing it over costs less than it saves
LENT: ContextVar[torch.device | None] = ContextVar("lent", default=None)


@contextmanager
def lent(device: torch.device) -> Iterator[None]:
    """Within the block, decompositions of large matrices on the CPU are made on ``device``, and their results brought
    back; a device without float64, and the CPU itself, are left alone."""
    token = LENT.set(device if device.type not in ("cpu", "mps", "meta") else None)
    _begun(device)
    try:
        yield
    finally:
        LENT.reset(token)


@functools.cache
def _begun(device: torch.device) -> None:
    """Have torch load what decomposes matrices on a card: from several threads at once it fails."""
    if device.type == "cuda":
        with suppress(RuntimeError, AssertionError):
            torch.linalg.eigh(torch.eye(2, dtype=torch.float64, device=device))


def borrowed(A: Tensor) -> torch.device | None:
    """The device on which A (..., m, d) is to be decomposed, if it is another one than its own."""
    device = LENT.get()
    return device if device is not None and A.device.type == "cpu" and min(A.shape[-2:]) >= LARGE else None


def eigh(S: Tensor) -> tuple[Tensor, Tensor]:
    """Eigenvalues (d,), ascending, and eigenvectors (d, d) of a symmetric S (d, d), where S is."""
    values, vectors = _decomposed(torch.linalg.eigh, S)
    return values, vectors


def svd(A: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The thin singular value decomposition of A (m, d), where A is."""
    left, values, right = _decomposed(functools.partial(torch.linalg.svd, full_matrices=False), A)
    return left, values, right


def _decomposed(decompose: Callable[[Tensor], Iterable[Tensor]], A: Tensor) -> list[Tensor]:
    """The decomposition where A is, made on the device that is lent if that has room for it."""
    device = borrowed(A)
    if device is not None:
        try:
            return [part.to(A.device) for part in decompose(A.to(device))]
        except RuntimeError:
            pass  # the statistics of all layers lie there too, and the CPU has its own memory
    return list(decompose(A))
