"""How much of a network is measured at once."""

from __future__ import annotations

from collections.abc import Sequence

from deepnrc.measuring.finishing.home import CPU
from deepnrc.measuring.streaming.layerstream import LayerStream
from deepnrc.measuring.streaming.memory import half_of_free
from deepnrc.measuring.streaming.parallel import threads_for
from deepnrc.measuring.streaming.streams import Streams

MANY_CLASSES = 256  # from which what their outputs tell takes as long as a layer
MATRICES = 12  # as large as a layer's covariance that are held at once while it is measured


def many_outputs(streams: Streams) -> bool:
    """Whether what all layers read of the network's outputs is worth a core of its own: a classifier of many classes
    beside its widest layer."""
    widest = max(layer.width for layer in streams.layers.values())
    read = any("network_r2" in probe.reads for probe in streams.fitting)
    return read and streams.one_hot and streams.n >= max(MANY_CLASSES, widest // 2)


def at_once(layers: Sequence[LayerStream], more: int) -> int:
    """How many layers, and ``more``, are measured at once: as many as their matrices fit into half of the memory that
    is free."""
    free, widest = half_of_free(CPU), max(max(layer.width, layer.n) for layer in layers)
    threads = threads_for(len(layers) + more)
    return threads if free is None else max(1, min(threads, free // (MATRICES * 8 * widest**2)))
