"""The streaming statistics of all probed layers, fed batch by batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

from deepnrc.data import Targets
from deepnrc.errors import DataError, UsageError
from deepnrc.measuring.selection import held_statistics, statistics, with_held_out
from deepnrc.measuring.settling.top import Top
from deepnrc.measuring.streaming import fit
from deepnrc.measuring.streaming.dealing import Dealing
from deepnrc.measuring.streaming.layerstream import BatchLabels, LayerStream
from deepnrc.measuring.streaming.memory import check_memory, moments_size
from deepnrc.measuring.streaming.parallel import Item, in_parallel, threads_for
from deepnrc.measuring.streaming.performance import Performance
from deepnrc.measuring.streaming.sketching import check_alone
from deepnrc.networks import Forward
from probes import Classes, Directions, Moments, NotDefinedError, Part, Pass, Probe, Statistic, products_by

SQUARES = (Directions, Classes)  # statistics of d^2 numbers beside the moments
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
        products: by the names of modules and bare parameters, the coarsest unit roundoff of their products; of those
            alone that round.
        resolution: half a unit of the last written digit of each target (n,), or None.
        one_hot: whether all targets so far were classes.
        unknown: parts of a batch that were unknown in some batch, and so are for good, with the first reason.
        unopened: statistics that could not begin, with the reason.
        samples: N, each sample counted once whatever the pooling.
        number: which pass over the data this is.
        dealing: which group each sample goes to; None where no intervals are asked for.
        parts: what the network's outputs tell of each group.
        sizes: samples of each group.
        fitted: the streams of the training samples, where these are held out; nothing needs a second pass then.
        depths: of each layer in the network, where these are not all of its layers.
        sketch: how many random directions are kept of the features of wider layers; None for their covariances.
    """

    probes: Sequence[Probe]
    chosen: bool = False
    sequence_first: Sequence[str] = ()
    layers: dict[str, LayerStream] = field(default_factory=dict)
    top: Top = field(default_factory=lambda: Top(None))
    network: Performance = field(default_factory=Performance)
    n: int = 0
    roundoff: float = 0.0
    products: dict[str, float] = field(default_factory=dict)
    resolution: Tensor | None = None
    one_hot: bool = False
    unknown: dict[Part, str] = field(default_factory=dict)
    unopened: dict[str, str] = field(default_factory=dict)
    samples: int = 0
    batches: int = 0
    number: Pass = Pass.FIRST
    dealing: Dealing | None = None
    parts: list[Performance] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    fitted: Streams | None = None
    depths: Mapping[str, int] = field(default_factory=dict)
    sketch: int | None = None

    def next(self) -> Streams:
        """Streams of the same network that have seen nothing yet, for other layers of it."""
        found = Streams(
            self.probes, self.chosen, self.sequence_first, top=self.top, dealing=self.dealing, sketch=self.sketch
        )
        found.network.name = self.network.name
        return found

    def bytes_of(self, forward: Forward, targets: Targets, held_out: bool) -> dict[str, int]:
        """Bytes that the statistics of each layer of a first batch are going to take, by its key."""
        groups = 0 if self.dealing is None else self.dealing.count
        found = {}
        for key, reading in forward.readings.items():
            d, n = reading.pooled.rows.shape[1], targets.Y.shape[1]
            places = ("layer", "top", "network") if key == self.top.key else ("layer",)
            kinds = statistics(probe for probe in self.probes if probe.where in places).values()
            fed = [kind for kind in kinds if targets.one_hot or Part.CLASSES not in kind.needs]
            squares = 0 if self._sketch(d) is not None else sum(issubclass(kind, SQUARES) for kind in fed)
            found[key] = (moments_size(d, n, targets.one_hot, self.sketch) + 8 * d * d * squares) * (
                1 + groups + held_out
            )
        return found

    def held_out(self) -> Streams:
        """Streams for samples that nothing is fitted to, beside these, which are finished.

        Errors: UsageError if these are such streams, DataError if they saw nothing.
        """
        if self.fitted is not None:
            raise UsageError("Held-out samples are observed already. One held-out set stands beside the training one.")
        check_alone(self.sketch, held_out=True)
        if self.samples == 0:
            raise DataError("Nothing was observed yet to which anything could be fitted. Observe that first.")
        self.flush()
        network = Performance(self.network.name)
        probes = with_held_out(self.fitting, self.chosen)
        return Streams(probes, True, self.sequence_first, top=self.top, network=network, fitted=self)

    def update(self, forward: Forward, targets: Targets) -> None:
        """Feed one batch to every layer, or, if anything is wrong with it, to none."""
        self._check(forward, targets.Y, self.batches + 1)
        self.batches += 1
        prediction = self.network.prediction(forward.outputs, targets.Y, self.batches)
        samples = self._samples(prediction, targets)
        if not self.layers:
            self._open(forward, targets)
        self.note(forward.products)
        self.one_hot, self.roundoff = self.one_hot and targets.one_hot, max(self.roundoff, targets.roundoff)
        passes = [self.number] if self.fitted is None else list(Pass)
        with products_by(_at_once):
            for number in passes:
                for key, reading in forward.readings.items():
                    self.layers[key].update(reading, samples, number)
        if self.number is Pass.FIRST:
            self.samples += targets.Y.shape[0]
            self._compare(prediction, samples)

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
        later = self.fitted is None
        waiting = {name: SECOND for name, kind in kinds.items() if later and kind.in_pass > self.number}
        no_classes = {"model_accuracy": self.unknown[Part.CLASSES]} if Part.CLASSES in self.unknown else {}
        return waiting | self.unopened | found | no_classes

    def _compare(self, prediction: Tensor | None, samples: BatchLabels) -> None:
        """Hold the network's output against the targets, of all samples and of each group."""
        if samples.groups is not None:
            counts = samples.groups.bincount(minlength=len(self.sizes)).tolist()
            self.sizes = [size + count for size, count in zip(self.sizes, counts, strict=True)]
        if prediction is None:
            return
        self.network.compare(prediction, samples.Y, samples.classes, samples.predicted)
        for group, part in enumerate(self.parts):
            at = samples.groups == group
            labels = [None if known is None else known[at] for known in (samples.classes, samples.predicted)]
            part.compare(prediction[at], samples.Y[at], *labels)

    def note(self, products: Mapping[str, float]) -> None:
        """Note how coarsely products round."""
        self.products |= {name: max(u, self.products.get(name, 0.0)) for name, u in products.items()}

    def flush(self) -> None:
        """Bring every layer's statistics up to date, before they are read."""
        with products_by(_at_once):
            for layer in self.layers.values():
                layer.flush()

    def second_pass(self) -> set[str]:
        """Open the statistics that need the mean first, and return the layers that they belong to; empty if none do."""
        self.flush()
        self.number, self.batches = Pass.SECOND, 0
        return {layer.key for layer in self.layers.values() if self._begin(layer)}

    def _samples(self, prediction: Tensor | None, targets: Targets) -> BatchLabels:
        """What is known of a batch, once the statistics that need what is not have been given up."""
        Y, groups = targets.Y, None
        if self.dealing is not None and self.number is Pass.FIRST:
            groups = self.dealing.of(self.samples, len(Y)).to(Y.device)
        if not targets.one_hot:
            self._give_up(Part.CLASSES, targets.no_classes)
            self._give_up(Part.PREDICTED, targets.no_classes)
            return BatchLabels(Y, groups=groups)
        if prediction is None:
            self._give_up(Part.PREDICTED, self.network.missing)
            return BatchLabels(Y, Y.argmax(1), groups=groups)
        return BatchLabels(Y, Y.argmax(1), prediction.argmax(1), groups)

    def _give_up(self, part: Part, reason: str) -> None:
        if part in self.unknown:
            return
        self.unknown[part] = reason
        for layer in self.layers.values():
            layer.keep(lambda statistic: self._unfed(type(statistic)) is None)

    def _unfed(self, kind: type[Statistic]) -> str | None:
        """Why a statistic cannot be fed, or None if it can."""
        return next((reason for part, reason in self.unknown.items() if part & kind.needs), None)

    def _open(self, forward: Forward, targets: Targets) -> None:
        self.n, self.one_hot, self.resolution = targets.Y.shape[1], targets.one_hot, targets.resolution
        found = [reading.pooled.rows for reading in forward.readings.values()]
        groups = 0 if self.dealing is None else self.dealing.count
        widths = {k: r.pooled.rows.shape[1] for k, r in forward.readings.items()}
        check_memory(widths, self.n, found[0].device, groups, self.one_hot, self.sketch)
        self.parts, self.sizes = [Performance() for _ in range(groups)], [0] * groups
        for depth, (key, reading) in enumerate(forward.readings.items()):
            rows, pool = reading.pooled.rows, reading.pooled.pool
            fitted = None if self.fitted is None else self.fitted.layers[key].statistics
            self.layers[key] = LayerStream(
                key,
                reading.site,
                self.depths.get(key, depth),
                key == self.top.key,
                pool,
                rows.shape[1],
                self.n,
                rows.device,
                fitted=fitted,
                sketch=self._sketch(rows.shape[1]),
            )
            self._begin(self.layers[key])

    def _begin(self, layer: LayerStream) -> list[str]:
        """Begin the statistics that a layer's probes need in this pass; return their names."""
        begun = []
        for name, kind in sorted(self._needed(layer)):
            try:
                layer.begin(name, kind, 0 if self.dealing is None else self.dealing.count)
                begun.append(name)
            except NotDefinedError as reason:
                self.unopened[name] = str(reason)
        return begun

    def _sketch(self, d: int) -> int | None:
        """How many random directions are kept of a layer of width d; None where its covariance is."""
        return self.sketch if self.sketch is not None and self.sketch < d else None

    def _needed(self, layer: LayerStream) -> Iterator[tuple[str, type[Statistic]]]:
        places = ("layer", "top", "network") if layer.top else ("layer",)
        needed = statistics if self.fitted is None else held_statistics
        found: dict[str, type[Statistic]] = {"moments": Moments}
        if layer.sketch is None:  # other statistics may take d x d numbers too
            found |= needed(probe for probe in self.probes if probe.where in places)
        passes = [self.number] if self.fitted is None else list(Pass)
        return ((name, s) for name, s in found.items() if s.in_pass in passes and self._unfed(s) is None)

    def _check(self, forward: Forward, Y: Tensor, batch: int) -> None:
        if self.fitted is not None:
            fit.check_held_out(forward, self.fitted.layers, Y, self.fitted.n)
        if self.layers:
            fit.check_layers(forward, self.layers if self.number is Pass.FIRST else forward.readings)
            fit.check_targets(Y, self.n, batch)
        widths = {key: layer.width for key, layer in self.layers.items()}
        fit.check_features(forward, len(Y), batch, widths, self.sequence_first)


def _at_once(function: Callable[[Item], None], items: Sequence[Item]) -> Iterator[None]:
    return in_parallel(function, items, threads_for(len(items)))
