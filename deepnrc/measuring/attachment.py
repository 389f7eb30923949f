"""`Attachment`: probes on a network from the first batch to the report."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from types import TracebackType
from typing import Any

import torch
from torch import nn

from deepnrc.arguments import whole
from deepnrc.data import Targets, as_tensor
from deepnrc.errors import DataError, UsageError
from deepnrc.measuring import provenance
from deepnrc.measuring.finishing import readings
from deepnrc.measuring.finishing.forecast import warn_of_long
from deepnrc.measuring.finishing.rows import finished
from deepnrc.measuring.selection import select
from deepnrc.measuring.settling import firstbatch
from deepnrc.measuring.settling.rank import as_rank, check_rank
from deepnrc.measuring.settling.remembered import Remembered, likeness, structure
from deepnrc.measuring.settling.sequences import sequence_first
from deepnrc.measuring.settling.targeting import read_targets, settled_top
from deepnrc.measuring.settling.tokens import per_token, warn_of_padding
from deepnrc.measuring.settling.top import outputs_of, top_names
from deepnrc.measuring.streaming.dealing import Groups, dealing
from deepnrc.measuring.streaming.distributed import Ranks, merge
from deepnrc.measuring.streaming.parting import Parting
from deepnrc.measuring.streaming.sketching import as_sketch
from deepnrc.measuring.streaming.streams import Streams
from deepnrc.measuring.traces.shared import FASTPATH, STANCE, WATCHED, Undoing
from deepnrc.measuring.traces.undisturbed import ordinary, unwrapped
from deepnrc.networks import (
    AUTO,
    CHOSEN,
    REPEATS,
    ROOT,
    Axis,
    Choice,
    Dataflow,
    Forward,
    Layers,
    Layout,
    Linears,
    Mask,
    Output,
    Pool,
    Survey,
    Taps,
    check_axis,
    check_mask,
    check_network,
    check_pool,
    choose,
    picking,
)
from deepnrc.report import Report
from deepnrc.wording import Argument, listing
from probes import Pass, Probe

PLAIN = Layout()


class Attachment:
    """Probes attached to a network; made by ``attach``, used as a context manager.

    Inside the ``with`` block: call the network on a batch, then ``observe(targets)``; after the last batch
    ``report()``. On leaving, every hook is gone, whatever happened. The network is neither switched to evaluation nor
    moved: what is measured is what the calls compute. A compiled network runs uncompiled inside the block.
    """

    def __init__(
        self,
        model: nn.Module,
        layers: Layers = "weights",
        pool: Pool = "mean",
        rank: int | None = None,
        probes: Sequence[str | Probe] | str | None = None,
        repeats: str = "error",
        mask: Mask = AUTO,
        axis: Axis = None,
        linears: Linears | None = None,
        output: Output | None = None,
        top: str | Sequence[str] | None = None,
        remembered: Remembered | None = None,
        groups: Groups = None,
        sketch: int | None = None,
        parting: Parting | None = None,
    ) -> None:
        check_network(model)
        rank = None if rank is None else as_rank(rank)
        if repeats not in REPEATS:
            raise UsageError(Argument("repeats", repeats), f" must be one of {listing(REPEATS)}, not {repeats!r}.")
        check_pool(pool)
        check_mask(mask)
        self.model = unwrapped(model)
        self.rank = rank
        self.probes = select(probes)
        self.choice: Choice = choose(self.model, layers, linears)
        check_axis(axis, [site.name for site in self.choice.sites])
        self.arguments: dict[str, object] = {
            "layers": layers, "pool": pool, "rank": rank, "probes": probes, "repeats": repeats, "mask": mask,
            "axis": axis, "linears": linears,
        }  # fmt: skip
        self._parting, deal = Parting() if parting is None else parting, dealing(groups)
        self._parting.sketch = sketch = as_sketch(sketch, groups=deal is not None)
        given = (("output", output), ("top", top), ("groups", None if deal is None else deal.count), ("sketch", sketch))
        self.arguments |= {name: value for name, value in given if value is not None}
        self.survey: Survey | None = None
        self._top = top_names(top)
        self._modules = {name or ROOT: module for name, module in self.model.named_modules()}
        self._taps = Taps(
            self.model, self.choice.sites, pool, repeats, mask, axis, self.choice.weights, picking(output)
        )
        self._taps.keeping = True
        self._streams = Streams(
            self.probes, probes is not None, sequence_first(self.model), dealing=deal, sketch=sketch
        )
        if output is not None:
            self._streams.network.name = CHOSEN
        self._chosen, self._remembered, self._structure = self.choice, remembered, structure(self.model)
        if remembered is not None:
            found = remembered.recalled(self._structure, self.arguments)
            if found is not None:
                self._settle(found)
        self._rows, self._read = list[dict[str, Any]](), list[readings.SpectralReading]()
        self._started, self._told = time.perf_counter(), set[str]()
        self._undoing = Undoing()

    def __enter__(self) -> Attachment:
        holder = object()
        try:
            self._undoing.note(lambda: WATCHED.release(holder))
            WATCHED.claim([self.model], holder)
            # hooks added after a compiled module's first call never fire; inside the block everything runs uncompiled
            self._undoing.note(lambda: STANCE.release(holder))
            STANCE.hold(holder)
            # torch's fused transformer layers pack padded batches into nested tensors, which have no axes to pool over
            self._undoing.note(lambda: FASTPATH.release(holder))
            FASTPATH.hold(holder)
            torch.backends.mha.set_fastpath_enabled(False)
            self._undoing.note(self._taps.remove)
            self._taps.install()
            return self
        except BaseException:
            self._undoing.close()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._undoing.close()

    @property
    def samples(self) -> int:
        """Samples observed so far."""
        return self._streams.samples

    def observe(self, targets: object, resolution: Sequence[float] | torch.Tensor | None = None) -> None:
        """Pair the targets of a batch with what the network's last call computed.

        Args:
            targets: (N, n), (N,), or integer classes (N,), which become one-hot.
            resolution: half a unit of the last written digit of each target column (n,), where that is known.
        Errors: UsageError if there was no call since the last ``observe``, shapes differ, or a layer did not run;
            DataError if features or targets hold NaN or infinity.
        """
        with ordinary(targets.device if isinstance(targets, torch.Tensor) else None):
            self._observe(targets, resolution)

    def _observe(self, targets: object, resolution: Sequence[float] | torch.Tensor | None) -> None:
        forward = self._taps.take()
        if self._taps.keeping:
            forward = self._first(forward, targets)
        forward.outputs = firstbatch.samples_first(self.survey, forward.outputs)
        seen = {reading.site.name for reading in forward.readings.values()}
        if self._taps.only is None:
            firstbatch.check_all_ran(self.choice, seen, self.arguments["layers"])
        batch = self._streams.batches + 1
        warn_of_padding(forward, self._told, stacklevel=5)
        targets, forward = per_token(targets, forward, self._taps.pool, batch)
        several = None if self._top is None else partial(outputs_of, self.choice.weights, self._top)
        y = read_targets(targets, forward, self._streams.network, self.survey, batch, resolution, several)
        if not self._streams.layers:
            self._begin(forward, y)
        self._streams.update(forward, y)

    def _begin(self, forward: Forward, y: Targets) -> None:
        """Settle what the first batch of a pass settles, and read only the layers that this part is about."""
        if not self._parting.parts:
            check_rank(self.rank, {k: r.pooled.rows.shape[1] for k, r in forward.readings.items()})
            warn_of_long({k: self._parting.shape(r.pooled.rows) for k, r in forward.readings.items()})
            self._streams.top = settled_top(self._top, forward, y, self._streams.network, self.survey, self._taps.pool)
            self._parting.plan(self._streams.bytes_of(forward, y, self._parting.held_out), self._streams.top.key)
        self._streams.depths, self._taps.only = self._parting.depths, self._parting.only
        forward.readings = {key: forward.readings[key] for key in self._parting.here if key in forward.readings}

    def _first(self, forward: Forward, targets: object) -> Forward:
        """See what the first batch tells, unless it is like one that told it before."""
        memory, y = self._remembered, as_tensor(targets, "The target of batch 1")
        batch = likeness(self._taps.inputs, len(y) if y.ndim else 0, forward.ran)
        again = self.survey is not None
        if memory is None or self.survey is None or memory.batch != batch:
            self._taps.sites = self._chosen.sites
            forward = self._look(forward, targets, again)
        if memory is not None and self.survey is not None:
            memory.keep(self.survey, self._structure, self.arguments, batch)
        self._taps.keeping, self._taps.inputs = False, None
        return forward

    def _look(self, forward: Forward, targets: object, again: bool) -> Forward:
        """See what the first batch tells, and read it again where it was not read so, as where its samples do not lie
        on the first axis."""
        found = firstbatch.look(self.model, self._taps, self._chosen, targets, forward.outputs)
        self._settle(found)
        firstbatch.check_layouts(found, forward)
        firstbatch.warn_of_samples(found, stacklevel=6)
        kept = {site.name for site in self.choice.sites}
        plain = all(found.layouts.get(name, PLAIN) == PLAIN for name in kept)
        if plain and not again and not any(site.parameter for site in self.choice.sites):
            forward.readings = {key: r for key, r in forward.readings.items() if r.site.name in kept}
        else:
            forward = firstbatch.read_again(self.model, self._taps)
        return forward

    def _settle(self, found: Survey) -> None:
        products = firstbatch.product_sites(found)
        self.choice = firstbatch.settled(found, self._chosen, products, self.arguments["layers"], self._modules)
        self.survey, self._taps.layouts = found, found.layouts
        self._taps.sites, self._taps.products = self.choice.sites, products

    def second_pass(self) -> bool:
        """Begin the second pass over the same data, if a probe that was asked for needs one; say whether it does."""
        with ordinary():
            keys = self._streams.second_pass()
        self._taps.only = keys
        return bool(keys)

    def merge(self, ranks: Ranks, number: Pass) -> None:
        """Bring together what all ranks observed in a pass. Errors: UsageError for ranks that ran other layers."""
        with ordinary():
            merge(self._streams, ranks, number)

    def held_out(self) -> None:
        """From now on observe samples to which nothing is fitted; the report holds both, and nothing is observed of the
        others any more.

        Errors: UsageError if this was called before; DataError if there are no others.
        """
        with ordinary():
            self._streams = self._streams.held_out()
        self._taps.only = self._parting.only

    @property
    def parts(self) -> int:
        """How often the data is read for the layers' statistics to fit into memory; known from the first batch on."""
        return max(1, len(self._parting.parts))

    def next_part(self, run: str | None, step: int, progress: bool = False) -> bool:
        """Measure the layers that were read, and read the next ones from now on; whether there are any."""
        if not self._parting.more:
            return False
        self._measure(run, step, progress)
        self._parting.number += 1
        self._streams, self._taps.only = (self._streams.fitted or self._streams).next(), self._parting.only
        return True

    def report(self, run: str | None = None, step: int = 0, *, progress: bool = False, **facts: object) -> Report:
        """Measure every layer from what was observed.

        Args:
            run, step: labels in the table; run, as words, is the network's class name if not given.
            facts: further plain values for the provenance.
        Errors: DataError if nothing was observed.
        """
        if self._streams.samples == 0:
            raise DataError("No samples were observed: the data is empty, or observe() was never called.")
        self._measure(run, step, progress)
        streams, seconds = self._streams.fitted or self._streams, time.perf_counter() - self._started
        if self._streams.fitted is not None:
            facts = {**facts, "held_out_samples": self._streams.samples}
        facts = {"samples": streams.samples, **facts}
        record = provenance.record(
            self.model, self.arguments, self.choice, self.probes, seconds, provenance.called(self.model, run), step
        )
        return Report.of(self._rows, [record | facts], readings.frame(self._read))

    def _measure(self, run: str | None, step: int, progress: bool) -> None:
        """Measure every layer that is being read."""
        flow = Dataflow() if self.survey is None else self.survey.dataflow
        with ordinary():
            rows, read = finished(
                self._streams, flow, self.choice.weights, rank=self.rank, run=provenance.called(self.model, run),
                step=whole(step, "A step"), progress=progress, host=self._parting.host,
            )  # fmt: skip
        kept = self._parting.number > 0  # report() may be called again as more is observed
        self._rows, self._read = (self._rows if kept else []) + rows, (self._read if kept else []) + read
