"""Statistics brought to the CPU, where measures are read off them."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from deepnrc.measuring.streaming.layerstream import LayerStream
from deepnrc.measuring.streaming.streams import Streams

CPU = torch.device("cpu")


def at_home(streams: Streams) -> Streams:
    """The same streams with all statistics on the CPU; themselves if they are there already.

    What a layer's statistics hold stays where its features come while samples stream; read are they where targets,
    outputs and weights can meet, whatever device each came from.
    """
    parts = [streams.network, *streams.parts]
    places = {layer.device for layer in streams.layers.values()}
    places |= {part.residuals.mean.device for part in parts if part.residuals is not None}
    if places <= {CPU}:
        return streams
    made = copy.copy(streams)
    made.layers = {key: _layer(layer) for key, layer in streams.layers.items()}
    made.network, *made.parts = (moved(part, {}) for part in parts)
    made.resolution = moved(streams.resolution, {})
    return made


def _layer(layer: LayerStream) -> LayerStream:
    seen: dict[int, Any] = {}
    statistics, groups, fitted = (moved(held, seen) for held in (layer.statistics, layer.groups, layer.fitted))
    return replace(layer, device=CPU, statistics=statistics, groups=groups, fitted=fitted, waiting={})


def moved(held: Any, seen: dict[int, Any]) -> Any:
    """A copy of a statistic, or of what holds some, whose tensors and devices are the CPU's; what is met twice, as
    ``seen`` tells by its address, stays one."""
    if id(held) in seen:
        return seen[id(held)]
    if isinstance(held, Tensor):
        made: Any = held.to(CPU)
    elif isinstance(held, torch.device):
        made = CPU
    elif isinstance(held, Mapping):
        made = {key: moved(value, seen) for key, value in held.items()}
    elif isinstance(held, list | tuple) and type(held) in (list, tuple):
        made = type(held)(moved(value, seen) for value in held)
    elif hasattr(held, "__dict__") and not isinstance(held, type):
        made = copy.copy(held)
        seen[id(held)] = made
        vars(made).update({name: moved(value, seen) for name, value in vars(held).items()})
    else:
        made = held
    seen[id(held)] = made
    return made
