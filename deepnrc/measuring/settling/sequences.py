"""Networks that read (T, N, d): tokens first."""

from __future__ import annotations

from torch import nn


def sequence_first(model: nn.Module) -> tuple[str, ...]:
    """Names of the modules that were built with batch_first=False."""
    return tuple(name for name, m in model.named_modules() if getattr(m, "batch_first", None) is False)
