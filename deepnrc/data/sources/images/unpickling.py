"""Pickles of arrays, read without letting them run anything."""

from __future__ import annotations

import io
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from deepnrc.errors import DataError

DAMAGED = (pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError, LookupError, ArithmeticError)


def _encode(text: str, encoding: str = "latin1") -> bytes:
    """What Python 3 writes bytes as in the older pickles; of the codecs it names only this one is needed."""
    if encoding != "latin1":
        raise pickle.UnpicklingError(f"a text in {encoding!r}")
    return text.encode("latin1")


_rebuilt = np.zeros(0).__reduce__()[0]
ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"): _rebuilt,
    ("numpy._core.multiarray", "_reconstruct"): _rebuilt,
    ("numpy", "ndarray"): np.ndarray,
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
    try:
        return _Arrays(io.BytesIO(path.read_bytes()), encoding="latin1").load()
    except _RefusedError as error:
        raise DataError(
            f"'{path}' asks for {error}, which no array needs and which could run any code: refused. "
            "Take the file from its publisher."
        ) from error
    except DAMAGED as error:
        raise DataError(f"'{path}' is a damaged pickle ({error}). Copy or download it again.") from error
