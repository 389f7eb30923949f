"""Measuring: from a network and data to a report."""

from deepnrc.measuring.attaching import attach
from deepnrc.measuring.attachment import Attachment
from deepnrc.measuring.clusters import BACKENDS, backend
from deepnrc.measuring.finishing.forecast import seconds as finishing_seconds
from deepnrc.measuring.history import probe_checkpoints
from deepnrc.measuring.probing import probe
from deepnrc.measuring.provenance import DataFingerprint
from deepnrc.measuring.selection import select
from deepnrc.measuring.streaming.memory import half_of_free, moments_size
from deepnrc.measuring.streaming.parting import parted
from deepnrc.measuring.streaming.sketching import as_sketch
from deepnrc.measuring.tracking.callbacks.huggingface import transformers_callback
from deepnrc.measuring.tracking.callbacks.lightning import lightning_callback
from deepnrc.measuring.tracking.callbacks.stablebaselines import stable_baselines3_callback
from deepnrc.measuring.tracking.schedule import log_spaced
from deepnrc.measuring.tracking.tracker import Tracker, log_to

__all__ = [
    "BACKENDS",
    "Attachment",
    "DataFingerprint",
    "Tracker",
    "as_sketch",
    "attach",
    "backend",
    "finishing_seconds",
    "half_of_free",
    "lightning_callback",
    "log_spaced",
    "log_to",
    "moments_size",
    "parted",
    "probe",
    "probe_checkpoints",
    "select",
    "stable_baselines3_callback",
    "transformers_callback",
]
