"""One measure: what it computes, how it is read, what it is held against, and where it is shown."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from probes.algebra.attributes import once
from probes.doubt import ROUNDED
from probes.heldout import HeldOut
from probes.nulls.levels import Null
from probes.outcome import BELOW_FLOOR, DEGENERATE, NOT_DEFINED, OK, DegenerateError, NotDefinedError, Outcome, defined
from probes.snapshot import Snapshot
from probes.streaming.statistic import Statistic

HELD = "held out"  # variant of what is read on samples that it was not fitted to
OVERVIEW, HEATMAP, SUMMARY = PLACES = ("overview", "heatmap", "summary")


class Source(Protocol):
    """Where a measure's quantities come from."""

    def read(self, name: str, /) -> Any: ...


@dataclass(frozen=True)
class Reference:
    """A level that a measure's values are held against, drawn as a line into curves and as a tick into colour bars.

    Attributes:
        words: what it is; the first of them stands where there is no room for more.
        measure, variant: the measure of the whole network whose value is the level, at each run's last step.
        level: the level itself, where it does not depend on what is measured.
        threshold: whether it is the threshold tau, which whoever draws may choose.
        collapsed: whether a layer that reaches it is collapsed, so that the dark end of its scale lies there.
    """

    words: str
    measure: str = ""
    variant: str = "default"
    level: float | None = None
    threshold: bool = False
    collapsed: bool = False

    @property
    def short(self) -> str:
        """Its first word."""
        return self.words.split()[0]


