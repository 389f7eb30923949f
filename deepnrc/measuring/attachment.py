"""`attach`: probes on a network whose loop the user owns."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from types import TracebackType

import torch
from torch import nn

from deepnrc.arguments import whole
from deepnrc.data import as_targets
from deepnrc.errors import DataError, UsageError
from deepnrc.measuring import provenance, readings
from deepnrc.measuring.rows import measured
from deepnrc.measuring.selection import select
from deepnrc.measuring.sequences import sequence_first, time_first
from deepnrc.measuring.streams import Streams
from deepnrc.measuring.tokens import per_token, warn_of_padding
from deepnrc.measuring.undisturbed import ordinary, unwrapped
from deepnrc.networks import (
    AUTO,
    REPEATS,
    ROOT,
    Axis,
    Choice,
    Layers,
    Linears,
    Mask,
    Pool,
    Taps,
    check_axis,
    check_mask,
    check_network,
    check_pool,
    choose,
    entries,
    leaving_out,
    reads_features,
)
from deepnrc.report import Report
from deepnrc.table import as_record
from deepnrc.wording import Argument, Either, Given, Remedy, listing
from probes import CATALOG, Probe


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
    ) -> None:
        check_network(model)
        rank = None if rank is None else _rank(rank)
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
            "layers": layers,
            "pool": pool,
            "rank": rank,
            "probes": probes,
            "repeats": repeats,
            "mask": mask,
            "axis": axis,
            "linears": linears,
        }
        self._taps = Taps(self.model, self.choice.sites, pool, repeats, mask, axis, self.choice.weights)
        self._weights = {name or ROOT: m for name, m in self.model.named_modules() if reads_features(m)}
        self._streams = Streams(
            self.probes,
            {name: width for name, m in self._weights.items() if (width := _outputs(m))},
            chosen=probes is not None,
            sequence_first=sequence_first(self.model),
            time_first=time_first(self.model),
        )
        self._ran: list[str] = []
        self._started = time.perf_counter()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Attachment:
        self._stack.callback(self._taps.remove)
        self._taps.install()
        # hooks added after a compiled module's first call never fire; inside the block everything runs uncompiled
        self._stack.enter_context(torch.compiler.set_stance("force_eager"))
        # torch's fused transformer layers pack padded batches into nested tensors, which have no axes to pool over
        self._stack.callback(torch.backends.mha.set_fastpath_enabled, torch.backends.mha.get_fastpath_enabled())
        torch.backends.mha.set_fastpath_enabled(False)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

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
        seen = {reading.site.name for reading in forward.readings.values()}
        silent = [s.name for s in self.choice.sites if s.name not in seen and self._taps.only is None]
        if silent:
            kept = entries(self.arguments["layers"])
            raise UsageError(
                f"{listing(silent)} did not run in the forward pass, so nothing can be read there. Leave "
                f"{'it' if len(silent) == 1 else 'them'} out: ",
                Remedy("layers", kept + leaving_out(silent, sorted(seen))),
                ".",
            )
        batch = self._streams.batches + 1
        if not self._streams.layers:
            warn_of_padding(forward, stacklevel=5)
        targets, forward = per_token(targets, forward, self._taps.pool, batch)
        y = as_targets(targets, forward.output, batch, resolution)
        if not self._streams.layers:
            self._check_rank({k: r.pooled.rows.shape[1] for k, r in forward.readings.items()})
        self._streams.update(forward, y)
        self._ran = self._ran or forward.ran

    def second_pass(self) -> bool:
        """Begin the second pass over the same data, if a probe that was asked for needs one; say whether it does."""
        with ordinary():
            keys = self._streams.second_pass()
        self._taps.only = keys
        return bool(keys)

    def report(self, run: str | None = None, step: int = 0, *, progress: bool = False, **facts: object) -> Report:
        """Measure every layer from what was observed.

        Args:
            run, step: labels in the table; run, as words, is the network's class name if not given.
            facts: further plain values for the provenance.
        Errors: DataError if nothing was observed.
        """
        if self._streams.samples == 0:
            raise DataError("No samples were observed: the data is empty, or observe() was never called.")
        run, step = type(self.model).__name__ if run is None else str(run), whole(step, "A step")
        with ordinary():
            self._streams.flush()
            rows, read = measured(
                self._streams, self._ran, self._weights, rank=self.rank, run=run, step=step, progress=progress
            )
        seconds = time.perf_counter() - self._started
        record = provenance.record(self.model, self.arguments, self.choice.left_out, seconds, run=run, step=step)
        own = [as_record(probe) for probe in self.probes if probe not in CATALOG]
        notes = {site.name: site.weight.note for site in self.choice.sites if site.weight and site.weight.note}
        record |= {"samples": self._streams.samples, "probes": own, "weights": notes} | facts
        return Report.of(rows, [record], readings.frame(read))

    def _check_rank(self, widths: dict[str, int]) -> None:
        if self.rank is None:
            return
        narrow = [f"{key} ({width})" for key, width in widths.items() if width < self.rank]
        if narrow:
            raise UsageError(
                Given("rank", self.rank),
                f" exceeds the width of {listing(narrow)}. Choose a smaller rank, or leave these layers out.",
            )


def _rank(rank: object) -> int:
    try:
        k = whole(rank, "rank")
    except UsageError:
        k = 0
    if k < 1:
        raise UsageError(
            Argument("rank", rank),
            " must be a whole number from 1",
            Either(", or None for the targets' own", ""),
            f"; it is {rank!r}.",
        )
    return k


def _outputs(module: nn.Module) -> int | None:
    """m, how many outputs a Linear or convolution has; None for what is neither."""
    width = getattr(module, "out_features", None) or getattr(module, "out_channels", None)
    return width if isinstance(width, int) else None


def attach(
    model: nn.Module,
    layers: Layers = "weights",
    pool: Pool = "mean",
    rank: int | None = None,
    probes: Sequence[str | Probe] | str | None = None,
    repeats: str = "error",
    mask: Mask = AUTO,
    axis: Axis = None,
    linears: Linears | None = None,
) -> Attachment:
    """Attach probes to a network whose loop you own.

    >>> import torch, deepnrc
    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> with deepnrc.attach(net) as probes:
    ...     for _ in range(3):
    ...         _ = net(torch.randn(16, 4))
    ...         probes.observe(torch.randn(16, 2))
    ...     report = probes.report()

    Args:
        model: any torch network.
        layers: "weights", "blocks", globs, types or a callable; see ``deepnrc.networks.layers.choose``.
        pool: "mean", "max", "positions", "tokens", "flatten", "cls", "last" or a callable; see
            ``deepnrc.networks.pooling``.
        rank: signal rank k; None for the numerical rank of the targets.
        probes: names or globs from the catalog, or ``Probe`` objects of your own; None for all.
        repeats: what to do with a layer that runs more than once in a pass: "error", "first", "last" or "each".
        mask: which tokens are real: a key of the input, such as "attention_mask", which is used where a dict input has
            it; a function from the input to (N, T); or None.
        axis: of the features in outputs of layers where nothing tells it: a whole number, or one by glob on layers.
        linears: further types of modules that multiply by a weight: ``{MyLinear: lambda m: m.weight}``.
    Errors: UsageError if nothing matches or an argument is not understood.
    """
    return Attachment(model, layers, pool, rank, probes, repeats, mask, axis, linears)
