"""DeepNRC: layer probes that measure deep neural regression collapse in any torch network."""

import probes as _probes
from deepnrc._version import __version__

if not hasattr(_probes, "CATALOG"):
    raise ImportError(
        f"DeepNRC needs its own package 'probes', but Python found another one at {_probes.__file__}. Rename that file "
        "or folder, or run from another directory."
    )

from deepnrc.errors import DataError, DeepNRCError, UsageError
from deepnrc.measuring.attachment import Attachment, attach
from deepnrc.measuring.probing import probe
from deepnrc.measuring.tracking import Tracker, lightning_callback, log_to
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
