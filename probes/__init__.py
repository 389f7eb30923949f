"""Tensors to numbers: streaming statistics and the measures of neural collapse, knowing nothing of networks.

Import from here: ``Moments``, ``Directions``, ``Classes`` and ``Nearest`` stream, as any ``Statistic`` does that
takes a ``Batch``; ``Snapshot`` holds what they became; ``CATALOG`` lists every ``Probe``; ``deep``, ``balance``,
``top`` and ``classifier`` hold the measures as plain functions.
"""

from .algebra.lending import lent
from .catalog import CATALOG, STATISTICS
from .catalog.further_rows import numerical_rank
from .catalog.probe import HEATMAP, HELD, OVERVIEW, SUMMARY, Evaluation, Probe, Reference
from .catalog.sketch_rows import SKETCH, of_sketch, sketch_tells
from .heldout import PREFIX as HELD_PREFIX
from .heldout import QUANTITIES as HELD_QUANTITIES
from .heldout import HeldOut
from .intervals import jackknife
from .intervals.jackknife import Interval
from .measures import balance, classifier, deep, top
from .measures.prediction import read_ahead
from .nulls.levels import Null, forget_draws
from .outcome import OK, STATUSES, DegenerateError, NotDefinedError, Outcome, defined
from .snapshot import OF_WEIGHT, Snapshot
from .streaming.classes import Classes, is_one_hot
from .streaming.directions import CentredDirections, Directions
from .streaming.gram import products_by
from .streaming.moments import Moments
from .streaming.nearest import Mislabelled, Nearest
from .streaming.statistic import Batch, Opening, Part, Pass, Statistic
from .subspace import EPS, Spectrum, chance_cosine, principal_cosines, principal_sines, singular, spectrum

__all__ = [
    "CATALOG",
    "EPS",
    "HEATMAP",
    "HELD",
    "HELD_PREFIX",
    "HELD_QUANTITIES",
    "OF_WEIGHT",
    "OK",
    "OVERVIEW",
    "SKETCH",
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
    "forget_draws",
    "is_one_hot",
    "jackknife",
    "lent",
    "numerical_rank",
    "of_sketch",
    "principal_cosines",
    "principal_sines",
    "products_by",
    "read_ahead",
    "singular",
    "sketch_tells",
    "spectrum",
    "top",
]
