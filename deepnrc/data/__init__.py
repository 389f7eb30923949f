"""Data: batches from loaders, targets as the measures take them, and readers of files."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from deepnrc.data.batches import (
    Samples,
    as_loader,
    call,
    count,
    mapped,
    pairs,
    target_resolution,
    tensors,
    whole_batches,
)
from deepnrc.data.parts import Batch
from deepnrc.data.progress import progress_bar, quiet
from deepnrc.data.reading import Reader
from deepnrc.data.sharding import Shard, shard
from deepnrc.data.targets import Targets, as_targets, as_tensor, is_classes, unit_roundoff

if TYPE_CHECKING:
    from deepnrc.data.sources import load_data, numbers, read_frame, written_resolution

__all__ = [
    "Batch",
    "Reader",
    "Samples",
    "Shard",
    "Targets",
    "as_loader",
    "as_targets",
    "as_tensor",
    "call",
    "count",
    "is_classes",
    "load_data",
    "mapped",
    "numbers",
    "pairs",
    "progress_bar",
    "quiet",
    "read_frame",
    "shard",
    "target_resolution",
    "tensors",
    "unit_roundoff",
    "whole_batches",
    "written_resolution",
]

if not TYPE_CHECKING:  # to a type checker it would say that there is any name

    def __getattr__(name):
        """The readers, with which pandas and PIL come, when one is first asked for."""
        if name not in ("load_data", "numbers", "read_frame", "written_resolution"):
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        return getattr(importlib.import_module("deepnrc.data.sources"), name)
