"""`Tracker`: probes during training, at log-spaced points, gathered in one report."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from torch import nn

from deepnrc.arguments import TAU, check_tau, whole
from deepnrc.errors import DataError, UsageError
from deepnrc.measuring.probing import probe
from deepnrc.measuring.settling.remembered import Remembered
from deepnrc.measuring.traces.undisturbed import unwrapped
from deepnrc.measuring.tracking.keeping import Keeping
from deepnrc.measuring.tracking.loggers import Logger, Sink, sink
from deepnrc.measuring.tracking.resuming import Identity
from deepnrc.measuring.tracking.schedule import Steps, schedule
from deepnrc.measuring.untrained import beside
from deepnrc.report import Report
from deepnrc.table import ACCURACY, RESTS_ON, SMALLEST, collapse_onset, join
from deepnrc.wording import Argument, Given, Remedy, listing

COLLAPSED = "collapsed"
Stop = str | Callable[[Report], object] | None


class Tracker:
    """Probe a network while it trains; call it once an epoch (or step).

    >>> import torch, deepnrc
    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> with deepnrc.Tracker(net, (torch.randn(64, 4), torch.randn(64, 2))) as tracker:
    ...     for epoch in range(6):
    ...         _ = tracker()  # after the epoch's training
    >>> tracker.report.steps
    [0, 1, 2, 3, 4, 5]

    At the end of a ``with`` block that no error ended, or at ``finish()``, the last step is measured, due or not.
    Training goes on as if it had not been watched: training flags, torch's random state and that of the
    loader's own generator, if it has one, are put back.

    Args:
        model, loader: as for ``deepnrc.probe``; the loader should give the same samples each time.
        steps: "log" (about eight points a decade), a whole number (every so many steps), or the steps themselves.
        run: label in the table.
        folder: save the report there after each measurement, so that nothing is lost if the run dies. A report of this
            run that is there already goes on: what it holds is not measured again. Run, network but for the weights,
            data and arguments must be the same, and so must the weights at a step where both begin. Where it cannot
            be written (a full disk) training goes on with a warning, and all is written with the next measurement.
        replace: begin anew, whatever is in the folder.
        stop_when: when ``should_stop`` becomes true: "collapsed", or a function of the latest measurement.
        tau: noise fraction up to which a layer is low in noise, for ``collapsed``, in (0, 1).
        options: any other argument of ``deepnrc.probe``. Without ``reference=`` step 0 is the reference of what is
            measured later, if it was measured and the network had not learned by then.
    Errors: UsageError for steps that are no schedule, for a folder that cannot be written to or holds another report,
        and, when it measures, for stop_when="collapsed" where what collapse rests on is not measured.
    """

    def __init__(
        self,
        model: nn.Module,
        loader: Any,
        *,
        steps: Steps = "log",
        run: str | None = None,
        folder: str | Path | None = None,
        replace: bool = False,
        progress: bool = False,
        stop_when: Stop = None,
        tau: float = TAU,
        **options: Any,
    ) -> None:
        check_tau(tau)
        if not (stop_when is None or callable(stop_when) or stop_when == COLLAPSED):
            raise UsageError(
                Argument("stop_when", stop_when),
                f" must be 'collapsed', a function of the latest report, or None; it is {stop_when!r}.",
            )
        self.due = schedule(steps)
        self._stop_when, self._stop, self.tau = stop_when, False, tau
        self.model, self.loader, self.run = model, loader, run
        self.folder = None if folder is None else Path(folder)
        self._options = {"remembered": Remembered(), **options, "progress": progress}
        self._reports: dict[int, Report] = {}
        self._sinks: list[Sink] = []
        self._last: Report | None = None
        self._learned: bool | None = None
        self._next, self._called, self._seen = 0, False, 0
        self._keeping: Keeping | None = None
        if self.folder is not None:
            self._keeping = Keeping(self.folder, replace)
            self._reports = self._keeping.earlier(model, loader, Identity.of(model, run, options), options)

    def __call__(self, step: int | None = None, *, force: bool = False) -> Report | None:
        """Measure if ``step`` is due and was not measured before, and return that measurement; otherwise None.

        Args:
            step: None counts the calls from 0.
            force: measure also if it is not due, for the last step of a training.
        """
        step = self._next if step is None else whole(step, "A step")
        if self._keeping is not None:
            self._keeping.meet(step, self.model, self._reports)
        self._next, self._called = step + 1, True
        measured = None
        if step not in self._reports and (force or self.due(step)):
            measured = self._measured(step)
        self._seen = _version(self.model)
        self._tell()
        return measured

    def __enter__(self) -> Tracker:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None:
            self.finish()

    def finish(self, step: int | None = None) -> Report | None:
        """Measure the last step, due or not, and return that measurement; None if it was measured, or never called.

        Args:
            step: None for the step of the last call, or the next one if the network was trained since then.
        """
        if step is None and not self._called:
            return None
        if step is None:
            step = self._next - 1 + (_version(self.model) != self._seen)
        measured = self(step, force=True)
        self._tell(last=True)
        return measured

    def log_to(self, logger: Any, *, figures: str | Sequence[str] | None = None) -> Tracker:
        """Hand every measurement, those already made too, to a logger: once each, as plain numbers by
        "layer/measure", and as heatmaps where it takes figures.

        Args:
            logger: a run of Weights & Biases or trackio, or the packages themselves once a run has begun; TensorBoard's
                SummaryWriter; the package mlflow; a logger of Lightning's; or anything with ``log(dict)``.
            figures: measures to draw, layers by steps, whenever a quarter more was measured; None for the noise
                fraction, () for no figure.
        Returns: the tracker.
        Errors: UsageError for what is none of these.
        """
        if all(known.logger is not logger for known in self._sinks):
            named = (figures,) if isinstance(figures, str) else None if figures is None else tuple(figures)
            self._sinks.append(sink(logger, named))
            self._sinks[-1].given |= self._keeping.held if self._keeping else set()
        self._tell()
        return self

    def _tell(self, last: bool = False) -> None:
        for one in self._sinks:
            one.give(self._reports, last)

    def _measured(self, step: int) -> Report:
        measured = probe(self.model, self.loader, run=self.run, step=step, **self._options)
        if step and self._options.get("reference") is None and (untrained := self._untrained()) is not None:
            measured = beside(measured, untrained, required="")
        if self._keeping is not None:
            measured = self._keeping.signed(measured)
        self._last = measured
        self._reports[step] = measured
        if self._keeping is not None:
            try:
                self._keeping.add(measured)
            except UsageError as error:
                kept = "What was measured is kept, training goes on, and the next measurement tries again."
                warnings.warn(f"{error} {kept}", stacklevel=3)
        self._stop = self._met(measured)
        return measured

    def _untrained(self) -> Report | None:
        """The measurement at step 0, unless the network had learned before, as one that training goes on with."""
        if (first := self._reports.get(0)) is None:
            return None
        if self._learned is None:
            self._learned = bool(first.verdicts(self.tau)["learned"].eq(True).any())
        return None if self._learned else first

    @property
    def collapsed(self) -> bool:
        """Whether the network was collapsed when it was last measured, from some layer on to the last judged one; not
        before it was measured, nor where it cannot be told."""
        return self._last is not None and _collapsed(self._last, self.tau)

    @property
    def may_stop(self) -> bool:
        """Whether ``stop_when`` was given."""
        return self._stop_when is not None

    @property
    def together(self) -> bool:
        """Whether all processes measure together by ``distributed=True``."""
        return self._options.get("distributed") is True

    def alone(self) -> None:
        """Measure in this process only, whatever process group there is."""
        self._options["distributed"] = False

    @property
    def should_stop(self) -> bool:
        """Whether ``stop_when`` was met when the network was last measured."""
        return self._stop

    def _met(self, measured: Report) -> bool:
        if self._stop_when is None:
            return False
        if callable(self._stop_when):
            return bool(self._stop_when(measured))
        there = measured.measures
        missing = [name for name in RESTS_ON if name not in there and (name != SMALLEST or ACCURACY not in there)]
        if missing:
            raise UsageError(
                Given("stop_when", COLLAPSED), f" rests on {listing(missing)}, which the tracker does not measure. Add "
                "to ", Remedy("probes", [...]), " or leave it out."
            )  # fmt: skip
        return _collapsed(measured, self.tau)

    @property
    def report(self) -> Report:
        """All measurements so far, with a ``step`` column. Errors: DataError if there are none yet."""
        if not self._reports:
            raise DataError("Nothing has been measured yet: call the tracker once an epoch.")
        return join([self._reports[step] for step in sorted(self._reports)])


def _collapsed(measured: Report, tau: float) -> bool:
    return bool(collapse_onset(measured.verdicts(tau))["layers"].gt(0).all())


def _version(model: nn.Module) -> int:
    """A number that grows whenever an optimizer steps, as parameters count what changes them in place."""
    return sum(p._version for p in unwrapped(model).parameters() if not p.is_inference())


def log_to(tracker: Tracker, logger: Logger, step: int | None = None) -> None:
    """Call the tracker, and hand what it measured to a logger, as ``tracker.log_to(logger)`` does from then on."""
    tracker.log_to(logger)
    tracker(step)
