"""Import a package that only some commands need, and explain it when that fails."""

from __future__ import annotations

import importlib
from types import ModuleType

from deepnrc.errors import UsageError


def require(name: str, remedy: str) -> ModuleType:
    """The module `name`, imported now.

    Errors: UsageError if it is not installed (`remedy` says what would do), or if it is and fails to import.
    """
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name is None or name.split(".")[0] != error.name.split(".")[0]:
            raise _broken(name, error) from error
        raise UsageError(f"This needs the package {name!r}, which is not installed. {remedy}") from error
    except (ImportError, OSError, RuntimeError) as error:
        raise _broken(name, error) from error


def _broken(name: str, error: Exception) -> UsageError:
    # torchvision built for CUDA beside a CPU torch (or for another release) fails here with a RuntimeError.
    return UsageError(
        f"The package {name!r} is installed but cannot be imported ({type(error).__name__}: {error}). "
        "If torch or torchvision is named here, the two builds do not match: install both from the same index, "
        "for the same release and the same device."
    )
