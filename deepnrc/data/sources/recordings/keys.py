"""Which of the arrays in a recording are the observations and which the actions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deepnrc.data.sources.columns import parts
from deepnrc.errors import DataError, UsageError
from deepnrc.wording import Remedy, did_you_mean

FLATTEN = "Flatten them in a factory of your own: path/to/file.py:factory."


def flattened(tree: Mapping[str, Any], above: str = "") -> dict[str, Any]:
    """The arrays in nested mappings, by their path, such as "images/top"."""
    found: dict[str, Any] = {}
    for name, value in tree.items():
        found |= flattened(value, f"{above}{name}/") if isinstance(value, Mapping) else {f"{above}{name}": value}
    return found


def chosen(
    held: Mapping[str, Any],
    names: Sequence[str] | str | None,
    argument: Literal["observations", "actions"],
    source: str,
) -> list[str]:
    """The names of those arrays that were asked for, or of the only one.

    Errors: UsageError that lists what is there, if there is no such array or the choice is open.
    """
    wanted = parts(names) if names else list(held)
    unknown = [name for name in wanted if name not in held]
    if unknown:
        hint = did_you_mean(unknown[0], held)
        raise UsageError(f"There are no {argument} {unknown[0]!r} in '{source}'.{hint} It holds {listed(held)}.")
    if len(wanted) != 1 and not names:
        raise UsageError(
            f"'{source}' holds several {argument}: {listed(held)}. Choose with ",
            Remedy(argument, next((name for name in held if _is_readable(held[name])), ...)),
            "; several are put side by side.",
        )
    return wanted


def _is_readable(value: Any) -> bool:
    """Whether an array has one vector of numbers for each step, and is no image, which bytes are."""
    return len(getattr(value, "shape", ())) in (1, 2) and getattr(value, "dtype", None) != np.uint8


def listed(held: Mapping[str, Any]) -> str:
    """Names with their shapes."""
    return ", ".join(f"'{name}' {tuple(getattr(value, 'shape', ()))}" for name, value in held.items()) or "none"


def side_by_side(arrays: Sequence[NDArray[Any]], names: Sequence[str], source: str) -> NDArray[Any]:
    """One array as it is; several of (T, d) or (T,) as one (T, d). Errors: DataError for other shapes."""
    if len(arrays) == 1:
        return arrays[0]
    if any(array.ndim not in (1, 2) or len(array) != len(arrays[0]) for array in arrays):
        shapes = listed(dict(zip(names, arrays, strict=True)))
        raise DataError(f"Of '{source}' {shapes} cannot be put side by side: they are not one vector for each step.")
    return np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)
