"""What a command shows of an error, in one sentence: of a refusal in the words of the command line, and of what fails
in code that is not ours (the network, its data, a library) what happened and what to do.

`probe` lets such an error through as it is, so that a caller can catch its own type, as torch.OutOfMemoryError; where
it arose is attached to it (`deepnrc.errors.origin`).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, get_args, get_type_hints

from tyro.conf import Positional

from deepnrc.commands.base import Command
from deepnrc.errors import DataError, DeepNRCError, UsageError, origin
from deepnrc.wording import Argument, Flags


class UnforeseenError(DeepNRCError):
    """Neither the user's code nor a refusal of ours, so perhaps a fault of ours (exit code 1)."""

    exit_code: int = 1


def flags(command: type[Command]) -> Flags:
    """The flags of a command, by the library's names for what they say."""
    hints = get_type_hints(command, include_extras=True)
    named = {field.name: get_args(hints[field.name])[1:] for field in dataclasses.fields(command)}
    flagged = [_name(marks) or name for name, marks in named.items() if Positional not in marks]
    return {name: f"--{name.replace('_', '-')}" for name in flagged}


def _name(marks: Sequence[Any]) -> str | None:
    """The name that a field goes by on the command line, where that is not its own."""
    return next((mark.name for mark in marks if getattr(mark, "name", None)), None)


def explained(error: Exception) -> DeepNRCError:
    """The error to show for one that was raised while a command ran."""
    if isinstance(error, DeepNRCError):
        return error

    from deepnrc.networks import out_of_memory  # and with it torch, which help and versions do without

    said, arose = _said(error), origin(error)
    if out_of_memory(error):
        smaller = ("Take a smaller ", Argument("batch_size"), ", or probe fewer ", Argument("layers"), ".")
        return UsageError(f"The memory is not enough ({said}). ", *smaller)
    if arose is not None and arose.kind == "network":
        return UsageError(
            f"The network failed {arose.where}: {said}. Give it inputs of the shape and dtype that it was built for, "
            "or build it for these. --debug shows the traceback."
        )
    if arose is not None and arose.kind == "data":
        return DataError(f"The data could not be read: {said}. Mend its loader; --debug shows the traceback.")
    return UnforeseenError(f"{said}. This was not foreseen: --debug shows where it happened.")


def _said(error: Exception) -> str:
    """The error's type and first line; of one that a DataLoader's worker brings as a whole traceback, its last line."""
    lines = [line.strip().rstrip(".") for line in str(error).splitlines() if line.strip()] or ["(no message)"]
    brought = any("Traceback" in line for line in lines)
    return lines[-1] if brought else f"{type(error).__name__}: {lines[0]}"
