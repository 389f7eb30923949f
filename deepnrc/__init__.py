"""DeepNRC: layer probes that measure deep neural regression collapse in any torch network."""

import probes as _probes
from deepnrc._version import __version__

if not hasattr(_probes, "CATALOG"):
    raise ImportError(
        f"DeepNRC needs its own package 'probes', but Python found another one at {_probes.__file__}. Rename that file "
        "or folder, or run from another directory."
    )

from deepnrc.errors import DataError, DeepNRCError, UsageError
from deepnrc.measuring import Attachment, Tracker, attach, lightning_callback, log_to, probe
from deepnrc.report import Report, load
from deepnrc.table import Table
from probes import (
    CATALOG,
    Batch,
    Classes,
    Directions,
    Moments,
    Opening,
    Outcome,
    Part,
    Pass,
    Probe,
    Reference,
    Snapshot,
    Statistic,
)

__all__ = [
    "CATALOG",
    "Attachment",
    "Batch",
    "Classes",
    "DataError",
    "DeepNRCError",
    "Directions",
    "Moments",
    "Opening",
    "Outcome",
    "Part",
    "Pass",
    "Probe",
    "Reference",
    "Report",
    "Snapshot",
    "Statistic",
    "Table",
    "Tracker",
    "UsageError",
    "__version__",
    "attach",
    "lightning_callback",
    "load",
    "log_to",
    "probe",
]
