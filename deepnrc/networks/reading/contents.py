"""The tensors that modules are given and return, in whatever they are wrapped."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import torch
from torch import Tensor

from deepnrc.errors import UsageError
from deepnrc.networks.choosing.layers import Site
from deepnrc.wording import Remedy


def read_argument(site: Site, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor | None:
    """What the weight of a site reads, among the arguments of its module."""
    weight = site.weight
    if weight is not None and weight.inside is not None:
        return weight.inside(site.module, args, kwargs)
    place, name = (0, "") if weight is None else weight.argument
    if place < len(args):
        return first_tensor(args[place:])
    return first_tensor(kwargs.get(name, kwargs))


def first_tensor(value: Any) -> Tensor | None:
    """The tensor itself, or the first one in a tuple, list, mapping or dataclass; None if none."""
    if isinstance(value, tuple) and value and isinstance(value[0], Tensor):  # most of what modules are given
        return value[0]
    return next(all_tensors(value), None)


def all_tensors(value: Any) -> Iterator[Tensor]:
    """The tensor itself, or each one in nested tuples, lists, mappings and dataclasses, in order."""
    items: Iterable[Any] = ()
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        items = value.values()
    elif isinstance(value, tuple | list):
        items = value
    elif is_dataclass(value) and not isinstance(value, type):
        items = (getattr(value, field.name) for field in fields(value))
    for item in items:
        yield from all_tensors(item)


def copied(x: Tensor) -> Tensor:
    """A copy that may have gradients, which a tensor made in inference mode may not."""
    with torch.inference_mode(False):
        return x.detach().clone()


def needed(x: Tensor | None, site: Site) -> Tensor:
    """The tensor that a site reads. Errors: UsageError if there is none."""
    if x is None:
        raise UsageError(
            f"Layer '{site.name}' has no tensor as its {site.reads}. Leave it out with ",
            Remedy("layers", [f"!{site.name}"]),
            ".",
        )
    return x
