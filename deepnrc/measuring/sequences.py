"""Networks that read (T, N, d): tokens first, which are easily taken for samples."""

from __future__ import annotations

import warnings
from collections.abc import Collection

from torch import nn

from deepnrc.networks import Forward
from deepnrc.wording import listing


def sequence_first(model: nn.Module) -> tuple[str, ...]:
    """Names of the modules that were built with batch_first=False."""
    return tuple(name for name, m in model.named_modules() if getattr(m, "batch_first", None) is False)


def time_first(model: nn.Module) -> tuple[str, ...]:
    """Names of the modules inside of torch's own transformer layers that read (T, N, d)."""
    kinds = (nn.TransformerEncoderLayer, nn.TransformerDecoderLayer)
    layers = {name: m for name, m in model.named_modules() if isinstance(m, kinds) and not m.self_attn.batch_first}
    return tuple(f"{name}.{part}".strip(".") for name, m in layers.items() for part, _ in m.named_modules())


def warn_of_tokens(forward: Forward, time_first: Collection[str], stacklevel: int) -> None:
    """Warn of layers that are sure to read (T, N, d) and have as many rows as samples: sequences as long as the batch
    is large."""
    read = [r.site.name for r in forward.readings.values() if r.pooled.pool != "none"]
    taken = [name for name in dict.fromkeys(read) if name in time_first]
    if taken:
        warnings.warn(
            f"{listing(taken)} read (T, N, d), as the transformer layer around was built with batch_first=False, "
            "and T is the batch size here: tokens are taken for samples. Build it with batch_first=True.",
            stacklevel=stacklevel,
        )
