"""The streaming statistics of all probed layers, fed batch by batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from deepnrc.data import Targets
from deepnrc.measuring import fit
from deepnrc.measuring.layerstream import BatchLabels, LayerStream
from deepnrc.measuring.memory import check_memory
from deepnrc.measuring.performance import Performance
from deepnrc.measuring.placement import together
from deepnrc.measuring.selection import statistics
from deepnrc.measuring.top import Top
from deepnrc.networks import Forward
from probes import Moments, NotDefinedError, Part, Pass, Probe, Statistic

SECOND = "needs a second pass over the data"


@dataclass
class Streams:
    """All layers' statistics, and the network's own residuals, which are streamed like features.

    Attributes:
        probes: what was asked for.
        chosen: whether they were asked for by name; else those that do not fit the targets are left out in silence.
        sequence_first: names of the network's modules that were built with batch_first=False.
        layers: by their names in the table, in the order in which they ran.
        top: which of them is the top layer; set before the first batch.
        network: what the network's own outputs tell.
        n: target width.
        roundoff: the coarsest unit roundoff of the targets' numbers.
        resolution: half a unit of the last written digit of each target (n,), or None.
        one_hot: whether all targets so far were classes.
        unknown: parts of a batch that were unknown in some batch, and so are for good, with the first reason.
        unopened: statistics that could not begin, with the reason.
        samples: N, each sample counted once whatever the pooling.
        number: which pass over the data this is.
    """

    probes: Sequence[Probe]
    chosen: bool = False
    sequence_first: Sequence[str] = ()
    layers: dict[str, LayerStream] = field(default_factory=dict)
    top: Top = field(default_factory=lambda: Top(None))
    network: Performance = field(default_factory=Performance)
    n: int = 0
    roundoff: float = 0.0
    resolution: Tensor | None = None
    one_hot: bool = False
    unknown: dict[Part, str] = field(default_factory=dict)
    unopened: dict[str, str] = field(default_factory=dict)
    samples: int = 0
    batches: int = 0
    number: Pass = Pass.FIRST

    def update(self, forward: Forward, targets: Targets) -> None:
        """Feed one batch to every layer, or, if anything is wrong with it, to none."""
        self._check(forward, targets.Y, self.batches + 1)
        self.batches += 1
        prediction = self.network.prediction(forward.outputs, targets.Y, self.batches)
        samples = self._samples(prediction, targets)
        if not self.layers:
            self._open(forward, targets)
        self.one_hot, self.roundoff = self.one_hot and targets.one_hot, max(self.roundoff, targets.roundoff)
        for key, reading in forward.readings.items():
            self.layers[key].update(reading, samples, self.number)
        if self.number is Pass.FIRST:
            self.samples += targets.Y.shape[0]
            if prediction is not None:
                self.network.compare(prediction, targets.Y, samples.predicted)

    @property
    def fitting(self) -> Sequence[Probe]:
        """What will be measured: all that was named, or else without what is for classes where there are none."""
        return [probe for probe in self.probes if self.chosen or self.one_hot or not probe.classes]

    @property
    def network_accuracy(self) -> float | None:
        """Share of samples whose largest output is that of their class, or None if it could not be read."""
        return self.network.accuracy if self.one_hot else None

    @property
    def missing(self) -> dict[str, str]:
        """Why a statistic or another quantity is not there, by its name."""
        kinds = statistics(self.probes)
        found = {name: why for name, kind in kinds.items() if (why := self._unfed(kind)) is not None}
        waiting = {name: SECOND for name, kind in kinds.items() if kind.in_pass > self.number}
        no_classes = {"model_accuracy": self.unknown[Part.CLASSES]} if Part.CLASSES in self.unknown else {}
        return waiting | self.unopened | found | no_classes

    def flush(self) -> None:
        """Bring every layer's statistics up to date, before they are read."""
        for layer in self.layers.values():
            layer.flush(self.number)

    def second_pass(self) -> set[str]:
        """Open the statistics that need the mean first, and return the layers that they belong to; empty if none do."""
        self.flush()
        self.number, self.batches = Pass.SECOND, 0
        return {layer.key for layer in self.layers.values() if self._begin(layer)}

    def _samples(self, prediction: Tensor | None, targets: Targets) -> BatchLabels:
        """What is known of a batch, once the statistics that need what is not have been given up."""
        if not targets.one_hot:
            self._give_up(Part.CLASSES, targets.no_classes)
            self._give_up(Part.PREDICTED, targets.no_classes)
            return BatchLabels(targets.Y)
        if prediction is None:
            self._give_up(Part.PREDICTED, self.network.missing)
            return BatchLabels(targets.Y, targets.Y.argmax(1))
        return BatchLabels(targets.Y, targets.Y.argmax(1), prediction.argmax(1))

    def _give_up(self, part: Part, reason: str) -> None:
        if part in self.unknown:
            return
        self.unknown[part] = reason
        for layer in self.layers.values():
            layer.statistics = {name: s for name, s in layer.statistics.items() if self._unfed(type(s)) is None}

    def _unfed(self, kind: type[Statistic]) -> str | None:
        """Why a statistic cannot be fed, or None if it can."""
        return next((reason for part, reason in self.unknown.items() if part & kind.needs), None)

    def _open(self, forward: Forward, targets: Targets) -> None:
        self.n, self.one_hot, self.resolution = targets.Y.shape[1], targets.one_hot, targets.resolution
        found = [reading.pooled.rows for reading in forward.readings.values()]
        check_memory({k: r.pooled.rows.shape[1] for k, r in forward.readings.items()}, self.n, found[0].device)
        for depth, (key, reading) in enumerate(forward.readings.items()):
            rows, pool = reading.pooled.rows, reading.pooled.pool
            self.layers[key] = LayerStream(
                key, reading.site, depth, key == self.top.key, pool, rows.shape[1], self.n, rows.device
            )
            self._begin(self.layers[key])
        together([statistic for layer in self.layers.values() for statistic in layer.statistics.values()])

    def _begin(self, layer: LayerStream) -> list[str]:
        """Begin the statistics that a layer's probes need in this pass; return their names."""
        begun = {}
        for name, kind in sorted(self._needed(layer)):
            try:
                begun[name] = kind.begin(layer.opening)
            except NotDefinedError as reason:
                self.unopened[name] = str(reason)
        layer.statistics |= begun
        return list(begun)

    def _needed(self, layer: LayerStream) -> Iterator[tuple[str, type[Statistic]]]:
        places = ("layer", "top", "network") if layer.top else ("layer",)
        found = {"moments": Moments} | statistics(probe for probe in self.probes if probe.where in places)
        return ((name, s) for name, s in found.items() if s.in_pass is self.number and self._unfed(s) is None)

    def _check(self, forward: Forward, Y: Tensor, batch: int) -> None:
        if self.layers:
            fit.check_layers(forward, self.layers if self.number is Pass.FIRST else forward.readings)
            fit.check_targets(Y, self.n, batch)
        widths = {key: layer.width for key, layer in self.layers.items()}
        fit.check_features(forward, len(Y), batch, widths, self.sequence_first)
