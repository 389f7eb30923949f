"""The streaming statistics of every probed layer, fed batch by batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

SECOND = "needs a second pass over the data"
# Adding X'X to a d x d matrix reads and writes all of it, so small batches wait until they make this many rows.
GATHERED = 256
APART = 5_000_000  # numbers, 40 MB: above what glibc takes from its heap; pages that are not used cost nothing


@dataclass
class LayerStream:
    """One layer's statistics so far; ``flush`` brings them up to date.

    Attributes:
        key: the layer's name in the table (with "#2" for a second run kept as a layer of its own).
        statistics: by name; "moments" always.
        n: target width.
        roundoff: the coarsest unit roundoff seen.
        pool: the pooling that was done.
    """

    key: str
    site: Site
    depth: int
    top: bool
    pool: str
    width: int
    n: int
    statistics: dict[str, Any]
    roundoff: float = 0.0
    gathered: Tensor | None = None
    filled: int = 0

    def update(self, reading: Reading, Y: Tensor, number: int) -> None:
        """Feed one batch, which ``_check`` has let pass, to the statistics of pass ``number``.

        Args:
            Y: (N, n + 1), targets and beside them the class that the network predicts, -1 if unknown.
        """
        rows, repeats = reading.pooled.rows, reading.pooled.repeats
        wide = Y if repeats == 1 else Y.repeat_interleave(repeats, 0)
        wide = wide.to(rows.device)
        self.roundoff = max(self.roundoff, reading.roundoff)
        centred = rows if number == 1 else rows - self.statistics["moments"].mean[: self.width]
        if self.filled + len(centred) > GATHERED:
            self.flush(number)
        if len(centred) >= GATHERED:
            self._feed(centred, wide, number)
        else:
            self._gather(centred, wide)

    def flush(self, number: int) -> None:
        """Feed what waits to the statistics of pass ``number``."""
        if self.gathered is not None and self.filled:
            rows, self.filled = self.gathered[: self.filled], 0
            self._feed(rows[:, : self.width], rows[:, self.width :], number)

    def _gather(self, H: Tensor, Y: Tensor) -> None:
        # one buffer for good: rows that were kept as they came would lie between the network's own tensors and make
        # the allocator ask the system for new memory in every forward pass
        if self.gathered is None:
            self.gathered = H.new_empty(GATHERED, self.width + Y.shape[1])
        rows = self.gathered[self.filled : self.filled + len(H)]
        rows[:, : self.width] = H
        rows[:, self.width :] = Y
        self.filled += len(H)

    def _feed(self, H: Tensor, Y: Tensor, number: int) -> None:
        for name, statistic in self.statistics.items():
            if STATISTICS[name][1] == number:
                predicted = [Y[:, self.n]] if "predicted" in _wants(name) else []
                statistic.update(H, Y[:, : self.n], *predicted)


@dataclass
class Streams:
    """All layers' statistics, and the network's own residuals, which are streamed like features.

    Attributes:
        probes: what was asked for.
        chosen: whether they were asked for by name; else those that do not fit the targets are left out in silence.
        outputs: m, how many outputs each weight of the network has, by name.
        layers: by their names in the table, in the order in which they ran.
        residuals: moments of f(x) - y beside y, or None with ``residuals_missing`` saying why.
        incomparable: whether an output was seen that cannot be held against the targets; it stays so.
        hits: samples whose largest output is that of their class.
        n: target width.
        roundoff: unit roundoff of the targets' dtype.
        one_hot: whether all targets so far were classes.
        missing: why a statistic or another quantity is not there, by its name.
        samples: N, each sample counted once whatever the pooling.
        number: which pass over the data this is, 1 or 2.
    """

    probes: Sequence[Probe]
    outputs: Mapping[str, int] = field(default_factory=dict)
    chosen: bool = False
    layers: dict[str, LayerStream] = field(default_factory=dict)
    top_missing: str = "the network's last layer was not probed"
    residuals: Moments | None = None
    residuals_missing: str = "the network's output was not seen"
    incomparable: bool = False
    n: int = 0
    roundoff: float = 0.0
    one_hot: bool = False
    hits: int = 0
    missing: dict[str, str] = field(default_factory=lambda: {name: SECOND for name in STATISTICS if _second(name)})
    samples: int = 0
    batches: int = 0
    number: int = 1

    def update(self, forward: Forward, targets: Targets) -> None:
        """Feed one batch to every layer, or, if anything is wrong with it, to none."""
        self._check(forward, targets.Y, self.batches + 1)
        self.batches += 1
        prediction = self._prediction(forward.outputs, targets.Y)
        if not targets.one_hot:
            self._without("classes", targets.no_classes)
            self.missing["model_accuracy"] = targets.no_classes
        if prediction is None:
            self._without("predicted", self.residuals_missing)
        if not self.layers:
            self._open(forward, targets)
        self.one_hot = self.one_hot and targets.one_hot
        predicted = targets.Y.new_full((len(targets.Y),), -1) if prediction is None else prediction.argmax(1)
        beside = torch.cat([targets.Y, predicted[:, None].to(targets.Y)], 1)
        for key, reading in forward.readings.items():
            self.layers[key].update(reading, beside, self.number)
        if self.number == 1:
            self.samples += targets.Y.shape[0]
            if prediction is not None:
                self._compare_outputs(prediction, beside)

    @property
    def fitting(self) -> Sequence[Probe]:
        """What will be measured: all that was named, or else without what is for classes where there are none."""
        return [probe for probe in self.probes if self.chosen or self.one_hot or not probe.classes]

    def flush(self) -> None:
        """Bring every layer's statistics up to date, before they are read."""
        for layer in self.layers.values():
            layer.flush(self.number)

    def second_pass(self) -> set[str]:
        """Open the statistics that need the mean first, and return the layers that they belong to; empty if none do."""
        self.flush()
        keys = set()
        for layer in self.layers.values():
            names = self._fed({name for where in _places(layer.top) for name in statistics(self.probes, where, 2)})
            device = layer.statistics["moments"].mean.device
            for name in names:
                statistic = _new(name, layer.width, self.n, device)
                if hasattr(statistic, "begin"):
                    statistic.begin(layer.statistics)
                layer.statistics[name] = statistic
            if names:
                keys.add(layer.key)
        self.number, self.batches = 2, 0
        return keys

    def _fed(self, names: set[str]) -> list[str]:
        """Those of the statistics that nothing keeps from being fed."""
        return sorted(name for name in names if self.missing.get(name, SECOND) == SECOND)

    def _without(self, want: str, reason: str) -> None:
        """Give up, for good, the statistics that want what is not there; the first reason stays."""
        for name in self._fed({name for name in STATISTICS if want in _wants(name)}):
            self.missing[name] = reason
            for layer in self.layers.values():
                layer.statistics.pop(name, None)

    def _open(self, forward: Forward, targets: Targets) -> None:
        self.n, self.roundoff, self.one_hot = targets.Y.shape[1], targets.roundoff, targets.one_hot
        top = self._top(forward)
        for depth, (key, reading) in enumerate(forward.readings.items()):
            rows = reading.pooled.rows
            names = {"moments"}.union(*(statistics(self.probes, where, 1) for where in _places(key == top)))
            d, pool = rows.shape[1], reading.pooled.pool
            opened = {name: _new(name, d, self.n, rows.device) for name in self._fed(names)}
            self.layers[key] = LayerStream(
                key, reading.site, depth, key == top, pool, d, self.n, opened, reading.roundoff
            )
        _together([statistic for layer in self.layers.values() for statistic in layer.statistics.values()])

    def _top(self, forward: Forward) -> str | None:
        """The layer in front of the network's outputs: the last weight to run of n outputs, or of any, if it is probed
        at its input, or else a block that it follows."""
        reads = {key: reading.site.reads for key, reading in forward.readings.items()}
        weights = [name for name in forward.ran if name in self.outputs]
        fitting = [name for name in weights if self.outputs[name] == self.n] or weights
        if not fitting:
            return ([key for key in reads if reads[key] == "input"] or [*reads])[-1]
        last = fitting[-1]
        at_input = [key for key, r in forward.readings.items() if r.site.name == last and r.site.reads == "input"]
        if at_input:
            return at_input[-1]
        self.top_missing = f"the network's last layer, '{last}', was not probed"
        position = len(forward.ran) - 1 - forward.ran[::-1].index(last)
        before = forward.ran[position - 1] if position else None
        return before if before is not None and reads.get(before) == "output" else None

    def _check(self, forward: Forward, Y: Tensor, batch: int) -> None:
        """Refuse a batch that does not fit: before any layer has taken it in."""
        if self.layers:
            self._compare(forward)
            if Y.shape[1] != self.n:
                raise UsageError(f"The targets of batch {batch} have {Y.shape[1]} columns and had {self.n} before.")
        for key, reading in forward.readings.items():
            rows, layer = reading.pooled.rows, self.layers.get(key)
            _check_rows(key, rows.shape[0], Y.shape[0] * reading.pooled.repeats, Y.shape[0], batch)
            if layer is not None and rows.shape[1] != layer.width:
                raise UsageError(
                    f"Layer '{key}' is {rows.shape[1]} wide in batch {batch} and was {layer.width} before. Choose "
                    "another pooling: 'flatten' needs inputs of one size."
                )
            if not bool(torch.isfinite(rows.sum())):
                raise DataError(
                    f"The features of layer '{key}' hold NaN or infinity in batch {batch}. Probe an earlier "
                    "checkpoint, leave the layer out, or use a wider dtype."
                )

    def _compare(self, forward: Forward) -> None:
        expected = self.layers if self.number == 1 else forward.readings
        differing = sorted(set(expected) ^ set(forward.readings))
        if differing:
            name, _, call = differing[0].partition("#")
            raise UsageError(
                f"Layer '{name}' ran {f'{call} times' if call else ''} in some batches and not in others. A layer must "
                f"run equally often in every forward pass; leave it out with layers=['!{name}']."
            )

    def _prediction(self, outputs: Sequence[Tensor], Y: Tensor) -> Tensor | None:
        """The one output of the targets' shape, or None, with ``residuals_missing`` saying why."""
        if not outputs or self.incomparable:
            return None
        columns = [output[:, None] if output.ndim == 1 else output for output in outputs]
        fitting = [output for output in columns if output.shape == Y.shape and output.is_floating_point()]
        if not fitting:
            reason = f"the output {tuple(outputs[0].shape)} does not have the targets' shape (N, {Y.shape[1]})"
        elif len(fitting) > 1:
            reason = f"several outputs have the targets' shape (N, {Y.shape[1]}): which predicts is unknown"
        elif not bool(torch.isfinite(fitting[0]).all()):
            reason = f"the output holds NaN or infinity in batch {self.batches}"
        else:
            return fitting[0]
        self.residuals, self.residuals_missing, self.incomparable = None, reason, True
        return None

    def _compare_outputs(self, prediction: Tensor, beside: Tensor) -> None:
        """Hold the network's output (N, n) against targets and predicted classes (N, n + 1)."""
        Y, predicted = beside[:, : self.n], beside[:, self.n]
        if self.residuals is None:
            self.residuals = Moments(self.n, self.n, Y.device)
        self.residuals.update(prediction.to(Y) - Y, Y)
        self.hits += int((Y.argmax(1) == predicted).sum())

    @property
    def network_accuracy(self) -> float | None:
        """Share of samples whose largest output is that of their class, or None if it could not be read."""
        if not self.one_hot or self.residuals is None or self.residuals.count == 0:
            return None
        return self.hits / self.residuals.count

    @property
    def network_mse(self) -> float | None:
        """Mean over samples and outputs of the network's squared error, or None if it could not be read."""
        if self.residuals is None or self.residuals.count == 0:
            return None
        r = self.residuals
        spread = r.scatter.diagonal()[: self.n].sum() / r.count
        return float(spread + (r.mean[: self.n] ** 2).sum()) / self.n


