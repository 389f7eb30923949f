"""Routines of scipy's BLAS and LAPACK, called without Python's lock, so that two layers are computed side by side.

scipy's own wrappers hold the lock while they compute. What is called here are the C functions that scipy publishes for
Cython (``scipy.linalg.cython_blas``, ``cython_lapack``). Matrices lie column by column, as Fortran reads them.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from torch import Tensor

UNROLLED = 64  # columns that a blocked routine takes at once, at most: its work space is so many times the side
LOCK = threading.Lock()
HELD: list[Any] = []  # who keeps scipy's library to one thread
BEFORE: list[int] = []  # how many threads each of its libraries had


def syrk_(matrix: Tensor, rows: Tensor) -> None:
    """Add X'X of rows X (N, d) to the upper triangle of ``matrix`` (d, d), float64 on the CPU, in place.

    Errors: ValueError for other tensors, and a matrix that does not lie row by row.
    """
    N, d = rows.shape
    kinds = {(x.dtype, x.device.type) for x in (matrix, rows)}
    if kinds != {(torch.float64, "cpu")} or matrix.shape != (d, d) or (d > 1 and matrix.stride(1) != 1):
        raise ValueError(f"Of rows {tuple(rows.shape)} nothing is added to {tuple(matrix.shape)}, {kinds}.")
    if not rows.numel():
        return
    if rows.stride(0) == 1 and rows.stride(1) >= N:
        turned, width = b"T", rows.stride(1)
    else:
        rows = rows if rows.stride(1) == 1 and rows.stride(0) >= d else rows.contiguous()
        turned, width = b"N", max(rows.stride(0), d)
    one = ctypes.c_double(1.0)
    with one_thread():
        # the upper triangle row by row is the lower one column by column
        _call("blas", "dsyrk", b"L", turned, d, N, one, rows, width, one, matrix, max(matrix.stride(0), d))


def tridiagonal_(A: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Reduce a symmetric A = QTQ' (d, d), d > 1, to a tridiagonal T, from the triangle below its diagonal.

    A holds the Householder vectors of Q afterwards.

    Returns: T's diagonal (d,), what lies beside it (d - 1,), and the factors (d - 1,) of Q's reflections.
    """
    d = len(A)
    diagonal, beside, scales, work = (A.new_empty(size) for size in (d, d - 1, d - 1, UNROLLED * d))
    with one_thread():
        _lapack("dsytrd", b"L", d, A, d, diagonal, beside, scales, work, len(work))
    return diagonal, beside, scales


def tridiagonal_values(diagonal: Tensor, beside: Tensor) -> Tensor:
    """Eigenvalues (d,) of a symmetric tridiagonal matrix, smallest first."""
    values, used = diagonal.clone(), beside.clone()
    with one_thread():
        _lapack("dsterf", len(values), values, used)
    return values


def tridiagonal_vectors(diagonal: Tensor, beside: Tensor) -> Tensor:
    """Eigenvectors (d, d) of a symmetric tridiagonal matrix, that of the smallest value first, column by column."""
    d = len(diagonal)
    values, used, vectors = diagonal.clone(), beside.clone(), diagonal.new_empty(d, d)
    work, places = diagonal.new_empty(1 + 4 * d + d * d), torch.empty(3 + 5 * d, dtype=torch.int64)
    with one_thread():
        _lapack("dstevd", b"V", d, values, used, vectors, d, work, len(work), places, len(places))
    return vectors.mT


def tridiagonal_leading(diagonal: Tensor, beside: Tensor, k: int) -> Tensor:
    """Eigenvectors (d, k) of a symmetric tridiagonal matrix, of its k largest values, that of the smallest of these
    first, column by column: by bisection and inverse iteration."""
    d, found = len(diagonal), ctypes.c_int64(0)
    values, vectors, work = (diagonal.new_empty(size) for size in (d, k * d, 5 * d))
    places, blocks, ends, failed = (torch.empty(3 * d, dtype=torch.int64) for _ in range(4))
    zero = ctypes.c_double(0.0)  # bounds are not read, and a tolerance of 0 is LAPACK's own
    with one_thread():
        _lapack(
            "dstebz", b"I", b"B", d, zero, zero, d - k + 1, d, zero, diagonal, beside, found,
            ctypes.c_int64(0), values, blocks, ends, work, places,
        )  # fmt: skip
        _lapack("dstein", d, diagonal, beside, k, values, blocks, ends, vectors, d, work, places, failed)
    return vectors.view(k, d)[values[:k].argsort(stable=True)].mT


