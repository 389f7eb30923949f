"""`Tracker`: probes during training, at log-spaced points, gathered in one report."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Protocol

from torch import nn

from deepnrc.arguments import TAU, check_tau, whole
from deepnrc.errors import DataError, UsageError
from deepnrc.measuring.lightning import callback
from deepnrc.measuring.probing import probe
from deepnrc.measuring.settling.remembered import Remembered
from deepnrc.measuring.untrained import beside
from deepnrc.report import Report
from deepnrc.table import ACCURACY, NETWORK, RESTS_ON, SMALLEST, Journal, collapse_onset, join
from deepnrc.wording import Argument, Given, Remedy, listing

PER_DECADE = 8
COLLAPSED = "collapsed"
Stop = str | Callable[[Report], object] | None


class Logger(Protocol):
    """Anything with ``log(dict)``: Weights & Biases, trackio, or your own."""

    def log(self, values: dict[str, Any], /) -> Any: ...


def log_spaced(step: int, per_decade: int = PER_DECADE) -> bool:
    """Whether ``step`` is one of the log-spaced points 0, 1, 2, 3, 4, 6, 7, 10, 13, 18, 24, 32, 42, 56, 75, 100, ..."""
    if step < 2:
        return step >= 0
    exponent = 0
    while (point := round(10 ** (exponent / per_decade))) < step:
        exponent += 1
    return point == step


class Tracker:
    """Probe a network while it trains; call it once an epoch (or step).

    >>> import torch, deepnrc
    >>> net = torch.nn.Sequential(torch.nn.Linear(4, 8), torch.nn.ReLU(), torch.nn.Linear(8, 2))
    >>> tracker = deepnrc.Tracker(net, (torch.randn(64, 4), torch.randn(64, 2)))
    >>> for epoch in range(4):
    ...     _ = tracker()  # after the epoch's training
    >>> tracker.report.steps
    [0, 1, 2, 3]

    Training goes on as if it had not been watched: training flags, torch's random state and that of the
    loader's own generator, if it has one, are put back.

    Args:
        model, loader: as for ``deepnrc.probe``; the loader should give the same samples each time.
        steps: "log" (about eight points a decade), a whole number (every so many steps), or the steps themselves.
        run: label in the table.
        folder: save the report there after each measurement, so that nothing is lost if the run dies. Where it cannot
            be written (a full disk) training goes on with a warning, and all is written with the next measurement.
        replace: whether a report that is already there may be replaced.
        stop_when: when ``should_stop`` becomes true: "collapsed", or a function of the latest measurement.
        tau: noise fraction up to which a layer is low in noise, for ``collapsed``, in (0, 1).
        options: any other argument of ``deepnrc.probe``. Without ``reference=`` step 0 is the reference of what is
            measured later, if it was measured and the network had not learned by then.
    Errors: UsageError for steps that are no schedule, for a folder that cannot be written to or holds a report, and,
        when it measures, for stop_when="collapsed" where what collapse rests on is not measured.
    """

    def __init__(
        self,
        model: nn.Module,
        loader: Any,
        *,
        steps: str | int | Iterable[int] = "log",
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
        self._due = _schedule(steps)
        self._stop_when, self._stop, self.tau = stop_when, False, tau
        self.model, self.loader, self.run = model, loader, run
        self.folder = None if folder is None else Path(folder)
        self._journal: Journal[Report] | None = None if folder is None else Journal(Path(folder), replace)
        self._options = {"remembered": Remembered(), **options, "progress": progress}
        self._reports: dict[int, Report] = {}
        self._last: Report | None = None
        self._next = 0

    def __call__(self, step: int | None = None, *, force: bool = False) -> Report | None:
        """Measure if ``step`` is due and was not measured before, and return that measurement; otherwise None.

        Args:
            step: None counts the calls from 0.
            force: measure also if it is not due, for the last step of a training.
        """
        step = self._next if step is None else whole(step, "A step")
        self._next = step + 1
        if step in self._reports or not (force or self._due(step)):
            return None
        measured = probe(self.model, self.loader, run=self.run, step=step, **self._options)
        if step and self._untrained is not None and self._options.get("reference") is None:
            measured = beside(measured, self._untrained, required="")
        self._last = measured
        self._reports[step] = measured
        if self._journal is not None:
            try:
                self._journal.add(measured)
            except UsageError as error:
                kept = "What was measured is kept, training goes on, and the next measurement tries again."
                warnings.warn(f"{error} {kept}", stacklevel=2)
        self._stop = self._met(measured)
        return measured

    @property
    def _untrained(self) -> Report | None:
        """The measurement at step 0, unless the network had learned before, as one that training goes on with."""
        first = self._reports.get(0)
        return None if first is None or first.verdicts(self.tau)["learned"].eq(True).any() else first

    @property
    def collapsed(self) -> bool:
        """Whether the network was collapsed when it was last measured, from some layer on to the last judged one; not
        before it was measured, nor where it cannot be told."""
        return self._last is not None and _collapsed(self._last, self.tau)

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


def _schedule(steps: str | int | Iterable[int]) -> Callable[[int], bool]:
    if isinstance(steps, str) and steps == "log":
        return log_spaced
    if isinstance(steps, Iterable) and not isinstance(steps, str):
        chosen = frozenset(whole(step, "A step") for step in steps)
        return chosen.__contains__
    if hasattr(steps, "__index__") and not isinstance(steps, bool) and (every := whole(steps, "A step")) >= 1:
        return lambda step: step % every == 0
    raise UsageError(
        Argument("steps", steps), f" must be 'log', a whole number from 1, or several whole numbers; it is {steps!r}."
    )


def flat(report: Report) -> dict[str, float]:
    """One measurement as a flat dict of plain numbers, "layer/measure", for experiment loggers."""
    table = report.table.dropna(subset="value")
    names = table["measure"].where(table["variant"] == "default", table["measure"] + "." + table["variant"])
    names = names.where(table["layer"] == NETWORK, table["layer"] + "/" + names)
    return dict(zip(names.tolist(), table["value"].tolist(), strict=True))


def log_to(tracker: Tracker, logger: Logger, step: int | None = None) -> None:
    """Call the tracker, and hand what it measured, if it did, to a logger with a ``log(dict)`` method."""
    measured = tracker(step)
    if measured is not None:
        logger.log({"step": measured.steps[0], **flat(measured)})


def lightning_callback(tracker: Tracker) -> Any:
    """A Lightning callback that calls the tracker after each training epoch, and stops the trainer where it should.

    Errors: UsageError if neither ``lightning`` nor ``pytorch_lightning`` is installed.
    """

    def measure(step: int) -> dict[str, float]:
        measured = tracker(step)
        return {} if measured is None else flat(measured)

    return callback(measure, lambda: tracker.should_stop)