def _check_rows(key: str, rows: int, expected: int, samples: int, batch: int) -> None:
    if rows == expected:
        return
    folded = samples > 0 and rows % expected == 0
    remedy = (
        "Windows or tokens were folded into its first axis, or the targets are not this batch's: leave it out with "
        f"layers=['!{key.partition('#')[0]}'] or probe layers='blocks', or give one target row per sample."
        if folded
        else "Targets must have one row per sample of the same batch, and the first axis of features must be the batch."
    )
    raise UsageError(f"Layer '{key}' gave {rows} rows in batch {batch}, and the targets have {samples}. {remedy}")


def _places(top: bool) -> tuple[str, ...]:
    return ("layer", "top", "network") if top else ("layer",)


def _second(name: str) -> bool:
    return STATISTICS[name][1] == 2


def _wants(name: str) -> tuple[str, ...]:
    """What a statistic must be given beside features and targets: "classes" as targets, "predicted" classes."""
    return tuple(getattr(STATISTICS[name][0], "wants", ()))


def _new(name: str, d: int, n: int, device: torch.device) -> Any:
    return STATISTICS[name][0](d, n, device)


def _together(statistics: Sequence[Any]) -> None:
    """Move the statistics' tensors into one block, so large that the system maps it apart from the network's memory:
    scattered between the network's own tensors they would slow its forward pass by a third."""
    found = [
        (owner, name, value)
        for owner in statistics
        for name, value in getattr(owner, "__dict__", {}).items()
        if _on_cpu(value)
    ]
    block = torch.zeros(max(APART, sum(value.numel() for _, _, value in found)), dtype=torch.float64)
    start = 0
    for owner, name, value in found:
        place = block[start : start + value.numel()].view(value.shape)
        setattr(owner, name, place.copy_(value))
        start += value.numel()


def _on_cpu(value: object) -> bool:
    return isinstance(value, Tensor) and value.device.type == "cpu" and value.dtype == torch.float64
