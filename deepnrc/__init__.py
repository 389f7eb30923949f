"""DeepNRC: layer probes that measure deep neural regression collapse in any torch network."""

from __future__ import annotations

import importlib
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from deepnrc._version import __version__

_probes = find_spec("probes")  # found and not imported, which would bring torch
if _probes is None or not (_probes.origin and Path(_probes.origin).with_name("catalog").is_dir()):
    raise ImportError(
        f"DeepNRC needs its own package 'probes', but Python found another one at {_probes and _probes.origin}. Rename "
        "that file or folder, or run from another directory."
    )

if TYPE_CHECKING:
    from deepnrc.data import load_data, shard
    from deepnrc.errors import DataError, DeepNRCError, UsageError
    from deepnrc.loading import load_checkpoint, load_model
    from deepnrc.measuring import (
        Attachment,
        Tracker,
        attach,
        lightning_callback,
        log_to,
        probe,
        probe_checkpoints,
        stable_baselines3_callback,
        transformers_callback,
    )
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
    "load_checkpoint",
    "load_data",
    "load_model",
    "log_to",
    "probe",
    "probe_checkpoints",
    "shard",
    "stable_baselines3_callback",
    "transformers_callback",
]

_HOMES = {
    "deepnrc.data": ("load_data", "shard"),
    "deepnrc.errors": ("DataError", "DeepNRCError", "UsageError"),
    "deepnrc.loading": ("load_checkpoint", "load_model"),
    "deepnrc.measuring": (
        "Attachment",
        "Tracker",
        "attach",
        "lightning_callback",
        "log_to",
        "probe",
        "probe_checkpoints",
        "stable_baselines3_callback",
        "transformers_callback",
    ),
    "deepnrc.report": ("Report", "load"),
    "deepnrc.table": ("Table",),
    "probes": (
        "CATALOG",
        "Batch",
        "Classes",
        "Directions",
        "Moments",
        "Opening",
        "Outcome",
        "Part",
        "Pass",
        "Probe",
        "Reference",
        "Snapshot",
        "Statistic",
    ),
}
_HOME = {name: home for home, names in _HOMES.items() for name in names}

if not TYPE_CHECKING:  # to a type checker it would say that there is any name

    def __getattr__(name):
        """A public name, from the module that it lives in, which is imported when it is first asked for."""
        if name not in _HOME:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        value = globals()[name] = getattr(importlib.import_module(_HOME[name]), name)
        return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