def reflected_(reflections: Tensor, scales: Tensor, vectors: Tensor) -> None:
    """Multiply vectors (d, k), which lie column by column, by the product of reflections (d, r), in place.

    Args:
        reflections: column by column, in a matrix that may have more rows.
        scales: (r,).
    """
    work = vectors.new_empty(UNROLLED * (vectors.shape[1] + UNROLLED + 1))
    with one_thread():
        _lapack(
            "dormqr", b"L", b"N", len(vectors), vectors.shape[1], len(scales), reflections, reflections.stride(1),
            scales, vectors, vectors.stride(1), work, len(work),
        )  # fmt: skip


@contextmanager
def one_thread() -> Iterator[None]:
    """Within the block scipy's library keeps to the thread that calls it: its own threads would contend with torch's,
    which still spin. Blocks may overlap, in several threads."""
    holder = object()
    with LOCK:
        if not HELD:
            BEFORE[:] = [library.get_num_threads() for library in _libraries()]
            for library in _libraries():
                library.set_num_threads(1)
        HELD.append(holder)
    try:
        yield
    finally:
        with LOCK:
            HELD.remove(holder)
            if not HELD:
                for library, count in zip(_libraries(), BEFORE, strict=True):
                    library.set_num_threads(count)


def _forget() -> None:
    """A forked process has none of the threads that held the library, or the lock."""
    global LOCK
    LOCK = threading.Lock()
    if HELD:
        HELD.clear()
        for library, count in zip(_libraries(), BEFORE, strict=True):
            library.set_num_threads(count)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget)


@cache
def _libraries() -> tuple[Any, ...]:
    """What computes for scipy and numpy, once it is loaded."""
    import scipy.linalg.cython_blas
    import scipy.linalg.cython_lapack  # noqa: F401
    from threadpoolctl import ThreadpoolController

    return tuple(one for one in ThreadpoolController().lib_controllers if one.user_api == "blas")


def _lapack(name: str, *arguments: Any) -> None:
    """Errors: ArithmeticError where the routine reports that it failed."""
    info = ctypes.c_int64(0)
    _call("lapack", name, *arguments, info)
    said = ctypes.c_int32(info.value).value  # a library of 32 bits writes the lower half
    if said:
        raise ArithmeticError(f"LAPACK's {name} failed (info {said}).")


def _call(library: str, name: str, *arguments: Any) -> None:
    """Call a routine: whole numbers, letters and numbers go by reference, tensors by where they lie.

    A whole number is given 64 bits, of which a library of 32 reads the lower half, the first on the processors that
    torch has wheels for.
    """
    kept = [ctypes.c_int64(a) if isinstance(a, int) else a for a in arguments]
    _routine(library, name)(*(_reference(a) for a in kept))


def _reference(a: Any) -> ctypes.c_void_p:
    if isinstance(a, Tensor):
        return ctypes.c_void_p(a.data_ptr())
    return ctypes.cast(ctypes.c_char_p(a) if isinstance(a, bytes) else ctypes.pointer(a), ctypes.c_void_p)


@cache
def _routine(library: str, name: str) -> Any:
    from scipy.linalg import cython_blas, cython_lapack

    published = (cython_blas if library == "blas" else cython_lapack).__pyx_capi__[name]
    called = ctypes.pythonapi.PyCapsule_GetName
    called.restype, called.argtypes = ctypes.c_char_p, [ctypes.py_object]
    found = ctypes.pythonapi.PyCapsule_GetPointer
    found.restype, found.argtypes = ctypes.c_void_p, [ctypes.py_object, ctypes.c_char_p]
    return ctypes.CFUNCTYPE(None)(found(published, called(published)))
