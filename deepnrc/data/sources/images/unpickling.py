"""Pickles of arrays, read without letting them run anything."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from deepnrc.errors import DataError
from deepnrc.loading import check_pickle

DAMAGED = (
    pickle.UnpicklingError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    ArithmeticError,
    MemoryError,
    RecursionError,
)


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """What Python 3 writes bytes as in the older pickles; of the codecs it names only this one is needed."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"a text in {encoding!r}")
    return text.encode("latin1")


def _empty(kind: object, shape: object, dtype: object) -> np.ndarray:
    """The array without elements that a pickle begins an array with; any other shape could ask for all memory."""
    if kind is not ARRAY or shape != (0,):
        raise pickle.UnpicklingError(f"an array that begins with the shape {shape!r}")
    return np.zeros(0, "b")


ARRAY = object()
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _empty,
    ("numpy._core.multiarray", "_reconstruct"): _empty,
    ("numpy", "ndarray"): ARRAY,
    ("numpy", "dtype"): np.dtype,
    ("_codecs", "encode"): _encode,
}


class _Arrays(pickle.Unpickler):
    """Knows arrays, and otherwise only what a pickle builds without importing: dicts, lists, texts, numbers."""

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ALLOWED:
            raise _RefusedError(f"{module}.{name}")
        return ALLOWED[module, name]


class _RefusedError(Exception):
    """The name of something that a pickle asked for."""


def read_arrays(path: Path) -> Any:
    """What a pickle of dicts, lists, texts, numbers and numpy arrays holds, Python 2's included.

    Errors: DataError if the file is missing or damaged, or asks for anything else by name; that is never imported.
    """
    if not path.is_file():
        raise DataError(f"There is no file '{path}' (looked from {Path.cwd()}). Check the path.")
    content = path.read_bytes()
    check_pickle(io.BytesIO(content), len(content), path)
    try:
        return _Arrays(io.BytesIO(content), encoding="latin1").load()
    except _RefusedError as error:
        raise DataError(
            f"'{path}' asks for {error}, which no array needs and which could run any code: refused. "
            "Take the file from its publisher."
        ) from error
    except DAMAGED as error:
        raise DataError(f"'{path}' is a damaged pickle ({error}). Copy or download it again.") from error
