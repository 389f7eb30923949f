"""Trained networks beside the unconstrained-feature model of regression: what it predicts, and how far off it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from deepnrc.errors import UsageError
from experiments.data import Split
from experiments.runner import Results, Setting, outputs
from experiments.theory.fit import Fit, fit

CAPTION = (
    "The regression unconstrained-feature model, its two penalties fitted to WW' of the last layer (first seed), and "
    "what it then predicts: off by so much."
)


@dataclass(frozen=True)
class Trained:
    """The network of a setting's first seed, with the data that it was trained on."""

    setting: Setting
    data: Split
    model: nn.Module

    @property
    def weight_decay(self) -> float | None:
        """None where it is no L2 term of the loss, as in Adam's steps."""
        return self.setting.recipe.weight_decay if self.setting.recipe.optimizer == "sgd" else None


Networks = Mapping[str, Trained | str]  # by their settings' labels; or why a setting has none


def networks(results: Results) -> Networks:
    """The first seed's network of every setting that was trained with weight decay."""
    seed = results.study.seeds[0]
    decaying = [s for s in results.study.settings if s.recipe.weight_decay and s.recipe.epochs]
    loaded = {data: data.load(seed) for data in dict.fromkeys(setting.data for setting in decaying)}
    return {s.label: _trained(s, loaded[s.data], seed, results.folder_of(s.label, seed)) for s in decaying}


def _trained(setting: Setting, data: Split, seed: int, folder: Path | None) -> Trained | str:
    if folder is None:
        return "the first seed diverged."
    if not data.y.is_floating_point():
        return "The targets are classes, and the model is one of regression."
    model = setting.network.build(data, seed)
    model.load_state_dict(load_file(folder / "network.safetensors"))
    return Trained(setting, data, model)


def fits(found: Networks) -> tuple[dict[str, Fit], dict[str, str]]:
    """The fit of every network by its setting's label, and why others have none.

    Networks whose last layer shrinks nothing are in neither: their features are not free, and there is no penalty to
    be told.
    """
    fitted: dict[str, Fit] = {}
    without: dict[str, str] = {}
    for label, one in found.items():
        if isinstance(one, str):
            without[label] = f"No fit: {one}"
            continue
        try:
            fitted[label] = of_network(one.model, one.data.x, one.data.y, one.weight_decay)
        except UsageError as error:
            without[label] = f"No fit: {error}"
    return {label: one for label, one in fitted.items() if one.shrinks}, without


def of_network(model: nn.Module, x: Tensor, y: Tensor, weight_decay: float | None) -> Fit:
    """The fit of a network's last Linear, on inputs x (N, ...) and targets y (N, n).

    The weight decay stands beside the fitted penalty; None where it is no L2 term of the loss, as in Adam's steps.

    Errors: UsageError if the network has no Linear, or its last one admits no fit.
    """
    linears = [module for module in model.modules() if isinstance(module, nn.Linear)]
    if not linears:
        raise UsageError("The network has no Linear whose Gram matrix could be held against the theory.")
    last, seen = linears[-1], list[Tensor]()
    handle = last.register_forward_pre_hook(lambda module, given: seen.append(given[0].detach().clone()))
    try:
        outputs(model, x)
    finally:
        handle.remove()
    bias = None if last.bias is None else last.bias.detach()
    return fit(torch.cat(seen), last.weight.detach(), bias, y, weight_decay)


def table(found: Mapping[str, Fit], without: Mapping[str, str]) -> dict[str, Any] | None:
    """The fits as a table for a page: caption, columns, rows; settings without one have a note only. None for none."""
    if not found and not without:
        return None
    rows = [{"setting": label, **one.row(), "note": one.note} for label, one in found.items()]
    rows += [{"setting": label, "note": reason} for label, reason in without.items()]
    numbers = dict.fromkeys(name for row in rows for name in row if name not in ("setting", "note"))
    columns = ["setting", *numbers, "note"]
    plain = [[f"{v:.3g}" if isinstance(v := row.get(name, ""), float) else v for name in columns] for row in rows]
    return {"caption": CAPTION, "columns": columns, "rows": plain}
