"""The input and the target of a batch as the user points at them: by name, by position, or with a function."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from deepnrc.data.targets import as_tensor
from deepnrc.errors import UsageError
from deepnrc.wording import Argument, Either, Remedy, did_you_mean

Names: TypeAlias = int | str | Sequence[int | str]
Batch: TypeAlias = Callable[[Any], Any] | Sequence[Names] | None
SAY = (
    "Say which are input and target: ",
    Remedy("batch", (0, 1)),
    " by position, ",
    Remedy("batch", ("image", "angle")),
    " by name",
    Either(", or batch=function, which takes the batch and returns (input, target)", ""),
    ".",
)


def parting(batch: Batch) -> Callable[[Any, int], tuple[Any, Any]] | None:
    """What takes a batch and its number, and gives (input, target) as ``batch`` says; None if it says nothing.

    Several names make a tuple of inputs, or targets side by side. Errors: UsageError for what is neither a function
    nor a pair of names; in a call, for what a batch does not hold and for a function that fails.
    """
    if batch is None:
        return None
    if callable(batch):
        function = batch
        return lambda given, number: _made(function, given, number)
    if isinstance(batch, list | tuple) and len(batch) == 2 and all(map(_are_names, batch)):
        inputs, targets = batch
        return lambda given, number: (_inputs(given, inputs, number), _targets(given, targets, number))
    raise UsageError(
        Argument("batch", batch),
        " must be a function of a batch that returns (input, target), or the names or positions of the two, such as ",
        Remedy("batch", ("image", "angle")),
        " or ",
        Remedy("batch", (0, 2)),
        f"; it is {batch!r}.",
    )


def contents(batch: Any) -> str:
    """What a batch holds, in brackets after a blank; nothing if it has no parts."""
    named: list[str] = []
    if isinstance(batch, Mapping):
        named = [f"{name} {_shape(value)}" for name, value in batch.items()]
    elif isinstance(batch, list | tuple):
        named = [_shape(value) for value in batch]
    more = f" and {len(named) - 8} more" if len(named) > 8 else ""
    return f" ({', '.join(named[:8])}{more})" if named else ""


def _are_names(names: object) -> bool:
    if isinstance(names, list | tuple):
        return bool(names) and all(isinstance(name, str | int) for name in names)
    return isinstance(names, str | int) and not isinstance(names, bool)


def _made(function: Callable[[Any], Any], batch: Any, number: int) -> tuple[Any, Any]:
    try:
        made = function(batch)
    except Exception as error:
        raise UsageError(
            f"The function given as batch failed on batch {number}{contents(batch)} with {type(error).__name__}: "
            f"{error}."
        ) from error
    if not isinstance(made, list | tuple) or len(made) != 2:
        size = f" of {len(made)}" if isinstance(made, list | tuple) else ""
        raise UsageError(
            f"The function given as batch returned a {type(made).__name__}{size} for batch {number}; it must return "
            "(input, target)."
        )
    return made[0], made[1]


def _inputs(batch: Any, names: Names, number: int) -> Any:
    if isinstance(names, str | int):
        return _part(batch, names, number)
    return tuple(_part(batch, name, number) for name in names)


def _targets(batch: Any, names: Names, number: int) -> Any:
    """The target, or several side by side, (N, n) in all."""
    if isinstance(names, str | int):
        return _part(batch, names, number)
    columns = [as_tensor(_part(batch, name, number), f"The target {name!r} of batch {number}") for name in names]
    columns = [column[:, None] if column.ndim == 1 else column for column in columns]
    if any(column.ndim != 2 or len(column) != len(columns[0]) for column in columns):
        shapes = ", ".join(str(tuple(column.shape)) for column in columns)
        raise UsageError(f"The targets of batch {number} have shapes {shapes}; side by side go (N,) and (N, n).")
    return torch.cat(columns, 1)


def _part(batch: Any, name: int | str, number: int) -> Any:
    found = _found(batch, name)
    if not found:
        known = list(map(str, batch)) if isinstance(batch, Mapping) else []
        hint = did_you_mean(str(name), known)
        raise UsageError(f"Batch {number} has no part {name!r}{contents(batch)}.{hint} ", *SAY)
    return found[0]


def _found(batch: Any, name: int | str) -> tuple[Any] | None:
    """The part that is called so or stands there; a dotted name leads into nested parts, '1.steer'."""
    if isinstance(batch, Mapping) and name in batch:
        return (batch[name],)
    at = int(name) if re.fullmatch(r"-?\d+", str(name)) else None
    if isinstance(batch, list | tuple) and at is not None and -len(batch) <= at < len(batch):
        return (batch[at],)
    if isinstance(name, int) or isinstance(batch, Tensor):
        return None
    if not isinstance(batch, Mapping) and name.isidentifier() and hasattr(batch, name):
        return (getattr(batch, name),)
    for cut in (at for at, character in enumerate(name) if character == "."):
        outer = _found(batch, name[:cut])
        inner = _found(outer[0], name[cut + 1 :]) if outer else None
        if inner:
            return inner
    return None


def _shape(value: Any) -> str:
    shape = getattr(value, "shape", None)
    return type(value).__name__ if shape is None else str(tuple(shape))
