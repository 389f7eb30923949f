"""Measuring: from a network and data to a report."""

from deepnrc.measuring.attaching import attach
from deepnrc.measuring.attachment import Attachment
from deepnrc.measuring.clusters import BACKENDS, backend
from deepnrc.measuring.history import probe_checkpoints
from deepnrc.measuring.probing import probe
from deepnrc.measuring.provenance import DataFingerprint
from deepnrc.measuring.selection import select
from deepnrc.measuring.tracking import Tracker, lightning_callback, log_spaced, log_to

__all__ = [
    "BACKENDS",
    "Attachment",
    "DataFingerprint",
    "Tracker",
    "attach",
    "backend",
    "lightning_callback",
    "log_spaced",
    "log_to",
    "probe",
    "probe_checkpoints",
    "select",
]
