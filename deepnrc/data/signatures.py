"""What a network's forward takes: how many arguments by position, and which by name."""

from __future__ import annotations

import inspect
import math
from dataclasses import dataclass

from torch import nn

BY_POSITION = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
BY_NAME = (inspect.Parameter.KEYWORD_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)


@dataclass(frozen=True)
class Signature:
    """A forward's arguments.

    Attributes:
        least, most: how many it takes by position.
        required, named: those it must have by name, and all that it knows by name.
        open: whether it takes any other name too.
    """

    least: int = 0
    most: float = math.inf
    required: frozenset[str] = frozenset()
    named: frozenset[str] = frozenset()
    open: bool = True

    def takes(self, count: int) -> bool:
        """Whether it can be called with so many arguments by position."""
        return self.least <= count <= self.most


def signature(model: nn.Module | None) -> Signature:
    """That of ``model.forward``; without a network, or where it cannot be read, one that takes anything."""
    try:
        parameters = inspect.signature(model.forward).parameters.values() if model is not None else None
    except (TypeError, ValueError):
        parameters = None
    if parameters is None:
        return Signature()
    by_position = [p for p in parameters if p.kind in BY_POSITION]
    by_name = [p for p in parameters if p.kind in BY_NAME]
    variadic = any(p.kind is inspect.Parameter.VAR_POSITIONAL for p in parameters)
    return Signature(
        least=sum(p.default is p.empty for p in by_position),
        most=math.inf if variadic else len(by_position),
        required=frozenset(p.name for p in by_name if p.default is p.empty),
        named=frozenset(p.name for p in by_name),
        open=any(p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters),
    )
