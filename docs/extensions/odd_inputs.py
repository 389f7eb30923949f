"""What each measure answers to inputs for which most of them are not made."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator

import pandas as pd
import torch
from torch import Tensor, nn

import deepnrc

N, D, WIDTH, LAYER, LAST = 400, 6, 16, "2", "4"  # the layer that is read, and the last one
Made = tuple[nn.Sequential, tuple[Tensor, Tensor]]


def _network(n: int = 2, width: int = WIDTH) -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Linear(D, width), nn.ReLU(), nn.Linear(width, width), nn.ReLU(), nn.Linear(width, n)
    ).double()


def _data(N: int = N, n: int = 2) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(0)
    X = torch.randn(N, D, generator=g, dtype=torch.float64)
    return X, X @ torch.randn(D, n, generator=g, dtype=torch.float64)


def constant() -> Made:
    """The layer's features do not vary (a dead layer)."""
    model = _network()
    nn.init.constant_(model[0].bias, -1e3)
    return model, _data()


def few_samples() -> Made:
    """Fewer samples than the layer is wide."""
    return _network(), _data(12)


def one_target() -> Made:
    """One target."""
    return _network(1), _data(n=1)


def constant_targets() -> Made:
    """Targets that do not vary."""
    X, Y = _data()
    return _network(), (X, torch.ones_like(Y))


def as_wide_as_the_targets() -> Made:
    """A layer as wide as the targets have directions."""
    return _network(2, width=2), _data()


def exact_rank() -> Made:
    """Five targets that have two directions."""
    X, Y = _data()
    return _network(5), (X, Y @ torch.randn(2, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64))


def far_from_zero() -> Made:
    """float32 features of spread 1e-4 about 1e4."""
    model = _network()
    nn.init.constant_(model[0].bias, 1e4)
    with torch.no_grad():
        model[0].weight *= 1e-5
    X, Y = _data()
    return model.float(), (X.float(), Y.float())


CASES: tuple[Callable[[], Made], ...] = (
    constant, few_samples, one_target, constant_targets, as_wide_as_the_targets, exact_rank, far_from_zero,
)  # fmt: skip


def answers() -> pd.DataFrame:
    """Rows with columns case, measure, variant, layer, value, status, note: of the layer, the last one, the network."""
    return pd.concat([_read(case) for case in CASES], ignore_index=True)


def _read(case: Callable[[], Made]) -> pd.DataFrame:
    model, data = case()
    named = [probe.name for probe in deepnrc.CATALOG if not probe.classes]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they warn of is what the rows say
        table = deepnrc.probe(model, data, probes=named, progress=False).table
    return table.assign(case=(case.__doc__ or "").rstrip("."))


def of(measure: str, where: str, read: pd.DataFrame) -> Iterator[tuple[str, str, str, str]]:
    """Case, value, status and note of a measure where it is not simply ok."""
    layer = {"layer": LAYER, "top": LAST, "network": "(network)"}[where]
    rows = read[(read["measure"] == measure) & (read["variant"] == "default") & (read["layer"] == layer)]
    for row in rows.itertuples():
        if row.status != "ok" or row.note:
            yield str(row.case), "" if pd.isna(row.value) else f"{row.value:.3g}", str(row.status), str(row.note)
