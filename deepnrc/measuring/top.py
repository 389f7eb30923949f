"""Which layer stands in front of the network's outputs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from deepnrc.networks import Forward


@dataclass(frozen=True)
class Top:
    """The top layer's key, or None with ``missing`` saying why there is none."""

    key: str | None
    missing: str = "the network's last layer was not probed"


def top_layer(forward: Forward, outputs: Mapping[str, int], n: int) -> Top:
    """The last weight to run of n outputs, or of any, if it is probed at its input, or else a block that it follows.

    Args:
        outputs: m, how many outputs each weight of the network has, by name.
        n: target width.
    """
    reads = {key: reading.site.reads for key, reading in forward.readings.items()}
    weights = [name for name in forward.ran if name in outputs]
    fitting = [name for name in weights if outputs[name] == n] or weights
    if not fitting:
        return Top(([key for key in reads if reads[key] == "input"] or [*reads])[-1])
    last = fitting[-1]
    at_input = [key for key, r in forward.readings.items() if r.site.name == last and r.site.reads == "input"]
    if at_input:
        return Top(at_input[-1])
    position = len(forward.ran) - 1 - forward.ran[::-1].index(last)
    before = forward.ran[position - 1] if position else None
    followed = before if before is not None and reads.get(before) == "output" else None
    return Top(followed, f"the network's last layer, '{last}', was not probed")
