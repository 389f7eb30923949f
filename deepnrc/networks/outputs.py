"""What a network returned, tensor by tensor, and which of it predicts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from typing import Any

from torch import Tensor

from deepnrc.errors import UsageError
from deepnrc.wording import Given, did_you_mean

Output = str | int | Callable[[Any], Any]
REMEDY = "output= names the one that predicts"
Pick = Callable[[Any], dict[str, Tensor]]
NUMBER = re.compile(r"-?[0-9]+")
CHOSEN = "(chosen)"  # the name of an output that the user named


@dataclass(frozen=True)
class Prediction:
    """The name of the output that predicts; None with the reason where that cannot be told."""

    name: str | None
    reason: str = ""


def named(value: Any, path: str = "") -> Iterator[tuple[str, Tensor]]:
    """Every tensor in nested tuples, lists, mappings and dataclasses, by its name: "" for the output itself, "1" in a
    tuple, "logits" in a mapping, "hidden.2" further in."""
    items: Sequence[tuple[Any, Any]] = ()
    if isinstance(value, Tensor):
        yield path, value
    elif isinstance(value, Mapping):
        items = list(value.items())
    elif isinstance(value, tuple | list):
        items = list(enumerate(value))
    elif is_dataclass(value) and not isinstance(value, type):
        items = [(field.name, getattr(value, field.name)) for field in fields(value)]
    for key, item in items:
        yield from named(item, f"{path}.{key}" if path else str(key))


def picking(output: Output | None) -> Pick:
    """From what a network returned to its tensors by name: all of them, or the one that ``output`` names alone."""
    if output is None:
        return lambda value: dict(named(value))
    return lambda value: {CHOSEN: taken(value, output)}


EVERY: Pick = picking(None)


def taken(value: Any, output: Output) -> Tensor:
    """The tensor of what a network returned that ``output`` names.

    Args:
        output: a key or attribute ("logits", "policy.mean"), an index, or a callable from all that was returned.
    Errors: UsageError if there is no such output, or it is no real tensor.
    """
    found = output(value) if callable(output) else _at(value, output)
    if not isinstance(found, Tensor) or not found.is_floating_point():
        kind = f"a tensor of {found.dtype}" if isinstance(found, Tensor) else f"a {type(found).__name__}"
        raise UsageError(Given("output", _shown(output)), f" gives {kind}, not real numbers. {_choices(value)}")
    return found


def _at(value: Any, output: str | int) -> Any:
    for part in output.split(".") if isinstance(output, str) else [output]:
        value = _entered(value, part, output)
    return value


def _entered(value: Any, part: str | int, output: str | int) -> Any:
    index = part if isinstance(part, int) else int(part) if NUMBER.fullmatch(part) else None
    if isinstance(value, Mapping) and part in value:
        return value[part]
    if index is not None and not isinstance(value, str | Tensor):
        items = list(value.values()) if isinstance(value, Mapping) else value
        if isinstance(items, tuple | list) and -len(items) <= index < len(items):
            return items[index]
    if isinstance(value, Tensor) and index == 0 and output in (0, "0"):
        return value
    if isinstance(part, str) and not isinstance(value, Tensor) and hasattr(value, part):
        return getattr(value, part)
    hint = did_you_mean(str(output), [name for name, _ in named(value)])
    raise UsageError(Given("output", output), f": the network returned nothing of this name.{hint} {_choices(value)}")


def _shown(output: Output) -> str | int:
    return getattr(output, "__name__", type(output).__name__) if callable(output) else output


def _choices(value: Any) -> str:
    found = [f"{name!r} {tuple(x.shape)}" for name, x in named(value) if name]
    return f"It holds {', '.join(found)}." if found else f"It is a {type(value).__name__}."


def fitting(outputs: Mapping[str, Tensor], shape: Sequence[int]) -> Prediction:
    """The one floating output of the targets' shape (N, n); (N,) counts as (N, 1)."""
    same = [name for name, x in outputs.items() if x.is_floating_point() and _columns(x) == tuple(shape)]
    if len(same) == 1:
        return Prediction(same[0])
    n = shape[1]
    if same:
        reason = f"several outputs have the targets' shape (N, {n}), {_listed(same, outputs)}"
        return Prediction(None, f"{reason}: {REMEDY}")
    first = next(iter(outputs.values()), None)
    if first is not None and first.is_complex():
        return Prediction(None, f"the output {tuple(first.shape)} holds complex numbers")
    if first is None:
        return Prediction(None, "the network returned no tensor")
    reason = f"the output {tuple(first.shape)} does not have the targets' shape (N, {n})"
    if first.ndim > 2 and first[:1].numel() == n:
        reason += ": a function as output= gives it so, such as lambda out: out.flatten(1)"
    return Prediction(None, reason)


def logits(outputs: Mapping[str, Tensor], samples: int, behind: Mapping[str, frozenset[str]]) -> Prediction:
    """The output that holds the logits (N, K), K from 2: the only one of two axes, one called "logits", or the one that
    all others lead to.

    Args:
        behind: by output, the other outputs from which it was computed, as far as the graph tells.
    """
    wide = {name: x for name, x in outputs.items() if x.is_floating_point() and x.ndim == 2 and len(x) == samples}
    single = [name for name, x in wide.items() if x.shape[1] == 1]
    if single and len(single) == len(wide):
        columns = "output has" if len(single) == 1 else "outputs have"
        return Prediction(None, f"the network's {columns} one column, {_listed(single, outputs)}")
    if len(wide) == 1:
        return Prediction(next(iter(wide)))
    called = [name for name in wide if name.rpartition(".")[2] == "logits"]
    if len(called) == 1:
        return Prediction(called[0])
    if not wide:
        return Prediction(None, "integer targets are classes, and no output (N, K) says how many")
    last = [name for name in wide if not any(name in behind.get(other, frozenset()) for other in wide)]
    if len(last) == 1 and wide.keys() - {last[0]} <= behind.get(last[0], frozenset()):
        return Prediction(last[0])
    return Prediction(None, f"several outputs could hold the logits: {_listed(list(wide), outputs)}")


def _columns(x: Tensor) -> tuple[int, ...]:
    return (*x.shape, 1) if x.ndim == 1 else tuple(x.shape)


def _listed(names: list[str], outputs: Mapping[str, Tensor]) -> str:
    return ", ".join(f"{name!r} {tuple(outputs[name].shape)}" for name in names)
