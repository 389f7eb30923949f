"""Inputs that may tell padding from real tokens and are not used, and inputs that are several sequences."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from deepnrc.networks.reading.masks import KEY, adds, flat

NAMED = ("mask", "pad")
COUNTS = ("length", "lens")
ONE = ("input_ids", "inputs_embeds")  # the same tokens, given one way or the other
BESIDE = ("type_ids", "position_ids", "pos_ids", "labels", "bbox")  # of the tokens above, by the end of the name


@dataclass(frozen=True)
class Suspect:
    """A part of the input, by its key or place, that may be a mask of the shape given in either order, or hold the
    lengths of ``shape[0]`` samples between ``least`` and ``most``."""

    name: str
    shape: tuple[int, ...]
    least: int = 0
    most: int = 0

    def fits(self, N: int, T: int) -> bool:
        """Whether it may tell which of T tokens of N samples are padding."""
        if len(self.shape) == 2:
            return self.shape in ((N, T), (T, N))
        return self.shape == (N,) and self.least < T and self.most <= T


def parts_of(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> dict[str, Tensor]:
    """The tensors of a call by key, or by place from 1."""
    given = args[0] if len(args) == 1 and isinstance(args[0], tuple | list | Mapping) else args
    placed = given if isinstance(given, Mapping) else {f"input {i}": x for i, x in enumerate(given, 1)}
    return {str(name): x for name, x in {**placed, **kwargs}.items() if isinstance(x, Tensor) and x.ndim}


def suspects(given: Mapping[str, Tensor]) -> list[Suspect]:
    """What looks like a mask, by its name or by what it holds beside tokens, or like lengths."""
    found = [_lengths(name, x) or _mask(name, x, given) for name, x in given.items()]
    return [suspect for suspect in found if suspect is not None]


def _lengths(name: str, x: Tensor) -> Suspect | None:
    if not any(word in name.lower() for word in COUNTS) or x.numel() != len(x) or not len(x) or x.is_complex():
        return None
    return Suspect(name, (len(x),), int(x.min()), int(x.max()))


def _mask(name: str, x: Tensor, given: Mapping[str, Tensor]) -> Suspect | None:
    whole, x = x, flat(x)
    called = any(word in name.lower() for word in NAMED)
    if x.is_complex() or x.ndim < 2 or not x.numel() or not _varies(x):
        return None
    if called and x.ndim > 2:  # of queries and keys: of padding where samples differ
        return Suspect(name, (len(x), x.shape[-1])) if bool((x != x[:1]).any()) else None
    if x.ndim != 2:
        return None
    if called:
        return Suspect(name, tuple(x.shape)) if adds(x) or bool(((x >= 0) & (x <= 1)).all()) else None
    tokens = any(y is not whole and y.ndim in (2, 3) and y.shape[:2] == x.shape for y in given.values())
    return Suspect(name, tuple(x.shape)) if tokens and not name.endswith(BESIDE) and _cuts(x) else None


def _varies(x: Tensor) -> bool:
    """Whether not all numbers are the same, which the first samples mostly tell."""
    first = x.flatten()[0]
    return bool((x[:1] != first).any()) or bool((x != first).any())


def _cuts(x: Tensor) -> bool:
    """Whether rows are true or not, or ones on one side and zeros on the other."""
    if x.dtype == torch.bool:
        return True
    if not bool(((x == 0) | (x == 1)).all()):
        return False
    steps = x[:, 1:].int() - x[:, :-1].int()
    return bool((steps <= 0).all() or (steps >= 0).all())


def sequences(given: Mapping[str, Tensor], mask: Tensor) -> list[str]:
    """The inputs that are sequences of as many tokens as a mask (N, T) has, if they are of several kinds."""
    same = [n for n, x in given.items() if x.ndim in (2, 3) and x.shape[:2] == mask.shape and x.dtype != torch.bool]
    kinds = [n for n in same if not n.endswith(BESIDE) and not any(word in n.lower() for word in (*NAMED, KEY))]
    return kinds if len(kinds) > 1 and not set(kinds) <= set(ONE) else []