@dataclass(frozen=True)
class Probe:
    """One measure.

    Attributes:
        name: as it stands in the table; the word before the dot is the family.
        measure: pure function; its parameters are the quantities it reads (``Snapshot`` lists them).
        title: in words, for axes and headings.
        meaning: two sentences for a reader who has not seen the paper.
        formula: in plain text.
        source: paper.
        also: what others call it, papers' own labels among it.
        collapsed: value at full collapse, None where there is none.
        bounds: smallest and largest value.
        better: "low", "high" or "" - which way collapse lies.
        variant: which of several forms this is.
        where: "layer" (every layer), "top" (the last one) or "network" (once).
        log: whether values span decades.
        reference: the level that values are held against beside chance and floor; None where there is none.
        main: whether it is one of the main measures, which have pictures and columns of their own.
        order: where it stands among them, and among those that are told, the lower the earlier.
        shown: where a main measure stands: a panel of overviews and a heatmap by step ("overview"), a column of
            heatmaps across measures ("heatmap"), a column of the summary in a terminal ("summary").
        short: heading where there is room for few letters; "" for the name.
        digits: how a summary prints its values, as a format.
        told: what the last lines of a summary call its value, at the last layer or of the network; "" leaves it out.
        chance: function for what to expect by chance: a ``Null`` with mean and 99 % quantile, or the mean alone.
        floor: function for the value that rounding could make.
        default: whether it is measured when no probes are named.
        direction: which direction of the targets it is about, from 1; tables of fewer targets leave it out. 0 for none.
        top_k: whether it is about the top k directions of the features, and so says nothing where d < 2k.
        classes: whether it is for targets that are classes; elsewhere it is measured only when named, as not defined.
        statistics: classes of the streaming statistics that it brings along, by the names under which its functions
            read them; "moments" are always there.
        counts: whether its values are whole numbers of things, which have no interval.
        held_out: function for its value on samples that it was not fitted to, which reads the quantities of the
            training samples by their names and those of the held-out ones behind ``held_`` (``probes.heldout``).
        unbiased: function for the measure less what it owes to few samples, of which its interval is made; None where
            the jackknife alone takes the bias away.
    """

    name: str
    measure: Callable[..., float | Outcome]
    title: str
    meaning: str = ""
    formula: str = ""
    source: str = ""
    collapsed: float | None = None
    bounds: tuple[float, float] = (0.0, 1.0)
    better: str = ""
    variant: str = "default"
    where: str = "layer"
    log: bool = False
    reference: Reference | None = None
    main: bool = False
    order: int = 100
    shown: tuple[str, ...] = PLACES
    short: str = ""
    digits: str = ".3g"
    told: str = ""
    chance: Callable[..., float | Null] | None = None
    floor: Callable[..., float] | None = None
    default: bool = True
    classes: bool = False
    direction: int = 0
    top_k: bool = False
    statistics: Mapping[str, type[Statistic]] = field(default_factory=dict, hash=False)
    counts: bool = False
    held_out: Callable[..., float | Outcome] | None = None
    unbiased: Callable[..., float | Outcome] | None = None
    also: str = ""

    @property
    def held_variant(self) -> str:
        """The variant under which its held-out value stands in the table."""
        return HELD if self.variant == "default" else f"{HELD}, {self.variant}"

    @property
    def label(self) -> str:
        """Name, and variant where it is not the default one."""
        return self.name if self.variant == "default" else f"{self.name} ({self.variant})"

    @once
    def reads(self) -> tuple[str, ...]:
        """Names of the quantities that the measure, its chance level and its floor read."""
        return tuple(dict.fromkeys(name for names in self._read_by for name in names))

    @once
    def held_reads(self) -> tuple[str, ...]:
        """Names of the quantities that the held-out form reads; () if there is none."""
        return _parameters(self.held_out)

    @once
    def _read_by(self) -> tuple[tuple[str, ...], ...]:
        """The same for each of the three."""
        return tuple(_parameters(function) for function in (self.measure, self.chance, self.floor))

    @once
    def jackknifed(self) -> Probe:
        """The measure that its interval is made of."""
        return self if self.unbiased is None else replace(self, measure=self.unbiased, chance=None, floor=None)

    def evaluate(self, snapshot: Snapshot) -> Evaluation:
        """Measure one layer; what cannot be measured comes back as NaN with a status and a note, never as an error."""
        outcome = self.outcome(snapshot)
        if math.isnan(outcome.value):
            return Evaluation(outcome)
        chance = self.null(snapshot)
        given = _reference(self.floor, self._read_by[2], snapshot)
        floor = None if given is None else float(given)
        outcome = _above(floor, outcome)
        if isinstance(chance, Null):
            return Evaluation(outcome, chance.mean, floor, chance.high)
        return Evaluation(outcome, None if chance is None else float(chance), floor)

    def outcome(self, snapshot: Snapshot) -> Outcome:
        """The measure alone, as ``evaluate`` does it, without chance and floor."""
        return self._outcome(self.measure, self._read_by[0], snapshot)

    def null(self, snapshot: Snapshot) -> Null | float | None:
        """What to expect by chance; None where there is no such level."""
        level: Null | float | None = _reference(self.chance, self._read_by[1], snapshot)
        return level

    def evaluate_held(self, held: HeldOut) -> Evaluation:
        """What the measure reads on samples that it was not fitted to, of a probe that has ``held_out``."""
        if self.held_out is None:
            raise ValueError(f"The probe {self.name!r} has no held-out form. Give it one: Probe(held_out=...).")
        found = self._outcome(self.held_out, self.held_reads, held)
        floor = _reference(self.floor, self._read_by[2], held)
        return Evaluation(found if math.isnan(found.value) else _above(floor, found), None, floor)

    def _outcome(self, function: Callable[..., Any], names: tuple[str, ...], source: Source) -> Outcome:
        try:
            result = _call(function, names, source)
            outcome = result if isinstance(result, Outcome) else Outcome(float(result))
        except NotDefinedError as reason:
            return Outcome(float("nan"), NOT_DEFINED, str(reason))
        except DegenerateError as reason:
            return Outcome(float("nan"), DEGENERATE, str(reason))
        except Exception as error:  # a user's own measure may raise anything
            raise RuntimeError(f"The probe {self.name!r} failed: {type(error).__name__}: {error}") from error
        if math.isnan(outcome.value) and outcome.status == OK:
            return Outcome(outcome.value, DEGENERATE, outcome.note or "the measure gave NaN")
        return outcome


@dataclass(frozen=True)
class Evaluation:
    """A measure's outcome with the chance level and the numerical floor it is to be held against, and the level
    ``chance_high`` that chance exceeds once in a hundred."""

    outcome: Outcome
    chance: float | None = None
    floor: float | None = None
    chance_high: float | None = None


def _parameters(function: Callable[..., Any] | None) -> tuple[str, ...]:
    return () if function is None else tuple(inspect.signature(function).parameters)


def _above(floor: float | None, outcome: Outcome) -> Outcome:
    """The outcome, marked where it is no more than rounding could make."""
    if floor is None or outcome.status != OK or outcome.value > ROUNDED * floor:
        return outcome
    return Outcome(outcome.value, BELOW_FLOOR, outcome.note or "no more than rounding could produce")


def _reference(function: Callable[..., Any] | None, names: tuple[str, ...], snapshot: Source) -> Any:
    """A chance level or floor, or None where what it reads does not exist."""
    return None if function is None else defined(lambda: _call(function, names, snapshot))


def _call(function: Callable[..., Any], names: tuple[str, ...], snapshot: Source) -> Any:
    return function(**{name: snapshot.read(name) for name in names})
