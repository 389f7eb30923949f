"""The table held against the same measures by hand, layer by layer."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from tyro.conf import arg

import deepnrc
from deepnrc.data import progress_bar
from deepnrc.errors import UsageError
from deepnrc.table import write_whole
from experiments.byhand.classmeasures import class_measures
from experiments.byhand.measures import (
    Matrix,
    balance_measures,
    layer_measures,
    network_measures,
    network_r2,
    top_measures,
    weight,
)
from experiments.claims import Verdict
from experiments.networks import ResNet
from experiments.pages import Page, closing, leave_settings

BOUND = 1e-6
STATEMENT = (
    "Every regression measure of every layer is what a plain float64 computation gives: largest relative difference"
)
SHARE = "Share of these values, of all that the table calls ok or that the plain computation gives, that were compared"
PROBED = ("deep.*", "nrc.*", "model.*", "rank.*", "features.*")
EXCEPTED = (
    "deep.noise",
    "deep.noise_fraction",
    "deep.noise_alignment",
)  # where no direction is noise: 0 but for rounding
ABOUT = (
    "A ResNet18 is trained for a moment in float32 on random images with regression targets. What enters each layer is "
    "then taken out by hooks of this study's own and kept whole, every regression measure is computed from it with "
    "numpy in float64, and the table of the framework, which saw the images in batches, is held against it. Not "
    "compared are noise, noise fraction and noise alignment of a layer no wider than the targets' rank: no direction "
    "is left for noise, and they are 0 but for rounding. The classifier's measures (nc) are not part of this."
)
Batches = Sequence[tuple[Any, Tensor]]


@dataclass(frozen=True)
class Seen:
    """What one pass of a network gave, kept whole: pooled features H (N, d) of each layer, its outputs and its targets
    (N, n), and the classes (N,) that the targets were made of, if they were."""

    features: Mapping[str, Matrix]
    output: Matrix
    targets: Matrix
    labels: NDArray[np.int64] | None = None


def look(model: nn.Module, batches: Batches, names: Iterable[str], reads: str = "input") -> Seen:
    """Run the network in evaluation mode over the batches and keep what enters (or leaves) each named module.

    Maps (N, d, ...) of a network or block with convolutions are averaged over all positions, tokens (N, ..., d) over
    all tokens.
    """
    kept: dict[str, list[Tensor]] = {name: [] for name in names}
    outputs: list[Tensor] = []
    handles = [_keep(model.get_submodule(name), kept[name], reads) for name in kept]
    was = model.training
    model.eval()
    try:
        with torch.no_grad():
            outputs = [_first(model(x)).double() for x, _ in batches]
    finally:
        for handle in handles:
            handle.remove()
        model.train(was)
    features = {name: torch.cat(parts).cpu().numpy() for name, parts in kept.items()}
    output, y = torch.cat(outputs).cpu(), torch.cat([y for _, y in batches]).cpu()
    if y.ndim == 1 and not y.is_floating_point():
        one_hot = nn.functional.one_hot(y, output.shape[1]).double().numpy()
        return Seen(features, output.numpy(), one_hot, y.numpy())
    return Seen(features, output.numpy(), y.double().reshape(len(y), -1).numpy())


def _keep(module: nn.Module, kept: list[Tensor], reads: str) -> torch.utils.hooks.RemovableHandle:
    channels_first = any(isinstance(m, nn.Conv1d | nn.Conv2d | nn.Conv3d) for m in module.modules())

    def pooled(x: Tensor) -> Tensor:
        if x.ndim == 2:
            return x.double().clone()
        return x.double().mean(tuple(range(2, x.ndim)) if channels_first else tuple(range(1, x.ndim - 1)))

    if reads == "input":
        return module.register_forward_pre_hook(lambda m, args: kept.append(pooled(args[0])))
    return module.register_forward_hook(lambda m, args, output: kept.append(pooled(output)))


def _first(output: Any) -> Tensor:
    while not isinstance(output, Tensor):
        output = next(iter(output.values() if isinstance(output, Mapping) else output))
    return output


def compared(
    table: pd.DataFrame, model: nn.Module, batches: Batches, progress: Callable[[Iterable[str]], Iterable[str]] = iter
) -> pd.DataFrame:
    """A report's table of one run beside the same measures by hand.

    Args:
        table: of a network probed at the inputs of its Linear and convolutions, averaged over positions.
        model: the network, as it was probed.
        batches: the same batches as there.
        progress: wraps the layers' names.
    Returns: a row for each value that the table calls ok or that is computed by hand: layer, measure, variant, dim,
        rank, table, by_hand, relative (difference). What only one of them has is NaN in the other and in ``relative``.
    """
    names = list(dict.fromkeys(table.loc[table["layer"] != "(network)", "layer"]))
    seen = look(model, batches, names)
    whole = network_measures(seen.output, seen.targets, seen.labels is not None)
    along = network_r2(seen.output, seen.targets, seen.labels is not None)
    found = {("(network)", *name): value for name, value in whole.items()}
    at_top = set(table.loc[table["measure"] == "nrc.1", "layer"])
    for layer, after in zip(progress(names), [*names[1:], None], strict=True):
        module = model.get_submodule(layer)
        H, W = seen.features[layer], weight(module)
        mine = layer_measures(H, seen.targets, W, whole.get(("model.mse", "default")), along)
        if layer in at_top and W is not None:
            mine |= top_measures(H, seen.targets, W)
        if seen.labels is not None:
            own = W if layer in at_top else None
            mine |= class_measures(H, seen.labels, own, seen.output.argmax(1))
        reader = None if after is None else model.get_submodule(after)
        if W is not None and isinstance(module, nn.Linear) and isinstance(reader, nn.Linear):
            V = weight(reader)
            mine |= balance_measures(W, V) if V is not None and V.shape[1] == W.shape[0] else {}
        found |= {(layer, *name): value for name, value in mine.items()}
    keys = ["layer", "measure", "variant"]
    given = table.assign(table=table["value"].where(table["status"] == "ok")).set_index(keys)
    hand = pd.Series(found, name="by_hand").rename_axis(keys)
    rows = pd.concat([given[["dim", "rank", "table"]], hand], axis=1)
    rows = rows.dropna(subset=["table", "by_hand"], how="all").reset_index()
    apart = (rows["table"] - rows["by_hand"]).abs()
    rows["relative"] = apart.where(apart == 0, apart / rows["by_hand"].abs())
    return rows


def share_compared(rows: pd.DataFrame) -> float:
    """Share of the rows of ``compared`` that have both values, but for EXCEPTED where k >= d; NaN for none."""
    due = rows[~(rows["measure"].isin(EXCEPTED) & (rows["dim"] <= rows["rank"]))]
    return float(due["relative"].notna().mean())


def verdicts(rows: pd.DataFrame) -> list[Verdict]:
    """The largest difference held against its bound, and whether everything was compared."""
    return [
        Verdict(STATEMENT, "ours", float(rows["relative"].max()), "<", BOUND),
        Verdict(SHARE, "ours", share_compared(rows), ">", 0.999),
    ]


def by_measure(rows: pd.DataFrame) -> pd.DataFrame:
    """The largest relative difference of each measure, the layer where it is, and how many values were compared."""
    both = rows.dropna(subset="relative").reset_index(drop=True)
    worst = both.sort_values("relative").drop_duplicates(["measure", "variant"], keep="last").sort_index()
    counts = both.groupby(["measure", "variant"], sort=False).size().rename("values").reset_index()
    return worst[["measure", "variant", "layer", "relative"]].merge(counts, on=["measure", "variant"])


@dataclass(frozen=True)
class ByHand:
    """Train a ResNet18 for a moment, and hold every regression measure of every layer against the same by hand."""

    takes: ClassVar[str] = "1 minute"

    samples: Annotated[int, arg(help="Images probed; more than the widest layer, for linear predictability.")] = 1200
    size: Annotated[int, arg(help="Side of the images.")] = 32
    outputs: Annotated[int, arg(help="Target dimensions.")] = 3
    steps: Annotated[int, arg(help="Training steps on batches of 64.")] = 60
    channels: Annotated[tuple[int, int, int, int], arg(help="Widths of the stages.")] = (64, 128, 256, 512)
    seed: Annotated[int, arg(help="Of images, weights and order.")] = 0
    out: Annotated[Path, arg(help="Folder of all studies; this one has one of its own in it.")] = Path("runs/studies")
    progress: Annotated[bool, arg(help="Show progress bars.")] = True

    def run(self) -> None:
        """Print the largest relative difference of each measure, and leave a page."""
        started = time.perf_counter()
        rows = self.rows()
        print(by_measure(rows).to_string(index=False, float_format="{:.1e}".format))
        both = rows.dropna(subset="relative")
        worst = both.sort_values("relative").iloc[-1]
        print(
            f"{len(both)} values of {rows['layer'].nunique() - 1} layers. Largest relative difference: "
            f"{worst['relative']:.1e} ({worst['measure']} of {worst['layer']}). Bound: {BOUND:g}."
        )
        for verdict in verdicts(rows):
            print(verdict.line)
        files = self.write(rows, time.perf_counter() - started)
        closing("by-hand", time.perf_counter() - started, files)

    def write(self, rows: pd.DataFrame, seconds: float) -> dict[Path, str]:
        """Write table, settings and page into the study's folder; the files to open."""
        folder = self.out / "by-hand"
        leave_settings(self, folder)
        write_whole({folder / "table.parquet": rows.to_parquet(index=False)}, "The table")
        worst = by_measure(rows)
        table = [[*row[:3], f"{row[3]:.1e}", row[4]] for row in worst.itertuples(index=False, name=None)]
        columns = ["measure", "variant", "layer", "relative difference", "values"]
        page = Page(
            name="by-hand",
            about=ABOUT,
            verdicts=verdicts(rows),
            tables=[{"caption": "Largest difference of each measure", "columns": columns, "rows": table}],
            drawn=[],
            seconds=seconds,
            cells=1,
        )
        return page.write(folder)

    def rows(self) -> pd.DataFrame:
        """Train, probe and compare; see ``compared``."""
        return compared(
            *self.probed(), lambda names: progress_bar(names, desc="by hand", unit="layer", progress=self.progress)
        )

    def probed(self) -> tuple[pd.DataFrame, nn.Module, Batches]:
        """The report's table of the trained network, with the network and its batches.

        Errors: UsageError for sizes that make no sense.
        """
        if min(self.samples, self.size, self.outputs) < 1 or self.steps < 0:
            raise UsageError("--samples, --size and --outputs must be at least 1, and --steps at least 0.")
        x, y = self._images()
        model = ResNet(channels=self.channels).make(3, self.outputs, self.seed)
        _train(model, x, y, self.steps, self.seed, self.progress)
        batches = list(zip(x.split(100), y.split(100), strict=True))
        report = deepnrc.probe(model, batches, probes=list(PROBED), progress=self.progress)
        return report.table, model, batches

    def _images(self) -> tuple[Tensor, Tensor]:
        """Random images, and targets that depend on them through a linear map and a little noise."""
        draw = torch.Generator().manual_seed(self.seed)
        x = torch.randn(self.samples, 3, self.size, self.size, generator=draw)
        A = torch.randn(x[0].numel(), self.outputs, generator=draw) / x[0].numel() ** 0.5
        return x, x.flatten(1) @ A + 0.1 * torch.randn(self.samples, self.outputs, generator=draw)


def _train(model: nn.Module, x: Tensor, y: Tensor, steps: int, seed: int, progress: bool) -> None:
    order = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=5e-4)
    model.train()
    for _ in progress_bar(range(steps), desc="training", unit="step", progress=progress):
        rows = torch.randint(len(x), (64,), generator=order)
        optimizer.zero_grad()
        nn.functional.mse_loss(model(x[rows]), y[rows]).backward()
        optimizer.step()
    model.eval()
