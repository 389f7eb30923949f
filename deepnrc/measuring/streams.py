"""The streaming statistics of all probed layers, fed batch by batch."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from deepnrc.data.targets import Targets
from deepnrc.errors import DataError, UsageError
from deepnrc.measuring.layerstream import LayerStream, together, wants
from deepnrc.measuring.performance import Outputs
from deepnrc.measuring.selection import statistics
from deepnrc.networks.taps import Forward
from deepnrc.wording import listing
from probes import STATISTICS, Probe

SECOND = "needs a second pass over the data"


@dataclass
class Streams:
    """All layers' statistics, and the network's own residuals, which are streamed like features.

    Attributes:
        probes: what was asked for.
        chosen: whether they were asked for by name; else those that do not fit the targets are left out in silence.
        outputs: m, how many outputs each weight of the network has, by name.
        sequence_first: names of the network's modules that were built with batch_first=False.
        time_first: names of the modules that are sure to read (T, N, d) where they read three axes.
        layers: by their names in the table, in the order in which they ran.
        network: what the network's own outputs tell.
        n: target width.
        roundoff: unit roundoff of the targets' dtype.
        classes: whether the targets of the first batch were classes.
        one_hot: whether all targets so far were.
        missing: why a statistic or another quantity is not there, by its name.
        samples: N, each sample counted once whatever the pooling.
        number: which pass over the data this is, 1 or 2.
    """

    probes: Sequence[Probe]
    outputs: Mapping[str, int] = field(default_factory=dict)
    chosen: bool = False
    sequence_first: Sequence[str] = ()
    time_first: Sequence[str] = ()
    layers: dict[str, LayerStream] = field(default_factory=dict)
    top_missing: str = "the network's last layer was not probed"
    network: Outputs = field(default_factory=Outputs)
    n: int = 0
    roundoff: float = 0.0
    classes: bool = False
    one_hot: bool = False
    missing: dict[str, str] = field(default_factory=lambda: {name: SECOND for name in STATISTICS if _second(name)})
    samples: int = 0
    batches: int = 0
    number: int = 1

    def update(self, forward: Forward, targets: Targets) -> None:
        """Feed one batch to every layer, or, if anything is wrong with it, to none."""
        self._check(forward, targets.Y, self.batches + 1)
        self.batches += 1
        prediction = self.network.prediction(forward.outputs, targets.Y, self.batches)
        if not targets.one_hot:
            self._without("classes", targets.no_classes)
            self._without("predicted", targets.no_classes)
            self.missing["model_accuracy"] = targets.no_classes
        if prediction is None:
            self._without("predicted", self.network.missing)
        if not self.layers:
            self._open(forward, targets)
        self.one_hot = self.one_hot and targets.one_hot
        predicted = self._predicted(prediction, targets.Y) if self.classes else None
        beside = targets.Y if predicted is None else torch.cat([targets.Y, predicted[:, None].to(targets.Y)], 1)
        for key, reading in forward.readings.items():
            self.layers[key].update(reading, beside, self.number)
        if self.number == 1:
            self.samples += targets.Y.shape[0]
            if prediction is not None:
                self.network.compare(prediction, targets.Y, predicted)

    @staticmethod
    def _predicted(prediction: Tensor | None, Y: Tensor) -> Tensor:
        """The class of each sample's largest output (N,), -1 if it is unknown."""
        return Y.new_full((len(Y),), -1) if prediction is None else prediction.argmax(1)

    @property
    def fitting(self) -> Sequence[Probe]:
        """What will be measured: all that was named, or else without what is for classes where there are none."""
        return [probe for probe in self.probes if self.chosen or self.one_hot or not probe.classes]

    @property
    def network_accuracy(self) -> float | None:
        """Share of samples whose largest output is that of their class, or None if it could not be read."""
        return self.network.accuracy if self.one_hot else None

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
        for name in self._fed({name for name in STATISTICS if want in wants(name)}):
            self.missing[name] = reason
            for layer in self.layers.values():
                layer.statistics.pop(name, None)

    def _open(self, forward: Forward, targets: Targets) -> None:
        self.n, self.roundoff = targets.Y.shape[1], targets.roundoff
        self.classes = self.one_hot = targets.one_hot
        self._warn_of_tokens(forward)
        top = self._top(forward)
        for depth, (key, reading) in enumerate(forward.readings.items()):
            rows = reading.pooled.rows
            names = {"moments"}.union(*(statistics(self.probes, where, 1) for where in _places(key == top)))
            d, pool = rows.shape[1], reading.pooled.pool
            opened = {name: _new(name, d, self.n, rows.device) for name in self._fed(names)}
            self.layers[key] = LayerStream(
                key, reading.site, depth, key == top, pool, d, self.n, opened, reading.roundoff
            )
        together([statistic for layer in self.layers.values() for statistic in layer.statistics.values()])

    def _warn_of_tokens(self, forward: Forward) -> None:
        """The rows of these layers are as many as samples, so the sequences are as long as the batch is large."""
        read = [r.site.name for r in forward.readings.values() if r.pooled.pool != "none"]
        taken = [name for name in dict.fromkeys(read) if name in self.time_first]
        if taken:
            warnings.warn(
                f"{listing(taken)} read (T, N, d), as the transformer layer around was built with batch_first=False, "
                "and T is the batch size here: tokens are taken for samples. Build it with batch_first=True.",
                stacklevel=6,
            )

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
            _check_rows(key, rows.shape[0], Y.shape[0] * reading.pooled.repeats, Y.shape[0], batch, self.sequence_first)
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


def _check_rows(
    key: str, rows: int, expected: int, samples: int, batch: int, sequence_first: Sequence[str] = ()
) -> None:
    if rows == expected:
        return
    folded = samples > 0 and rows % expected == 0
    remedy = (
        "Windows or tokens were folded into its first axis, or the targets are not this batch's: leave it out with "
        f"layers=['!{key.partition('#')[0]}'] or probe layers='blocks', or give one target row per sample."
        if folded
        else "Targets must have one row per sample of the same batch, and the first axis of features must be the batch."
    )
    if sequence_first:
        remedy += (
            f" If it reads (T, N, d), because {listing(sequence_first, 3)} has batch_first=False, build the network "
            "with batch_first=True."
        )
    raise UsageError(f"Layer '{key}' gave {rows} rows in batch {batch}, and the targets have {samples}. {remedy}")


def _places(top: bool) -> tuple[str, ...]:
    return ("layer", "top", "network") if top else ("layer",)


def _second(name: str) -> bool:
    return STATISTICS[name][1] == 2


def _new(name: str, d: int, n: int, device: torch.device) -> Any:
    return STATISTICS[name][0](d, n, device)
