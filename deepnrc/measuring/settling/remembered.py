"""What a first batch showed, kept for further measurements of one network while it trains."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from deepnrc.networks import Survey


@dataclass
class Remembered:
    """The survey of a network by its first batch, as long as it holds.

    It holds for the same modules, arguments and shapes of a batch, where the same modules run; and only where nothing
    in it rests on the weights' values, which training changes.
    """

    survey: Survey | None = None
    network: Hashable = None
    arguments: Mapping[str, object] | None = None
    batch: Hashable = None

    def recalled(self, network: Hashable, arguments: Mapping[str, object]) -> Survey | None:
        """What was seen of this network before, if it is the same; what its first batch was like is yet to be seen."""
        return self.survey if self.network == network and self.arguments == arguments else None

    def keep(self, survey: Survey, network: Hashable, arguments: Mapping[str, object], batch: Hashable) -> None:
        """Remember what was seen, if it lasts."""
        self.survey = survey if survey.lasting else None
        self.network, self.arguments, self.batch = network, dict(arguments), batch


def structure(model: nn.Module) -> Hashable:
    """Names and types of a network's modules with how many hooks they have, and names and shapes of its parameters."""
    modules = tuple(
        (name, type(m), len(m._forward_hooks), len(m._forward_pre_hooks)) for name, m in model.named_modules()
    )
    return modules, tuple((name, tuple(parameter.shape)) for name, parameter in model.named_parameters())


def likeness(inputs: Any, samples: int, ran: Sequence[str]) -> Hashable:
    """What is alike of two batches: shapes and types of all that was given, N, and which modules ran."""
    return _shapes(inputs), samples, tuple(ran)


def _shapes(value: Any) -> Hashable:
    if isinstance(value, Tensor):
        return tuple(value.shape), value.dtype, value.device
    if isinstance(value, Mapping):
        return tuple((str(key), _shapes(item)) for key, item in value.items())
    if isinstance(value, tuple | list):
        return tuple(map(_shapes, value))
    if isinstance(value, bool | int | float | str):
        return value
    return type(value).__qualname__
