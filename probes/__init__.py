"""Tensors to numbers: streaming statistics and the measures of neural collapse, knowing nothing of networks.

Import from here: ``Moments``, ``Directions``, ``Classes`` and ``Nearest`` stream, as any ``Statistic`` does that
takes a ``Batch``; ``Snapshot`` holds what they became; ``CATALOG`` lists every ``Probe``; ``deep``, ``balance``,
``top`` and ``classifier`` hold the measures as plain functions.
"""

from . import balance, classifier, deep, jackknife, top
from .catalog import CATALOG, STATISTICS
from .classes import Classes, is_one_hot
from .directions import CentredDirections, Directions
from .heldout import HeldOut
from .jackknife import Interval
from .moments import Moments
from .nearest import Mislabelled, Nearest
from .nulls import Null
from .outcome import STATUSES, DegenerateError, NotDefinedError, Outcome, defined
from .probe import HEATMAP, HELD, OVERVIEW, SUMMARY, Evaluation, Probe, Reference
from .snapshot import Snapshot
from .statistic import Batch, Opening, Part, Pass, Statistic
from .subspace import EPS, Spectrum, chance_cosine, principal_cosines, principal_sines, singular, spectrum

__all__ = [
    "CATALOG",
    "EPS",
    "HEATMAP",
    "HELD",
    "OVERVIEW",
    "STATISTICS",
    "STATUSES",
    "SUMMARY",
    "Batch",
    "CentredDirections",
    "Classes",
    "DegenerateError",
    "Directions",
    "Evaluation",
    "HeldOut",
    "Interval",
    "Mislabelled",
    "Moments",
    "Nearest",
    "NotDefinedError",
    "Null",
    "Opening",
    "Outcome",
    "Part",
    "Pass",
    "Probe",
    "Reference",
    "Snapshot",
    "Spectrum",
    "Statistic",
    "balance",
    "chance_cosine",
    "classifier",
    "deep",
    "defined",
    "is_one_hot",
    "jackknife",
    "principal_cosines",
    "principal_sines",
    "singular",
    "spectrum",
    "top",
]
