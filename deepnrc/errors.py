"""The errors that reach a user, each with what it is about and the exit code with which the command ends; where an
error that is not ours arose; and packages that may be missing."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any, Literal

from deepnrc.wording import Argument, Flags, OneOf, Phrase, Remedy, said


class DeepNRCError(Exception):
    """Any refusal by this library; `exit_code` is what the command returns.

    Made of parts: strings, and between them the arguments that it names (``deepnrc.wording``).
    """

    exit_code: int = 2

    def __init__(self, *parts: Phrase) -> None:
        super().__init__(said(parts))
        self.parts = parts

    def told(self, flags: Flags) -> str:
        """The message in the words of the command line, whose ``flags`` are given by name of argument."""
        return said(self.parts, flags)

    @property
    def argument(self) -> str | None:
        """Name of the argument that was wrong, or else of the first that would settle it; None if there is none."""
        named = [*self._all(Argument), *self._all(OneOf), *self._all(Remedy)]
        return named[0].name if named else None

    @property
    def value(self) -> Any:
        """What was given for the argument that was wrong; None if that is not one argument's value."""
        return next((part.value for part in self._all(Argument)), None)

    @property
    def choices(self) -> Sequence[Any]:
        """The values of which one would do, where the message names some."""
        return next((tuple(part.choices) for part in self._all(OneOf)), ())

    @property
    def remedy(self) -> dict[str, Any]:
        """What would do, by argument, where the message names it; ``...`` for a value that only the caller can know."""
        return {part.name: part.value for part in self._all(Remedy)}

    def _all(self, kind: type[Any]) -> list[Any]:
        return [part for part in self.parts if isinstance(part, kind)]


class UsageError(DeepNRCError, ValueError):
    """What was asked for cannot be done: a wrong name, option, shape or combination (exit code 2)."""


class DataError(DeepNRCError, ValueError):
    """A data set, table or checkpoint is missing, unreadable or not what it should be (exit code 3)."""

    exit_code: int = 3


@dataclass(frozen=True)
class Origin:
    """Where an error that is not ours arose: while the network ran, while data were drawn, or in our own reading."""

    kind: Literal["network", "data", "reading"]
    where: str = ""


SAID = {"network": "The network failed", "data": "The loader failed", "reading": "DeepNRC failed to read"}


def mark(error: Exception, kind: Literal["network", "data", "reading"], where: str = "") -> None:
    """Attach to an error that is not ours where it arose, and note it for its traceback; a mark nearer to it stays."""
    if isinstance(error, DeepNRCError) or origin(error) is not None:
        return
    vars(error)["_deepnrc_origin"] = Origin(kind, where)
    if sys.version_info >= (3, 11):
        error.add_note(f"{SAID[kind]}{f' {where}' if where else ''}.")


def origin(error: BaseException) -> Origin | None:
    """Where an error arose, if ``mark`` attached it."""
    return vars(error).get("_deepnrc_origin")


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
