"""Tensors to numbers: streaming statistics and the measures of neural collapse, knowing nothing of networks.

Import from here: ``Moments`` and ``Directions`` stream; ``Snapshot`` holds what they became; ``CATALOG`` lists every
``Probe``; ``deep`` and ``top`` hold the measures as plain functions.
"""

from . import deep, top
from .catalog import CATALOG, STATISTICS, Evaluation, Probe
from .directions import Directions
from .moments import Moments
from .outcome import STATUSES, DegenerateError, NotDefinedError, Outcome
from .snapshot import Snapshot
from .subspace import Spectrum, chance_cosine, principal_cosines, principal_sines, singular, spectrum

__all__ = [
    "CATALOG",
    "STATISTICS",
    "STATUSES",
    "DegenerateError",
    "Directions",
    "Evaluation",
    "Moments",
    "NotDefinedError",
    "Outcome",
    "Probe",
    "Snapshot",
    "Spectrum",
    "chance_cosine",
    "deep",
    "principal_cosines",
    "principal_sines",
    "singular",
    "spectrum",
    "top",
]
