"""Studies over weight decay: its flag, and one setting for each value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Any

from tyro.conf import arg

from deepnrc.errors import UsageError
from experiments.runner.study import Data, Network, Setting
from experiments.runner.training import Recipe
from experiments.studies.family import Family


@dataclass(frozen=True, kw_only=True)
class OverDecays(Family):
    """The flag; ``over_decays`` makes the settings."""

    weight_decay: Annotated[
        tuple[float, ...] | None, arg(help="One setting for each; the study's own if not given.")
    ] = None

    @property
    def threads(self) -> int | None:
        """One: the small networks of the default budgets are slower with more, and digits do not depend on --jobs."""
        return None if self.full else 1

    def decays(self, own: tuple[float, ...]) -> tuple[float, ...]:
        """The weight decays to run, ascending: those of the flag, or the study's own."""
        if self.weight_decay == ():
            raise UsageError("--weight-decay needs at least one value.")
        return own if self.weight_decay is None else tuple(sorted(self.weight_decay))

    def over_decays(
        self,
        data: Data,
        network: Network,
        recipe: Recipe,
        decays: tuple[float, ...],
        *,
        label: str = "weight decay {:g}",
        probe: Mapping[str, Any] | None = None,
        steps: tuple[int, ...] | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> tuple[Setting, ...]:
        """One setting for each weight decay, which the label names."""
        return tuple(
            Setting(
                label.format(decay),
                data,
                network,
                replace(recipe, weight_decay=decay),
                probe or {},
                steps,
                {"weight decay": decay, **(facts or {})},
            )
            for decay in decays
        )
