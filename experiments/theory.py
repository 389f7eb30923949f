"""Trained networks beside the unconstrained-feature model of regression: what it predicts, and how far off it is."""

from __future__ import annotations

from typing import Any

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from deepnrc.errors import UsageError
from experiments.fit import Fit, fit
from experiments.results import Results
from experiments.training import outputs

CAPTION = (
    "The regression unconstrained-feature model, its two penalties fitted to WW' of the last layer (first seed), and "
    "what it then predicts: off by so much."
)


def fits(results: Results) -> dict[str, Fit]:
    """The fit of every swept setting with weight decay whose first seed did not diverge, by its label.

    A last layer that the model says nothing of (it is 0, or not Linear) is left out.
    """
    found: dict[str, Fit] = {}
    for setting in results.study.settings:
        seed = results.study.seeds[0]
        folder = results.folder_of(setting.label, seed)
        if folder is None or not setting.recipe.weight_decay or not setting.recipe.epochs:
            continue
        data = setting.data.load(seed)
        if not data.y.is_floating_point():
            continue
        model = setting.network.build(data, seed)
        model.load_state_dict(load_file(folder / "network.safetensors"))
        try:
            decay = setting.recipe.weight_decay if setting.recipe.optimizer == "sgd" else None
            found[setting.label] = of_network(model, data.x, data.y, decay)
        except UsageError:
            continue
    return found


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


def table(found: dict[str, Fit]) -> dict[str, Any]:
    """The fits as a table for a page: caption, columns, rows."""
    rows = [{"setting": label, **one.row(), "note": one.note} for label, one in found.items()]
    columns = list(rows[0]) if rows else ["setting"]
    plain = [[f"{v:.3g}" if isinstance(v, float) else v for v in row.values()] for row in rows]
    return {"caption": CAPTION, "columns": columns, "rows": plain}
