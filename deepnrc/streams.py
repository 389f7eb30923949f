"""The streaming statistics of every probed layer, fed batch by batch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from deepnrc.errors import DataError, UsageError
from deepnrc.layers import Site
from deepnrc.selection import statistics
from deepnrc.taps import Forward, Reading
from deepnrc.targets import Targets
from probes import STATISTICS, Moments, Probe


@dataclass
class LayerStream:
    """One layer's statistics so far.

    Attributes:
        key: the layer's name in the table (with "#2" for a second run kept as a layer of its own).
        statistics: by name; "moments" always.
        roundoff: the coarsest unit roundoff seen.
        pool: the pooling that was done.
    """

    key: str
    site: Site
    depth: int
    top: bool
    pool: str
    width: int
    statistics: dict[str, Any]
    roundoff: float = 0.0

    def update(self, reading: Reading, Y: Tensor, number: int, batch: int) -> None:
        """Feed one batch to the statistics of pass ``number``."""
        rows, repeats = reading.pooled.rows, reading.pooled.repeats
        if rows.shape[0] != Y.shape[0] * repeats:
            raise UsageError(
                f"Layer '{self.key}' gave {rows.shape[0]} rows in batch {batch}, and the targets have {Y.shape[0]}. "
                "Targets must have one row per sample of the same batch, and the first axis of features must be the "
                "batch."
            )
        if rows.shape[1] != self.width:
            raise UsageError(
                f"Layer '{self.key}' is {rows.shape[1]} wide in batch {batch} and was {self.width} before. Choose "
                "another pooling: 'flatten' needs inputs of one size."
            )
        wide = Y if repeats == 1 else Y.repeat_interleave(repeats, 0)
        wide = wide.to(rows.device)
        if not bool(torch.isfinite(rows.sum())):
            raise DataError(
                f"The features of layer '{self.key}' hold NaN or infinity in batch {batch}. Probe an earlier "
                "checkpoint, leave the layer out, or use a wider dtype."
            )
        self.roundoff = max(self.roundoff, reading.roundoff)
        centred = rows if number == 1 else rows - self.statistics["moments"].mean[: self.width]
        for name, statistic in self.statistics.items():
            if STATISTICS[name][1] == number:
                statistic.update(centred, wide)


@dataclass
class Streams:
    """All layers' statistics, and the network's own residuals, which are streamed like features.

    Attributes:
        probes: what will be measured, and so which statistics each layer needs.
        layers: by their names in the table, in the order in which they ran.
        residuals: moments of f(x) - y beside y, or None with ``residuals_missing`` saying why.
        n: target width.
        roundoff: unit roundoff of the targets' dtype.
        samples: N, each sample counted once whatever the pooling.
        number: which pass over the data this is, 1 or 2.
    """

    probes: Sequence[Probe]
    layers: dict[str, LayerStream] = field(default_factory=dict)
    residuals: Moments | None = None
    residuals_missing: str = "the network's output was not seen"
    n: int = 0
    roundoff: float = 0.0
    one_hot: bool = False
    samples: int = 0
    batches: int = 0
    number: int = 1

    def update(self, forward: Forward, targets: Targets) -> None:
        """Feed one batch to every layer."""
        self.batches += 1
        if not self.layers:
            self._open(forward, targets)
        if targets.Y.shape[1] != self.n:
            raise UsageError(
                f"The targets of batch {self.batches} have {targets.Y.shape[1]} columns and had {self.n} before."
            )
        self._compare(forward)
        for key, reading in forward.readings.items():
            self.layers[key].update(reading, targets.Y, self.number, self.batches)
        if self.number == 1:
            self.samples += targets.Y.shape[0]
            self._residuals(forward.output, targets.Y)

    def second_pass(self) -> set[str]:
        """Open the statistics that need the mean first, and return the layers that they belong to; empty if none do."""
        keys = set()
        for layer in self.layers.values():
            names = {name for where in _places(layer.top) for name in statistics(self.probes, where, 2)}
            device = layer.statistics["moments"].mean.device
            layer.statistics.update({name: _new(name, layer.width, self.n, device) for name in names})
            if names:
                keys.add(layer.key)
        self.number, self.batches = 2, 0
        return keys

    def _open(self, forward: Forward, targets: Targets) -> None:
        self.n, self.roundoff, self.one_hot = targets.Y.shape[1], targets.roundoff, targets.one_hot
        keys = list(forward.readings)
        inputs = [key for key in keys if forward.readings[key].site.reads == "input"] or keys
        for depth, (key, reading) in enumerate(forward.readings.items()):
            rows, top = reading.pooled.rows, key == inputs[-1]
            names = {"moments"}.union(*(statistics(self.probes, where, 1) for where in _places(top)))
            opened = {name: _new(name, rows.shape[1], self.n, rows.device) for name in sorted(names)}
            self.layers[key] = LayerStream(
                key, reading.site, depth, top, reading.pooled.pool, rows.shape[1], opened, reading.roundoff
            )

    def _compare(self, forward: Forward) -> None:
        expected = self.layers if self.number == 1 else forward.readings
        differing = sorted(set(expected) ^ set(forward.readings))
        if differing:
            raise UsageError(
                f"Layer '{differing[0]}' ran in some batches and not in others. A layer must run in every forward "
                f"pass; leave it out with layers=['!{differing[0]}']."
            )

    def _residuals(self, output: Tensor | None, Y: Tensor) -> None:
        if output is None or self.residuals_missing.startswith("the output"):
            return
        prediction = output[:, None] if output.ndim == 1 else output
        if prediction.shape != Y.shape or not prediction.is_floating_point():
            self.residuals_missing = f"the output {tuple(output.shape)} does not have the targets' shape (N, {self.n})"
            self.residuals = None
            return
        if self.residuals is None:
            self.residuals = Moments(self.n, self.n, Y.device)
        self.residuals.update(prediction.to(Y) - Y, Y)

    @property
    def network_mse(self) -> float | None:
        """Mean over samples and outputs of the network's squared error, or None if it could not be read."""
        if self.residuals is None or self.residuals.count == 0:
            return None
        r = self.residuals
        spread = r.scatter.diagonal()[: self.n].sum() / r.count
        return float(spread + (r.mean[: self.n] ** 2).sum()) / self.n


def _places(top: bool) -> tuple[str, ...]:
    return ("layer", "top", "network") if top else ("layer",)


def _new(name: str, d: int, n: int, device: torch.device) -> Any:
    return STATISTICS[name][0](d, n, device)
